"""A process of the fleet: it does the job that its argument says, and prints what came of it.

It prints ``ready`` when it has imported everything, and begins when a line comes in.
"""

import asyncio
import itertools
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
import attrs
import cattrs
from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import Redis

from benchmarks.rounds import KEY, PATH
from benchmarks.server import ids
from ultravox_async import AsyncUltravox, RateLimit, UltravoxError
from ultravox_async.redis import RedisRateBudget

RATE = 200
_TASKS = 25
# By hand, a request that is not allowed yet asks again after this many seconds.
_POLL = 0.01


@attrs.frozen
class Job:
    """What a process does."""

    peer: str
    """What shares the rate: `ultravox_async.redis`, or `limits`."""

    base_url: str
    valkey_port: int
    seconds: float
    calls_per_second: float
    """How many single calls it makes, evenly; 0.0 for a sweep."""


@attrs.frozen
class Told:
    """What came of a job."""

    requests: int
    cpu: float
    """Seconds."""

    waits: list[float]
    """How long each single call took, in seconds."""

    errors: dict[str, int]


Get = Callable[[str], Awaitable[object]]


@asynccontextmanager
async def _ours(job: Job) -> AsyncGenerator[Callable[[Iterator[str]], Awaitable[Told]]]:
    redis = Redis(port=job.valkey_port)
    async with (
        redis,
        RedisRateBudget(redis, "fleet", RateLimit(float(RATE))) as budget,
        AsyncUltravox(KEY, base_url=job.base_url, rate_limit=budget) as ultravox,
    ):

        async def work(names: Iterator[str]) -> Told:
            if job.calls_per_second:
                return await _single_calls(ultravox.sip.registrations.get, names, job)
            errors: Counter[str] = Counter()
            number = 0
            async for outcome in ultravox.sip.registrations.get_many(names, via="get", concurrency=_TASKS):
                number += 1
                if outcome.error is not None:
                    errors[type(outcome.error).__name__] += 1
            return Told(number, time.process_time(), [], dict(errors))

        yield work


@asynccontextmanager
async def _by_hand(job: Job) -> AsyncGenerator[Callable[[Iterator[str]], Awaitable[Told]]]:
    limiter = MovingWindowRateLimiter(RedisStorage(f"async+valkey://127.0.0.1:{job.valkey_port}"))
    item = RateLimitItemPerSecond(RATE)
    turn = asyncio.Lock()
    async with aiohttp.ClientSession(headers={"X-API-Key": KEY}) as session:

        async def get(name: str) -> object:
            while True:
                # One at a time in each process, so that not all of them poll.
                async with turn:
                    while not await limiter.hit(item, "fleet"):  # noqa: ASYNC110 - that is how it is used
                        await asyncio.sleep(_POLL)
                async with session.get(f"{job.base_url}{PATH}/{name}") as response:
                    if response.status != HTTPStatus.TOO_MANY_REQUESTS:
                        response.raise_for_status()
                        return await response.json()

        async def work(names: Iterator[str]) -> Told:
            if job.calls_per_second:
                return await _single_calls(get, names, job)

            async def fetch_some() -> int:
                return sum([await get(name) is not None for name in names])

            numbers = await asyncio.gather(*(fetch_some() for _ in range(_TASKS)))
            return Told(sum(numbers), time.process_time(), [], {})

        yield work


async def _single_calls(get: Get, names: Iterator[str], job: Job) -> Told:
    waits: list[float] = []
    errors: Counter[str] = Counter()
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for number, name in enumerate(names):
        await asyncio.sleep(begin + number / job.calls_per_second - loop.time())
        started = loop.time()
        try:
            await get(name)
        except UltravoxError as error:
            errors[type(error).__name__] += 1
        waits.append(loop.time() - started)
    return Told(len(waits), time.process_time(), waits, dict(errors))


def _names_until(end: float) -> Iterator[str]:
    return itertools.takewhile(lambda _: time.monotonic() < end, ids(sys.maxsize))


async def _do(job: Job) -> Told:
    peer = _ours if job.peer == "ultravox_async.redis" else _by_hand
    async with peer(job) as work:
        cpu = time.process_time()
        told = await work(_names_until(time.monotonic() + job.seconds))
        return attrs.evolve(told, cpu=told.cpu - cpu)


def _end_with_standard_input() -> None:
    # Whatever happens to the process that started this one, this one does not outlive it.
    while os.read(0, 1):
        pass
    os._exit(1)  # pyright: ignore[reportPrivateUsage] - its name is no sign of being private


def main() -> None:
    """Do what the argument says."""
    job = cattrs.structure(json.loads(sys.argv[1]), Job)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    json.dump(cattrs.unstructure(asyncio.run(_do(job))), sys.stdout)


if __name__ == "__main__":
    main()
