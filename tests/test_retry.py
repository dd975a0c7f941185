from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ultravox_async import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    DecodeError,
    ResponseTooLargeError,
    RetryPolicy,
    UltravoxError,
)
from ultravox_async._http.messages import Request
from ultravox_async._http.operation_class import OperationClass
from ultravox_async._http.retry import parse_retry_after, retry_delay
from ultravox_async.errors import class_for_status

NOW = datetime(2026, 7, 2, 12, 0, 0, tzinfo=UTC)
POLICY = RetryPolicy(max_attempts=100, base_delay=0.5, max_delay=60.0)
IDEMPOTENT = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}
PASSING = {408, 429, 500, 502, 503, 504}
LASTING = {301, 400, 401, 403, 404, 405, 409, 410, 418, 422, 425, 501, 505, 511, 599}
NO_CAPACITY = b'{"detail": "No capacity for priority calls."}'
ALMOST_ONE = 1.0 - 2.0**-53


def low() -> float:
    return 0.0


def high() -> float:
    return ALMOST_ONE


def status_error(status: int, method: str, retry_after: float | None, *, body: bytes = b"") -> APIStatusError:
    return class_for_status(status)(status, method, "/api/x", body=body, retry_after=retry_after)


def delay(  # noqa: PLR0913 - what retry_delay takes
    error: UltravoxError,
    *,
    method: str = "GET",
    operation: OperationClass = OperationClass.GENERAL,
    attempt: int = 1,
    random: Callable[[], float] = low,
    policy: RetryPolicy = POLICY,
    longest: float = POLICY.max_delay,
) -> float | None:
    request = Request(method, "/api/x", operation=operation)
    return retry_delay(policy, request, attempt, error, random=random, longest=longest)


@pytest.mark.parametrize(("method", "status"), list(product(sorted(IDEMPOTENT), sorted(PASSING | LASTING))))
@pytest.mark.parametrize("retry_after", [None, 0.0, 2.0])
def test_an_idempotent_method_is_repeated_after_the_statuses_that_pass(
    method: str, status: int, retry_after: float | None
) -> None:
    found = delay(status_error(status, method, retry_after), method=method)
    assert (found is not None) == (status in PASSING)


@pytest.mark.parametrize(("method", "status"), list(product(["POST", "PATCH"], sorted(PASSING | LASTING))))
@pytest.mark.parametrize("retry_after", [None, 0.0, 2.0])
@pytest.mark.parametrize("body", [b"", NO_CAPACITY])
def test_another_method_is_repeated_after_429_only(
    method: str, status: int, retry_after: float | None, body: bytes
) -> None:
    found = delay(status_error(status, method, retry_after, body=body), method=method)
    assert (found is not None) == (status == 429)


@pytest.mark.parametrize("status", sorted(PASSING | LASTING))
@pytest.mark.parametrize("retry_after", [None, 0.0, 2.0])
def test_creating_a_call_is_repeated_where_the_api_has_no_capacity_and_says_when_to_come_back(
    status: int, retry_after: float | None
) -> None:
    error = status_error(status, "POST", retry_after, body=NO_CAPACITY)
    found = delay(error, method="POST", operation=OperationClass.CREATE_CALL)
    assert (found is not None) == (status == 429 or (status == 503 and retry_after is not None))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><head><title>503 Service Temporarily Unavailable</title></head></html>",
        b"upstream connect error",
        b'"No capacity."',
        b'["No capacity."]',
        b"null",
        b"{}",
        b'{"message": "Service Unavailable"}',
        b'{"error": "no healthy upstream"}',
        b'{"detail": null}',
        b'{"detail": ["No capacity."]}',
        b'{"detail": "No capacity."',
    ],
)
def test_creating_a_call_is_not_repeated_after_the_503_of_a_gateway(body: bytes) -> None:
    error = status_error(503, "POST", 2.0, body=body)
    assert delay(error, method="POST", operation=OperationClass.CREATE_CALL) is None


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_nothing_but_creating_a_call_is_repeated_where_the_api_has_no_capacity(method: str) -> None:
    error = status_error(503, method, 2.0, body=NO_CAPACITY)
    assert delay(error, method=method) is None


@pytest.mark.parametrize("method", [*sorted(IDEMPOTENT), "POST", "PATCH"])
@pytest.mark.parametrize("kind", [APIConnectionError, APITimeoutError])
def test_a_request_that_never_connected_is_repeated(method: str, kind: type[APIConnectionError]) -> None:
    assert delay(kind(method, "/api/x", "refused", connected=False), method=method) is not None


@pytest.mark.parametrize("method", [*sorted(IDEMPOTENT), "POST", "PATCH"])
@pytest.mark.parametrize("kind", [APIConnectionError, APITimeoutError])
def test_a_request_that_lost_its_connection_is_repeated_if_it_is_idempotent(
    method: str, kind: type[APIConnectionError]
) -> None:
    found = delay(kind(method, "/api/x", "reset", connected=True), method=method)
    assert (found is not None) == (method in IDEMPOTENT)


@pytest.mark.parametrize(
    "error",
    [
        UltravoxError("closed"),
        ResponseTooLargeError("GET", "/api/x", 10),
    ],
)
def test_no_other_failure_is_repeated(error: UltravoxError) -> None:
    assert delay(error) is None


@pytest.mark.parametrize("method", [*sorted(IDEMPOTENT), "POST", "PATCH"])
def test_after_a_response_about_another_resource_only_a_get_is_repeated(method: str) -> None:
    error = DecodeError(f"{method} /api/x", "registrationId", "some-id", "another-id")
    assert (delay(error, method=method) is not None) == (method == "GET")


def test_the_last_attempt_of_the_policy_is_the_last() -> None:
    policy = RetryPolicy(max_attempts=3)
    error = status_error(500, "GET", None)
    assert [delay(error, attempt=attempt, policy=policy) is None for attempt in (1, 2, 3, 4)] == [
        False,
        False,
        True,
        True,
    ]


def test_each_pause_is_twice_the_one_before_up_to_the_longest() -> None:
    error = status_error(500, "GET", None)
    assert [delay(error, attempt=attempt) for attempt in range(1, 10)] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


def test_a_pause_is_shortened_at_random_by_up_to_half() -> None:
    assert delay(status_error(500, "GET", None), attempt=3, random=high) == pytest.approx(1.0)


def test_a_great_number_of_attempts_does_not_overflow() -> None:
    policy = RetryPolicy(max_attempts=10**9)
    assert delay(status_error(500, "GET", None), attempt=10**8, policy=policy) == 60.0


def test_retry_after_is_obeyed_and_not_shortened() -> None:
    assert delay(status_error(429, "GET", 7.0)) == 7.0


def test_a_little_jitter_comes_on_top_of_retry_after() -> None:
    assert delay(status_error(429, "GET", 7.0), random=high) == pytest.approx(7.25)


def test_a_retry_after_as_long_as_the_longest_pause_is_obeyed() -> None:
    assert delay(status_error(429, "GET", 60.0)) == 60.0


def test_a_retry_after_longer_than_the_longest_pause_is_not_waited_for() -> None:
    assert delay(status_error(429, "GET", 60.001)) is None


def test_a_retry_after_of_nothing_leaves_the_ordinary_pause() -> None:
    assert delay(status_error(429, "GET", 0.0), attempt=3) == 2.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("5", 5.0),
        ("007", 7.0),
        ("  5\t", 5.0),
        ("1.5", 1.5),
        ("0.0", 0.0),
        ("1000000000", 1e9),
        ("999999999999", 999999999999.0),
        ("Thu, 02 Jul 2026 12:00:30 GMT", 30.0),
        ("Thursday, 02-Jul-26 12:00:30 GMT", 30.0),
        ("Thu Jul  2 12:00:30 2026", 30.0),
        ("Thu, 02 Jul 2026 12:00:30 -0000", 30.0),
        ("Thu, 02 Jul 2026 14:00:30 +0200", 30.0),
        ("Thu, 02 Jul 2026 12:00:00 GMT", 0.0),
        ("Thu, 02 Jul 2026 11:59:59 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(value: str, seconds: float) -> None:
    assert parse_retry_after([value], NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "-5",
        "-0",
        "+5",
        "nan",
        "inf",
        "-inf",
        "Infinity",
        "1e9",
        "1_000",
        "0x10",
        "5.",
        ".5",
        "5 s",
        "5, 6",
        "\N{ARABIC-INDIC DIGIT FIVE}",
        "9" * 19,
        "9" * 5000,
        "soon",
        "Thu, 02 Jul",
        "Thu, 32 Jul 2026 12:00:30 GMT",
        "Thu, 02 Jul 2026 25:00:30 GMT",
        "Thu, 02 Jul 2026 12:00:30 +99999999",
        "Thu, 02 Jul 2026 12:00:30 +99999999999999999999",
        "Thu, 02 Jul 99999999999999999999 12:00:30 GMT",
        "Thu, 02 Jul 2026 99999999999999999999:00:30 GMT",
        "Thu, 99999999999999999999 Jul 2026 12:00:30 GMT",
    ],
)
def test_an_unusable_retry_after_is_ignored(value: str) -> None:
    assert parse_retry_after([value], NOW) is None


def test_without_a_retry_after_header_there_is_no_wait() -> None:
    assert parse_retry_after([], NOW) is None


def test_of_several_headers_the_longest_wait_counts() -> None:
    assert parse_retry_after(["2", "Thu, 02 Jul 2026 12:00:30 GMT", "7"], NOW) == 30.0


def test_an_unusable_header_does_not_hide_a_usable_one() -> None:
    assert parse_retry_after(["soon", "7", "-1"], NOW) == 7.0


def test_a_part_of_a_second_up_to_a_date_is_rounded_up() -> None:
    assert parse_retry_after(["Thu, 02 Jul 2026 12:00:30 GMT"], NOW + timedelta(milliseconds=1)) == 30.0


DATE_PIECES = st.sampled_from(
    ["Thu", ",", " ", "02", "Jul", "2026", "12", ":", "00", "30", "GMT", "-", "+", ".", "(", ")", "PM", "9" * 20, "٢"]
)


@settings(deadline=None)
@given(st.text() | st.lists(DATE_PIECES, max_size=16).map("".join) | st.lists(DATE_PIECES, max_size=16).map(" ".join))
@example("0 0 0 0 0")
@example("Thu, 02 Jul 2026 12:00:30 +0000 (")
def test_no_retry_after_text_makes_the_parser_fail(value: str) -> None:
    found = parse_retry_after([value], NOW)
    assert found is None or found >= 0.0
