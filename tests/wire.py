"""A server that sends scripted bytes, for tests in which the exact bytes or connections matter."""

import asyncio
import contextlib
import itertools
import json
import socket
import struct
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from ssl import SSLContext
from typing import Any, Literal, Self, TypeAlias
from urllib.parse import unquote

import attrs

from ultravox_async import AsyncUltravox, RateLimit, RetryPolicy

_TESTS = Path(__file__).parent

KEY = "CANARY00.0123456789abcdef0123456789abcdef"
PASSWORD = "canary-password-5d1e"

REGISTRATION: Mapping[str, object] = {
    "registrationId": "some-id",
    "created": "2026-07-02T10:00:00Z",
    "username": "alice",
    "proxy": "sip.example.com",
    "outboundProxy": None,
    "authUser": None,
    "successful": True,
}


@attrs.frozen
class Received:
    """A request, as it was received."""

    connection: int
    """The number of its connection, counted from 1."""

    method: str
    target: str
    headers: Mapping[str, str]
    """By name in lower case."""

    body: bytes


@attrs.frozen
class Say:
    """What is sent back, and what happens to the connection after that."""

    data: bytes = b""
    then: Literal["listen", "hang up", "reset", "wait", "drip"] = "listen"


Script: TypeAlias = Callable[[Received], Awaitable[Say]]

HANG_UP = Say(then="hang up")
WAIT = Say(then="wait")


def answer(
    status: int = 200, content: object = None, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Say:
    """Return a complete response: JSON, or `body` as it is."""
    sent = json.dumps(content).encode() if body is None else body
    fields = {"Content-Type": "application/json", "Content-Length": str(len(sent)), **(headers or {})}
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in fields.items())]
    return Say("\r\n".join([*lines, "", ""]).encode() + sent)


async def the_registration_asked_for(request: Received) -> Say:
    """Answer with a registration whose id is the last segment of the path."""
    return answer(200, {**REGISTRATION, "registrationId": unquote(request.target.rpartition("/")[2])})


def in_turn(*said: Say) -> Script:
    """Send the responses one after the other, and repeat the last one."""
    turns = itertools.chain(said, itertools.repeat(said[-1]))

    async def script(_: Received) -> Say:
        return next(turns)

    return script


def client_of(base_url: str, **settings: Any) -> AsyncUltravox:  # noqa: ANN401 - the settings of AsyncUltravox
    """Return a client that retries quickly and without a rate limit, unless `settings` say otherwise."""
    usual: dict[str, Any] = {"retry": RetryPolicy(base_delay=0.001), "rate_limit": RateLimit(None)}
    return AsyncUltravox(KEY, base_url=base_url, **{**usual, **settings})


def shown(error: BaseException) -> str:
    """Return what an error tracker would show: the traceback with the locals of each frame, and the attributes."""
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    _leave_out_the_tests(report)
    return "\n".join([*report.format(), repr(error), repr(vars(error))])


def _leave_out_the_tests(report: traceback.TracebackException) -> None:
    # The tests themselves may have the secrets in their frames.
    report.stack[:] = [frame for frame in report.stack if not Path(frame.filename).is_relative_to(_TESTS)]
    for inner in (report.__cause__, report.__context__, *(report.exceptions or ())):
        if inner is not None:
            _leave_out_the_tests(inner)


class Wire:
    """Listens on a free port of 127.0.0.1 while its context lasts."""

    def __init__(self, script: Script, ssl: SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.base_url = ""
        self._script = script
        self._ssl = ssl
        self._connections = itertools.count(1)
        self._serving: set[asyncio.Task[None]] = set()
        self._open: dict[int, asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._ssl)
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"{'https' if self._ssl else 'http'}://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._serving:
            task.cancel()
        if self._serving:
            await asyncio.wait(self._serving)

    async def until_received(self, count: int) -> None:
        """Wait until so many requests have been received."""
        while len(self.received) < count:  # noqa: ASYNC110 - it is the loop's other tasks that bring them
            await asyncio.sleep(0)

    async def until_closed(self, connection: int) -> None:
        """Wait until a connection is closed, from this side or from the other one."""
        while connection in self._open:  # noqa: ASYNC110 - it is the loop's other tasks that close it
            await asyncio.sleep(0)

    async def close_idle(self, *connections: int) -> None:
        """Close connections on which nothing is said, in one instant, and wait until the client has closed them too."""
        closing = [self._open[connection] for connection in connections]
        for writer in closing:
            if writer.can_write_eof():
                writer.write_eof()
            else:  # with TLS, where this waits for the client
                writer.close()
        while not self._open.keys().isdisjoint(connections):  # noqa: ASYNC110 - it is the loop's other tasks that end
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        connection = next(self._connections)
        self._open[connection] = writer
        # Cancelled by the end of the context, and asyncio complains about a connection's task that ends that way.
        with contextlib.suppress(asyncio.CancelledError, asyncio.IncompleteReadError, ConnectionError):
            await self._converse(connection, reader, writer)
            writer.close()
            await writer.wait_closed()
        writer.transport.abort()
        del self._open[connection]

    async def _converse(self, connection: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            method, target, _ = head[0].split(" ", 2)
            fields = (line.partition(":") for line in head[1:] if line)
            headers = {name.lower(): value.strip() for name, _, value in fields}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            self.received.append(Received(connection, method, target, headers, body))
            said = await self._script(self.received[-1])
            writer.write(said.data)
            while said.then == "drip":
                writer.write(b"1\r\n \r\n")
                await writer.drain()
                await asyncio.sleep(0)
            if said.then == "wait":
                await reader.read()
            if said.then == "reset":
                await writer.drain()
                # With a linger time of zero, closing the connection sends a reset.
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if said.then != "listen":
                return
