"""A worker of the fleet by hand: aiohttp, and the moving window of limits in the same Valkey."""

import asyncio
import time
from collections.abc import Iterator
from http import HTTPStatus

import aiohttp
from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter

from benchmarks.fleet.job import TASKS, Job, Told, single_calls
from benchmarks.rounds import KEY, PATH

# Seconds after which a request that is not allowed yet asks again.
_POLL = 0.01


async def work(job: Job, names: Iterator[str]) -> Told:
    """Do the job with one session, and tell what came of it."""
    limiter = MovingWindowRateLimiter(RedisStorage(f"async+valkey://127.0.0.1:{job.valkey_port}"))
    item = RateLimitItemPerSecond(int(job.rate))
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

        async def fetch_some() -> int:
            return sum([await get(name) is not None for name in names])

        if job.calls_per_second:
            return await single_calls(get, names, job)
        numbers = await asyncio.gather(*(fetch_some() for _ in range(TASKS)))
        return Told(sum(numbers), time.process_time(), [], {})
