"""What a worker of the fleet does: `main.py` starts the workers with ``taskiq worker tasks:make_broker``.

A worker has one `AsyncUltravox` for its lifetime. All of them share the rate of the key through a `RedisRateBudget` on
the server that has the queue.
"""

import os
from contextlib import AsyncExitStack
from typing import Annotated

from redis.asyncio import Redis
from taskiq import Context, TaskiqDepends, TaskiqEvents, TaskiqState
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

from ultravox_async import AsyncUltravox, RateLimit
from ultravox_async.redis import RedisRateBudget

FETCH, WAKE_UP = "fetch", "wake_up"
DONE, WORKERS = "fleet:done", "fleet:workers"


def make_broker() -> RedisStreamBroker:
    """Return the broker on the server that the environment names; the workers and `main.py` have one each."""
    url = f"redis://127.0.0.1:{os.environ['FLEET_PORT']}"
    broker = RedisStreamBroker(
        url,
        # What a worker has taken, and not finished for this long, is taken up by another one.
        idle_timeout=int(os.environ["FLEET_IDLE_MILLISECONDS"]),
        # A worker takes no more than it is working on, so that little is left behind when it is killed.
        xread_count=1,
        xread_block=500,
        unacknowledged_lock_timeout=5.0,
    )
    results: RedisAsyncResultBackend[list[tuple[str, str, str]]] = RedisAsyncResultBackend(url, result_ex_time=3600)
    broker.with_result_backend(results)
    broker.add_event_handler(TaskiqEvents.WORKER_STARTUP, open_client)
    broker.add_event_handler(TaskiqEvents.WORKER_SHUTDOWN, close_client)
    broker.register_task(fetch, task_name=FETCH)
    broker.register_task(wake_up, task_name=WAKE_UP)
    return broker


async def open_client(state: TaskiqState) -> None:
    """Make the client when the worker starts."""
    async with AsyncExitStack() as stack:
        state.redis = await stack.enter_async_context(Redis(port=int(os.environ["FLEET_PORT"])))
        rate_limit = RateLimit(float(os.environ["FLEET_RATE"]))
        budget = await stack.enter_async_context(RedisRateBudget(state.redis, "fleet", rate_limit))
        state.ultravox = await stack.enter_async_context(AsyncUltravox(rate_limit=budget))
        await state.redis.sadd(WORKERS, os.getpid())
        state.stack = stack.pop_all()


async def close_client(state: TaskiqState) -> None:
    """Close the client when the worker ends."""
    await state.stack.aclose()


async def fetch(
    registration_ids: list[str], context: Annotated[Context, TaskiqDepends()]
) -> list[tuple[str, str, str]]:
    """Fetch registrations; return the id, the username and the error of each one, in the order of the ids."""
    ultravox: AsyncUltravox = context.state.ultravox
    found: dict[str, tuple[str, str]] = {}
    async for outcome in ultravox.sip.registrations.get_many(registration_ids, via="get"):
        if outcome.error is None:
            found[outcome.key] = outcome.unwrap().username, ""
        else:
            found[outcome.key] = "", f"{outcome.error}"
    # A set: a batch that is done twice, because its worker was killed before it could say so, counts once.
    await context.state.redis.sadd(DONE, registration_ids[0])
    return [(each, *found[each]) for each in registration_ids]


async def wake_up() -> None:
    """Do nothing: a worker looks for what others have left behind only after it has received a task."""
