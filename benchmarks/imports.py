"""`import ultravox_async` against `import aiohttp` alone, in fresh processes."""

import asyncio
import statistics
import tempfile

from benchmarks.rounds import Effort, Row, interleaved, measured, spread_of

# The CPU time of the import: with the files in the page cache it is what a user waits for, less what other
# processes on the machine take.
_TIMED = "import time; start = time.process_time(); import {}; print((time.process_time() - start) * 1e3)"


async def against_aiohttp(effort: Effort) -> list[Row]:
    """Compare from compiled files, which the round for warming up writes."""
    with tempfile.TemporaryDirectory() as compiled:
        environment = {"PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}

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
