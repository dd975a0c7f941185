"""May this failure be retried, and after how long? Pure: no clock, no event loop, no network."""

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ultravox_async._http.messages import Request
from ultravox_async._http.operation_class import OperationClass
from ultravox_async._wire.error_body import is_of_the_api
from ultravox_async.errors import APIConnectionError, APIStatusError, DecodeError, UltravoxError
from ultravox_async.settings import RetryPolicy

IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""The methods that may be repeated even if the request may have taken effect (RFC 9110, section 9.2.2)."""

_PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_SERVER_FAILURES = frozenset({500, 502, 503, 504})
_TOO_MANY_REQUESTS = 429
_SERVICE_UNAVAILABLE = 503
_SECONDS = re.compile(r"[0-9]{1,18}(\.[0-9]{1,9})?", re.ASCII)


def retry_delay(  # noqa: PLR0913 - a pure function: everything that it depends on is an argument
    policy: RetryPolicy,
    request: Request,
    attempt: int,
    error: UltravoxError,
    *,
    random: Callable[[], float],
    longest: float,
) -> float | None:
    """Return the seconds to wait before the next attempt, or None if there must not be one.

    Args:
        policy: The client's policy.
        request: The request.
        attempt: The number of the attempt that failed, counted from 1.
        error: The error of that attempt.
        random: Returns numbers from 0 up to, not including, 1.
        longest: The maximum number of seconds that the error may ask to wait; if it asks for more, there is no next
            attempt.
    """
    if attempt >= policy.max_attempts or not may_be_repeated(request, error):
        return None
    asked = error.retry_after if isinstance(error, APIStatusError) else None
    # Zero seconds, or a date in the past, does not say how long to wait: the delay is then the same as without it. The
    # jitter keeps clients that failed together from coming back together.
    if not asked:
        return min(policy.max_delay, policy.base_delay * 2.0 ** min(attempt - 1, 64)) * (1.0 - random() / 2)
    if asked > longest:
        return None
    # Here the jitter is added, because the server has asked for no less than this.
    return asked + policy.base_delay * random() / 2


def is_failure_of_the_server(error: UltravoxError) -> bool:
    """Return whether an error shows that the server, or the connection to it, does not work at the moment."""
    if isinstance(error, APIStatusError):
        return error.status in _SERVER_FAILURES
    return isinstance(error, APIConnectionError)


def may_be_repeated(request: Request, error: UltravoxError) -> bool:
    """Return whether a request can be sent again after an error without the risk of being carried out twice."""
    if isinstance(error, APIConnectionError):
        return request.method in IDEMPOTENT_METHODS or not error.connected
    if isinstance(error, DecodeError):
        return request.method == "GET"
    if not isinstance(error, APIStatusError):
        return False
    if request.method in IDEMPOTENT_METHODS:
        return error.status in _PASSING_STATUSES
    creates_call = request.operation is OperationClass.CREATE_CALL
    return error.status == _TOO_MANY_REQUESTS or (creates_call and _says_that_capacity_is_missing(error))


def _says_that_capacity_is_missing(error: APIStatusError) -> bool:
    # The API refuses a call that it has no capacity for. A gateway may respond with 503 after its backend has acted,
    # and only the body distinguishes the two.
    return error.status == _SERVICE_UNAVAILABLE and error.retry_after is not None and is_of_the_api(error.body)


def parse_retry_after(values: Sequence[str], now: datetime) -> float | None:
    """Return the seconds that the ``Retry-After`` headers of a response ask for; None if none of them is valid.

    RFC 9110, section 10.2.3, allows whole seconds and HTTP dates; decimals are accepted too. A date in the past is 0.0.
    If there are several headers, the longest wait counts. Negative numbers, ``nan``, ``inf`` and anything else are
    ignored.

    Args:
        values: The values of the headers.
        now: The time of the response, with a time zone: on the clock of the server, if it sent a ``Date``.
    """
    waits = [seconds for value in values if (seconds := _seconds(value.strip(), now)) is not None]
    return max(waits, default=None)


def _seconds(value: str, now: datetime) -> float | None:
    if _SECONDS.fullmatch(value):
        return float(value)
    moment = parse_http_date(value)
    return None if moment is None else max(0.0, float(math.ceil((moment - now).total_seconds())))


def parse_http_date(value: str) -> datetime | None:
    """Return the time of an HTTP date, with a time zone; None if it is not a date."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    # With "-0000" the result is naive, because the zone is unknown; HTTP dates are always in GMT.
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
