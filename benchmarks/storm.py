"""The cost of many calls at once: `python -m benchmarks.storm` prints requests per id, seconds and resident memory.

The emulator runs in the same process, on 127.0.0.1, and counts the requests.
"""

import argparse
import asyncio
import sys
import time

from benchmarks.rounds import measured, serving
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
    scale = parser.parse_args().scale
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
