"""The cost of many calls at once: `python -m benchmarks.storm` prints requests per id, seconds and resident memory.

The emulator runs in the same process, on 127.0.0.1, and counts the requests.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks import results
from benchmarks.rounds import PATH, Fetch, measured, serving
from ultravox_async import AsyncUltravox, RateLimit
from ultravox_async.testing import Delay, Emulator


async def storm(ids: int, allowed: float, rate: float) -> str:
    """Call `get` for all ids at once, with a server that allows fewer requests a second."""
    async with (
        Emulator(registrations=ids, requests_per_second=allowed) as emulator,
        AsyncUltravox(emulator.api_key, base_url=emulator.base_url, rate_limit=RateLimit(rate)) as ultravox,
    ):
        started = time.perf_counter()
        found = await asyncio.gather(*map(ultravox.sip.registrations.get, emulator.registration_ids))
        seconds = time.perf_counter() - started
        return (
            f"{ids:,} get() at once, server allows {allowed:g}/s, client at {rate:g}/s: {len(found):,} found, "
            f"{emulator.received:,} requests ({emulator.received / ids:.3f} per id, "
            f"{emulator.counts[429]} x 429), {seconds:.1f} s"
        )


@asynccontextmanager
async def by_hand(emulator: Emulator, attempts: int) -> AsyncGenerator[Fetch]:
    """Yield a function such as people write with aiohttp: after a 429 it waits as long as it is told to."""
    async with aiohttp.ClientSession(headers={"X-API-Key": emulator.api_key}) as session:

        async def get(registration_id: str) -> object:
            for left in reversed(range(attempts)):
                async with session.get(f"{emulator.base_url}{PATH}/{registration_id}") as response:
                    if response.status == HTTPStatus.TOO_MANY_REQUESTS and left:
                        seconds = float(response.headers["Retry-After"])
                    else:
                        response.raise_for_status()
                        return await response.json()
                await asyncio.sleep(seconds)
            raise AssertionError

        yield get


@asynccontextmanager
async def with_the_client(emulator: Emulator) -> AsyncGenerator[Fetch]:
    """Yield `get` of a client that was told nothing of the limit."""
    async with AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as ultravox:
        yield ultravox.sip.registrations.get


SIDES: Mapping[str, Callable[[Emulator], AbstractAsyncContextManager[Fetch]]] = {
    "ultravox-async": with_the_client,
    "aiohttp, no retries": partial(by_hand, attempts=1),
    "aiohttp, 4 attempts": partial(by_hand, attempts=4),
}
STEP = 0.25
"""The seconds after which the results are counted again."""


async def over_time(side: str, ids: int, allowed: float) -> dict[str, Any]:
    """Call `get` for all ids at once, and return how many results there were after each step, and what was sent."""
    found: list[float] = []
    async with Emulator(registrations=ids, requests_per_second=allowed) as emulator, SIDES[side](emulator) as get:
        started = time.perf_counter()

        async def note(registration_id: str) -> None:
            await get(registration_id)
            found.append(time.perf_counter() - started)

        await asyncio.gather(*map(note, emulator.registration_ids), return_exceptions=True)
        steps = int((time.perf_counter() - started) / STEP) + 2
        counts = [sum(at <= step * STEP for at in found) for step in range(steps)]
        return {"step": STEP, "found": counts, "ids": ids, "allowed": allowed, "requests": emulator.received}


async def crowd(calls: int) -> str:
    """Make many calls at once with a pool of 100 and no rate limit, with a server that takes 50 ms."""
    async with (
        Emulator(registrations=1, requests_per_second=None) as emulator,
        AsyncUltravox(emulator.api_key, base_url=emulator.base_url, rate_limit=RateLimit(None)) as ultravox,
    ):
        emulator.inject(Delay(0.05))
        [registration_id] = emulator.registration_ids
        started = time.perf_counter()
        results = await asyncio.gather(*(ultravox.sip.registrations.get(registration_id) for _ in range(calls)))
        seconds = time.perf_counter() - started
        return f"{calls:,} get() at once, pool of 100, 50 ms each: {len(results):,} results, {seconds:.1f} s"


def main() -> int:
    """Run and print all measurements."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storm", description=__doc__)
    parser.add_argument(
        "--scale", type=float, default=1.0, help="a factor for the sizes; a small one to see that it runs"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write there how a storm goes by, and nothing else")
    options = parser.parse_args()
    scale = options.scale
    if options.json is not None:
        for side in SIDES:
            results.update(options.json, {side: asyncio.run(over_time(side, int(1000 * scale), 50.0))})
        return 0
    for rate in (50.0, 200.0):
        sys.stdout.write(asyncio.run(storm(int(1000 * scale), 50.0, rate)) + "\n")
    sys.stdout.write(asyncio.run(crowd(int(20_000 * scale))) + "\n")
    with serving() as base_url:
        for ids in (int(1000 * scale), int(100_000 * scale)):
            [peak] = measured(["-m", "benchmarks.memory", base_url, str(ids)])
            sys.stdout.write(f"{ids:,} ids through get_many: peak of {peak:.1f} MB resident\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
