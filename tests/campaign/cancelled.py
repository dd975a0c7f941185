"""Calls that are cancelled at every stage of their life: what do they leave behind, and does the next one work?"""

import asyncio
import contextlib
import json
import random
import socket
import ssl
from collections.abc import AsyncGenerator
from typing import Literal, Self, TypeAlias

import aiohttp
import attrs
import trustme

from ultravox_async import AsyncUltravox, RateLimit, RetryPolicy

from .leftovers import broken, left_in, other_tasks, pausing, waiting_for_the_scheduler

CONCURRENT = 50
KEY = "CAMPAIGN.not-a-key-of-anybody-anywhere-00"
# A bound for what is broken; nothing waits for so long where nothing is.
_LONGEST = 20.0
# One round of the event loop for some of them, so that they are cancelled in different rounds.
_PAUSE_BEFORE_CANCELLING = 0.25

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
# What a scene counts when all calls are there. Of those that wait for a place one does not, because it has it; a sweep
# is two requests at once, a listing one that is answered and one that is not.
_CALLS_AT_THE_STAGE: dict[Stage, int] = {
    "place": CONCURRENT - 1,
    "connect": CONCURRENT,
    "TLS": CONCURRENT,
    "headers": CONCURRENT,
    "body": CONCURRENT,
    "backoff": CONCURRENT,
    "page": CONCURRENT,
    "sweep": 2 * CONCURRENT,
}


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
            f"{self.finished:5,} too late, {self.swallowed} swallowed, "
            f"then {self.succeeded} of {CONCURRENT} succeeded, left: {broken(self.left) or 'nothing'}"
        )


def registration(registration_id: str) -> dict[str, object]:
    """Return a registration as the API sends it."""
    return {
        "registrationId": registration_id,
        "created": "2026-07-02T10:00:00Z",
        "username": "alice",
        "proxy": "sip.example.com",
        "outboundProxy": None,
        "authUser": None,
        "successful": True,
    }


def fill_backlog(port: int, sockets: contextlib.ExitStack) -> None:
    """Connect to a listener that accepts nobody until it has no room left: who comes later gets no answer."""
    # With a backlog of 0 there is room for one or two.
    for _ in range(3):
        filler = sockets.enter_context(socket.socket())
        filler.setblocking(False)  # noqa: FBT003 - its only argument
        filler.connect_ex(("127.0.0.1", port))


class Obstacle:
    """A server that lets no request get past one stage, until it is told to serve."""

    def __init__(self, stage: Stage, tls: ssl.SSLContext) -> None:
        self._stage: Stage = stage
        self._tls = tls
        self._conversations: set[asyncio.Task[None]] = set()
        self._sockets = contextlib.ExitStack()
        self._listener: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self.origin = ""
        self.arrived = 0
        """Requests, or connections where the stage comes before any request, that have reached the stage."""

        self.held = 0
        """Requests that got no answer."""

        self.serving = stage in {"anywhere", "anywhere in TLS", "pacing"}

    async def __aenter__(self) -> Self:
        self._listener = self._sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port: int = self._listener.getsockname()[1]
        self.origin = f"{'https' if self._stage in {'TLS', 'anywhere in TLS'} else 'http'}://127.0.0.1:{port}"
        if self._stage == "connect":
            fill_backlog(port, self._sockets)
        else:
            await self._accept()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for each in self._conversations:
            each.cancel()
        if self._conversations:
            await asyncio.wait(self._conversations)
        self._sockets.close()
        await asyncio.sleep(0)

    async def serve(self) -> None:
        """Let everything pass from now on."""
        self.serving = True
        if self._server is None:
            await self._accept()

    async def _accept(self) -> None:
        tls = self._tls if self._stage == "anywhere in TLS" else None
        self._server = await asyncio.start_server(self._converse, sock=self._listener, backlog=1024, ssl=tls)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._conversations.add(task)
        task.add_done_callback(self._conversations.discard)
        # asyncio complains about the task of a connection that ends with an error, and this one ends with any of them.
        with contextlib.suppress(asyncio.CancelledError, asyncio.IncompleteReadError, OSError):
            if self._stage == "TLS":
                await self._shake_hands(reader, writer)
            while True:
                await self._answer(reader, writer)
        writer.transport.abort()

    async def _shake_hands(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.serving:
            await writer.start_tls(self._tls)
        else:
            self.arrived += 1
            await reader.read(-1)
            raise ConnectionResetError

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
        status, content = 200, self._content(target)
        held = not self.serving and (self._stage != "page" or "cursor" in target)
        if held and self._stage == "backoff":
            status, held = 503, False
        body = json.dumps(content).encode()
        head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        if not held:
            writer.write(head + body)
        elif self._stage == "body":
            writer.write(head + body[:5])
        self.arrived += 1
        await writer.drain()
        if held:
            self.held += 1
            await reader.read(-1)
            raise ConnectionResetError

    def _content(self, target: str) -> object:
        if target.startswith("/api/sip/registrations/"):
            return registration(target.rpartition("/")[2])
        first_of_two = self._stage == "page" and "cursor" not in target
        link = f"{self.origin}/api/sip/registrations?cursor=2" if first_of_two else None
        return {"results": [registration("some-id")], "next": link, "previous": None}


class Scene:
    """A client before an obstacle."""

    def __init__(self, stage: Stage, obstacle: Obstacle, client: AsyncUltravox, connecting: list[str]) -> None:
        self.stage: Stage = stage
        self.obstacle = obstacle
        self.client = client
        self._connecting = connecting

    async def call(self) -> object:
        """Do what is to be cancelled."""
        registrations = self.client.sip.registrations
        if self.stage == "page":
            return [each async for each in registrations.list(page_size=1)]
        if self.stage == "sweep":
            return await registrations.get_many((f"id-{each}" for each in range(20)), concurrency=2)
        return await registrations.get("some-id")

    def at_the_stage(self) -> int:
        """Count the calls that are at the stage, or have been there."""
        if self.stage in {"pacing", "place"}:
            return waiting_for_the_scheduler(self.client)
        if self.stage == "backoff":
            return pausing(self.client)
        if self.stage == "connect":
            return len(self._connecting)
        if self.stage == "page":
            return self.obstacle.held
        return self.obstacle.arrived

    async def reach(self, calls: int) -> None:
        """Wait until so many calls are at the stage, or have been there."""
        async with asyncio.timeout(_LONGEST):
            while self.at_the_stage() < calls:  # noqa: ASYNC110 - the stages have no event in common
                await asyncio.sleep(0)

    async def start_calls(self) -> list[asyncio.Task[object]]:
        """Start the calls that are to be cancelled."""
        calls = [asyncio.create_task(self.call()) for _ in range(CONCURRENT)]
        await asyncio.sleep(0)
        return calls

    async def start_calls_that_queue(self) -> list[asyncio.Task[object]]:
        """Start calls of which each waits for its pacing slot, because this second's are used up."""
        while True:
            await asyncio.gather(*await self.start_calls())
            calls = await self.start_calls()
            if self.at_the_stage() == CONCURRENT:
                return calls
            await asyncio.gather(*calls)


@contextlib.asynccontextmanager
async def scene_of(stage: Stage) -> AsyncGenerator[Scene, None]:
    """Build the scene at which a call gets as far as this stage, and no further."""
    connecting: list[str] = []

    async def note(_: aiohttp.ClientSession, __: object, ___: aiohttp.TraceConnectionCreateStartParams) -> None:
        connecting.append("one more")

    events = aiohttp.TraceConfig()
    events.on_connection_create_start.append(note)
    of_server, of_client = tls_contexts()
    async with Obstacle(stage, of_server) as obstacle:
        client = AsyncUltravox(
            KEY,
            base_url=obstacle.origin,
            ssl=of_client,
            trace_configs=[events],
            retry=RetryPolicy(base_delay=60.0 if stage == "backoff" else 0.001),
            rate_limit=RateLimit(float(CONCURRENT) if stage == "pacing" else None),
            pool_size=1 if stage == "place" else 2 * CONCURRENT,
        )
        async with client:
            yield Scene(stage, obstacle, client, connecting)


def tls_contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return the contexts of a server on 127.0.0.1 and of the clients that trust it."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.issue_cert("127.0.0.1").configure_cert(server)  # pyright: ignore[reportUnknownMemberType] - partly typed in trustme
    authority.configure_trust(client)  # pyright: ignore[reportUnknownMemberType] - partly typed in trustme
    return server, client


async def cancel_at(stage: Stage, count: int, seed: int) -> Tally:
    """Cancel so many calls, `CONCURRENT` at a time: half of them at the stage for certain, the others anywhere."""
    chance = random.Random(f"{seed}/{stage}")  # noqa: S311 - has to be repeatable, guards nothing
    tally = Tally(stage)
    before = other_tasks()
    async with scene_of(stage) as scene:
        # Bounded, because of those that are cancelled anywhere some are over too early.
        for batch in range(10 * -(-count // CONCURRENT)):
            if tally.cancelled >= count:
                break
            await _cancel_some(scene, tally, chance, for_certain=batch % 2 == 0)
        tally.left = left_in(scene.client)
        await scene.obstacle.serve()
        async with asyncio.timeout(_LONGEST):
            again = await asyncio.gather(*(scene.call() for _ in range(CONCURRENT)), return_exceptions=True)
        tally.succeeded = sum(not isinstance(each, BaseException) for each in again)
        tally.left |= {f"{name} after the end": left for name, left in left_in(scene.client).items()}
    tally.left["tasks after the end"] = len(other_tasks() - before)
    return tally


async def _cancel_some(scene: Scene, tally: Tally, chance: random.Random, *, for_certain: bool) -> None:
    there = scene.at_the_stage()
    if for_certain and scene.stage == "pacing":
        async with asyncio.timeout(_LONGEST):
            calls = await scene.start_calls_that_queue()
        tally.at_the_stage += CONCURRENT
    else:
        calls = await scene.start_calls()
    if for_certain and scene.stage in _CALLS_AT_THE_STAGE:
        await scene.reach(there + _CALLS_AT_THE_STAGE[scene.stage])
        tally.at_the_stage += CONCURRENT
    chance.shuffle(calls)
    cancelled: list[asyncio.Task[object]] = []
    for call in calls:
        if chance.random() < _PAUSE_BEFORE_CANCELLING:
            await asyncio.sleep(0)
        if call.cancel():
            cancelled.append(call)
    tally.finished += len(calls) - len(cancelled)
    async with asyncio.timeout(_LONGEST):
        await asyncio.wait(calls)
    tally.cancelled += sum(call.cancelled() for call in cancelled)
    tally.swallowed += sum(not call.cancelled() for call in cancelled)
    for call in calls:
        if not call.cancelled() and (error := call.exception()) is not None:
            raise error
