"""The time of `import ultravox_async` compared with `import aiohttp` alone, in new processes."""

import asyncio
import statistics
import tempfile

from benchmarks.rounds import Effort, Row, compiled_in, interleaved, measured, spread_of

# The CPU time of the import. With the files in the page cache, it is the time that a user waits, without the share of
# other processes.
_TIMED = "import time; start = time.process_time(); import {}; print((time.process_time() - start) * 1e3)"


async def against_aiohttp(effort: Effort) -> list[Row]:
    """Compare imports of compiled files, which the warm-up round writes."""
    with tempfile.TemporaryDirectory() as compiled:
        environment = compiled_in(compiled)

        async def importing(module: str) -> float:
            [milliseconds] = await asyncio.to_thread(measured, ["-c", _TIMED.format(module)], environment)
            return milliseconds

        sides = {
            "ours": lambda: importing("ultravox_async"),
            "aiohttp": lambda: importing("aiohttp"),
        }
        times = await interleaved(sides, effort.of(21, 1))
    more = [mine - other for mine, other in zip(times["ours"], times["aiohttp"], strict=True)]
    return [
        Row(
            "import ultravox_async",
            "import aiohttp alone",
            f"{statistics.median(more):+.0f} ms",
            spread_of(more),
            "at most 60 ms more",
            f"{statistics.median(times['ours']):.0f} ms to {statistics.median(times['aiohttp']):.0f} ms",
        )
    ]
