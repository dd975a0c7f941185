"""Calls that are cancelled at every stage of their life: what do they leave behind, and does the next one work?"""

import asyncio
import contextlib
import json
import random
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Literal, TypeAlias

import attrs
import trustme

from ultravox_async import AsyncUltravox, RateLimit, RetryPolicy, UltravoxError

from .leftovers import broken, left_in, other_tasks, pausing, waiting_at_the_gate

CONCURRENT = 50
_KEY = "CAMPAIGN.not-a-key-of-anybody-anywhere-00"
_PATH = "/api/anything"
# A bound for what is broken; nothing waits for so long where nothing is.
_LONGEST = 20.0
_REGISTRATION = {
    "registrationId": "some-id",
    "created": "2026-07-02T10:00:00Z",
    "username": "alice",
    "proxy": "sip.example.com",
    "outboundProxy": None,
    "authUser": None,
    "successful": True,
}

Stage: TypeAlias = Literal[
    "pacing", "place", "connect", "TLS", "headers", "body", "backoff", "page", "sweep", "anywhere", "anywhere in TLS"
]
STAGES: tuple[Stage, ...] = (
    "pacing",
    "place",
    "connect",
    "TLS",
    "headers",
    "body",
    "backoff",
    "page",
    "sweep",
    "anywhere",
    "anywhere in TLS",
)
_Call: TypeAlias = Callable[[AsyncUltravox], Awaitable[object]]


@attrs.define
class Tally:
    """What came of the cancellations at one stage."""

    stage: Stage
    cancelled: int = 0
    """Calls that ended with CancelledError."""

    at_the_stage: int = 0
    """Those of them that had verifiably reached the stage."""

    finished: int = 0
    """Calls that were over before they could be cancelled."""

    swallowed: int = 0
    """Calls that were cancelled and did not end with CancelledError."""

    succeeded: int = 0
    """Calls that succeeded afterwards; as many as run at once have to."""

    left: dict[str, int] = attrs.field(factory=dict[str, int])
    """What is left; all of it has to be 0."""

    @property
    def passed(self) -> bool:
        """Whether nothing was swallowed, nothing is left, and everything works afterwards."""
        worked = self.succeeded == CONCURRENT and self.cancelled > 0
        return worked and self.swallowed == 0 and not broken(self.left)

    def __str__(self) -> str:
        return (
            f"{self.stage:16} {self.cancelled:6,} cancelled, {self.at_the_stage:6,} of them at the stage, "
            f"{self.finished:5,} too late, {self.swallowed} swallowed, then {self.succeeded} of {CONCURRENT} succeeded, "
            f"left: {broken(self.left) or 'nothing'}"
        )


class Obstacle:
    """A server that lets no request get past one stage, until it is told to serve."""

    def __init__(self, stage: Stage, tls: ssl.SSLContext | None) -> None:
        self._stage: Stage = stage
        self._tls = tls
        self._seen = asyncio.Condition()
        self._conversations: set[asyncio.Task[None]] = set()
        self.arrived = 0
        """Requests, or connections where the stage comes before any request, that have reached the stage."""

        self.serving = False

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Listen on a free port while the context lasts."""
        with contextlib.ExitStack() as sockets:
            listener = sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
            port: int = listener.getsockname()[1]
            if self._stage == "connect":
                # The queue of a listener with whom nobody is accepted holds one; those behind it get no answer.
                for _ in range(2):
                    filler = sockets.enter_context(socket.socket())
                    filler.setblocking(False)  # noqa: FBT003 - its only argument
                    filler.connect_ex(("127.0.0.1", port))
            self._listener: socket.socket | None = listener
            self._server: asyncio.Server | None = None
            if self._stage != "connect":
                await self._accept()
            try:
                yield port
            finally:
                await self._stop()

    async def serve(self) -> None:
        """Let everything pass from now on."""
        self.serving = True
        if self._server is None:
            await self._accept()

    async def _accept(self) -> None:
        self._server = await asyncio.start_server(
            self._converse, sock=self._listener, backlog=1024, ssl=self._tls if self._stage != "TLS" else None
        )

    async def _stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for each in self._conversations:
            each.cancel()
        if self._conversations:
            await asyncio.wait(self._conversations)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._conversations.add(task)
        task.add_done_callback(self._conversations.discard)
        # asyncio complains about the task of a connection that ends with an error, and this one ends with any of them.
        with contextlib.suppress(asyncio.CancelledError, asyncio.IncompleteReadError, OSError):
            if self._stage == "TLS" and not self.serving:
                self.arrived += 1
                await reader.read()
            if self._stage == "TLS" and self._tls is not None:
                await writer.start_tls(self._tls)
            while True:
                await self._answer(reader, writer)
        writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        status, content = self._status_and_content(head.split(b" ", 2)[1].decode())
        body = json.dumps(content).encode()
        self.arrived += 1
        held = not self.serving and self._stage in {"headers", "place", "sweep", "body"}
        if self._stage == "page" and not self.serving and b"cursor" in head:
            held = True
        whole = b"HTTP/1.1 %d Whatever\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)
        writer.write(b"" if held and self._stage != "body" else whole[: -len(body) // 2] if held else whole)
        await writer.drain()
        if held:
            await reader.read()
            raise ConnectionResetError

    def _status_and_content(self, target: str) -> tuple[int, object]:
        if self._stage == "backoff" and not self.serving:
            return 503, {"detail": "later"}
        if target.startswith("/api/sip/registrations/"):
            return 200, _REGISTRATION
        more = self._stage == "page" and "cursor" not in target
        return 200, {"results": [_REGISTRATION], "next": f"{self.origin}{_PATH}?cursor=2" if more else None}

    origin = ""


@attrs.frozen
class Scene:
    """A client before an obstacle."""

    client: AsyncUltravox
    obstacle: Obstacle
    call: Callable[[], Awaitable[object]]
    """What is to be cancelled."""

    _at_the_stage: Callable[[], int]

    async def reach(self, more: int) -> None:
        """Wait until so many more calls have reached the stage."""
        goal = more if self._at_the_stage() == 0 or self.obstacle.serving else 0
        async with asyncio.timeout(_LONGEST):
            while self._at_the_stage() < goal:
                await asyncio.sleep(0)
