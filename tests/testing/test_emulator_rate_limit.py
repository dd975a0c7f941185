from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultravox_async import AsyncUltravox, RateLimit, RateLimitError, RetryPolicy
from ultravox_async.testing import Emulator
from ultravox_async.testing._rate_limit import SlidingWindow


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
    with pytest.raises(ValueError, match="requests_per_second"):
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
