"""The latency of a single `get()` during a sweep, and the time to fetch 10,000 registrations by id."""

import asyncio
import statistics
import time

import aiohttp

from benchmarks.memory import random_ids
from benchmarks.rounds import KEY, Effort, Row, percentile, serving, spread_of
from benchmarks.server import ids
from ultravox_async import AsyncUltravox, BulkResult, SipRegistration

_RATE = 200


async def beside_a_sweep(effort: Effort) -> list[Row]:
    """Compare `get()` of a client that runs a sweep with `get()` of an idle client, in turn, during the sweep."""
    with serving("--delay", "0.02") as base_url:
        async with AsyncUltravox(KEY, base_url=base_url) as busy, AsyncUltravox(KEY, base_url=base_url) as idle:
            rounds = [
                await _one_sweep(busy, idle, effort.of(10_000 // effort.rounds, 300)) for _ in range(effort.rounds)
            ]
    busy_tail, idle_tail = ([percentile(side, 0.95) for side in sides] for sides in zip(*rounds, strict=True))
    more = [one - other for one, other in zip(busy_tail, idle_tail, strict=True)]
    return [
        Row(
            "a single get() beside a sweep of 10,000 at 200/s",
            "the same on an idle client",
            f"{statistics.median(more):+.1f} ms p95",
            spread_of(more),
            "at most 25 ms more",
            f"{statistics.median(busy_tail):.1f} ms to {statistics.median(idle_tail):.1f} ms, responses take 20 ms",
        )
    ]


async def _one_sweep(busy: AsyncUltravox, idle: AsyncUltravox, count: int) -> tuple[list[float], list[float]]:
    times: dict[AsyncUltravox, list[float]] = {busy: [], idle: []}
    sweeping = asyncio.create_task(_swept(busy, count))
    # The pool is cold in the first second of a sweep; the time after it is measured.
    await asyncio.sleep(min(1.0, count / _RATE / 2))
    while not sweeping.done():
        for client, milliseconds in times.items():
            started = time.perf_counter()
            await client.sip.registrations.get("some-id")
            milliseconds.append((time.perf_counter() - started) * 1e3)
            await asyncio.sleep(0.013)
    await sweeping
    return times[busy], times[idle]


async def _swept(client: AsyncUltravox, count: int) -> None:
    async for outcome in client.sip.registrations.get_many(random_ids(count), via="get"):
        if outcome.error is not None:
            raise outcome.error


async def by_id(effort: Effort) -> list[Row]:
    """Compare with one GET for each id at the rate that the server enforces."""
    count = effort.of(10_000, 100)
    options = ("--registrations", str(count), "--max-page-size", "100", "--delay", "0.1", "--rate", str(_RATE))
    seconds: list[float] = []
    with serving(*options) as base_url:
        for _ in range(effort.rounds):
            # The server counts the requests of the last second, of which a new client knows nothing.
            await asyncio.sleep(1.1)
            started = time.perf_counter()
            async with AsyncUltravox(KEY, base_url=base_url) as ultravox:
                result: BulkResult[SipRegistration] = await ultravox.sip.registrations.get_many([*ids(count)])
            seconds.append(time.perf_counter() - started)
            result.raise_for_failures()
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{base_url}/counts", headers={"X-API-Key": KEY}) as response,
        ):
            counts = await response.json()
    return [
        Row(
            f"{count:,} registrations by id, responses take 100 ms",
            f"one GET per id at {_RATE}/s: {count / _RATE:.0f} s",
            f"{statistics.median(seconds):.1f} s, {counts['throttled']} responses with 429 in all rounds",
            spread_of(seconds),
            "at most 15 s, no 429",
            f"{counts['requests'] / effort.rounds:.0f} requests a round",
        )
    ]
