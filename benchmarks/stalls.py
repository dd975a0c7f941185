"""The longest event-loop stall: how late a 1 ms ticker is while the same loop sweeps, or decodes pages of 1,000."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import aiohttp

from benchmarks.memory import random_ids
from benchmarks.rounds import KEY, PATH, Effort, Fetch, Row, by_hand, percentile, serving
from ultravox_async import AsyncUltravox, RateLimit

_TICK = 0.001
_TARGET = 10.0
_SHARE = 0.999

Work = Callable[[], Awaitable[object]]


async def lateness(work: Work, seconds: float) -> list[float]:
    """Return how many milliseconds late each tick was while `work` was repeated for so long."""
    late: list[float] = []

    async def tick() -> None:
        while True:
            due = time.perf_counter() + _TICK
            await asyncio.sleep(_TICK)
            late.append((time.perf_counter() - due) * 1e3)

    ticker = asyncio.create_task(tick())
    ends_at = time.perf_counter() + seconds
    while time.perf_counter() < ends_at:
        await work()
    ticker.cancel()
    await asyncio.wait([ticker])
    return late


async def against_a_ticker(effort: Effort) -> list[Row]:
    """Measure both kinds of work, the same by hand, and the loop when it has nothing to do."""
    with serving("--registrations", "1000") as base_url:
        async with (
            AsyncUltravox(KEY, base_url=base_url, rate_limit=RateLimit(None)) as ultravox,
            aiohttp.ClientSession(headers={"X-API-Key": KEY}) as session,
            by_hand(base_url) as hand,
        ):
            registrations = ultravox.sip.registrations

            async def sweep() -> None:
                async for _ in registrations.get_many(random_ids(500)):
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
            late: dict[str, list[list[float]]] = {name: [] for name in works}
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


def _row(what: str, name: str, late: dict[str, list[list[float]]]) -> Row:
    def worst(side: str) -> list[float]:
        return [percentile(ticks, _SHARE) for ticks in late[side]]

    ours = worst(name)
    return Row(
        what,
        "a 1 ms ticker in the same loop",
        f"{statistics.median(ours):.1f} ms p99.9, {max(map(max, late[name])):.1f} ms max",
        f"{min(ours):.1f} to {max(ours):.1f}",
        f"at most {_TARGET:.0f} ms p99.9",
        f"by hand {statistics.median(worst(f'{name} by hand')):.1f} ms, idle loop {statistics.median(worst('idle')):.1f} ms",
    )
