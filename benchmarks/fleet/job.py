"""What a worker of the fleet is told, and what it tells."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import attrs

TASKS = 25
"""How many requests a worker that sweeps has in flight at most."""


@attrs.frozen
class Job:
    """What a worker does."""

    peer: str
    """What shares the rate: a module of this package."""

    base_url: str
    valkey_port: int
    rate: float
    """Requests a second, of all workers."""

    seconds: float
    calls_per_second: float
    """How many single calls it makes, evenly; 0.0 for a sweep."""


@attrs.frozen
class Told:
    """What came of a job."""

    requests: int
    cpu: float
    """Seconds of the processor, since the process began."""

    waits: list[float]
    """How long each single call took, in seconds."""

    errors: dict[str, int]


async def single_calls(get: Callable[[str], Awaitable[object]], names: Iterator[str], job: Job) -> Told:
    """Make single calls evenly, and tell how long they took."""
    waits: list[float] = []
    errors: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for number, name in enumerate(names):
        await asyncio.sleep(begin + number / job.calls_per_second - loop.time())
        started = loop.time()
        try:
            await get(name)
        except Exception as error:  # noqa: BLE001 - whatever the peer raises is counted
            errors[type(error).__name__] += 1
        waits.append(loop.time() - started)
    return Told(len(waits), time.process_time(), waits, dict(errors))
