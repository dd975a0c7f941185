import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from itertools import groupby, pairwise
from typing import Any, TypeVar

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultravox_async import RateLimit
from ultravox_async._http.budget import make_scheduler
from ultravox_async._http.scheduler import (
    CoolingDownError,
    Priority,
    RequestScheduler,
    SchedulerClosedError,
    WaitLimits,
)

T = TypeVar("T")

INTERACTIVE, BACKGROUND = Priority.INTERACTIVE, Priority.BACKGROUND
PATIENT = WaitLimits(cool_down=60.0, outage=60.0)


class JumpingSelector(selectors.SelectSelector):
    """Moves the clock of its loop forward instead of sleeping."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.lateness = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "deadlock: all tasks wait, and no timer is set"
        if timeout > 0:
            self.now += timeout + self.lateness
        return super().select(0)


class FakeClockLoop(asyncio.SelectorEventLoop):
    """A real event loop with a fake clock, which never waits."""

    def __init__(self, lateness: float = 0.0) -> None:
        self._jumping = JumpingSelector()
        self._jumping.lateness = lateness
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run(play: Coroutine[Any, Any, T]) -> T:
    # An exception in a callback of the loop would only be logged otherwise.
    failures: list[dict[str, Any]] = []
    with asyncio.Runner(loop_factory=FakeClockLoop) as runner:
        runner.get_loop().set_exception_handler(lambda _, context: failures.append(context))
        result = runner.run(play)
    assert failures == []
    return result


def scheduler_of(rate: float | RateLimit | None, places: int) -> RequestScheduler:
    limit = rate if isinstance(rate, RateLimit) else RateLimit(rate)
    return make_scheduler(limit, "digest", places, asyncio.get_running_loop())


async def outcome(work: Awaitable[object]) -> object:
    """Return the result of `work`, or the class of the exception that it raises."""
    try:
        return await work
    except (asyncio.CancelledError, CoolingDownError, SchedulerClosedError) as error:
        return type(error)


@attrs.frozen
class Job:
    """A request as the scheduler sees one."""

    name: str = ""
    at: float = 0.0
    priority: Priority = INTERACTIVE
    operation: str = "api"
    connecting: float = 0.0
    sends: bool = True
    lasting: float = 0.0
    cancelled_after: float | None = None
    max_wait: float | None = None


@attrs.define
class Scene:
    """Jobs that use one scheduler."""

    rate: float | RateLimit | None = None
    places: int = 1000
    max_wait: float = 60.0
    lateness: float = 0.0
    sent: list[tuple[float, Job]] = attrs.field(factory=list[tuple[float, Job]])
    refused: list[tuple[float, Job, float]] = attrs.field(factory=list[tuple[float, Job, float]])
    inside: int = 0
    most_inside: int = 0

    def play(self, *jobs: Job, events: Sequence[tuple[float, Callable[[RequestScheduler], object]]] = ()) -> None:
        with asyncio.Runner(loop_factory=lambda: FakeClockLoop(self.lateness)) as runner:
            runner.run(self._play(jobs, events))

    async def _play(
        self, jobs: Sequence[Job], events: Sequence[tuple[float, Callable[[RequestScheduler], object]]]
    ) -> None:
        loop = asyncio.get_running_loop()
        scheduler = scheduler_of(self.rate, self.places)
        for at, event in events:
            loop.call_at(at, event, scheduler)
        tasks = [loop.create_task(self._do(job, scheduler)) for job in jobs]
        for job, task in zip(jobs, tasks, strict=True):
            if job.cancelled_after is not None:
                loop.call_at(job.at + job.cancelled_after, task.cancel)
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(end) for end in ended if end is not None} <= {asyncio.CancelledError}
        scheduler.close()
        assert self.inside == 0

    async def _do(self, job: Job, scheduler: RequestScheduler) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(job.at - loop.time())
        try:
            await scheduler.acquire(job.operation, job.priority, WaitLimits(job.max_wait or self.max_wait, 60.0))
        except CoolingDownError as error:
            self.refused.append((loop.time(), job, error.seconds))
            return
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        give_back = scheduler.cancel
        try:
            await asyncio.sleep(job.connecting)
            if job.sends:
                scheduler.mark_sent(job.operation)
                give_back = scheduler.release
                self.sent.append((loop.time(), job))
            await asyncio.sleep(job.lasting)
        finally:
            self.inside -= 1
            give_back(job.operation)

    @property
    def times(self) -> list[float]:
        return [time for time, _ in self.sent]

    @property
    def names(self) -> list[str]:
        return [job.name for _, job in self.sent]


def cooling(seconds: float, operation: str = "api", longest: float = 300.0) -> Callable[[RequestScheduler], object]:
    return lambda scheduler: scheduler.cool_down(operation, seconds, longest)


def crowd(number: int, **settings: Any) -> list[Job]:  # noqa: ANN401 - the fields of a job
    return [attrs.evolve(Job(f"{index}"), **settings) for index in range(number)]


def most_in_a_window(times: Sequence[float], window: float) -> int:
    """Return how many of the sorted `times` a half-open window holds at most, wherever it starts."""
    most = first = 0
    for index, time in enumerate(times):
        while time - times[first] >= window:
            first += 1
        most = max(most, index - first + 1)
    return most


TIMES = st.integers(0, 160).map(lambda ticks: ticks / 32)
JOBS = st.builds(
    Job,
    at=TIMES,
    priority=st.sampled_from(Priority),
    operation=st.sampled_from(["api", "calls"]),
    connecting=st.sampled_from([0.0, 0.0, 0.125, 1.0, 3.0]),
    sends=st.sampled_from([True, True, True, False]),
    lasting=st.sampled_from([0.0, 0.25, 2.0]),
    cancelled_after=st.none() | TIMES,
)


def named(groups: list[tuple[int, Job]]) -> list[Job]:
    jobs = [job for number, job in groups for _ in range(number)]
    return [attrs.evolve(job, name=f"{index}") for index, job in enumerate(jobs)]


CROWDS = st.lists(st.tuples(st.sampled_from([1, 2, 5, 30, 250]), JOBS), max_size=6).map(named)
EVENTS = st.lists(st.tuples(TIMES, st.builds(cooling, TIMES, st.sampled_from(["api", "calls"]))), max_size=3)


@pytest.mark.parametrize("rate", [0.5, 1.5, 3.0, 200.0])
@settings(deadline=None, max_examples=20)
@given(
    jobs=CROWDS, events=EVENTS, places=st.sampled_from([1, 3, 100, 1000]), lateness=st.sampled_from([0.0, 0.004, 0.25])
)
def test_no_window_of_a_second_holds_more_sends_than_the_rate_wherever_it_starts(
    rate: float,
    jobs: list[Job],
    events: list[tuple[float, Callable[[RequestScheduler], object]]],
    places: int,
    lateness: float,
) -> None:
    scene = Scene(rate, places=places, lateness=lateness)
    scene.play(*jobs, events=events)
    assert most_in_a_window(scene.times, max(1.0, 1 / rate)) <= max(1, int(rate))
    assert scene.most_inside <= places
    # No request is lost: all jobs that send, and were not cancelled, have sent their request.
    due = {job.name for job in jobs if job.sends and job.cancelled_after is None}
    assert due <= set(scene.names)
    assert len(scene.names) == len(set(scene.names))


@pytest.mark.parametrize("rate", [0.5, 1.0, 3.0, 200.0])
@pytest.mark.parametrize("priority", Priority)
@pytest.mark.parametrize("lateness", [0.0, 0.001])
@pytest.mark.parametrize("cold", [False, True])
def test_with_a_backlog_at_least_97_percent_of_the_rate_is_used(
    rate: float, priority: Priority, lateness: float, *, cold: bool
) -> None:
    number = max(100, int(rate * 20))
    scene = Scene(rate, lateness=lateness)
    jobs = crowd(number + 1, priority=priority)
    # A cold pool opens its connections during the first second.
    handshakes = int(rate) if cold else 0
    scene.play(*(attrs.evolve(job, connecting=0.05) for job in jobs[:handshakes]), *jobs[handshakes:])
    assert number / (scene.times[-1] - scene.times[0]) >= 0.97 * rate


def test_a_fractional_rate_is_rounded_down_to_whole_requests() -> None:
    scene = Scene(1.5)
    scene.play(*crowd(21))
    assert 20 / (scene.times[-1] - scene.times[0]) >= 0.97


def test_a_burst_of_single_calls_up_to_the_rate_is_sent_at_once() -> None:
    scene = Scene(5.0)
    scene.play(*crowd(6))
    assert scene.times[:5] == [0.0] * 5
    assert scene.times[5] >= 1.0


def test_a_sweep_is_spread_evenly_over_its_second() -> None:
    scene = Scene(5.0)
    scene.play(*crowd(20, priority=BACKGROUND))
    # The scheduler may make up for a lateness of up to 10 ms.
    assert [late - early for early, late in pairwise(scene.times)] == pytest.approx([0.204] * 19, abs=0.0101)


def test_after_an_idle_time_no_more_than_one_window_is_sent_at_once() -> None:
    scene = Scene(3.0)
    scene.play(Job(), *crowd(9, at=100.0))
    assert [time for time in scene.times if time < 101.0] == [0.0, 100.0, 100.0, 100.0]


def test_without_a_rate_every_request_is_sent_at_once() -> None:
    scene = Scene(None)
    scene.play(*crowd(300), *crowd(300, priority=BACKGROUND))
    assert scene.times == [0.0] * 600


def test_a_cool_down_also_holds_without_a_rate() -> None:
    scene = Scene(None)
    scene.play(Job(at=1.0), events=[(0.5, cooling(10.0))])
    assert scene.times == [10.5]


def test_no_more_requests_than_the_rate_allows_wait_for_connections() -> None:
    scene = Scene(2.0)
    scene.play(*crowd(3, connecting=5.0))
    assert scene.times[:2] == [5.0, 5.0]
    # The third got its permit when the sends of the first two were a window old.
    assert scene.times[2] == pytest.approx(5.0 + 1.02 + 5.0)


def test_requests_delayed_by_slow_connections_do_not_exceed_the_rate_with_later_ones() -> None:
    scene = Scene(2.0)
    scene.play(Job("slow", connecting=0.95), *crowd(5, priority=BACKGROUND, at=0.5))
    assert most_in_a_window(scene.times, 1.0) == 2


def test_nothing_is_sent_during_a_cool_down() -> None:
    scene = Scene(200.0)
    scene.play(*crowd(5, at=1.0), *crowd(5, at=2.0, priority=BACKGROUND), events=[(0.5, cooling(10.0))])
    assert min(scene.times) >= 10.5
    assert len(scene.times) == 10


def test_a_cool_down_stops_requests_that_already_wait() -> None:
    scene = Scene(2.0)
    scene.play(*crowd(6, priority=BACKGROUND), events=[(0.1, cooling(20.0))])
    assert [time for time in scene.times if 0.1 < time < 20.1] == []
    assert len(scene.times) == 6


def test_a_shorter_cool_down_does_not_end_a_longer_one() -> None:
    scene = Scene(200.0)
    scene.play(Job(at=5.0), events=[(0.0, cooling(20.0)), (1.0, cooling(2.0))])
    assert scene.times == [20.0]


def test_a_longer_cool_down_extends_a_shorter_one() -> None:
    scene = Scene(200.0)
    scene.play(Job(at=5.0), events=[(0.0, cooling(20.0)), (10.0, cooling(20.0))])
    assert scene.times == [30.0]


def test_a_request_that_succeeds_during_a_cool_down_does_not_end_it() -> None:
    scene = Scene(200.0)
    scene.play(Job("early", connecting=2.0, lasting=1.0), Job("late", at=5.0), events=[(1.0, cooling(20.0))])
    assert [(job.name, time) for time, job in scene.sent] == [("early", 2.0), ("late", 21.0)]


def test_a_cool_down_of_one_class_of_operations_does_not_affect_the_others() -> None:
    scene = Scene(200.0)
    jobs = [
        Job(f"{priority.name} {operation}", at=1.0, priority=priority, operation=operation)
        for operation in ("calls", "api")
        for priority in Priority
    ]
    scene.play(*jobs, events=[(0.0, cooling(20.0, "calls"))])
    assert {job.name for time, job in scene.sent if time < 1.1} == {"INTERACTIVE api", "BACKGROUND api"}
    assert {job.name for time, job in scene.sent if time >= 20.0} == {"INTERACTIVE calls", "BACKGROUND calls"}


def test_a_request_is_sent_at_once_while_another_class_cools_down() -> None:
    scene = Scene(200.0)
    scene.play(Job("frozen", at=1.0, operation="calls"), Job("free", at=2.0), events=[(0.0, cooling(20.0, "calls"))])
    assert [(job.name, time) for time, job in scene.sent] == [("free", 2.0), ("frozen", 20.0)]


def test_cool_downs_of_two_classes_end_independently() -> None:
    scene = Scene(200.0)
    scene.play(
        Job("calls", at=1.0, operation="calls"),
        Job("api", at=1.0),
        events=[(0.0, cooling(20.0, "calls")), (0.0, cooling(10.0))],
    )
    assert [(job.name, time) for time, job in scene.sent] == [("api", 10.0), ("calls", 20.0)]


def test_a_long_cool_down_fails_the_waiting_single_calls() -> None:
    scene = Scene(1.0, max_wait=60.0)
    jobs = [Job("sent"), *crowd(4, at=0.1)]
    scene.play(*jobs, Job("calls", at=0.2, operation="calls"), events=[(0.5, cooling(61.0))])
    assert [(time, seconds) for time, _, seconds in scene.refused] == [(0.5, 61.0)] * 4
    assert scene.names == ["sent", "calls"]


def test_each_call_waits_for_a_cool_down_up_to_its_own_limit() -> None:
    scene = Scene(1.0)
    jobs = [Job("sent"), Job("impatient", at=0.1, max_wait=10.0), Job("patient", at=0.2, max_wait=30.0)]
    scene.play(*jobs, events=[(0.5, cooling(20.0))])
    assert [(job.name, time) for time, job, _ in scene.refused] == [("impatient", 0.5)]
    assert [(job.name, time) for time, job in scene.sent] == [("sent", 0.0), ("patient", 20.5)]


def test_background_requests_wait_out_a_cool_down_that_single_calls_do_not_wait_for() -> None:
    scene = Scene(1.0, max_wait=60.0)
    jobs = [Job("sent"), *crowd(2, at=0.1, priority=BACKGROUND), Job("comes later", at=2.0, priority=BACKGROUND)]
    scene.play(*jobs, events=[(0.5, cooling(61.0))])
    assert scene.refused == []
    assert scene.names == ["sent", "0", "1", "comes later"]
    assert scene.times[1] == 61.5


def test_no_cool_down_is_longer_than_the_maximum() -> None:
    scene = Scene(200.0)
    scene.play(Job(at=1.0), Job(at=2.0, priority=BACKGROUND), events=[(0.0, cooling(999_999_999_999.0))])
    assert [(time, seconds) for time, _, seconds in scene.refused] == [(1.0, 299.0)]
    assert scene.times == [300.0]


def test_after_a_shortened_cool_down_one_request_is_sent_and_the_others_wait_for_its_end() -> None:
    scene = Scene(None)
    jobs = [*crowd(3, at=1.0, priority=BACKGROUND, lasting=7.0), Job("single", at=303.0)]
    scene.play(*jobs, events=[(0.0, cooling(301.0))])
    assert scene.times == [300.0, 307.0, 307.0, 307.0]
    assert scene.names[1] == "single"


def test_a_new_request_after_a_shortened_cool_down_is_the_trial() -> None:
    scene = Scene(None)
    jobs = [Job("first", at=400.0, lasting=5.0), Job("second", at=401.0)]
    scene.play(*jobs, events=[(0.0, cooling(301.0))])
    assert [(job.name, time) for time, job in scene.sent] == [("first", 400.0), ("second", 405.0)]


def test_if_the_trial_request_gets_another_429_the_others_continue_to_wait() -> None:
    scene = Scene(None)
    jobs = crowd(3, at=1.0, priority=BACKGROUND, lasting=7.0)
    scene.play(*jobs, events=[(0.0, cooling(301.0)), (304.0, cooling(10.0))])
    assert scene.times == [300.0, 314.0, 321.0]


def test_if_the_trial_request_is_not_sent_another_one_takes_its_place() -> None:
    scene = Scene(None)
    jobs = [
        Job("never connects", at=1.0, priority=BACKGROUND, connecting=3.0, sends=False),
        *crowd(2, at=1.0, priority=BACKGROUND, lasting=5.0),
    ]
    scene.play(*jobs, events=[(0.0, cooling(301.0))])
    assert [(job.name, time) for time, job in scene.sent] == [("0", 303.0), ("1", 308.0)]


def test_a_trial_in_one_class_of_operations_does_not_affect_the_others() -> None:
    scene = Scene(None)
    jobs = [*crowd(2, at=1.0, priority=BACKGROUND, lasting=5.0), Job("calls", at=301.0, operation="calls")]
    scene.play(*jobs, events=[(0.0, cooling(301.0))])
    assert [(job.name, time) for time, job in scene.sent] == [("0", 300.0), ("calls", 301.0), ("1", 305.0)]


def test_a_new_single_call_fails_during_a_long_cool_down() -> None:
    scene = Scene(200.0, max_wait=60.0)
    scene.play(Job(at=1.0), Job(at=5.0), events=[(0.0, cooling(64.0))])
    assert [(time, seconds) for time, _, seconds in scene.refused] == [(1.0, 63.0)]
    assert scene.times == [64.0]


def test_a_cool_down_error_contains_the_remaining_seconds() -> None:
    assert str(CoolingDownError(61.0)) == "cooling down for another 61.000 s"


def test_a_waiter_cancelled_just_before_a_cool_down_ends_as_cancelled() -> None:
    async def play() -> object:
        scheduler = scheduler_of(None, 0)
        waiting = asyncio.create_task(outcome(scheduler.acquire("api", INTERACTIVE, PATIENT)))
        await asyncio.sleep(0)
        waiting.cancel()
        scheduler.cool_down("api", 61.0, 300.0)
        return await waiting

    assert run(play()) is asyncio.CancelledError


def test_a_waiter_cancelled_after_it_was_failed_gives_no_permit_back() -> None:
    async def play() -> list[object]:
        scheduler = scheduler_of(None, 1)
        await scheduler.acquire("api", INTERACTIVE, PATIENT)
        waiting = asyncio.create_task(outcome(scheduler.acquire("api", INTERACTIVE, PATIENT)))
        other = asyncio.create_task(scheduler.acquire("calls", INTERACTIVE, PATIENT))
        await asyncio.sleep(0)
        scheduler.cool_down("api", 61.0, 300.0)
        waiting.cancel()
        ended = await waiting
        await asyncio.sleep(1.0)
        inside = other.done()
        other.cancel()
        return [ended, inside]

    assert run(play()) == [asyncio.CancelledError, False]


def test_the_slot_of_a_cancelled_waiter_goes_to_the_next_one() -> None:
    scene = Scene(1.0)
    jobs = [Job("a"), Job("b", at=0.1, cancelled_after=0.4), Job("c", at=0.2)]
    scene.play(*jobs)
    assert [(job.name, time) for time, job in scene.sent] == [("a", 0.0), ("c", pytest.approx(1.02))]


def test_a_waiter_cancelled_at_its_admission_gives_its_permit_back() -> None:
    async def play() -> list[object]:
        scheduler = scheduler_of(None, 1)
        await scheduler.acquire("api", INTERACTIVE, PATIENT)
        waiting = [asyncio.create_task(outcome(scheduler.acquire("api", INTERACTIVE, PATIENT))) for _ in range(2)]
        await asyncio.sleep(0)
        # The first waiter gets the permit here, and its task is cancelled before it runs.
        scheduler.cancel("api")
        waiting[0].cancel()
        return await asyncio.gather(*waiting)

    assert run(play()) == [asyncio.CancelledError, None]


def test_a_waiter_cancelled_before_its_admission_is_skipped() -> None:
    async def play() -> list[str]:
        scheduler = scheduler_of(None, 1)
        entered: list[str] = []

        async def enter(name: str) -> None:
            await scheduler.acquire("api", INTERACTIVE, PATIENT)
            entered.append(name)

        await enter("holder")
        waiting = [asyncio.create_task(enter("cancelled")), asyncio.create_task(enter("next"))]
        await asyncio.sleep(0)
        waiting[0].cancel()
        scheduler.cancel("api")
        await asyncio.gather(*waiting, return_exceptions=True)
        return entered

    assert run(play()) == ["holder", "next"]


def test_a_waiter_that_is_admitted_as_the_scheduler_closes_gets_no_permit() -> None:
    async def play() -> list[object]:
        scheduler = scheduler_of(None, 1)
        await scheduler.acquire("api", INTERACTIVE, PATIENT)
        waiting = asyncio.create_task(outcome(scheduler.acquire("api", INTERACTIVE, PATIENT)))
        await asyncio.sleep(0)
        # The waiter gets the permit here, and the scheduler is closed before its task runs.
        scheduler.cancel("api")
        scheduler.close()
        return [await waiting]

    assert run(play()) == [SchedulerClosedError]


def test_the_only_waiter_can_be_cancelled() -> None:
    scene = Scene(1.0)
    scene.play(Job("a"), Job("b", at=0.1, cancelled_after=0.4), Job("c", at=5.0))
    assert [(job.name, time) for time, job in scene.sent] == [("a", 0.0), ("c", 5.0)]


def test_a_slot_that_was_not_used_goes_to_the_next_request() -> None:
    scene = Scene(1.0)
    scene.play(Job("never connects", connecting=3.0, sends=False), Job("next", at=0.5))
    assert [(job.name, time) for time, job in scene.sent] == [("next", 3.0)]


@pytest.mark.parametrize("priority", Priority)
def test_attempts_that_never_connect_do_not_delay_later_requests(priority: Priority) -> None:
    scene = Scene(10.0)
    # A server that is down refuses connections much faster than the rate.
    refused = [Job(at=index / 1000, sends=False) for index in range(1000)]
    scene.play(*refused, *crowd(10, at=2.0, priority=priority))
    assert scene.times[-1] <= 2.0 + 1.02


def test_cancelled_permits_do_not_slow_down_a_sweep() -> None:
    scene = Scene(10.0)
    jobs = crowd(100, priority=BACKGROUND)
    # Every other request is cancelled just when its connection is made.
    scene.play(*(attrs.evolve(job, sends=index % 2 == 0) for index, job in enumerate(jobs)))
    assert 49 / (scene.times[-1] - scene.times[0]) >= 0.97 * 10.0


def test_single_calls_are_sent_before_a_sweep() -> None:
    scene = Scene(1.0)
    sweep = crowd(5, name="bulk", priority=BACKGROUND)
    scene.play(Job("first"), *sweep, Job("single", at=0.5), Job("single", at=0.6))
    assert scene.names == ["first", "single", "single", *["bulk"] * 5]


def test_a_sweep_gets_every_eighth_permit_while_single_calls_never_end() -> None:
    scene = Scene(None, places=1)
    jobs = [*crowd(40, name="single", lasting=1.0), *crowd(5, name="bulk", priority=BACKGROUND, lasting=1.0)]
    scene.play(Job("holder", lasting=1.0), *jobs)
    runs = [(name, len(list(group))) for name, group in groupby(scene.names[1:])]
    assert runs == [("single", 7), ("bulk", 1)] * 5 + [("single", 5)]


def test_single_calls_do_not_wait_for_a_sweep_that_cools_down() -> None:
    scene = Scene(None, places=1)
    sweep = crowd(3, name="bulk", priority=BACKGROUND, operation="calls")
    scene.play(Job("holder", lasting=1.0), *sweep, *crowd(20, name="single"), events=[(0.5, cooling(30.0, "calls"))])
    assert scene.names == ["holder", *["single"] * 20, *["bulk"] * 3]


@pytest.mark.parametrize("priority", Priority)
def test_requests_of_one_priority_are_first_in_first_out(priority: Priority) -> None:
    scene = Scene(3.0, places=2)
    jobs = crowd(30, priority=priority, lasting=0.1)
    scene.play(*jobs)
    assert scene.names == [job.name for job in jobs]


def test_a_new_request_does_not_overtake_those_that_wait() -> None:
    async def play() -> list[str]:
        scheduler = scheduler_of(None, 100)
        order: list[str] = []

        async def enter(name: str) -> None:
            await scheduler.acquire("api", INTERACTIVE, PATIENT)
            order.append(name)

        async def enter_twice() -> None:
            await enter("first")
            # Only a few requests start in one iteration of the loop, so that most of them still wait here.
            await enter("new")

        scheduler.cool_down("api", 5.0, 300.0)
        await asyncio.gather(enter_twice(), *(enter(f"{number}") for number in range(20)))
        return order

    assert run(play()) == ["first", *(f"{number}" for number in range(20)), "new"]


def test_classes_of_operations_take_turns() -> None:
    scene = Scene(None, places=1)
    scene.play(
        Job("holder", lasting=1.0),
        *crowd(3, name="api", priority=BACKGROUND),
        *crowd(3, name="calls", priority=BACKGROUND, operation="calls"),
    )
    assert scene.names == ["holder", "api", "calls", "api", "calls", "api", "calls"]


def test_no_more_requests_than_places_are_in_flight_and_all_are_sent() -> None:
    scene = Scene(None, places=7)
    scene.play(*crowd(100, lasting=1.0), *crowd(100, priority=BACKGROUND, lasting=1.0))
    assert scene.most_inside == 7
    assert len(scene.sent) == 200


@settings(deadline=None, max_examples=40)
@given(jobs=CROWDS, events=EVENTS, places=st.integers(1, 5), rate=st.sampled_from([None, 3.0, 200.0]))
def test_every_place_is_given_back_however_its_request_ends(
    jobs: list[Job], events: list[tuple[float, Callable[[RequestScheduler], object]]], places: int, rate: float | None
) -> None:
    scene = Scene(rate, places=places)
    late = crowd(places, name="late", at=100_000.0, lasting=1000.0)
    scene.play(*jobs, *late, events=events)
    ended = [time for time, job in scene.sent if job.name == "late"]
    # All the late jobs are in flight together, so that no place was lost.
    assert len(ended) == places
    assert max(ended) < 100_000.0 + 1000.0
    assert scene.most_inside <= places


def test_closing_fails_all_waiters_and_pauses() -> None:
    async def play() -> list[object]:
        loop = asyncio.get_running_loop()
        scheduler = scheduler_of(1.0, 10)
        await scheduler.acquire("api", INTERACTIVE, PATIENT)
        scheduler.mark_sent("api")
        waiting = [asyncio.create_task(outcome(scheduler.acquire("api", priority, PATIENT))) for priority in Priority]
        pausing = asyncio.create_task(outcome(scheduler.pause(10.0)))
        await asyncio.sleep(0.5)
        scheduler.close()
        ended = await asyncio.gather(*waiting, pausing)
        return [*ended, loop.time()]

    assert run(play()) == [SchedulerClosedError, SchedulerClosedError, SchedulerClosedError, 0.5]


def test_closing_fails_all_later_requests() -> None:
    async def play() -> list[object]:
        scheduler = scheduler_of(None, 10)
        scheduler.close()
        return [await outcome(scheduler.acquire("api", INTERACTIVE, PATIENT)), await outcome(scheduler.pause(1.0))]

    assert run(play()) == [SchedulerClosedError, SchedulerClosedError]


def test_a_waiter_that_is_cancelled_before_the_scheduler_closes_ends_as_cancelled() -> None:
    async def play() -> list[object]:
        scheduler = scheduler_of(None, 0)
        tasks = [
            asyncio.create_task(outcome(work))
            for work in (scheduler.acquire("api", INTERACTIVE, PATIENT), scheduler.pause(10.0))
        ]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        scheduler.close()
        return await asyncio.gather(*tasks)

    assert run(play()) == [asyncio.CancelledError, asyncio.CancelledError]


def test_a_pause_lasts_its_seconds_and_holds_no_permit() -> None:
    async def play() -> float:
        loop = asyncio.get_running_loop()
        await scheduler_of(1.0, 0).pause(7.5)
        return loop.time()

    assert run(play()) == 7.5


def test_a_pause_that_ends_just_as_the_scheduler_closes_is_failed_once() -> None:
    async def play() -> object:
        loop = asyncio.get_running_loop()
        scheduler = scheduler_of(None, 0)
        loop.call_at(5.0, scheduler.close)
        return await outcome(scheduler.pause(5.0))

    assert run(play()) is SchedulerClosedError
