"""A simulated API for sweeps: a listing and single GETs with latencies of their own, on a clock of its own."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import aclosing
from typing import Any, TypeVar, cast

import attrs

from tests.test_scheduler import PATIENT, FakeClockLoop, run, scheduler_of
from ultravox_async import APITimeoutError, NotFoundError, Outcome, Page, Pager, Sweep, UltravoxError, Via
from ultravox_async._bulk.source import Source
from ultravox_async._http.scheduler import Priority
from ultravox_async._http.telemetry import Telemetry
from ultravox_async._http.transport import Transport

T = TypeVar("T")

# What a client bears before it gives an answer up, in seconds.
TIMEOUT = 120.0
HANGS = 1e6


@attrs.frozen
class World:
    """What a sweep meets."""

    wanted: Sequence[str]
    account: Sequence[str]
    """In the order of the listing."""
    page_size: int = 100
    page_seconds: Callable[[int], float] = lambda _: 0.03
    get_seconds: Callable[[int], float] = lambda _: 0.03
    concurrency: int = 50
    rate: float | None = 200.0
    total: Callable[[int], int | None] = lambda size: size


@attrs.define
class Swept:
    """What came of a sweep."""

    outcomes: list[Outcome[str]] = attrs.field(factory=list[Outcome[str]])
    at: list[float] = attrs.field(factory=list[float])
    pages: int = 0
    gets: int = 0
    in_flight: int = 0
    most_in_flight: int = 0

    @property
    def seconds(self) -> float:
        return self.at[-1]

    @property
    def requests(self) -> int:
        return self.pages + self.gets


class SimulatedTransport:
    """What a sweep needs of a transport, and what sends."""

    prefix = ""

    def __init__(self, world: World, swept: Swept) -> None:
        self.interval = 0.0 if world.rate is None else 1 / world.rate
        self.telemetry = Telemetry((), "https://api.example.com")
        self._scheduler = scheduler_of(world.rate, 100)
        self._swept = swept

    def check_open(self) -> None:
        """Nothing closes it."""

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        return asyncio.get_running_loop().create_task(work)

    async def send(self, seconds: float) -> None:
        self._swept.in_flight += 1
        self._swept.most_in_flight = max(self._swept.in_flight, self._swept.most_in_flight)
        try:
            await self._scheduler.acquire("api", Priority.BACKGROUND, PATIENT)
            self._scheduler.mark_sent("api")
            try:
                await asyncio.sleep(min(seconds, TIMEOUT))
            finally:
                self._scheduler.release("api")
        finally:
            self._swept.in_flight -= 1
        if seconds > TIMEOUT:
            raise APITimeoutError("GET", "/things", "no answer", connected=True)


class Things:
    """The two ways to fetch."""

    def __init__(self, world: World, swept: Swept, transport: SimulatedTransport) -> None:
        self._world = world
        self._swept = swept
        self._transport = transport
        self._known = frozenset(world.account)

    async def get(self, key: str) -> str:
        self._swept.gets += 1
        await self._transport.send(self._world.get_seconds(self._swept.gets))
        if key not in self._known:
            raise NotFoundError(404, "GET", f"/things/{key}")
        return key

    async def pages(self) -> AsyncGenerator[Page[str], None]:
        account, size = self._world.account, self._world.page_size
        for number, first in enumerate(range(0, max(1, len(account)), size), 1):
            self._swept.pages += 1
            await self._transport.send(self._world.page_seconds(number))
            more = "next" if first + size < len(account) else None
            yield Page(list(account[first : first + size]), next=more, total=self._world.total(len(account)))


async def _sweep(world: World, via: Via) -> Swept:
    swept = Swept()
    transport = SimulatedTransport(world, swept)
    things = Things(world, swept, transport)
    source = Source(str, "/things/{id}", things.get, cast("Pager[str]", things), str)
    sweep = Sweep(cast("Transport", transport), world.wanted, source, world.concurrency, via)
    clock = asyncio.get_running_loop().time
    async with aclosing(aiter(sweep)) as outcomes:
        async for outcome in outcomes:
            swept.outcomes.append(outcome)
            swept.at.append(clock())
    assert asyncio.all_tasks() == {asyncio.current_task()}, "it leaves nothing behind"
    return swept


def sweep(world: World, via: Via = "auto") -> Swept:
    """Fetch what is wanted of a world, and return what came of it."""
    return run(_sweep(world, via))


class CreepingLoop(FakeClockLoop):
    """A loop on a clock of its own that also moves while code runs, by `step` seconds whenever it is read."""

    step = 0.0

    def time(self) -> float:
        self._jumping.now += self.step
        return super().time()


def sweep_with_creeping_clock(world: World, step: float) -> Swept:
    """Fetch what is wanted of a world in which each look at the clock takes so many seconds."""
    with asyncio.Runner(loop_factory=CreepingLoop) as runner:
        cast("CreepingLoop", runner.get_loop()).step = step
        return runner.run(_sweep(world, "auto"))


def errors_of(swept: Swept) -> dict[str, UltravoxError]:
    return {outcome.key: outcome.error for outcome in swept.outcomes if outcome.error is not None}
