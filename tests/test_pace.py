import math
from bisect import bisect_right
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.limits import FixedWindow, Limit, SlidingLog, TokenBucket
from benchmarks.pace_laws import CONDITIONS, simulated
from benchmarks.simulation import (
    Arrival,
    Changing,
    Conditions,
    Simulation,
    summary,
)
from ultravox_async._http.pace import AdaptivePace, FixedPace, Pace

SEEDS = st.integers(0, 2**32 - 1)


def accept(pace: Pace, count: int, start: float = 0.0, per_second: float = 100.0) -> float:
    """Note so many evenly spaced successes; return the time of the last one."""
    for number in range(count):
        pace.note_accepted(start + number / per_second)
    return start + (count - 1) / per_second


def most_in_a_second(arrivals: list[Arrival]) -> int:
    sent = [each.at for each in arrivals]
    # Some requests take a millisecond longer to the server than others.
    return max(bisect_right(sent, first + 0.998) - index for index, first in enumerate(sent))


def test_a_pace_begins_at_the_configured_rate() -> None:
    assert AdaptivePace(200.0).rate == 200.0
    assert not AdaptivePace(200.0).lowered


def test_successes_never_raise_a_pace_above_the_configured_rate() -> None:
    pace = AdaptivePace(200.0)
    accept(pace, 10_000)
    assert pace.rate == 200.0


def test_a_refusal_lowers_the_pace() -> None:
    pace = AdaptivePace(200.0)
    pace.note_refused(accept(pace, 100))
    assert pace.lowered
    assert 150.0 < pace.rate < 200.0


def test_a_burst_of_refusals_lowers_the_pace_to_no_less_than_nine_tenths_of_what_was_accepted() -> None:
    pace = AdaptivePace(200.0)
    now = accept(pace, 100)
    for _ in range(1000):
        pace.note_refused(now)
    assert pace.rate == pytest.approx(90.0)


def test_refusals_without_a_success_between_them_leave_a_quarter_of_the_rate() -> None:
    pace = AdaptivePace(200.0)
    for number in range(10_000):
        pace.note_refused(number / 100)
    assert pace.rate == 50.0


def test_the_pace_stays_above_nothing() -> None:
    pace = AdaptivePace(200.0)
    for number in range(10_000):
        pace.note_refused(number * 100.0)
        pace.note_accepted(number * 100.0 + 50.0)
        pace.note_refused(number * 100.0 + 60.0)
    assert pace.rate >= 0.5


class Nothing:
    """A limit that refuses everything."""

    def accepts(self, now: float) -> bool:  # noqa: ARG002 - as the protocol has it
        return False


@given(seconds=st.floats(1.0, 10.0), seed=SEEDS)
@settings(max_examples=5)
def test_after_a_time_in_which_everything_was_refused_the_rate_is_soon_used_again(seconds: float, seed: int) -> None:
    limit = Changing(SlidingLog(200), Changing(Nothing(), SlidingLog(200), at=5.0 + seconds), at=5.0)
    simulation = Simulation(limit, [AdaptivePace(200.0)], seed=seed)
    assert summary(simulation.run(45.0), 1, 200, 40.0, 45.0).used >= 0.93


def test_a_configured_rate_below_the_lowest_pace_is_not_changed() -> None:
    pace = AdaptivePace(0.1)
    pace.note_refused(0.0)
    assert pace.rate == 0.1


def test_a_lowered_pace_rises_to_the_configured_rate_again() -> None:
    pace = AdaptivePace(200.0)
    now = accept(pace, 10, per_second=10.0)
    for _ in range(1000):
        pace.note_refused(now)
    accept(pace, 3000, start=now)
    assert pace.rate == 200.0


def test_refusals_among_successes_lower_the_pace_and_stop_nothing() -> None:
    pace = AdaptivePace(200.0)
    assert pace.note_refused(accept(pace, 100))


def test_refusals_before_the_first_success_stop_nothing_for_a_second() -> None:
    pace = AdaptivePace(200.0)
    assert [pace.note_refused(at) for at in (10.0, 10.5, 10.99, 11.0)] == [True, True, True, False]


def test_refusals_without_a_success_for_a_second_stop_all_requests() -> None:
    pace = AdaptivePace(200.0)
    last = accept(pace, 100)
    assert pace.note_refused(last + 0.9)
    assert not pace.note_refused(last + 2.0)


def test_a_single_503_does_not_change_the_pace() -> None:
    pace = AdaptivePace(200.0)
    now = accept(pace, 100)
    assert not pace.note_unavailable(now)
    accept(pace, 10, start=now)
    assert not pace.lowered


def test_rare_503s_among_successes_do_not_change_the_pace() -> None:
    pace = AdaptivePace(200.0)
    for second in range(20):
        now = accept(pace, 100, start=float(second))
        for _ in range(10):
            assert not pace.note_unavailable(now)
    assert not pace.lowered


def test_a_burst_of_503s_among_successes_lowers_the_pace() -> None:
    pace = AdaptivePace(200.0)
    now = accept(pace, 10)
    assert [pace.note_unavailable(now) for _ in range(4)] == [False, False, True, True]
    pace.note_accepted(now)
    assert pace.lowered


def test_once_a_limit_has_answered_with_503s_a_single_one_lowers_the_pace() -> None:
    pace = AdaptivePace(200.0)
    now = accept(pace, 10)
    for _ in range(4):
        pace.note_unavailable(now)
    now = accept(pace, 100, start=now + 5.0)
    before = pace.rate
    assert pace.note_unavailable(now)
    pace.note_accepted(now)
    assert pace.rate < before


def test_a_recovered_pace_forgets_that_a_limit_answered_with_503s() -> None:
    pace = AdaptivePace(200.0)
    now = accept(pace, 10)
    for _ in range(4):
        pace.note_unavailable(now)
    now = accept(pace, 5000, start=now)
    assert not pace.lowered
    assert not pace.note_unavailable(now)


def test_a_burst_of_503s_is_forgotten_after_a_minute() -> None:
    pace = AdaptivePace(200.0)
    now = accept(pace, 50)
    for _ in range(40):
        pace.note_unavailable(now)
    pace.note_accepted(now)
    assert pace.lowered
    pace.note_accepted(now + 61.0)
    assert not pace.note_unavailable(now + 61.0)


def test_503s_never_lower_the_pace_below_a_quarter_of_what_was_accepted_in_their_burst() -> None:
    pace = AdaptivePace(200.0)
    now = accept(pace, 80)
    for _ in range(100):
        for _ in range(50):
            pace.note_unavailable(now)
        now += 2.0
        pace.note_accepted(now)
    assert pace.rate >= 20.0


def test_503s_that_no_success_follows_do_not_change_the_pace() -> None:
    pace = AdaptivePace(200.0)
    now = accept(pace, 100)
    for number in range(100):
        pace.note_unavailable(now + number / 10)
    pace.note_accepted(now + 11.0)
    assert pace.rate == 200.0


@pytest.mark.parametrize("note", [FixedPace.note_refused, FixedPace.note_unavailable, FixedPace.accepts])
def test_a_fixed_pace_never_changes(note: Callable[[FixedPace, float], bool]) -> None:
    pace = FixedPace(200.0)
    accept(pace, 100)
    assert not note(pace, 1.0)
    assert pace.rate == 200.0
    assert not pace.lowered


def limits_of(rate: int) -> list[Limit]:
    return [SlidingLog(rate), FixedWindow(rate), TokenBucket(rate, rate), TokenBucket(rate, 10)]


@given(rate=st.integers(40, 180), kind=st.integers(0, 3), seed=SEEDS, slowest=st.floats(0.03, 0.3))
@settings(max_examples=20)
def test_one_client_finds_an_unknown_limit(rate: int, kind: int, seed: int, slowest: float) -> None:
    conditions = Conditions(latency=(slowest / 2, slowest), concurrency=200)
    simulation = Simulation(limits_of(rate)[kind], [AdaptivePace(200.0)], seed=seed, conditions=conditions)
    found = summary(simulation.run(20.0), 1, rate, 5.0, 20.0)
    assert found.used >= 0.90
    assert found.refused <= 0.04


@given(rate=st.integers(40, 100), seed=SEEDS)
@settings(max_examples=10)
def test_one_client_finds_the_limit_of_a_leaky_bucket_without_a_burst(rate: int, seed: int) -> None:
    # A bucket without a burst accepts evenly spaced requests only. At 100 requests a second, a delay of a millisecond
    # would be a tenth of the interval.
    conditions = Conditions(jitter=0.0002, lateness=0.0002)
    simulation = Simulation(TokenBucket(rate, 1), [AdaptivePace(200.0)], seed=seed, conditions=conditions)
    found = summary(simulation.run(20.0), 1, rate, 5.0, 20.0)
    assert found.used >= 0.88
    assert found.refused <= 0.03


@given(clients=st.integers(2, 8), seed=SEEDS)
@settings(max_examples=10)
def test_clients_that_cannot_communicate_share_their_limit(clients: int, seed: int) -> None:
    simulation = Simulation(SlidingLog(200), [AdaptivePace(200.0) for _ in range(clients)], seed=seed)
    shared = summary(simulation.run(25.0), clients, 200, 5.0, 25.0)
    assert shared.used >= 0.93
    assert shared.refused <= 0.08
    assert shared.within_a_quarter >= 0.85


@pytest.mark.parametrize("condition", ["1 and one late", "3 and one late", "7 and one late"])
def test_a_client_that_joins_late_gets_its_share_within_20_seconds(condition: str) -> None:
    shares = [simulated(AdaptivePace, CONDITIONS[condition], seed).within_a_quarter for seed in range(5)]
    assert sum(shares) / len(shares) >= 0.95


@given(rate=st.floats(1.0, 300.0), configured=st.sampled_from([20.0, 50.0, 200.0]), seed=SEEDS)
@settings(max_examples=20)
def test_the_configured_rate_is_never_exceeded(rate: float, configured: float, seed: int) -> None:
    conditions = Conditions(jitter=0.0001)
    simulation = Simulation(
        SlidingLog(math.ceil(rate)), [AdaptivePace(configured)], configured=configured, seed=seed, conditions=conditions
    )
    assert most_in_a_second(simulation.run(6.0)) <= configured


@given(low=st.integers(20, 100), seed=SEEDS)
@settings(max_examples=5)
def test_a_limit_that_is_lifted_is_used_again(low: int, seed: int) -> None:
    limit = Changing(SlidingLog(low), SlidingLog(200), at=10.0)
    simulation = Simulation(limit, [AdaptivePace(200.0)], seed=seed)
    assert summary(simulation.run(45.0), 1, 200, 35.0, 45.0).used >= 0.93


@given(low=st.integers(20, 100), seed=SEEDS)
@settings(max_examples=5)
def test_a_limit_that_is_lowered_is_found_within_two_seconds(low: int, seed: int) -> None:
    limit = Changing(SlidingLog(200), SlidingLog(low), at=10.0)
    simulation = Simulation(limit, [AdaptivePace(200.0)], seed=seed)
    found = summary(simulation.run(22.0), 1, low, 12.0, 22.0)
    assert found.used >= 0.88
    assert found.refused <= 0.15
