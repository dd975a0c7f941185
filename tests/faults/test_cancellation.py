import asyncio
import itertools

import pytest

from tests.campaign.cancelled import CONCURRENT, STAGES, Scene, Stage, scene_of
from tests.campaign.leftovers import broken, left_in
from tests.wire import HANG_UP, WAIT, Received, Say, Wire, answer, client_of, in_turn
from ultravox_async import APITimeoutError, RetryPolicy, Timeout, UltravoxError

ANYTHING = "/api/anything"
OK = answer(200, {"fine": True})
# A single call does not wait for admission here, and a call that may be anywhere is at no certain stage.
HELD_UP = [stage for stage in STAGES if stage not in {"pacing", "place", "anywhere", "anywhere in TLS"}]


async def reached_by_one(scene: Scene) -> None:
    await scene.reach(2 if scene.stage == "sweep" else 1)


@pytest.mark.parametrize("stage", HELD_UP)
async def test_asyncio_timeout_around_a_call_ends_it_at_any_stage(stage: Stage) -> None:
    async with scene_of(stage) as scene:
        scope = asyncio.timeout(None)
        ended = asyncio.Event()

        async def call() -> int:
            with pytest.raises(TimeoutError) as caught:
                async with scope:
                    await scene.call()
            assert not isinstance(caught.value, UltravoxError)
            ended.set()
            task = asyncio.current_task()
            assert task is not None
            return task.cancelling()

        task = asyncio.create_task(call())
        await reached_by_one(scene)
        scope.reschedule(0.0)
        assert await task == 0
        assert broken(left_in(scene.client)) == {}


@pytest.mark.parametrize("stage", HELD_UP)
async def test_a_task_group_that_fails_ends_its_calls_at_any_stage(stage: Stage) -> None:
    async with scene_of(stage) as scene:
        calls: list[asyncio.Task[object]] = []

        async def fail_beside_a_call() -> None:
            async with asyncio.TaskGroup() as group:
                calls.append(group.create_task(scene.call()))
                await reached_by_one(scene)
                raise RuntimeError("something else fails")

        with pytest.raises(ExceptionGroup) as caught:
            await fail_beside_a_call()
        assert [type(each) for each in caught.value.exceptions] == [RuntimeError]
        assert [call.cancelled() for call in calls] == [True]
        assert broken(left_in(scene.client)) == {}


async def test_a_request_that_was_cancelled_is_not_sent_again() -> None:
    async with Wire(in_turn(WAIT, OK)) as wire, client_of(wire.base_url) as client:
        task = asyncio.create_task(client.request("GET", ANYTHING))
        await wire.until_received(1)
        task.cancel()
        await asyncio.wait([task])
        await client.request("GET", "/api/another")
        assert [each.target for each in wire.received] == [ANYTHING, "/api/another"]


async def test_a_cancellation_keeps_its_message() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as client:
        task = asyncio.create_task(client.request("GET", ANYTHING))
        await wire.until_received(1)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError, match="enough"):
            await task


@pytest.mark.parametrize("limits", [Timeout(read=0.05), Timeout(total=0.05)])
async def test_a_deadline_of_the_client_leaves_no_cancellation_request_on_the_task(limits: Timeout) -> None:
    once = RetryPolicy(max_attempts=1)
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url, timeout=limits, retry=once) as client:
        with pytest.raises(APITimeoutError):
            await client.request("GET", ANYTHING)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_cancellation_wins_over_a_close_at_the_same_moment() -> None:
    async with Wire(in_turn(WAIT)) as wire, client_of(wire.base_url) as client:
        task = asyncio.create_task(client.request("GET", ANYTHING))
        await wire.until_received(1)
        closing = asyncio.create_task(client.close())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task, closing])
        assert task.cancelled()
        assert closing.exception() is None


@pytest.mark.parametrize("rounds", range(12))
async def test_a_cancellation_in_the_round_in_which_the_answer_comes_is_not_lost(rounds: int) -> None:
    arrived = asyncio.Event()

    async def script(_: Received) -> Say:
        arrived.set()
        return OK

    async with Wire(script) as wire, client_of(wire.base_url) as client:
        task = asyncio.create_task(client.request("GET", ANYTHING))
        await arrived.wait()
        for _ in range(rounds):
            await asyncio.sleep(0)
        assert task.cancel() is not task.done()
        await asyncio.wait([task])
        assert task.cancelled() or task.result().status == 200
        assert broken(left_in(client)) == {}


async def test_one_cancelled_call_does_not_disturb_the_others() -> None:
    numbers = itertools.count()
    all_there, may_answer = asyncio.Event(), asyncio.Event()

    async def script(_: Received) -> Say:
        if next(numbers) == CONCURRENT - 1:
            all_there.set()
        await may_answer.wait()
        return OK

    async with Wire(script) as wire, client_of(wire.base_url) as client:
        calls = [asyncio.create_task(client.request("GET", ANYTHING)) for _ in range(CONCURRENT)]
        await all_there.wait()
        for call in calls[::2]:
            call.cancel()
        await asyncio.wait(calls[::2])
        may_answer.set()
        assert [(await call).status for call in calls[1::2]] == [200] * (CONCURRENT // 2)


async def test_a_sweep_left_early_leaves_no_task_and_no_connection() -> None:
    async def script(request: Received) -> Say:
        return HANG_UP if request.target.endswith("-1") else WAIT

    once = RetryPolicy(max_attempts=1)
    async with Wire(script) as wire, client_of(wire.base_url, retry=once) as client:
        outcomes = client.sip.registrations.get_many(f"id-{each}" for each in range(100)).__aiter__()
        outcome = await anext(outcomes)
        assert outcome.key == "id-1"
        await outcomes.aclose()
        assert broken(left_in(client)) == {}
