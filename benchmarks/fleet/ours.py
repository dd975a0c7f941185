"""A worker of the fleet with `RedisRateBudget`."""

import time
from collections import Counter
from collections.abc import Iterator

from redis.asyncio import Redis

from benchmarks.fleet.job import TASKS, Job, Told, single_calls
from benchmarks.rounds import KEY
from ultravox_async import AsyncUltravox, RateLimit
from ultravox_async.redis import RedisRateBudget


async def work(job: Job, names: Iterator[str]) -> Told:
    """Do the job with one client, and tell what came of it."""
    redis = Redis(port=job.valkey_port)
    async with (
        redis,
        RedisRateBudget(redis, "fleet", RateLimit(job.rate)) as budget,
        AsyncUltravox(KEY, base_url=job.base_url, rate_limit=budget) as ultravox,
    ):
        if job.calls_per_second:
            return await single_calls(ultravox.sip.registrations.get, names, job)
        errors: Counter[str] = Counter()
        number = 0
        async for outcome in ultravox.sip.registrations.get_many(names, via="get", concurrency=TASKS):
            number += 1
            if outcome.error is not None:
                errors[type(outcome.error).__name__] += 1
        return Told(number, time.process_time(), [], dict(errors))
