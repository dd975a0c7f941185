import math
from collections.abc import Iterable, Iterator

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_scheduler import most_in_a_window
from ultravox_async._http.pace import FixedPace
from ultravox_async._http.sliding_window import PacedWindow, RateWindows, SlidingWindow, UnlimitedWindow

HEADROOM = 0.02


@attrs.define
class Trial:
    """A client that asks for slots, and sends or cancels them some time later."""

    windows: RateWindows
    now: float = 0.0
    waiting: list[str] = attrs.field(factory=list[str])
    sent: dict[str, list[float]] = attrs.field(factory=lambda: {"api": [], "calls": []})

    def play(self, steps: Iterable[tuple[str, str, float]]) -> Iterator[str]:
        """Take the steps one by one; after each that was refused, yield its class of operations."""
        for step, operation, seconds in steps:
            self.now += seconds
            if step == "ask" and max(self.windows.general.opens_at(), self.windows.opens_at(operation)) <= self.now:
                self.windows.reserve(operation, self.now)
                self.waiting.append(operation)
            elif step == "ask":
                yield operation
            elif operation in self.waiting:
                self.waiting.remove(operation)
                self._end(step, operation)

    def _end(self, step: str, operation: str) -> None:
        if step == "cancel":
            self.windows.cancel_reservation(operation)
        else:
            self.windows.record_send(operation, self.now)
            self.sent[operation].append(self.now)

    def counted(self, operation: str, seconds: float) -> int:
        """Return how many requests of a class are pending or were sent in the last so many seconds."""
        return self.waiting.count(operation) + sum(time > self.now - seconds for time in self.sent[operation])


# Multiples of a power of two, so that sums are exact.
PAUSES = st.sampled_from([0.0, 0.0, 0.0, 1 / 64, 1 / 4, 1.0, 16.0])
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "send", "send", "cancel"]), st.sampled_from(["calls", "calls", "api"]), PAUSES
    ),
    max_size=150,
)
LIMITS = st.sampled_from([0.5, 1.0, 1.5, 3.0, 10.0])


def windows_of(rate: float | None, per_second: float, per_minute: float) -> RateWindows:
    general = UnlimitedWindow() if rate is None else PacedWindow(rate, FixedPace(rate))
    return RateWindows(general, {"calls": [SlidingWindow(per_second, 1.0), SlidingWindow(per_minute, 60.0)]})


def most_allowed(limit: float, period: float) -> tuple[int, float]:
    """Return how many requests a window may hold, and its seconds."""
    return max(1, int(limit)), period * max(1.0, 1 / limit)


@given(steps=STEPS, rate=st.sampled_from([None, 2.0, 200.0]), per_second=LIMITS, per_minute=LIMITS)
def test_no_window_holds_more_than_any_of_its_limits_whatever_is_sent_and_cancelled(
    steps: list[tuple[str, str, float]], rate: float | None, per_second: float, per_minute: float
) -> None:
    trial = Trial(windows_of(rate, per_second, per_minute))
    for _ in trial.play(steps):
        pass
    for limit, period in ((per_second, 1.0), (per_minute, 60.0)):
        most, seconds = most_allowed(limit, period)
        assert most_in_a_window(trial.sent["calls"], seconds) <= most
    if rate is not None:
        assert most_in_a_window(sorted(trial.sent["api"] + trial.sent["calls"]), 1.0) <= rate


@given(steps=STEPS, per_second=LIMITS, per_minute=LIMITS)
def test_a_call_is_refused_only_if_one_of_its_windows_is_full(
    steps: list[tuple[str, str, float]], per_second: float, per_minute: float
) -> None:
    trial = Trial(windows_of(None, per_second, per_minute))
    for refused in trial.play(steps):
        assert refused == "calls"
        allowed = [most_allowed(limit, period) for limit, period in ((per_second, 1.0), (per_minute, 60.0))]
        assert any(trial.counted("calls", seconds * (1 + HEADROOM)) >= most for most, seconds in allowed)


@given(steps=STEPS, per_second=LIMITS, per_minute=LIMITS)
def test_after_the_end_of_all_requests_the_windows_open_at_a_known_time_and_are_idle_then(
    steps: list[tuple[str, str, float]], per_second: float, per_minute: float
) -> None:
    trial = Trial(windows_of(200.0, per_second, per_minute))
    for _ in trial.play([*steps, *(("send", operation, 0.0) for operation in [*trial.sent] * len(steps))]):
        pass
    assert trial.windows.opens_at("calls") < math.inf
    assert trial.windows.idle(trial.now + 150.0)


def test_a_minute_has_half_a_second_of_headroom_and_a_second_has_twenty_milliseconds() -> None:
    for period, opens_at in ((1.0, 1.02), (60.0, 60.5)):
        window = SlidingWindow(1.0, period)
        window.reserve(0.0)
        window.record_send(0.0)
        assert window.opens_at() == pytest.approx(opens_at)


def test_a_window_with_as_many_pending_requests_as_its_limit_opens_when_one_of_them_is_sent() -> None:
    window = SlidingWindow(1.0, 60.0)
    window.reserve(0.0)
    assert window.opens_at() == math.inf
    window.record_send(5.0)
    assert window.opens_at() == 65.5


def test_a_cancelled_call_leaves_its_room_to_the_next_one() -> None:
    windows = windows_of(None, 1.0, 1.0)
    windows.reserve("calls", 0.0)
    windows.cancel_reservation("calls")
    assert windows.opens_at("calls") == -math.inf
    assert windows.idle(0.0)


def test_a_class_without_separate_limits_is_always_open() -> None:
    windows = windows_of(None, 1.0, 1.0)
    windows.reserve("calls", 0.0)
    windows.record_send("calls", 0.0)
    assert windows.opens_at("api") == -math.inf


def test_windows_are_not_idle_while_a_call_of_the_last_minute_counts() -> None:
    windows = windows_of(200.0, 5.0, 30.0)
    windows.reserve("calls", 0.0)
    windows.record_send("calls", 0.0)
    assert not windows.idle(60.0)
    assert windows.idle(60.5)
