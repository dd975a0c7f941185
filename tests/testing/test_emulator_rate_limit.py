import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultravox_async import AsyncUltravox, RateLimit, RateLimitError, RetryPolicy
from ultravox_async.testing import Emulator
from ultravox_async.testing._rate_limit import CallLimits, SlidingWindow
from ultravox_async.testing._wire import RecordedRequest


def accepted(requests_per_second: float, times: list[float]) -> list[float]:
    window = SlidingWindow(requests_per_second)
    return [time for time in times if window.accept(time)]


def test_requests_up_to_the_limit_are_accepted() -> None:
    assert accepted(3.0, [0.0, 0.1, 0.2, 0.3]) == [0.0, 0.1, 0.2]


def test_a_second_later_another_request_is_accepted() -> None:
    assert accepted(1.0, [0.0, 0.999, 1.0]) == [0.0, 1.0]


def test_the_limit_holds_in_any_second_wherever_it_starts() -> None:
    assert accepted(2.0, [0.75, 0.875, 1.0, 1.5, 1.75, 1.8125]) == [0.75, 0.875, 1.75]


def test_refused_requests_do_not_count() -> None:
    assert accepted(1.0, [0.0, *(number / 10 for number in range(1, 10)), 1.0]) == [0.0, 1.0]


def test_a_fractional_limit_is_rounded_down() -> None:
    assert accepted(2.9, [0.0, 0.0, 0.0]) == [0.0, 0.0]


def test_a_limit_below_1_accepts_one_request_in_several_seconds() -> None:
    assert accepted(0.25, [0.0, 1.5, 3.9, 4.0]) == [0.0, 4.0]


def test_an_infinite_limit_accepts_everything() -> None:
    assert len(accepted(float("inf"), [0.0] * 1000)) == 1000


@pytest.mark.parametrize("limit", [0.0, -1.0, float("nan")])
def test_a_limit_has_to_be_positive(limit: float) -> None:
    with pytest.raises(ValueError, match="limit"):
        SlidingWindow(limit)


@given(st.integers(1, 5), st.lists(st.integers(0, 1000), max_size=60))
def test_no_second_holds_more_than_the_limit(limit: int, gaps: list[int]) -> None:
    # Sixty-fourths of a second, so that sums are exact.
    times = [sum(gaps[:end]) / 64 for end in range(len(gaps) + 1)]
    passed = accepted(float(limit), times)
    assert all(late - early >= 1.0 for early, late in zip(passed, passed[limit:], strict=False))
    assert all(early <= late for early, late in pairwise(passed))


async def test_the_limit_of_an_emulator_can_be_changed_while_it_runs() -> None:
    async with (
        Emulator(registrations=1, requests_per_second=None) as emulator,
        AsyncUltravox(
            emulator.api_key, base_url=emulator.base_url, retry=RetryPolicy(max_attempts=1), rate_limit=RateLimit(None)
        ) as ultravox,
    ):
        await ultravox.sip.get_config()
        emulator.change_rate_limit(1)
        await ultravox.sip.get_config()
        with pytest.raises(RateLimitError):
            await ultravox.sip.get_config()
        emulator.change_rate_limit(None)
        await ultravox.with_options(retry=RetryPolicy()).sip.get_config()


def test_a_limit_per_minute_holds_in_any_minute_wherever_it_starts() -> None:
    window = SlidingWindow(2.0, 60.0)
    assert [time for time in (0.0, 30.0, 59.0, 60.0, 89.0, 90.0) if window.accept(time)] == [0.0, 30.0, 60.0, 90.0]


def creation(at: float, method: str = "POST", path: str = "/api/calls") -> RecordedRequest:
    return RecordedRequest(method, path, {}, {}, b"", at)


def calls_accepted(limits: CallLimits, times: list[float]) -> list[float]:
    return [time for time in times if limits.refusal(creation(time)) is None]


def test_a_call_is_accepted_only_if_each_limit_for_calls_accepts_it() -> None:
    limits = CallLimits([SlidingWindow(2.0), SlidingWindow(3.0, 60.0)])
    assert calls_accepted(limits, [0.0, 0.5, 0.75, 1.0, 30.0, 59.9, 60.0]) == [0.0, 0.5, 1.0, 60.0]


def test_a_refused_call_counts_in_none_of_the_limits() -> None:
    limits = CallLimits([SlidingWindow(1.0), SlidingWindow(3.0, 60.0)])
    assert calls_accepted(limits, [0.0, 0.1, 0.2, 0.3, 1.0, 2.0]) == [0.0, 1.0, 2.0]


def test_a_refused_call_is_told_which_limit_it_was_and_how_long_to_wait() -> None:
    limits = CallLimits([SlidingWindow(2.0), SlidingWindow(2.0, 60.0)])
    calls_accepted(limits, [0.0, 0.25])
    refusal = limits.refusal(creation(0.5))
    assert refusal is not None
    assert (refusal.status, refusal.headers["Retry-After"]) == (429, "60")
    said = "Call creation was throttled: at most 2 in 60 s. Expected to be accepted in 60 s."
    assert isinstance(refusal.body, bytes)
    assert json.loads(refusal.body) == {"detail": said}


def test_a_call_that_waits_as_long_as_it_was_told_is_accepted() -> None:
    limits = CallLimits([SlidingWindow(1.0, 60.0)])
    limits.refusal(creation(0.0))
    refusal = limits.refusal(creation(12.5))
    assert refusal is not None
    assert limits.refusal(creation(12.5 + int(refusal.headers["Retry-After"]))) is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/calls"),
        ("GET", "/api/agents/some-id/calls"),
        ("POST", "/api/calls/some-id/send_data_message"),
        ("POST", "/api/agents/some-id/scheduled_batches"),
        ("POST", "/api/agents"),
    ],
)
def test_only_operations_that_create_a_call_are_limited_and_counted(method: str, path: str) -> None:
    limits = CallLimits([SlidingWindow(1.0, 60.0)])
    assert [limits.refusal(creation(0.0, method, path)) for _ in range(3)] == [None] * 3
    assert limits.refusal(creation(0.0)) is None


async def test_an_emulator_refuses_calls_over_their_limit_whichever_way_they_are_created() -> None:
    async with (
        Emulator(registrations=1, calls_per_second=None, calls_per_minute=3) as emulator,
        AsyncUltravox(emulator.api_key, base_url=emulator.base_url, retry=RetryPolicy(max_attempts=1)) as ultravox,
    ):
        agent = await ultravox.agents.create(name="greeter")
        await ultravox.calls.create()
        await ultravox.agents.create_call(agent.agent_id)
        await ultravox.agents.telephony_xml(agent.agent_id)
        with pytest.raises(RateLimitError, match=r"Call creation was throttled: at most 3 in 60 s\. .* \(Retry-After"):
            await ultravox.agents.create_call(agent.agent_id)
        assert len([call async for call in ultravox.calls.list()]) == 3
