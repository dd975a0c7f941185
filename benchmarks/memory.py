"""Resident memory of a sweep of 100,000 ids, compared with a sweep of a thousand.

A sweep keeps every id, so that each has one outcome: about 125 bytes for a UUID. Nothing else grows.

`python -m benchmarks.memory BASE_URL IDS` runs one sweep and prints the peak in megabytes.
"""

import asyncio
import math
import resource
import statistics
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rounds import KEY, Effort, Row, measured, serving, spread_of
from ultravox_async import AsyncUltravox, RateLimit

_KILOBYTES_PER_MEGABYTE = 1024 if sys.platform != "darwin" else 1024 * 1024


async def against_a_hundredth(effort: Effort) -> list[Row]:
    """Compare the peaks of new processes; they vary little and take a minute, so a third of the rounds is enough."""
    many, few = effort.of(100_000, 2_000), effort.of(1_000, 200)
    more: list[float] = []
    peaks: list[float] = []
    with serving() as base_url:
        for _ in range(math.ceil(effort.rounds / 3)):
            [small] = await asyncio.to_thread(measured, ["-m", "benchmarks.memory", base_url, str(few)])
            [large] = await asyncio.to_thread(measured, ["-m", "benchmarks.memory", base_url, str(many)])
            more.append(large - small)
            peaks.append(large)
    return [
        Row(
            f"resident memory, {many:,} ids through get_many",
            f"{few:,} ids",
            f"{statistics.median(more):+.1f} MB",
            spread_of(more),
            "at most 16 MB more: the ids",
            f"peak {statistics.median(peaks):.1f} MB",
        )
    ]


def random_ids(count: int) -> Iterator[str]:
    """Generate ids one by one, so that only the sweep can keep them in memory."""
    for _ in range(count):
        yield str(uuid.uuid4())


async def sweep(base_url: str, count: int) -> float:
    """Fetch so many ids, and return the peak memory of this process in megabytes."""
    async with AsyncUltravox(KEY, base_url=base_url, rate_limit=RateLimit(None)) as ultravox:
        found = 0
        async for outcome in ultravox.sip.registrations.get_many(random_ids(count), via="get"):
            found += outcome.error is None
    if found != count:
        msg = f"{count - found} of {count} ids failed"
        raise RuntimeError(msg)
    return _peak()


def _peak() -> float:
    # The peak of getrusage() includes that of the parent process, which the file of Linux does not.
    status = Path("/proc/self/status")
    if status.exists():
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KILOBYTES_PER_MEGABYTE


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(sweep(sys.argv[1], int(sys.argv[2])))}\n")
