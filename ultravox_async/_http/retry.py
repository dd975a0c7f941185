"""May this failure be retried, and after how long? Pure: no clock, no event loop, no network."""

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import cast

import orjson

from ultravox_async._http.messages import Request
from ultravox_async._http.operation_class import OperationClass
from ultravox_async.errors import APIConnectionError, APIStatusError, DecodeError, UltravoxError
from ultravox_async.settings import RetryPolicy

IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""What may be sent again though it may have taken effect."""

_PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
_SERVER_FAILURES = frozenset({500, 502, 503, 504})
_TOO_MANY_REQUESTS = 429
_SERVICE_UNAVAILABLE = 503
_SECONDS = re.compile(r"[0-9]{1,18}(\.[0-9]{1,9})?", re.ASCII)


def retry_delay(  # noqa: PLR0913 - pure: all that decides comes in
    policy: RetryPolicy,
    request: Request,
    attempt: int,
    error: UltravoxError,
    *,
    random: Callable[[], float],
    longest: float,
) -> float | None:
    """Return the seconds to wait before the next attempt, or None where there must not be one.

    Args:
        policy: The client's policy.
        request: What was asked.
        attempt: The number of the attempt that failed, counted from 1.
        error: What it failed with.
        random: Gives numbers from 0 up to, not including, 1.
        longest: The seconds that the error may ask to wait; where it asks for more there is no next attempt.
    """
    if attempt >= policy.max_attempts or not may_be_repeated(request, error):
        return None
    asked = error.retry_after if isinstance(error, APIStatusError) else None
    # Zero seconds, or a date that is past, says nothing about how long to wait: the ordinary pause holds then.
    if not asked:
        return min(policy.max_delay, policy.base_delay * 2.0 ** min(attempt - 1, 64)) * (1.0 - random() / 2)
    if asked > longest:
        return None
    return asked + policy.base_delay * random() / 2


def is_failure_of_the_server(error: UltravoxError) -> bool:
    """Return whether an error says that the server, or the way to it, does not work just now."""
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
    # The API turns away a call that it has no capacity for. A gateway answers 503 after its backend has acted, too,
    # and only the form of the body tells the two apart.
    return error.status == _SERVICE_UNAVAILABLE and error.retry_after is not None and _is_detail_of_the_api(error.body)


def _is_detail_of_the_api(body: bytes) -> bool:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(content, dict) and isinstance(cast("dict[str, object]", content).get("detail"), str)


def parse_retry_after(values: Sequence[str], now: datetime) -> float | None:
    """Return the seconds that the ``Retry-After`` headers of one answer ask for; None where none of them is usable.

    RFC 9110, section 10.2.3, allows whole seconds and HTTP dates; decimals are understood too. A date that is past is
    0.0. Of several headers the longest wait counts. A negative number, ``nan``, ``inf`` and anything else is ignored.

    Args:
        values: The header's values, in any number.
        now: The time at which the answer was made, with a time zone, on the clock of the server if it told that.
    """
    waits = [seconds for value in values if (seconds := _seconds(value.strip(), now)) is not None]
    return max(waits, default=None)


def _seconds(value: str, now: datetime) -> float | None:
    if _SECONDS.fullmatch(value):
        return float(value)
    moment = parse_http_date(value)
    return None if moment is None else max(0.0, float(math.ceil((moment - now).total_seconds())))


def parse_http_date(value: str) -> datetime | None:
    """Return the moment that an HTTP date names, with a time zone; None where it is none."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    # "-0000" says that the zone is unknown; HTTP dates are always GMT.
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
