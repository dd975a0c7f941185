import asyncio
from collections import Counter
from datetime import timedelta

import attrs
import pytest

from ultravox_async import ConfigurationError
from ultravox_async.webhooks import Claim, MemoryReplayGuard, claimed

KEY = "call.ended:1"


@attrs.define
class Time:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def guard(time: Time) -> MemoryReplayGuard:
    return MemoryReplayGuard(max_events=3, retention=timedelta(hours=1), lease=timedelta(minutes=1), clock=time)


async def test_the_first_claim_is_granted_and_others_wait_for_its_outcome(guard: MemoryReplayGuard) -> None:
    assert [await guard.claim(KEY) for _ in range(3)] == [Claim.GRANTED, Claim.PENDING, Claim.PENDING]


async def test_claims_of_other_events_are_granted(guard: MemoryReplayGuard) -> None:
    assert [await guard.claim(key) for key in "ab"] == [Claim.GRANTED, Claim.GRANTED]


async def test_an_event_that_was_handled_is_done(guard: MemoryReplayGuard) -> None:
    async with claimed(guard, KEY) as claim:
        assert claim is Claim.GRANTED
    async with claimed(guard, KEY) as claim:
        assert claim is Claim.DONE


async def test_while_an_event_is_handled_others_are_told_to_come_again(guard: MemoryReplayGuard) -> None:
    async with claimed(guard, KEY), claimed(guard, KEY) as second:
        assert second is Claim.PENDING


async def test_a_claim_that_was_not_granted_changes_nothing(guard: MemoryReplayGuard) -> None:
    async with claimed(guard, KEY):
        with pytest.raises(RuntimeError):
            async with claimed(guard, KEY):
                raise RuntimeError
        assert await guard.claim(KEY) is Claim.PENDING


async def test_the_claim_of_a_handler_that_fails_is_released(guard: MemoryReplayGuard) -> None:
    with pytest.raises(RuntimeError):
        async with claimed(guard, KEY):
            raise RuntimeError
    assert await guard.claim(KEY) is Claim.GRANTED


async def test_the_claim_of_a_handler_that_is_cancelled_is_released(guard: MemoryReplayGuard) -> None:
    async def handle() -> None:
        async with claimed(guard, KEY):
            await asyncio.Event().wait()

    task = asyncio.create_task(handle())
    await asyncio.sleep(0)
    assert await guard.claim(KEY) is Claim.PENDING
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert await guard.claim(KEY) is Claim.GRANTED


async def test_of_a_thousand_deliveries_at_once_one_is_handled() -> None:
    guard = MemoryReplayGuard()
    handled: list[int] = []

    async def deliver(number: int) -> Claim:
        async with claimed(guard, KEY) as claim:
            if claim is Claim.GRANTED:
                await asyncio.sleep(0)
                handled.append(number)
        return claim

    claims = Counter(await asyncio.gather(*map(deliver, range(1000))))
    assert len(handled) == 1
    assert claims == {Claim.GRANTED: 1, Claim.PENDING: 999}


async def test_of_a_thousand_deliveries_through_failures_exactly_one_is_handled_to_its_end() -> None:
    guard = MemoryReplayGuard()
    attempts = handled = 0

    async def deliver(number: int) -> None:
        nonlocal attempts, handled
        for _ in range(number % 5):
            await asyncio.sleep(0)
        async with claimed(guard, KEY) as claim:
            if claim is Claim.GRANTED:
                attempts += 1
                await asyncio.sleep(0)
                if attempts < 3:
                    raise RuntimeError
                handled += 1

    await asyncio.gather(*map(deliver, range(1000)), return_exceptions=True)
    assert (attempts, handled) == (3, 1)


async def test_a_claim_ends_by_itself_because_its_process_may_have_died(guard: MemoryReplayGuard, time: Time) -> None:
    await guard.claim(KEY)
    time.seconds = 59.9
    assert await guard.claim(KEY) is Claim.PENDING
    time.seconds = 60.0
    assert await guard.claim(KEY) is Claim.GRANTED


async def test_what_was_handled_is_forgotten_after_its_retention(guard: MemoryReplayGuard, time: Time) -> None:
    await guard.claim(KEY)
    time.seconds = 50.0
    await guard.complete(KEY)
    time.seconds = 3649.9
    assert await guard.claim(KEY) is Claim.DONE
    time.seconds = 3650.0
    assert await guard.claim(KEY) is Claim.GRANTED


async def test_an_event_that_was_handled_after_all_is_done_even_if_its_claim_had_ended(
    guard: MemoryReplayGuard, time: Time
) -> None:
    await guard.claim(KEY)
    time.seconds = 100.0
    await guard.complete(KEY)
    assert await guard.claim(KEY) is Claim.DONE


@pytest.mark.parametrize("late", ["complete", "release"])
async def test_a_handler_that_ends_too_late_changes_nothing_about_the_claim_of_another(
    guard: MemoryReplayGuard, time: Time, late: str
) -> None:
    too_slow = asyncio.Event()

    async def handle_slowly() -> None:
        assert await guard.claim(KEY) is Claim.GRANTED
        await too_slow.wait()
        await getattr(guard, late)(KEY)

    slow = asyncio.create_task(handle_slowly())
    await asyncio.sleep(0)
    time.seconds = 60.0
    async with claimed(guard, KEY) as claim:
        assert claim is Claim.GRANTED
        too_slow.set()
        await slow
        assert await guard.claim(KEY) is Claim.PENDING
    assert await guard.claim(KEY) is Claim.DONE


async def test_completing_an_event_again_remembers_it_for_longer(guard: MemoryReplayGuard, time: Time) -> None:
    await guard.complete(KEY)
    time.seconds = 1800.0
    await guard.complete(KEY)
    time.seconds = 5000.0
    assert await guard.claim(KEY) is Claim.DONE


async def test_completing_an_event_again_keeps_no_other_for_longer(guard: MemoryReplayGuard, time: Time) -> None:
    await guard.complete(KEY)
    await guard.complete("other")
    time.seconds = 1800.0
    await guard.complete(KEY)
    time.seconds = 3600.0
    assert await guard.claim("other") is Claim.GRANTED


async def test_the_oldest_events_that_were_handled_are_forgotten_first(guard: MemoryReplayGuard) -> None:
    await guard.claim("pending")
    for key in "abc":
        await guard.complete(key)
    claims = {key: await guard.claim(key) for key in ("pending", "b", "c")}
    assert claims == {"pending": Claim.PENDING, "b": Claim.DONE, "c": Claim.DONE}
    assert await guard.claim("a") is Claim.GRANTED


async def test_if_too_many_are_pending_the_oldest_is_forgotten(guard: MemoryReplayGuard) -> None:
    for key in "abcd":
        await guard.claim(key)
    assert {key: await guard.claim(key) for key in "bcd"} == dict.fromkeys("bcd", Claim.PENDING)
    assert await guard.claim("a") is Claim.GRANTED


@pytest.mark.parametrize(
    "setting",
    [
        *({"max_events": 0}, {"max_events": "5"}, {"max_events": True}),
        *({"retention": timedelta(0)}, {"lease": timedelta(seconds=-1)}, {"lease": 5}, {"lease": None}),
    ],
    ids=str,
)
def test_a_guard_that_could_remember_nothing_is_refused(setting: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=f"MemoryReplayGuard.{next(iter(setting))} takes a"):
        MemoryReplayGuard(**setting)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - the types vary


def test_events_are_remembered_for_longer_than_they_are_repeated() -> None:
    repeated = sum((timedelta(seconds=30) * 2**number for number in range(10)), timedelta(0))
    assert MemoryReplayGuard().retention > repeated
