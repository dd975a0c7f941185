"""Clients that are closed at random moments: is each close over at once, and does each caller learn of it?"""

import asyncio
import contextlib
import functools
import gc
import json
import random
import socket
import ssl
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Literal, Self, TypeAlias, get_args

import aiohttp
import attrs

from ultravox_async import AsyncUltravox, ClientClosedError, RateLimit, RetryPolicy, ServerError, UltravoxError

from .cancelled import KEY, fill_backlog, registration, tls_contexts
from .leftovers import (
    broken,
    in_use,
    open_files,
    other_tasks,
    pausing,
    transports_to,
    unsent_bytes,
    waiting_for_the_scheduler,
)

# A bound for what is broken; nothing waits for so long where nothing is.
_LONGEST = 20.0
# So many closes that were not over in time say enough about a stage.
_ENOUGH = 3
# Seconds of the processor that a close may use; to end 300 requests takes a fraction of that.
_BUSY = 0.2
# What was aborted is gone after a few turns of the event loop; what the server has to notice takes a few more.
_TURNS_OF_THE_CLIENT = 20
_TURNS_OF_THE_SERVER = 1000
_TURNS_TO_THE_STAGE = 2000
_TURNS_TO_A_CLOSE = 50

ANSWERED = "/api/answered"
"""The path of requests that are answered at every stage that comes behind the connection."""

UPLOADS = "/api/uploads"
BODY = {"data": "x" * 8_000_000}
"""More than the buffers of both ends of a connection hold."""

_MOST_UPLOADS = 4

Stage: TypeAlias = Literal[
    "pacing",
    "place",
    "connect",
    "TLS",
    "upload",
    "headers",
    "body",
    "backoff",
    "page",
    "sweep by get",
    "sweep by list",
    "coalesced",
    "anywhere",
    "anywhere in TLS",
]
STAGES: tuple[Stage, ...] = get_args(Stage)
SWEEPS = frozenset[Stage]({"sweep by get", "sweep by list"})
ANYWHERE = frozenset[Stage]({"anywhere", "anywhere in TLS"})
BEFORE_ANY_ANSWER = frozenset[Stage]({"connect", "TLS"})

Closer: TypeAlias = Literal[
    "the task of an answer",
    "another task",
    "two tasks",
    "a cancelled task",
    "a tracing hook",
    "the ids of a sweep",
    "async with",
]

Call: TypeAlias = Callable[[], Awaitable[object]]

_EVENTS = (
    "on_request_start",
    "on_connection_queued_start",
    "on_connection_create_start",
    "on_connection_create_end",
    "on_connection_reuseconn",
    "on_request_headers_sent",
    "on_request_chunk_sent",
    "on_response_chunk_received",
    "on_request_end",
    "on_request_exception",
)


@attrs.define
class Tally:
    """What came of the closes at one stage."""

    stage: Stage
    closes: int = 0
    at_the_stage: int = 0
    """Closes that began while a request was verifiably at the stage."""

    closers: Counter[str] = attrs.field(factory=Counter[str])
    """Who closed."""

    outcomes: Counter[str] = attrs.field(factory=Counter[str])
    """What the callers got."""

    busy: int = 0
    """Closes that used more of the processor than they should."""

    longest: float = 0.0
    """The most seconds of the processor that a close used."""

    left: Counter[str] = attrs.field(factory=Counter[str])
    """What went wrong or was left behind; all of it has to be 0."""

    samples: list[str] = attrs.field(factory=list[str])
    """Some of what went wrong, as text."""

    @property
    def passed(self) -> bool:
        """Whether each close was over, each caller learned of it, and nothing was left."""
        return self.closes > 0 and not broken(self.left)

    def broke(self, what: str, sample: object = "") -> None:
        """Note something that must not happen."""
        self.left[what] += 1
        if len(self.samples) < 5:
            self.samples.append(f"{what}: {sample!r}")

    def __str__(self) -> str:
        outcomes = ", ".join(f"{count:,} {name}" for name, count in sorted(self.outcomes.items()))
        line = (
            f"{self.stage:16} {self.closes:5,} closes, {self.at_the_stage:5,} of them at the stage, "
            f"{self.busy} busy, {self.longest * 1000:.0f} ms of the processor at most; "
            f"callers: {outcomes}; broken: {broken(self.left) or 'nothing'}"
        )
        return "\n    ".join([line, *self.samples])


class Connection(asyncio.Protocol):
    """One connection at the server, which stops reading where the stage says so."""

    def __init__(self, server: "StallingServer") -> None:
        self._server = server
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self._server.stage == "TLS":
            self._server.held += 1
            return
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if end:
            self._received = rest
            self._answer(head)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._server.connections.discard(self)

    def write(self, data: bytes) -> None:
        """Send something, unless the client is gone."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def abort(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _answer(self, head: bytes) -> None:
        target = head.split(b" ", 2)[1].decode()
        if target == UPLOADS and self._transport is not None:
            self._transport.pause_reading()
        self._server.answer(self, target)


def small_socket() -> socket.socket:
    """Return a socket on a free port, with small buffers, which its connections inherit: a body soon gets stuck."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    bound.bind(("127.0.0.1", 0))
    return bound


class StallingServer:
    """Lets requests get as far as one stage, and no further; those to `ANSWERED` get an answer when told to."""

    def __init__(self, stage: Stage, seed: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.stage: Stage = stage
        self.connections: set[Connection] = set()
        self.held = 0
        """Requests that have reached the stage."""

        self.origin = ""
        self.port = 0
        self._chance = random.Random(seed)  # noqa: S311 - has to be repeatable, guards nothing
        self._tls = tls
        self._sockets = contextlib.ExitStack()
        self._server: asyncio.Server | None = None
        self._waiting: list[Connection] = []
        self._answering = False

    async def __aenter__(self) -> Self:
        listener = self._sockets.enter_context(small_socket())
        self.port = listener.getsockname()[1]
        self.origin = f"{'https' if self.stage in {'TLS', 'anywhere in TLS'} else 'http'}://127.0.0.1:{self.port}"
        if self.stage == "connect":
            listener.listen(0)
            fill_backlog(self.port, self._sockets)
        else:
            tls = self._tls if self.stage == "anywhere in TLS" else None
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(lambda: Connection(self), sock=listener, backlog=1024, ssl=tls)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.forget()
        if self._server is not None:
            self._server.close()
        self._sockets.close()
        await asyncio.sleep(0)

    def answer(self, connection: Connection, target: str) -> None:
        """Answer a request, now or later or never."""
        if target == ANSWERED:
            self._waiting.append(connection)
            if self._answering:
                self.release()
            return
        if not self._answers(target):
            self.held += 1
            if self.stage == "backoff":
                connection.write(_reply(503, b"null"))
            elif self.stage == "body" or (self.stage in ANYWHERE and self._chance.random() < 0.5):
                connection.write(_reply(200, self._content(target))[:-5])
            return
        connection.write(_reply(200, self._content(target)))

    def release(self) -> None:
        """Answer the requests to `ANSWERED`, those that have come and those that will."""
        self._answering = True
        for connection in self._waiting:
            connection.write(_reply(200, b"{}"))
        self._waiting.clear()

    def forget(self) -> None:
        """Drop all connections, for the next client."""
        for connection in self.connections:
            connection.abort()
        self._waiting.clear()
        self._answering = False
        self.held = 0

    def _answers(self, target: str) -> bool:
        if self.stage in {"page", "sweep by list"}:
            return "pageSize" in target
        return self.stage in {"sweep by get", *ANYWHERE} and target != UPLOADS and self._chance.random() < 0.5

    def _content(self, target: str) -> bytes:
        path, _, query = target.partition("?")
        registration_id = path.rpartition("/")[2]
        if registration_id != "registrations":
            return json.dumps(registration(registration_id)).encode()
        link = f"{self.origin}{path}?cursor=2" if "cursor" not in query else None
        return json.dumps({"results": [registration("id-0")], "next": link, "previous": None}).encode()


def _reply(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d Whatever\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


@attrs.frozen
class Plan:
    """One close, as chance decided about it."""

    stage: Stage
    closer: Closer
    requests: int
    pool_size: int
    rate: float | None
    own_session: bool
    event: str
    """The event of aiohttp at which a tracing hook closes."""

    nth: int
    """At which of those events, or behind which id of a sweep."""

    each_time: bool
    """Whether a tracing hook closes at the events behind that one, too."""

    turns: int | None
    """How many turns of the event loop go by before the close; None to wait until the stage is reached."""

    cancelled: int
    """How many callers are cancelled at the same moment."""

    seed: float

    @classmethod
    def drawn(cls, stage: Stage, closer: Closer, chance: random.Random) -> Self:
        """Draw a plan."""
        requests = chance.choice([1, 2, chance.randint(3, 10), chance.randint(3, 10), chance.randint(11, 60)])
        if chance.random() < 0.07:
            requests = chance.randint(61, 300)
        if stage == "upload":
            requests = min(requests, _MOST_UPLOADS)
        rate = chance.choice([1.0, 5.0, 50.0])
        return cls(
            stage,
            closer,
            requests,
            pool_size=chance.choice([1, 2, 5] if stage == "place" else [1, chance.randint(2, 9), 100, 100, 100]),
            rate=rate if stage == "pacing" or (stage != "place" and chance.random() < 0.2) else None,
            own_session=closer == "a tracing hook" or chance.random() < 0.7,
            event=chance.choice(_EVENTS),
            nth=chance.randint(1, requests),
            each_time=chance.random() < 0.3,
            turns=None if chance.random() < 0.5 else chance.choice([0, 1, 2, 3, 4, 5, 8, 13, 30, 80]),
            cancelled=chance.randint(1, 3) if chance.random() < 0.2 else 0,
            seed=chance.random(),
        )


class _Close:
    """One client, its callers, and the close that ends them."""

    def __init__(self, plan: Plan, server: StallingServer, tally: Tally, tls: ssl.SSLContext) -> None:
        self._plan = plan
        self._server = server
        self._tally = tally
        self._tls = tls
        self._chance = random.Random(plan.seed)  # noqa: S311 - has to be repeatable, guards nothing
        self._closing = False
        self._connecting = 0
        self._events = 0
        self._callers: list[asyncio.Task[None]] = []
        self._cancelled: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        self._client: AsyncUltravox

    async def run(self) -> None:
        """Start the callers, close the client at its moment, and look at what there is afterwards."""
        tasks, files = other_tasks(), open_files()
        if not self._plan.own_session:
            limit = self._chance.choice([1, 10, 100])
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=limit, ssl=self._tls), trace_configs=[self._traces()]
            )
        self._client = self._make_client()
        self._callers = [asyncio.create_task(self._call(call)) for call in self._calls()]
        await self._close_at_the_moment()
        await self._see_how_the_callers_end()
        await self._close_again()
        await self._look_for_leftovers(tasks, files)
        self._tally.closes += 1
        self._tally.closers[self._plan.closer] += 1

    def _make_client(self) -> AsyncUltravox:
        own = self._session is None
        return AsyncUltravox(
            KEY,
            base_url=self._server.origin,
            session=self._session,
            ssl=self._tls if own else None,
            trace_configs=[self._traces()] if own else (),
            # Nobody waits for so long, so that a request is in its pause until the client is closed.
            retry=RetryPolicy(base_delay=60.0),
            rate_limit=RateLimit(self._plan.rate),
            pool_size=self._plan.pool_size,
            coalesce_reads=self._plan.stage == "coalesced",
        )

    def _traces(self) -> aiohttp.TraceConfig:
        async def connecting(*_: object) -> None:
            self._connecting += 1

        async def close(*_: object) -> None:
            self._events += 1
            if self._events == self._plan.nth or (self._plan.each_time and self._events > self._plan.nth):
                await self._close()

        traces = aiohttp.TraceConfig()
        traces.on_connection_create_start.append(connecting)
        if self._plan.closer == "a tracing hook":
            getattr(traces, self._plan.event).append(close)
        return traces

    def _calls(self) -> list[Call]:
        numbers = range(self._plan.requests)
        if self._plan.stage in SWEEPS:
            calls: list[Call] = [self._sweep]
        elif self._plan.stage in ANYWHERE:
            kinds = [self._get, self._get, self._list, self._upload, self._sweep_one]
            calls = [functools.partial(self._chance.choice(kinds), each) for each in numbers]
        else:
            kind = {"page": self._list, "upload": self._upload}.get(self._plan.stage, self._get)
            calls = [functools.partial(kind, each) for each in numbers]
        if self._plan.closer in {"the task of an answer", "async with"} and self._plan.stage not in BEFORE_ANY_ANSWER:
            # Among the first, which get a permit, because nobody gives one back.
            calls.insert(self._chance.randrange(min(len(calls), self._plan.pool_size)), self._get_an_answer)
        return calls

    async def _get(self, number: int) -> object:
        shared = self._plan.stage == "coalesced"
        return await self._client.sip.registrations.get(f"id-{number % 3 if shared else number}")

    async def _list(self, _: int) -> object:
        return [each async for each in self._client.sip.registrations.list(page_size=1)]

    async def _upload(self, number: int) -> object:
        # Bodies of some MB, and not three hundred of them.
        body = BODY if number < _MOST_UPLOADS else {}
        return await self._client.request("POST", UPLOADS, json=body)

    async def _sweep(self) -> object:
        via: Literal["get", "list"] = "list" if self._plan.stage == "sweep by list" else "get"
        concurrency = self._chance.choice([1, 10, 100])
        count = 0
        async for outcome in self._client.sip.registrations.get_many(self._ids(), concurrency=concurrency, via=via):
            count += 1
            if outcome.error is not None:
                self._note_error(outcome.error)
        if count < self._plan.requests:
            self._tally.broke("sweeps that end as if they were complete", (self._plan, count))
        return None

    async def _sweep_one(self, number: int) -> object:
        return await self._client.sip.registrations.get_many([f"id-{number}"])

    async def _ids(self) -> AsyncIterator[str]:
        for number in range(self._plan.requests):
            if number + 1 == self._plan.nth and self._plan.closer == "the ids of a sweep":
                await self._close()
            yield f"id-{number}"

    async def _get_an_answer(self) -> None:
        await self._client.request("GET", ANSWERED)
        if self._plan.closer == "the task of an answer":
            await self._close()

    async def _call(self, call: Call) -> None:
        try:
            await call()
        except ClientClosedError:
            self._tally.outcomes["told of the close"] += 1
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the kind of each is what is looked at
            self._note_error(error)
        else:
            self._tally.outcomes["answered"] += 1

    def _note_error(self, error: Exception) -> None:
        name = type(error).__name__
        if isinstance(error, ClientClosedError):
            self._tally.outcomes["ids told of the close"] += 1
        elif isinstance(error, ServerError):  # what came before a pause
            self._tally.outcomes[name] += 1
        elif isinstance(error, UltravoxError):
            self._tally.broke("errors that do not tell of the close", (self._plan, error))
        else:
            self._tally.broke("foreign exceptions", (self._plan, error))

    def _is_at_the_stage(self) -> bool:
        if self._plan.stage in {"pacing", "place"}:
            return waiting_for_the_scheduler(self._client) > 0
        if self._plan.stage == "backoff":
            return pausing(self._client) > 0
        if self._plan.stage == "connect":
            return self._connecting > 0
        if self._plan.stage == "upload":
            return unsent_bytes(self._server.port) > 0
        return self._server.held > 0

    async def _close_at_the_moment(self) -> None:
        if self._plan.turns is None:
            await _until(lambda: self._closing or self._is_at_the_stage(), _TURNS_TO_THE_STAGE)
        for _ in range(self._plan.turns or 0):
            await asyncio.sleep(0)
        self._cancel_some()
        closers: dict[Closer, Callable[[], Awaitable[object]]] = {
            "another task": self._close,
            "two tasks": self._close_twice_at_once,
            "a cancelled task": self._close_and_cancel,
            "async with": self._leave,
        }
        if close := closers.get(self._plan.closer):
            await close()
            return
        self._server.release()
        await _until(lambda: self._closing, _TURNS_TO_A_CLOSE)
        if not self._closing:
            await self._close()

    def _cancel_some(self) -> None:
        running = [each for each in self._callers if not each.done()]
        for caller in self._chance.sample(running, min(len(running), self._plan.cancelled)):
            caller.cancel()
            self._cancelled.append(caller)

    async def _close(self) -> None:
        await self._measure(self._client.close)

    async def _close_twice_at_once(self) -> None:
        first = asyncio.create_task(self._close())
        for _ in range(self._chance.randint(0, 5)):
            await asyncio.sleep(0)
        await asyncio.gather(first, self._close())

    async def _close_and_cancel(self) -> None:
        closing = asyncio.create_task(self._close())
        for _ in range(self._chance.randint(0, 8)):
            await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        await self._close()

    async def _leave(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self._client)
            self._server.release()
            await asyncio.wait(self._callers, return_when=asyncio.FIRST_COMPLETED, timeout=0.001)
            await self._measure(stack.aclose)

    async def _measure(self, close: Callable[[], Awaitable[None]]) -> None:
        if not self._closing and self._is_at_the_stage():
            self._tally.at_the_stage += 1
        self._closing = True
        started = time.process_time()
        try:
            async with asyncio.timeout(_LONGEST):
                await close()
        except TimeoutError:
            self._tally.broke("closes that were not over in time", self._plan)
        except Exception as error:  # noqa: BLE001 - whatever it is, a close does not raise it
            self._tally.broke("closes that raised", (self._plan, error))
        used = time.process_time() - started
        self._tally.longest = max(self._tally.longest, used)
        self._tally.busy += used > _BUSY

    async def _see_how_the_callers_end(self) -> None:
        done, pending = await asyncio.wait(self._callers, timeout=_LONGEST)
        for caller in pending:
            self._tally.broke("callers without an outcome", self._plan)
            caller.cancel()
        if pending:
            await asyncio.wait(pending)
        for caller in done:
            if caller.cancelled():
                self._tally.outcomes["cancelled"] += 1
                if caller not in self._cancelled:
                    self._tally.broke("callers that were cancelled by nobody", self._plan)
            elif caller in self._cancelled:
                self._tally.broke("cancellations that were swallowed", self._plan)

    async def _close_again(self) -> None:
        # A close in a hook or in the ids of a sweep is cancelled with the request that it ends.
        await self._close()
        try:
            await self._client.request("GET", ANSWERED)
        except ClientClosedError:
            return
        except UltravoxError as error:
            self._tally.broke("requests after the close that are not refused", error)
        else:
            self._tally.broke("requests after the close that are not refused")

    async def _look_for_leftovers(self, tasks: set[asyncio.Task[object]], files: int) -> None:
        # The server has tasks too, for a turn or two in which it accepts a connection.
        if not await _until(lambda: other_tasks() <= tasks, _TURNS_OF_THE_CLIENT):
            self._tally.broke("tasks left", (self._plan, other_tasks() - tasks))
        if self._session is not None:
            if in_use(self._session):
                self._tally.broke("connections left in use", self._plan)
            await self._session.close()
        # aiohttp closes the connection of a request that is cancelled in a way that waits for the server, which may
        # never read or say goodbye; of a session that was handed in, the client does not know the connections.
        elif not await _until(lambda: not transports_to(self._server.port), _TURNS_OF_THE_CLIENT):
            self._tally.broke("connections left", self._plan)
        for transport in transports_to(self._server.port):
            transport.abort()
        self._server.forget()
        if not await _until(lambda: open_files() <= files, _TURNS_OF_THE_SERVER):
            self._tally.broke("sockets left", (self._plan, open_files() - files))


async def _until(condition: Callable[[], bool], turns: int) -> bool:
    """Wait for so many turns of the event loop at most; return whether the condition holds."""
    for _ in range(turns):
        if condition():
            return True
        await asyncio.sleep(0)
    return condition()


@contextlib.asynccontextmanager
async def _complaints_of_the_loop(tally: Tally) -> AsyncGenerator[None, None]:
    """Count what asyncio reports that nobody caught, for example the exception of a task that nobody awaited."""
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: tally.broke("complaints of the event loop", context))
    try:
        yield
        gc.collect()
        await asyncio.sleep(0)
    finally:
        loop.set_exception_handler(None)


def closers_at(stage: Stage) -> list[Closer]:
    """Return who can close at a stage."""
    closers: list[Closer] = list(get_args(Closer))
    if stage not in SWEEPS:
        closers.remove("the ids of a sweep")
    return closers


async def close_at(stage: Stage, count: int, seed: int) -> Tally:
    """Close so many clients, about half of them when a request is at the stage for certain, the others anywhere."""
    chance = random.Random(f"{seed}/{stage}")  # noqa: S311 - has to be repeatable, guards nothing
    tally = Tally(stage)
    of_server, of_client = tls_contexts()
    async with _complaints_of_the_loop(tally), StallingServer(stage, f"{seed}/{stage}", of_server) as server:
        closers = closers_at(stage)
        for number in range(count):
            if tally.left["closes that were not over in time"] + tally.left["callers without an outcome"] >= _ENOUGH:
                break
            await _Close(Plan.drawn(stage, closers[number % len(closers)], chance), server, tally, of_client).run()
    return tally
