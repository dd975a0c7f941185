import asyncio

import pytest

from tests.conftest import Clock
from ultravox_async._http.deadlines import Deadlines

READ_TIMEOUT = 30.0


async def _ended(
    deadlines: Deadlines, seconds: float, *, heard_after: tuple[float, ...] = (), read_timeout: float = READ_TIMEOUT
) -> tuple[float, bool]:
    """Run an attempt that gets no response; return when it ended, and whether the total timeout is over then."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    scope = asyncio.timeout(None)
    attempt = deadlines.start(scope, seconds, read_timeout)
    try:
        async with scope:
            for pause in heard_after:
                await asyncio.sleep(pause)
                deadlines.reset_read_timeout(attempt)
            await loop.create_future()
    except TimeoutError:
        return round(loop.time() - started), attempt.total_exceeded
    finally:
        deadlines.stop(attempt)
    raise AssertionError


@pytest.fixture
async def deadlines(clock: Clock) -> Deadlines:  # noqa: ARG001 - it puts the loop's clock forward
    return Deadlines(asyncio.get_running_loop())


async def test_an_attempt_that_is_never_sent_ends_when_the_total_timeout_is_over(deadlines: Deadlines) -> None:
    assert await _ended(deadlines, 120.0) == (120, True)


async def test_the_read_timeout_ends_an_attempt_that_was_sent(deadlines: Deadlines) -> None:
    assert await _ended(deadlines, 120.0, heard_after=(0.0,)) == (30, False)


async def test_received_data_restarts_the_read_timeout(deadlines: Deadlines) -> None:
    assert await _ended(deadlines, 120.0, heard_after=(0.0, 20.0, 20.0)) == (70, False)


async def test_received_data_does_not_extend_the_total_timeout(deadlines: Deadlines) -> None:
    assert await _ended(deadlines, 50.0, heard_after=(0.0, 25.0, 20.0)) == (50, True)


async def test_each_attempt_ends_at_its_own_time(deadlines: Deadlines) -> None:
    ended = await asyncio.gather(*(_ended(deadlines, seconds) for seconds in (40.0, 20.0, 60.0)))
    assert [seconds for seconds, _ in ended] == [40, 20, 60]


async def test_each_attempt_has_its_own_read_timeout(deadlines: Deadlines) -> None:
    ended = await asyncio.gather(
        *(_ended(deadlines, 120.0, heard_after=(0.0,), read_timeout=seconds) for seconds in (40.0, 5.0, 60.0))
    )
    assert [seconds for seconds, _ in ended] == [40, 5, 60]


async def test_a_later_attempt_ends_at_its_time_after_an_earlier_one_was_stopped(deadlines: Deadlines) -> None:
    first = asyncio.create_task(_ended(deadlines, 10.0))
    second = asyncio.create_task(_ended(deadlines, 15.0))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == (15, True)
    assert first.cancelled()


async def test_one_timer_serves_all_attempts(deadlines: Deadlines) -> None:
    loop = asyncio.get_running_loop()
    before = len(loop._scheduled)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType] - timers have no public count
    tasks = [asyncio.create_task(_ended(deadlines, 10.0 + number)) for number in range(50)]
    await asyncio.sleep(0)
    assert len(loop._scheduled) - before == 1  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
    await asyncio.gather(*tasks)


async def test_all_attempts_can_be_ended_at_once(deadlines: Deadlines) -> None:
    tasks = [asyncio.create_task(_ended(deadlines, 100.0)) for _ in range(3)]
    await asyncio.sleep(0)
    await deadlines.end_others()
    assert all(task.done() for task in tasks)
    assert [await task for task in tasks] == [(0, True)] * 3
    assert len(deadlines) == 0


async def test_two_tasks_can_end_all_attempts_at_once(deadlines: Deadlines) -> None:
    tasks = [asyncio.create_task(_ended(deadlines, 100.0)) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.gather(deadlines.end_others(), deadlines.end_others())
    assert all(task.done() for task in tasks)


async def test_ending_all_attempts_works_without_any(deadlines: Deadlines) -> None:
    await deadlines.end_others()
    deadlines.end_own()
    assert len(deadlines) == 0


async def test_an_attempt_that_begins_after_all_were_ended_has_its_deadline(deadlines: Deadlines) -> None:
    task = asyncio.create_task(_ended(deadlines, 100.0))
    await asyncio.sleep(0)
    await deadlines.end_others()
    assert await task == (0, True)
    assert await _ended(deadlines, 200.0) == (200, True)


async def test_a_task_that_ends_all_attempts_does_not_wait_for_its_own(deadlines: Deadlines) -> None:
    other = asyncio.create_task(_ended(deadlines, 100.0))
    await asyncio.sleep(0)
    scope = asyncio.timeout(None)
    attempt = deadlines.start(scope, 100.0, READ_TIMEOUT)

    async def end_all() -> None:
        async with scope:
            await deadlines.end_others()
            assert other.done()
            assert not scope.expired()
            deadlines.end_own()
            await asyncio.sleep(0)
            raise AssertionError

    with pytest.raises(TimeoutError):
        await end_all()
    deadlines.stop(attempt)


async def test_a_task_without_an_attempt_has_none(deadlines: Deadlines) -> None:
    with pytest.raises(KeyError):
        deadlines.current()


async def test_the_attempt_of_a_task_is_its_own(deadlines: Deadlines) -> None:
    attempt = deadlines.start(asyncio.timeout(None), 1.0, READ_TIMEOUT)
    assert deadlines.current() is attempt
    deadlines.stop(attempt)
    assert len(deadlines) == 0
