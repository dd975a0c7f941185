import asyncio
from collections.abc import Callable
from itertools import pairwise

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Clock
from tests.test_budget import RemoteBudget
from tests.test_scheduler import (
    BACKGROUND,
    CROWDS,
    EVENTS,
    INTERACTIVE,
    PATIENT,
    Job,
    Scene,
    cooling,
    crowd,
    most_in_a_window,
    outcome,
    run,
    scheduler_of,
)
from tests.wire import Received, Say, Wire, answer, client_of
from ultravox_async import AsyncUltravox, LocalRateBudget, RateBudget, RateLimit, RetryPolicy, Timeout
from ultravox_async._http.budget import make_scheduler
from ultravox_async._http.scheduler import Priority, RequestScheduler, SchedulerClosedError
from ultravox_async.testing import Emulator

CALLS = "calls"
CALL = Job(operation=CALLS)


def calls(number: int, **fields: float | Priority) -> list[Job]:
    return crowd(number, operation=CALLS, **fields)


def times_of(scene: Scene, operation: str) -> list[float]:
    return [time for time, job in scene.sent if job.operation == operation]


@pytest.mark.parametrize(
    "limits",
    [
        RateLimit(200.0, calls_per_second=10.0, calls_per_minute=30.0),
        RateLimit(200.0, calls_per_second=30.0, calls_per_minute=7.0),
        RateLimit(200.0, calls_per_second=0.5),
        RateLimit(200.0, calls_per_minute=1.5),
        RateLimit(None, calls_per_second=3.0, calls_per_minute=30.0),
        RateLimit(3.0, calls_per_second=10.0, calls_per_minute=120.0),
    ],
    ids=repr,
)
@settings(deadline=None, max_examples=25)
@given(
    jobs=CROWDS, events=EVENTS, places=st.sampled_from([1, 3, 100, 1000]), lateness=st.sampled_from([0.0, 0.004, 0.25])
)
def test_no_window_holds_more_calls_than_its_limit_and_every_request_is_sent(
    limits: RateLimit,
    jobs: list[Job],
    events: list[tuple[float, Callable[[RequestScheduler], object]]],
    places: int,
    lateness: float,
) -> None:
    scene = Scene(limits, places, lateness=lateness)
    scene.play(*jobs, events=events)
    of_calls = times_of(scene, CALLS)
    for times, limit, period in (
        (scene.times, limits.requests_per_second, 1.0),
        (of_calls, limits.calls_per_second, 1.0),
        (of_calls, limits.calls_per_minute, 60.0),
    ):
        if limit is not None:
            assert most_in_a_window(times, period * max(1.0, 1 / limit)) <= max(1, int(limit))
    assert scene.most_inside <= places
    due = {job.name for job in jobs if job.sends and job.cancelled_after is None}
    assert due <= set(scene.names)
    assert len(scene.names) == len(set(scene.names))


def test_calls_up_to_the_limits_are_created_at_once() -> None:
    scene = Scene(RateLimit(200.0, calls_per_second=5.0, calls_per_minute=30.0))
    scene.play(*calls(6))
    assert scene.times == [0.0] * 5 + [pytest.approx(1.02)]


def test_all_calls_of_a_minute_can_be_created_at_once() -> None:
    scene = Scene(RateLimit(200.0, calls_per_minute=30.0))
    scene.play(*calls(31))
    assert scene.times == [0.0] * 30 + [pytest.approx(60.5)]


def test_with_a_backlog_at_least_98_percent_of_the_limit_per_minute_is_used() -> None:
    scene = Scene(RateLimit(200.0, calls_per_second=10.0, calls_per_minute=120.0))
    scene.play(*calls(1201))
    assert 1200 / (scene.times[-1] - scene.times[0]) >= 0.98 * 120 / 60


def test_a_limit_per_minute_below_that_per_second_holds() -> None:
    scene = Scene(RateLimit(200.0, calls_per_second=10.0, calls_per_minute=2.0))
    scene.play(*calls(5))
    assert scene.times == [0.0, 0.0, pytest.approx(60.5), pytest.approx(60.5), pytest.approx(121.0)]


def test_a_limit_below_one_is_one_call_in_several_periods() -> None:
    scene = Scene(RateLimit(200.0, calls_per_second=0.5))
    scene.play(*calls(3))
    assert scene.times == [0.0, pytest.approx(2.04), pytest.approx(4.08)]


def test_calls_are_limited_without_a_general_rate() -> None:
    scene = Scene(RateLimit(None, calls_per_minute=30.0))
    scene.play(*calls(31), *crowd(300))
    assert times_of(scene, "api") == [0.0] * 300
    assert times_of(scene, CALLS)[30] == pytest.approx(60.5)


def test_calls_count_against_the_general_rate_too() -> None:
    scene = Scene(RateLimit(4.0, calls_per_second=3.0))
    scene.play(*calls(3), *crowd(2))
    assert scene.times == [0.0] * 4 + [pytest.approx(1.02)]


@pytest.mark.parametrize("priority", Priority)
def test_a_burst_of_other_requests_is_sent_at_once_while_calls_wait_for_their_minute(priority: Priority) -> None:
    scene = Scene(RateLimit(200.0, calls_per_second=5.0, calls_per_minute=5.0))
    scene.play(*calls(8, priority=priority), *crowd(150, at=20.0))
    assert times_of(scene, "api") == [20.0] * 150


def test_calls_that_wait_do_not_delay_a_sweep() -> None:
    jobs = [Job(priority=BACKGROUND, at=10.0) for _ in range(50)]
    alone, beside = Scene(10.0), Scene(RateLimit(10.0, calls_per_minute=5.0))
    alone.play(*jobs)
    beside.play(*calls(100), *jobs)
    assert times_of(beside, "api") == pytest.approx(alone.times, abs=0.011)


def test_calls_wait_in_the_order_in_which_they_came() -> None:
    scene = Scene(RateLimit(200.0, calls_per_second=2.0))
    jobs = [*calls(9), *(attrs.evolve(CALL, name=f"late {index}", at=1.5 + index / 8) for index in range(3))]
    scene.play(*jobs)
    assert scene.names == [job.name for job in jobs]


def test_interactive_calls_are_created_before_those_of_the_background() -> None:
    scene = Scene(RateLimit(200.0, calls_per_second=1.0))
    scene.play(Job("first", operation=CALLS), *calls(3, priority=BACKGROUND), Job("single", operation=CALLS, at=0.5))
    assert scene.names == ["first", "single", "0", "1", "2"]


def test_a_cancelled_call_that_waited_leaves_its_turn_to_the_next_one() -> None:
    scene = Scene(RateLimit(200.0, calls_per_minute=1.0))
    jobs = [Job("a"), Job("b", at=1.0, cancelled_after=20.0), Job("c", at=2.0)]
    scene.play(*(attrs.evolve(job, operation=CALLS) for job in jobs))
    assert [(job.name, time) for time, job in scene.sent] == [("a", 0.0), ("c", pytest.approx(60.5))]


def test_a_call_that_never_connects_leaves_its_room_to_the_next_one() -> None:
    scene = Scene(RateLimit(200.0, calls_per_minute=1.0))
    scene.play(attrs.evolve(CALL, connecting=3.0, sends=False), attrs.evolve(CALL, at=0.5))
    assert scene.times == [3.0]


def test_a_call_is_counted_from_its_send_and_not_from_its_admission() -> None:
    scene = Scene(RateLimit(200.0, calls_per_minute=1.0))
    scene.play(attrs.evolve(CALL, connecting=4.0), attrs.evolve(CALL, at=0.5))
    assert scene.times == [4.0, pytest.approx(64.5)]


def test_a_call_that_waits_for_the_send_of_another_is_not_forgotten_while_other_requests_cool_down() -> None:
    scene = Scene(RateLimit(200.0, calls_per_second=1.0))
    jobs = [attrs.evolve(CALL, connecting=5.0), attrs.evolve(CALL, at=1.0), Job("frozen", at=2.0)]
    scene.play(*jobs, events=[(0.5, cooling(50.0))])
    assert times_of(scene, CALLS) == [5.0, pytest.approx(6.02)]
    assert times_of(scene, "api") == [50.5]


def test_closing_ends_all_calls_that_wait() -> None:
    async def play() -> list[object]:
        scheduler = scheduler_of(RateLimit(calls_per_minute=1.0), 10)
        await scheduler.acquire(CALLS, INTERACTIVE, PATIENT)
        scheduler.mark_sent(CALLS)
        waiting = [asyncio.create_task(outcome(scheduler.acquire(CALLS, each, PATIENT))) for each in Priority]
        await asyncio.sleep(30.0)
        scheduler.close()
        return [*await asyncio.gather(*waiting), asyncio.get_running_loop().time()]

    assert run(play()) == [SchedulerClosedError, SchedulerClosedError, 30.0]


def remote(limit: RateLimit) -> RateBudget:
    budget = RemoteBudget(None)
    budget.local = LocalRateBudget(limit)
    return budget


BUDGETS = pytest.mark.parametrize("make", [LocalRateBudget, remote])


def member(budget: RateBudget) -> RequestScheduler:
    return make_scheduler(budget, "digest", 100, asyncio.get_running_loop())


async def send(scheduler: RequestScheduler, operation: str, priority: Priority = INTERACTIVE) -> float:
    """Send a request as soon as it has a permit; return when."""
    await scheduler.acquire(operation, priority, PATIENT)
    scheduler.mark_sent(operation)
    scheduler.release(operation)
    return asyncio.get_running_loop().time()


@BUDGETS
def test_the_clients_of_a_budget_share_the_limits_for_calls(make: Callable[[RateLimit], RateBudget]) -> None:
    async def play() -> list[float]:
        budget = make(RateLimit(calls_per_second=2.0, calls_per_minute=5.0))
        clients = [member(budget) for _ in range(3)]
        return sorted(await asyncio.gather(*(send(client, CALLS) for client in clients * 4)))

    times = run(play())
    assert most_in_a_window(times, 1.0) == 2
    assert most_in_a_window(times, 60.0) == 5
    assert times[-1] < 125.0


@BUDGETS
def test_calls_that_wait_for_a_budget_keep_no_other_request_from_being_sent(
    make: Callable[[RateLimit], RateBudget],
) -> None:
    async def play() -> list[float]:
        client = member(make(RateLimit(calls_per_minute=1.0)))
        waiting = [asyncio.create_task(send(client, CALLS)) for _ in range(20)]
        await asyncio.sleep(10.0)
        others = await asyncio.gather(*(send(client, "api", priority) for priority in Priority))
        client.close()
        await asyncio.gather(*waiting, return_exceptions=True)
        return list(others)

    assert run(play()) == [10.0, pytest.approx(10.0)]


def test_the_slots_that_a_budget_gives_by_its_public_methods_obey_the_limits_for_calls() -> None:
    async def play() -> list[float]:
        loop = asyncio.get_running_loop()
        budget = LocalRateBudget(RateLimit(None, calls_per_second=1.0, calls_per_minute=2.0))
        times: list[float] = []
        for is_used in (True, False, True, True):
            await budget.acquire("digest", CALLS)
            await asyncio.sleep(3.0)
            if is_used:
                budget.mark_sent("digest", CALLS)
                times.append(loop.time())
            else:
                budget.cancel("digest", CALLS)
        return times

    assert run(play()) == [3.0, pytest.approx(10.02), pytest.approx(66.5)]


def test_a_client_that_replaces_another_continues_with_what_is_left_of_the_minute() -> None:
    async def play() -> list[float]:
        budget = LocalRateBudget(RateLimit(200.0, calls_per_minute=1.0))
        before = member(budget)
        times = [await send(before, CALLS)]
        before.close()
        await asyncio.sleep(20.0)
        # Using another key makes the budget forget those that are idle.
        await budget.acquire("another digest", CALLS)
        return [*times, await send(member(budget), CALLS)]

    assert run(play()) == [0.0, pytest.approx(60.5)]


# The tests below use clients and real sockets.


async def create_in_every_way(ultravox: AsyncUltravox, agent_id: str) -> None:
    """Create five calls, one after the other."""
    await ultravox.calls.create(system_prompt="Say hello.")
    await ultravox.with_options(priority="background").calls.create(system_prompt="Say hello.")
    await ultravox.agents.create_call(agent_id)
    await ultravox.agents.telephony_xml(agent_id)
    await ultravox.request("POST", "/api/calls", json={})


@pytest.mark.usefixtures("clock")
async def test_forty_calls_are_created_without_one_refusal_whichever_way_they_are_created() -> None:
    limit = RateLimit(calls_per_second=10, calls_per_minute=30)
    async with (
        Emulator(registrations=1, calls_per_second=10, calls_per_minute=30) as emulator,
        AsyncUltravox(emulator.api_key, base_url=emulator.base_url, rate_limit=limit) as ultravox,
    ):
        agent = await ultravox.agents.create(name="greeter")
        await asyncio.gather(*(create_in_every_way(ultravox, agent.agent_id) for _ in range(8)))
        times = [request.at for request in emulator.requests if request.path != "/api/agents"]
        assert emulator.counts == {200: 8, 201: 33}
    assert most_in_a_window(times, 1.0) <= 10
    assert most_in_a_window(times, 60.0) <= 30
    assert most_in_a_window(times, 61.0) > 30


async def test_waiting_for_a_minute_counts_against_no_timeout(clock: Clock) -> None:
    short = Timeout(read=1.0, total=1.0)
    async with (
        Emulator(registrations=1) as emulator,
        AsyncUltravox(
            emulator.api_key, base_url=emulator.base_url, rate_limit=RateLimit(calls_per_minute=1), timeout=short
        ) as ultravox,
    ):
        await asyncio.gather(*(ultravox.calls.create() for _ in range(3)))
    assert clock.ahead >= 119


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("status", [429, 503])
async def test_every_attempt_counts_as_a_call(status: int) -> None:
    times: list[float] = []

    async def script(_: Received) -> Say:
        times.append(asyncio.get_running_loop().time())
        created = {"callId": "some-id"}
        refused = answer(status, {"detail": "No capacity."}, headers={"Retry-After": "0"})
        return answer(201, created) if len(times) == 3 else refused

    async with (
        Wire(script) as wire,
        client_of(
            wire.base_url, rate_limit=RateLimit(None, calls_per_second=1), retry=RetryPolicy(base_delay=0.001)
        ) as client,
    ):
        await client.request("POST", "/api/calls", json={})
    assert all(late - early >= 1.0 for early, late in pairwise(times))
    assert len(times) == 3
