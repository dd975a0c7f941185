"""The longest stall of the event loop: how late a 1 ms ticker is during a sweep, and while large pages are decoded."""

import asyncio
import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import aiohttp

from benchmarks.memory import random_ids
from benchmarks.rounds import KEY, PATH, Effort, Fetch, Row, by_hand, percentile, serving, spread_of
from ultravox_async import AsyncUltravox, RateLimit

_TICK = 0.001
_SHARE = 0.999

Work = Callable[[], Awaitable[object]]


async def lateness(work: Work, seconds: float) -> list[tuple[float, float]]:
    """Return the lateness and the CPU time of each tick, in milliseconds, while `work` is repeated for so long.

    A tick that is late without CPU time had to wait for another process, which is not a stall of this event loop.
    """
    late: list[tuple[float, float]] = []

    async def tick() -> None:
        while True:
            busy, due = time.thread_time(), time.perf_counter() + _TICK
            await asyncio.sleep(_TICK)
            late.append(((time.perf_counter() - due) * 1e3, (time.thread_time() - busy) * 1e3))

    ticker = asyncio.create_task(tick())
    ends_at = time.perf_counter() + seconds
    while time.perf_counter() < ends_at or not late:
        await work()
    ticker.cancel()
    await asyncio.wait([ticker])
    return late


async def against_a_ticker(effort: Effort) -> list[Row]:
    """Measure both kinds of work, the same with plain aiohttp, and an idle loop."""
    with serving("--registrations", "1000") as base_url:
        async with (
            AsyncUltravox(KEY, base_url=base_url, rate_limit=RateLimit(None)) as ultravox,
            aiohttp.ClientSession(headers={"X-API-Key": KEY}) as session,
            by_hand(base_url) as hand,
        ):
            registrations = ultravox.sip.registrations

            async def sweep() -> None:
                async for _ in registrations.get_many(random_ids(500), via="get"):
                    pass

            async def page() -> None:
                async for _ in registrations.list(page_size=1000).pages():
                    pass

            async def page_by_hand() -> None:
                async with session.get(f"{base_url}{PATH}?pageSize=1000") as response:
                    await response.json()

            works: dict[str, Work] = {
                "sweep": sweep,
                "sweep by hand": lambda: _sweep_by_hand(hand),
                "pages": page,
                "pages by hand": page_by_hand,
                "idle": lambda: asyncio.sleep(0.05),
            }
            late: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in works}
            # As a service that cares about latency does after its start: a full garbage collection visits everything
            # that was ever imported, which takes longer the more that is.
            gc.collect()
            gc.freeze()
            for _ in range(effort.rounds):
                for name, work in works.items():
                    late[name].append(await lateness(work, 0.1 if effort.quick else 2.0))
    return [
        _row("longest stall while sweeping at full speed", "sweep", late),
        _row("longest stall while decoding pages of 1,000", "pages", late),
    ]


async def _sweep_by_hand(fetch: Fetch) -> None:
    ids = random_ids(500)

    async def work() -> None:
        for registration_id in ids:
            await fetch(registration_id)

    await asyncio.gather(*(work() for _ in range(50)))


def _row(what: str, name: str, late: Mapping[str, Sequence[Sequence[tuple[float, float]]]]) -> Row:
    def tails(side: str, *, cpu: bool = False) -> list[float]:
        return [percentile([tick[cpu] for tick in ticks], _SHARE) for ticks in late[side]]

    ours = tails(name)
    most = max(tick[0] for ticks in late[name] for tick in ticks)
    of_others = ", ".join(
        f"{label} {statistics.median(tails(side)):.1f} ms"
        for label, side in (("by hand", f"{name} by hand"), ("idle", "idle"))
    )
    return Row(
        what,
        "a 1 ms ticker in the same loop",
        f"{statistics.median(ours):.1f} ms p99.9, {most:.1f} ms max",
        spread_of(ours),
        "at most 10 ms p99.9",
        f"CPU {statistics.median(tails(name, cpu=True)):.1f} ms p99.9; {of_others}",
    )
