# pyright: reportPrivateUsage=false
# Whether a scheduler has pending requests at the end of a test cannot be read through public names.

import asyncio
import math
from collections.abc import Callable
from typing import Any, cast

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_scheduler import BACKGROUND, INTERACTIVE, PATIENT, most_in_a_window, outcome, run
from tests.wire import KEY, WAIT, Wire, answer, client_of, in_turn, shown
from ultravox_async import (
    APIConnectionError,
    AsyncUltravox,
    ClientClosedError,
    ConfigurationError,
    LocalRateBudget,
    RateBudget,
    RateLimit,
    RateLimitError,
    RequestPriority,
    RetryPolicy,
    UltravoxError,
)
from ultravox_async._http.budget import make_scheduler
from ultravox_async._http.scheduler import CoolingDownError, Priority, RequestScheduler, SchedulerClosedError

ANYTHING = "/api/anything"
OK = answer(200, {"fine": True})
LONG = answer(429, headers={"Retry-After": "61"})


class RemoteBudget:
    """A remote budget: it takes some time to respond, and the client cannot see its queues."""

    def __init__(self, rate: float | None, latency: float = 0.0) -> None:
        self.local = LocalRateBudget(RateLimit(rate))
        self.latency = latency
        self.asking = 0
        self.most_asking = 0
        self.digests: set[str] = set()
        self.reported: list[tuple[str, str]] = []
        self.failure: Exception | None = None

    @property
    def rate_limit(self) -> RateLimit:
        return self.local.rate_limit

    async def acquire(self, key_digest: str, operation: str) -> None:
        self.digests.add(key_digest)
        self.asking += 1
        self.most_asking = max(self.most_asking, self.asking)
        try:
            await asyncio.sleep(self.latency)
            if self.failure is not None:
                raise self.failure
            await self.local.acquire(key_digest, operation)
        finally:
            self.asking -= 1

    def mark_sent(self, key_digest: str, operation: str) -> None:
        self.reported.append(("sent", operation))
        self.local.mark_sent(key_digest, operation)

    def cancel(self, key_digest: str, operation: str) -> None:
        self.reported.append(("cancelled", operation))
        self.local.cancel(key_digest, operation)

    def cool_down(self, key_digest: str, operation: str, seconds: float) -> None:
        self.local.cool_down(key_digest, operation, seconds)

    def cooling_down(self, key_digest: str, operation: str) -> float:
        return self.local.cooling_down(key_digest, operation)


class OrderingBudget(RemoteBudget):
    """A remote budget that is told which requests are single calls, and remembers the order in which it was asked."""

    def __init__(self, rate: float | None, latency: float = 0.0) -> None:
        super().__init__(rate, latency)
        self.asked: list[tuple[str, float]] = []
        self.cooling = 0.0

    async def acquire_within(
        self, key_digest: str, operation: str, priority: RequestPriority, longest_cool_down: float
    ) -> float:
        self.asked.append((priority, longest_cool_down))
        if self.cooling > longest_cool_down:
            return self.cooling
        await self.acquire(key_digest, operation)
        return 0.0


MakeBudget = Callable[[float | None], RateBudget]


def local(rate: float | None) -> RateBudget:
    return LocalRateBudget(RateLimit(rate))


BUDGETS = pytest.mark.parametrize("make", [local, RemoteBudget, OrderingBudget])


@attrs.frozen
class Job:
    """A request of one of the clients."""

    client: int = 0
    at: float = 0.0
    priority: Priority = INTERACTIVE
    connecting: float = 0.0
    sends: bool = True
    lasting: float = 0.0
    cancelled_after: float | None = None
    name: str = ""


def member(budget: RateBudget, places: int = 1000, digest: str = "digest") -> RequestScheduler:
    return make_scheduler(budget, digest, places, asyncio.get_running_loop())


async def do(job: Job, scheduler: RequestScheduler, sent: list[tuple[float, Job]]) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(job.at - loop.time())
    await scheduler.acquire("api", job.priority, PATIENT)
    give_back = scheduler.cancel
    try:
        await asyncio.sleep(job.connecting)
        if job.sends:
            scheduler.mark_sent("api")
            give_back = scheduler.release
            sent.append((loop.time(), job))
        await asyncio.sleep(job.lasting)
    finally:
        give_back("api")


async def play(
    schedulers: list[RequestScheduler], *jobs: Job, closing: dict[int, float] | None = None
) -> list[tuple[float, Job]]:
    """Run each job with the scheduler of its client; return which requests were sent, and when."""
    loop = asyncio.get_running_loop()
    sent: list[tuple[float, Job]] = []
    tasks = [asyncio.create_task(do(job, schedulers[job.client], sent)) for job in jobs]
    for job, task in zip(jobs, tasks, strict=True):
        if job.cancelled_after is not None:
            loop.call_at(job.at + job.cancelled_after, task.cancel)
    for client, at in (closing or {}).items():
        loop.call_at(at, schedulers[client].close)
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(end) for end in ended if end is not None} <= {asyncio.CancelledError, SchedulerClosedError}
    for scheduler in schedulers:
        assert scheduler._windows.general._pending == 0
        scheduler.close()
    return sent


def with_clients(
    number: int, budget: RateBudget, *jobs: Job, places: int = 1000, closing: dict[int, float] | None = None
) -> list[tuple[float, Job]]:
    async def scene() -> list[tuple[float, Job]]:
        return await play([member(budget, places) for _ in range(number)], *jobs, closing=closing)

    return run(scene())


def named(jobs: list[Job]) -> list[Job]:
    return [attrs.evolve(job, name=f"{index}") for index, job in enumerate(jobs)]


TICKS = st.integers(0, 96).map(lambda ticks: ticks / 32)
JOBS = st.lists(
    st.tuples(
        st.sampled_from([1, 2, 5, 30]),
        st.builds(
            Job,
            client=st.integers(0, 2),
            at=TICKS,
            priority=st.sampled_from(Priority),
            connecting=st.sampled_from([0.0, 0.0, 0.125, 1.0]),
            sends=st.sampled_from([True, True, True, False]),
            lasting=st.sampled_from([0.0, 0.25, 2.0]),
            cancelled_after=st.none() | TICKS,
        ),
    ),
    max_size=6,
).map(lambda groups: named([job for number, job in groups for _ in range(number)]))


@BUDGETS
@pytest.mark.parametrize("rate", [0.5, 3.0, 200.0])
@settings(deadline=None, max_examples=30)
@given(jobs=JOBS, places=st.sampled_from([1, 3, 1000]), closed_at=st.none() | TICKS)
def test_all_clients_together_never_exceed_the_rate_in_any_second_and_every_request_is_sent(
    make: MakeBudget, rate: float, jobs: list[Job], places: int, closed_at: float | None
) -> None:
    closing = {2: closed_at} if closed_at is not None else {}
    sent = with_clients(3, make(rate), *jobs, places=places, closing=closing)
    assert most_in_a_window([time for time, _ in sent], max(1.0, 1 / rate)) <= max(1, int(rate))
    # All jobs that send, and were neither cancelled nor closed, have sent their request.
    due = {job.name for job in jobs if job.sends and job.cancelled_after is None and job.client not in closing}
    names = [job.name for _, job in sent]
    assert due <= set(names)
    assert len(names) == len(set(names))


def test_a_backlog_of_several_clients_uses_the_rate() -> None:
    jobs = [Job(index % 4, priority=BACKGROUND) for index in range(400)]
    times = [time for time, _ in with_clients(4, local(20.0), *jobs)]
    assert 399 / (times[-1] - times[0]) >= 0.97 * 20.0


def test_the_sweeps_of_several_clients_take_turns() -> None:
    jobs = [Job(client, priority=BACKGROUND) for client in range(3) for _ in range(10)]
    order = [job.client for _, job in with_clients(3, local(5.0), *jobs)]
    assert all(sorted(order[index : index + 3]) == [0, 1, 2] for index in range(3, 27, 3))


def test_single_calls_of_one_client_are_sent_before_the_sweep_of_another() -> None:
    jobs = [*(Job(0, priority=BACKGROUND) for _ in range(10)), *(Job(1, at=0.5) for _ in range(3))]
    order = [job.client for time, job in with_clients(2, local(1.0), *jobs) if time > 0.5]
    assert order[:3] == [1, 1, 1]


def test_a_client_without_free_places_does_not_keep_others_from_sending() -> None:
    jobs = [*(Job(0, lasting=50.0) for _ in range(3)), Job(1, at=1.0), Job(1, at=2.0)]
    sent = with_clients(2, local(100.0), *jobs, places=1)
    assert [(job.client, time) for time, job in sent][:3] == [(0, 0.0), (1, 1.0), (1, 2.0)]


def test_a_client_with_a_free_place_continues_while_another_waits_for_a_cool_down() -> None:
    async def scene() -> float:
        budget = local(None)
        one, other = member(budget, 1), member(budget, 1)
        other.cool_down("calls", 50.0, 300.0)
        await one.acquire("api", INTERACTIVE, PATIENT)
        frozen = asyncio.create_task(other.acquire("calls", INTERACTIVE, PATIENT))
        waiting = asyncio.create_task(one.acquire("api", INTERACTIVE, PATIENT))
        await asyncio.sleep(1.0)
        one.mark_sent("api")
        one.release("api")
        await waiting
        at = asyncio.get_running_loop().time()
        await frozen
        return at

    assert run(scene()) == 1.0


def test_a_send_of_one_client_admits_a_request_of_another() -> None:
    sent = with_clients(2, local(1.0), Job(0, connecting=5.0), Job(1, at=0.5))
    assert [(job.client, time) for time, job in sent] == [(0, 5.0), (1, pytest.approx(6.02))]


@BUDGETS
def test_unused_slots_of_a_closed_client_go_to_the_others(make: MakeBudget) -> None:
    async def scene() -> float:
        budget = make(2.0)
        closing, staying = member(budget), member(budget)
        for _ in range(2):
            await closing.acquire("api", INTERACTIVE, PATIENT)
        waiting = asyncio.create_task(staying.acquire("api", INTERACTIVE, PATIENT))
        await asyncio.sleep(1.0)
        assert not waiting.done()
        closing.close()
        closing.cancel("api")
        closing.cancel("api")
        await waiting
        staying.cancel("api")
        return asyncio.get_running_loop().time()

    assert run(scene()) == 1.0


def test_an_admitted_waiter_of_a_closed_client_gives_its_slot_to_another_client() -> None:
    async def scene() -> list[object]:
        budget = local(1.0)
        holder, closing, staying = (member(budget) for _ in range(3))
        await holder.acquire("api", INTERACTIVE, PATIENT)
        waiting = [
            asyncio.create_task(outcome(each.acquire("api", INTERACTIVE, PATIENT))) for each in (closing, staying)
        ]
        await asyncio.sleep(0)
        # The first waiter gets the slot here, and its client is closed before its task runs.
        holder.cancel("api")
        closing.close()
        return list(await asyncio.gather(*waiting))

    assert run(scene()) == [SchedulerClosedError, None]


@BUDGETS
def test_a_cool_down_of_one_client_holds_for_the_others_in_the_same_class_only(make: MakeBudget) -> None:
    async def scene() -> list[float]:
        loop = asyncio.get_running_loop()
        budget = make(None)
        one, other = member(budget), member(budget)
        one.cool_down("calls", 20.0, 300.0)
        await other.acquire("api", INTERACTIVE, PATIENT)
        at_once = loop.time()
        await other.acquire("calls", INTERACTIVE, PATIENT)
        return [at_once, loop.time()]

    assert run(scene()) == [0.0, 20.0]


@BUDGETS
def test_a_long_cool_down_fails_new_single_calls_of_other_clients(make: MakeBudget) -> None:
    async def scene() -> object:
        budget = make(None)
        one, other = member(budget), member(budget)
        one.cool_down("api", 61.0, 300.0)
        return await outcome(other.acquire("api", INTERACTIVE, PATIENT))

    assert run(scene()) is CoolingDownError


def test_a_long_cool_down_fails_waiting_single_calls_of_other_clients() -> None:
    async def scene() -> object:
        budget = local(1.0)
        one, other = member(budget), member(budget)
        await one.acquire("api", INTERACTIVE, PATIENT)
        waiting = asyncio.create_task(outcome(other.acquire("api", INTERACTIVE, PATIENT)))
        await asyncio.sleep(0)
        one.cool_down("api", 61.0, 300.0)
        return await waiting

    assert run(scene()) is CoolingDownError


def test_after_a_shortened_cool_down_one_request_of_all_clients_is_sent() -> None:
    async def scene() -> list[float]:
        budget = local(None)
        clients = [member(budget), member(budget)]
        clients[0].cool_down("api", 301.0, 300.0)
        jobs = [Job(client, at=1.0, priority=BACKGROUND, lasting=7.0) for client in (0, 1)]
        return [time for time, _ in await play(clients, *jobs)]

    assert run(scene()) == [300.0, 307.0]


@BUDGETS
def test_clients_with_different_keys_have_separate_rates(make: MakeBudget) -> None:
    async def scene() -> list[float]:
        budget = make(1.0)
        clients = [member(budget, digest=f"digest {number}") for number in range(3)]
        return [time for time, _ in await play(clients, *(Job(number) for number in range(3)))]

    assert run(scene()) == [0.0, 0.0, 0.0]


def test_a_client_that_replaces_another_continues_with_what_is_left_of_the_rate() -> None:
    async def scene() -> list[float]:
        budget = local(1.0)
        before = await play([member(budget)], Job())
        after = await play([member(budget)], Job())
        return [time for time, _ in before + after]

    assert run(scene()) == [0.0, pytest.approx(1.02)]


def test_unused_keys_are_forgotten() -> None:
    async def scene() -> list[int]:
        budget = LocalRateBudget(RateLimit(1.0))
        cooling, sending, open_one = (member(budget, digest=each) for each in ("cooling", "sending", "open"))
        cooling.cool_down("api", 20.0, 300.0)
        await play([sending], Job())
        cooling.close()
        counts: list[int] = []
        for seconds in (0.0, 2.0, 20.0):
            await asyncio.sleep(seconds)
            member(budget, digest=f"after {seconds}").close()
            counts.append(len(budget._queues))
        open_one.close()
        return counts

    # Each count includes the key that was just added.
    assert run(scene()) == [4, 3, 2]


def test_a_remote_budget_is_asked_by_a_few_requests_at_a_time() -> None:
    budget = RemoteBudget(None, latency=0.01)
    with_clients(1, budget, *(Job() for _ in range(100)))
    assert budget.most_asking == 8


def test_single_calls_do_not_wait_behind_a_sweep_for_a_remote_budget() -> None:
    budget = RemoteBudget(10.0)
    jobs = [*(Job(priority=BACKGROUND) for _ in range(50)), Job(at=0.5, name="single")]
    order = [job.name for time, job in with_clients(1, budget, *jobs) if time >= 0.5]
    assert "single" in order[:9]


def test_a_budget_that_knows_priorities_is_told_them_and_how_long_a_cool_down_may_be() -> None:
    budget = OrderingBudget(None)
    with_clients(1, budget, Job(), Job(priority=BACKGROUND))
    assert sorted(budget.asked) == [("background", math.inf), ("interactive", PATIENT.cool_down)]


def test_a_single_call_asks_a_budget_that_knows_priorities_while_a_sweep_asks() -> None:
    async def scene() -> tuple[int, int]:
        budget = OrderingBudget(None, latency=100.0)
        scheduler = member(budget)
        sweep = [asyncio.create_task(scheduler.acquire("api", BACKGROUND, PATIENT)) for _ in range(20)]
        await asyncio.sleep(1.0)
        before = len(budget.asked)
        single = asyncio.create_task(scheduler.acquire("api", INTERACTIVE, PATIENT))
        await asyncio.sleep(1.0)
        after = budget.asked[before:]
        scheduler.close()
        await asyncio.gather(*sweep, single, return_exceptions=True)
        return before, [priority for priority, _ in after].count("interactive")

    assert run(scene()) == (8, 1)


def test_single_calls_ask_a_budget_that_knows_priorities_behind_those_that_came_before() -> None:
    async def scene() -> tuple[int, int]:
        budget = OrderingBudget(None, latency=100.0)
        scheduler = member(budget)
        calls = [asyncio.create_task(scheduler.acquire("api", INTERACTIVE, PATIENT)) for _ in range(20)]
        await asyncio.sleep(1.0)
        asking = len(budget.asked)
        await asyncio.sleep(100.0)
        scheduler.close()
        await asyncio.gather(*calls, return_exceptions=True)
        return asking, len(budget.asked)

    assert run(scene()) == (16, 20)


def test_a_cool_down_that_a_budget_reports_instead_of_a_slot_is_too_long_for_a_single_call() -> None:
    async def scene() -> tuple[object, list[tuple[str, str]]]:
        budget = OrderingBudget(None)
        budget.cooling = 61.0
        scheduler = member(budget, places=1)
        refused = await outcome(scheduler.acquire("api", INTERACTIVE, PATIENT))
        await scheduler.acquire("api", BACKGROUND, PATIENT)
        return refused, budget.reported

    assert run(scene()) == (CoolingDownError, [])


def test_a_remote_budget_reaches_the_rate_despite_its_latency() -> None:
    jobs = [Job(priority=BACKGROUND) for _ in range(400)]
    times = [time for time, _ in with_clients(1, RemoteBudget(200.0, latency=0.03), *jobs)]
    assert 399 / (times[-1] - times[0]) >= 0.97 * 200.0


def test_a_remote_budget_is_notified_whether_each_slot_was_used() -> None:
    budget = RemoteBudget(None)
    with_clients(1, budget, Job(), Job(sends=False))
    assert sorted(budget.reported) == [("cancelled", "api"), ("sent", "api")]


@pytest.mark.parametrize("latency", [0.0, 1.0])
def test_a_request_cancelled_while_it_asks_a_budget_leaves_nothing_behind(latency: float) -> None:
    async def scene() -> list[object]:
        budget = RemoteBudget(1.0, latency)
        scheduler = member(budget, places=1)
        asking = asyncio.create_task(outcome(scheduler.acquire("api", INTERACTIVE, PATIENT)))
        await asyncio.sleep(0)
        asking.cancel()
        ended = await asking
        await scheduler.acquire("api", INTERACTIVE, PATIENT)
        scheduler.cancel("api")
        return [ended, budget.asking, scheduler._windows.general._pending, scheduler._places.free]

    assert run(scene()) == [asyncio.CancelledError, 0, 0, 1]


def test_closing_ends_requests_that_ask_a_budget_and_requests_that_wait_to_ask() -> None:
    async def scene() -> list[object]:
        loop = asyncio.get_running_loop()
        budget = RemoteBudget(None, latency=100.0)
        scheduler = member(budget)
        asking = [asyncio.create_task(outcome(scheduler.acquire("api", INTERACTIVE, PATIENT))) for _ in range(10)]
        await asyncio.sleep(1.0)
        scheduler.close()
        scheduler.close()
        ended = set(await asyncio.gather(*asking))
        return [ended, loop.time(), budget.asking, budget.reported]

    assert run(scene()) == [{SchedulerClosedError}, 1.0, 0, []]


def test_closing_again_while_requests_that_ask_a_budget_are_ending_changes_nothing() -> None:
    async def scene() -> object:
        budget = RemoteBudget(None, latency=100.0)
        scheduler = member(budget)
        asking = asyncio.create_task(outcome(scheduler.acquire("api", INTERACTIVE, PATIENT)))
        await asyncio.sleep(1.0)
        scheduler.close()
        asyncio.get_running_loop().call_soon(scheduler.close)
        return await asking

    assert run(scene()) is SchedulerClosedError


def test_a_slot_that_arrives_during_the_close_is_given_back() -> None:
    class Closing(RemoteBudget):
        async def acquire(self, key_digest: str, operation: str) -> None:
            await super().acquire(key_digest, operation)
            schedulers[0].close()

    async def scene() -> object:
        schedulers.append(member(budget))
        return await outcome(schedulers[0].acquire("api", INTERACTIVE, PATIENT))

    budget = Closing(None)
    schedulers: list[RequestScheduler] = []
    assert run(scene()) is SchedulerClosedError
    assert budget.reported == [("cancelled", "api")]


def test_a_local_budget_returns_the_remaining_seconds_of_a_cool_down() -> None:
    async def scene() -> list[float]:
        budget = LocalRateBudget(RateLimit(None))
        before = budget.cooling_down("digest", "api")
        budget.cool_down("digest", "api", 20.0)
        during = budget.cooling_down("digest", "api")
        await asyncio.sleep(21.0)
        return [before, during, budget.cooling_down("digest", "api")]

    assert run(scene()) == [0.0, 20.0, 0.0]


def test_a_local_budget_tells_a_single_call_of_a_cool_down_that_is_too_long_for_it() -> None:
    async def scene() -> list[float]:
        budget = LocalRateBudget(RateLimit(None))
        budget.cool_down("digest", "api", 20.0)
        refused = await budget.acquire_within("digest", "api", "interactive", 10.0)
        return [refused, await budget.acquire_within("digest", "api", "background", 10.0)]

    assert run(scene()) == [20.0, 0.0]


def test_during_a_trial_the_end_of_the_cool_down_is_unknown() -> None:
    async def scene() -> float:
        budget = LocalRateBudget(RateLimit(None))
        scheduler = member(budget)
        scheduler.cool_down("api", 301.0, 300.0)
        await scheduler.acquire("api", BACKGROUND, PATIENT)
        return budget.cooling_down("digest", "api")

    assert run(scene()) == 0.0


# The tests below use clients and real sockets.


@pytest.mark.usefixtures("clock")
@BUDGETS
async def test_clients_with_the_same_key_share_the_rate(make: MakeBudget) -> None:
    loop = asyncio.get_running_loop()
    budget = make(2.0)
    async with (
        Wire(in_turn(OK)) as wire,
        client_of(wire.base_url, rate_limit=budget) as one,
        client_of(wire.base_url, rate_limit=budget) as other,
    ):
        times: list[float] = []
        for client in (one, other, one, other):
            await client.request("GET", ANYTHING)
            times.append(loop.time())
    assert times[2] - times[0] >= 1.0
    assert times[3] - times[1] >= 1.0


@BUDGETS
async def test_a_429_of_one_client_starts_a_cool_down_of_the_other(make: MakeBudget) -> None:
    budget = make(None)
    async with (
        Wire(in_turn(LONG, OK)) as wire,
        client_of(wire.base_url, rate_limit=budget) as one,
        client_of(wire.base_url, rate_limit=budget) as other,
    ):
        for client in (one, other):
            with pytest.raises(RateLimitError):
                await client.request("GET", ANYTHING)
        assert len(wire.received) == 1


@BUDGETS
async def test_closing_one_client_does_not_affect_the_requests_of_the_other(make: MakeBudget) -> None:
    budget = make(None)
    async with Wire(in_turn(WAIT, WAIT, OK)) as wire, client_of(wire.base_url, rate_limit=budget) as staying:
        async with client_of(wire.base_url, rate_limit=budget) as closing:
            ended = asyncio.create_task(closing.request("GET", ANYTHING))
            await wire.until_received(1)
            going_on = asyncio.create_task(staying.request("GET", ANYTHING))
            await wire.until_received(2)
        with pytest.raises(ClientClosedError):
            await ended
        assert not going_on.done()
        assert (await staying.request("GET", ANYTHING)).status == 200
        going_on.cancel()
        await asyncio.wait([going_on])


async def test_the_slot_of_a_request_that_never_connects_is_given_back() -> None:
    budget = RemoteBudget(1.0)
    async with Wire(in_turn(OK)) as wire:
        gone = wire.base_url
    async with client_of(gone, rate_limit=budget, retry=RetryPolicy(max_attempts=1)) as client:
        for _ in range(3):
            with pytest.raises(APIConnectionError):
                await client.request("GET", ANYTHING)
    assert budget.reported == [("cancelled", "api")] * 3


async def test_a_budget_gets_a_digest_of_the_key() -> None:
    budget = RemoteBudget(None)
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, rate_limit=budget) as client:
        await client.request("GET", ANYTHING)
    (digest,) = budget.digests
    assert len(digest) == 32
    assert int(digest, 16)
    assert KEY not in digest


async def test_an_exception_of_a_budget_is_the_cause_of_an_error_without_its_text() -> None:
    budget = RemoteBudget(None)
    budget.failure = OSError("redis://:a-password@10.0.0.1 is gone")
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, rate_limit=budget) as client:
        with pytest.raises(UltravoxError) as caught:
            await client.request("GET", ANYTHING)
        assert str(caught.value) == "GET /api/anything: not sent: the rate budget raised OSError"
        assert caught.value.__cause__ is budget.failure
        assert KEY not in shown(caught.value)
        assert wire.received == []


async def test_an_ultravox_error_of_a_budget_is_raised_unchanged() -> None:
    budget = RemoteBudget(None)
    budget.failure = ConfigurationError("no budget for this key")
    async with Wire(in_turn(OK)) as wire, client_of(wire.base_url, rate_limit=budget) as client:
        with pytest.raises(ConfigurationError, match="no budget for this key"):
            await client.request("GET", ANYTHING)


async def test_closing_a_client_ends_a_request_that_waits_for_a_budget() -> None:
    budget = RemoteBudget(None, latency=100.0)
    async with client_of("http://127.0.0.1:9", rate_limit=budget) as client:
        task = asyncio.create_task(client.request("GET", ANYTHING))
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(ClientClosedError, match="closed meanwhile"):
            await task
    assert budget.asking == 0


def test_a_local_budget_is_for_one_event_loop() -> None:
    budget = LocalRateBudget(RateLimit(200.0))

    async def use() -> None:
        once = RetryPolicy(max_attempts=1)
        async with AsyncUltravox(KEY, base_url="http://127.0.0.1:9", rate_limit=budget, retry=once) as client:
            await client.request("GET", ANYTHING)

    with pytest.raises(APIConnectionError):
        asyncio.run(use())
    with pytest.raises(ConfigurationError, match="LocalRateBudget was used in another event loop"):
        asyncio.run(use())


@pytest.mark.parametrize("value", [None, 200.0, LocalRateBudget])
def test_a_local_budget_takes_a_rate_limit(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"LocalRateBudget takes RateLimit\(\.\.\.\), not "):
        LocalRateBudget(cast("Any", value))


@pytest.mark.parametrize("value", [None, 200.0, "200", LocalRateBudget, object()])
def test_a_rate_limit_of_the_wrong_type_is_refused(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"rate_limit takes RateLimit\(\.\.\.\) or a RateBudget, not "):
        AsyncUltravox(KEY, rate_limit=cast("Any", value))


def test_the_repr_of_a_client_shows_its_budget() -> None:
    client = AsyncUltravox(KEY, rate_limit=LocalRateBudget(RateLimit(3.5)))
    assert f"rate_limit=LocalRateBudget({RateLimit(3.5)!r})" in repr(client)
