"""An HTTP server on a socket, which can be stopped at any moment and started again on the same port."""

import asyncio
from collections.abc import Awaitable, Callable

import attrs
from aiohttp import web

from ultravox_async.testing._addresses import url_of

# Thousands of clients may connect at the same moment. One that finds the queue full tries again only after a second.
_BACKLOG = 4096
# How many seconds handlers have to end after they were cancelled.
_TIME_TO_END = 1.0


@attrs.define(eq=False)
class Server:
    """An HTTP server, which serves in the event loop in which it is started."""

    name: str
    """What errors call it."""

    respond: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
    """Answers a request. It is cancelled when the connection of the request is lost."""

    host: str
    """The host name or IP address to listen on."""

    port: int
    """The port to listen on, 0 for any free one; once started, the port that it has."""

    # The server is there from the beginning of a start; the listener, which has its sockets, as soon as there are any.
    _server: web.Server | None = attrs.field(init=False, default=None)
    _listener: asyncio.Server | None = attrs.field(init=False, default=None)
    _closed: web.Server | None = attrs.field(init=False, default=None)

    @property
    def base_url(self) -> str:
        """The URL to give to clients; it is the same after each start.

        Raises:
            RuntimeError: `port` is 0, because it was never started.
        """
        if self.port == 0:
            message = f"the {self.name} has no address before it is started"
            raise RuntimeError(message)
        return url_of(self.host, self.port)

    async def start(self) -> None:
        """Listen; after a stop, on the same port as before.

        Raises:
            RuntimeError: it is running already, or was closed while it started.
            OSError: the port is not available.
        """
        if self._server is not None:
            message = f"the {self.name} is running already"
            raise RuntimeError(message)
        server = self._server = web.Server(self.respond, handler_cancellation=True, access_log=None)
        try:
            await self._listen(server)
        except BaseException:
            if self._server is server:
                self.close()
            raise
        if self._server is not server:
            message = f"the {self.name} was stopped while it started"
            raise RuntimeError(message)

    async def _listen(self, server: web.Server) -> None:
        # It begins to serve in a second step: a cancellation of the first one leaves no socket that nobody knows.
        listener = await asyncio.get_running_loop().create_server(
            server, self.host, self.port, backlog=_BACKLOG, start_serving=False
        )
        if self._server is not server:
            listener.close()
            return
        self._listener = listener
        self.port = listener.sockets[0].getsockname()[1]
        await listener.start_serving()

    def close(self) -> None:
        """Close the port and all connections, those in the middle of an answer too; without a start, do nothing.

        Nothing is awaited, so that nobody can cancel it halfway. `wait_closed` waits for the effects.
        """
        if self._listener is not None:
            self._listener.close()
        if self._server is not None:
            # This also ends the handlers: aiohttp cancels the handler of a request whose connection is lost.
            for connection in self._server.connections:
                if connection.transport is not None:
                    connection.transport.abort()
            self._closed = self._server
        self._listener = self._server = None

    async def wait_closed(self) -> None:
        """Wait until everything that was closed has ended."""
        if self._closed is not None:
            # A transport closes its socket in the next iteration of the event loop.
            await asyncio.sleep(0)
            await self._closed.shutdown(_TIME_TO_END)
            await asyncio.sleep(0)
