"""How old a request may be."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.webhooks.signing import BODY, NOW, SECRET, SIGNED, refusal, signed, unwrapped
from ultravox_async import ConfigurationError, WebhookVerificationError
from ultravox_async.webhooks import CallEnded, unwrap


@pytest.mark.parametrize(
    "timestamp",
    [
        "2026-07-02T10:00:00",
        "2026-07-02 10:00:00",
        "2026-07-02T10:00",
        "2026-07-02T10:00:00.123456",
        "2026-07-02T10:00:00.123456789Z",
        "2026-07-02T10:00:00,5Z",
        "2026-07-02T12:00:00+02:00",
        "2026-07-02T07:00:00-0300",
        "2026-07-02T10:00:00+00:00",
    ],
)
def test_a_timestamp_has_a_zone_or_is_in_utc(timestamp: str) -> None:
    assert isinstance(unwrapped(headers=signed(BODY, timestamp), tolerance=timedelta(seconds=1)), CallEnded)


@pytest.mark.parametrize(
    "timestamp",
    [
        "",
        "now",
        "1782986400",
        "2026-07-02",
        "20260702T100000Z",
        "2026-W27-4T10:00:00Z",
        "2026-13-02T10:00:00Z",
        "2026-07-02T25:00:00Z",
        "\uff12\uff10\uff12\uff16-07-02T10:00:00Z",
        " 2026-07-02T10:00:00Z",
        "2026-07-02T10:00:00Z ",
        "2026-07-02T10:00:00Z\n",
        "2026-07-02T10:00:00+02:00Z",
        "Thu, 02 Jul 2026 10:00:00 GMT",
    ],
)
def test_any_other_timestamp_is_refused(timestamp: str) -> None:
    refused = refusal(headers=signed(BODY, timestamp))
    assert (refused.check, refused.problem) == ("timestamp", "is not a complete ISO 8601 timestamp")


FIVE_MINUTES = timedelta(minutes=5)
A_MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize("late", [timedelta(0), FIVE_MINUTES, -FIVE_MINUTES])
def test_a_request_within_five_minutes_is_accepted(late: timedelta) -> None:
    assert isinstance(unwrapped(now=NOW + late), CallEnded)


def test_an_older_request_is_refused() -> None:
    refused = refusal(now=NOW + FIVE_MINUTES + A_MOMENT)
    assert str(refused) == "timestamp: is older than the tolerance of 0:05:00"


def test_a_request_further_in_the_future_is_refused() -> None:
    refused = refusal(now=NOW - FIVE_MINUTES - A_MOMENT)
    assert str(refused) == "timestamp: is more than the tolerance of 0:05:00 in the future"


def test_another_tolerance_can_be_chosen() -> None:
    late = NOW + timedelta(hours=8)
    assert isinstance(unwrapped(now=late, tolerance=timedelta(hours=9)), CallEnded)
    assert refusal(now=late, tolerance=timedelta(hours=7)).check == "timestamp"


def test_the_time_may_be_in_any_zone() -> None:
    assert isinstance(unwrapped(now=NOW.astimezone(timezone(timedelta(hours=-7)))), CallEnded)


def test_the_usual_time_is_that_of_the_system() -> None:
    current = signed(BODY, datetime.now(UTC).isoformat())
    assert isinstance(unwrap(BODY, current, SECRET), CallEnded)
    with pytest.raises(WebhookVerificationError):
        unwrap(BODY, SIGNED, SECRET)


@pytest.mark.parametrize("tolerance", [-A_MOMENT, 300, None])
def test_a_tolerance_that_is_no_duration_is_a_configuration_error(tolerance: object) -> None:
    with pytest.raises(ConfigurationError, match="tolerance takes a timedelta of zero or more"):
        unwrapped(tolerance=tolerance)


@pytest.mark.parametrize("now", [datetime(2026, 7, 2, 10), 5])  # noqa: DTZ001 - it is the point
def test_a_time_without_a_zone_is_a_configuration_error(now: object) -> None:
    with pytest.raises(ConfigurationError, match="now takes a datetime with a time zone"):
        unwrapped(now=now)
