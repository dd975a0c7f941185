"""An HTTP server on a socket, which can be stopped at any moment and started again on the same port."""

import asyncio
from collections.abc import Awaitable, Callable

import attrs
from aiohttp import web

from ultravox_async.testing._addresses import url_of

# Thousands of clients may connect at the same moment. One that finds the queue full tries again only after a second.
_BACKLOG = 4096


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

    _runner: web.ServerRunner | None = attrs.field(init=False, default=None)

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
            RuntimeError: it is running already.
            OSError: the port is not available.
        """
        if self._runner is not None:
            message = f"the {self.name} is running already"
            raise RuntimeError(message)
        server = web.Server(self.respond, handler_cancellation=True, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self.host, self.port, backlog=_BACKLOG).start()
        except OSError:
            await runner.cleanup()
            raise
        self.port = runner.addresses[0][1]
        self._runner = runner

    async def stop(self) -> None:
        """Close the port and all connections, those in the middle of an answer too; without a start, do nothing."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        # This also ends the handlers: aiohttp cancels the handler of a request whose connection is lost.
        for transport in _transports(runner):
            transport.abort()
        await runner.cleanup()
        # A transport closes its socket in the next iteration of the event loop.
        await asyncio.sleep(0)


def _transports(runner: web.ServerRunner) -> list[asyncio.Transport]:
    connections = [] if runner.server is None else runner.server.connections
    return [connection.transport for connection in connections if connection.transport is not None]
