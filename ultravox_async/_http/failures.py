"""Turns what went wrong in an attempt into errors of this package.

No exception of aiohttp leaves this package, because their tracebacks and attributes contain the headers of the request,
and with them the key.
"""

import asyncio
from datetime import UTC, datetime
from ssl import SSLCertVerificationError

import aiohttp
import orjson
from multidict import CIMultiDict

from ultravox_async._http.deadlines import Attempt
from ultravox_async._http.messages import Credentials, Request
from ultravox_async._http.pool import UNUSABLE_SESSION, Pool
from ultravox_async._http.retry import parse_http_date, parse_retry_after
from ultravox_async._http.scheduler import BudgetFailedError, CoolingDownError, OutageError, SchedulerClosedError
from ultravox_async._wire.text import one_line, without_user_information_of_urls
from ultravox_async.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ClientClosedError,
    RateLimitError,
    ResponseTooLargeError,
    UltravoxError,
    class_for_status,
)
from ultravox_async.settings import Timeout

_REASON_LIMIT = 200
_NEVER_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError)


class TooLargeError(Exception):
    """A body is longer than the limit."""


def closed_meanwhile(request: Request) -> ClientClosedError:
    """Return the error of a request that was ended by closing the client."""
    return ClientClosedError(f"{request.method} {request.path}: the AsyncUltravox was closed meanwhile")


def not_sent(request: Request, error: CoolingDownError | SchedulerClosedError | BudgetFailedError) -> UltravoxError:
    """Return the error of a request that got no permit."""
    if isinstance(error, CoolingDownError):
        return _cooling_down(request, error.seconds)
    if isinstance(error, BudgetFailedError):
        return _budget_failed(request, error.__cause__)
    return closed_meanwhile(request)


def _budget_failed(request: Request, cause: BaseException | None) -> UltravoxError:
    # The text of the cause is not repeated: it may contain the password of the server that the budget uses.
    error = UltravoxError(f"{request.method} {request.path}: not sent: the rate budget raised {type(cause).__name__}")
    error.__cause__ = cause
    return error


def in_outage(request: Request, error: OutageError) -> APIConnectionError:
    """Return the error of a request that was not sent because of an outage."""
    reason = f"not sent: no request has succeeded for {error.seconds:.1f} s; the last failure: {error.last_failure}"
    return APIConnectionError(request.method, request.path, reason, connected=False)


def _cooling_down(request: Request, seconds: float) -> RateLimitError:
    body = orjson.dumps({"detail": "not sent: the cool-down after an earlier 429 is not over"})
    return RateLimitError(429, request.method, request.path, body=body, retry_after=seconds)


class Failures:
    """Makes the errors of attempts.

    Args:
        credentials: The key, which is redacted.
        timeout: The deadlines.
        max_response_bytes: The maximum size of a body, after decompression.
    """

    def __init__(self, credentials: Credentials, timeout: Timeout, max_response_bytes: int) -> None:
        self._credentials = credentials
        self._timeout = timeout
        self._max_response_bytes = max_response_bytes

    def connection_error_from(
        self, pool: Pool, request: Request, attempt: Attempt, error: Exception | asyncio.CancelledError
    ) -> UltravoxError:
        """Return the error of an attempt that got no complete response."""
        if isinstance(error, TooLargeError):
            return ResponseTooLargeError(request.method, request.path, self._max_response_bytes)
        if isinstance(error, RuntimeError) and not pool.usable:
            return UltravoxError(UNUSABLE_SESSION)
        failure = None if request.body is None else request.body.failure
        if failure is not None:
            attempt.permanent = True
            why = one_line(f"the file could not be read: {failure}", _REASON_LIMIT)
            return APIConnectionError(request.method, request.path, why, connected=attempt.sent)
        reason = self._time_that_ran_out(attempt, error)
        if reason is not None:
            connected = not isinstance(error, aiohttp.ConnectionTimeoutError)
            return APITimeoutError(request.method, request.path, reason, connected=connected)
        attempt.permanent = _certificate_error(error) is not None
        attempt.never_connected = isinstance(error, _NEVER_CONNECTED)
        # The pool of a caller's session does not report when it sends, so it has to be assumed.
        connected = attempt.sent or (pool.connector is None and not attempt.never_connected)
        redactor = self._credentials.redactor(request.secrets)
        reason = without_user_information_of_urls(redactor.redact(_reason(error)))
        kind = APITimeoutError if isinstance(error, TimeoutError) else APIConnectionError
        return kind(request.method, request.path, one_line(reason, _REASON_LIMIT), connected=connected)

    def _time_that_ran_out(self, attempt: Attempt, error: BaseException) -> str | None:
        """Return the text about the limit of `Timeout` that was exceeded, or None if it is another kind of error."""
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return f"no connection within {self._timeout.connect} s (Timeout.connect)"
        if isinstance(error, aiohttp.ServerTimeoutError):
            return self._read_timed_out()
        if isinstance(error, TimeoutError) and attempt.scope.expired():
            if attempt.total_exceeded:
                return f"no response within {self._timeout.total} s (Timeout.total)"
            return self._read_timed_out()
        return None

    def _read_timed_out(self) -> str:
        return f"read timeout: no data for {self._timeout.read} s (Timeout.read)"

    def status_error_from(self, request: Request, response: aiohttp.ClientResponse, body: bytes) -> APIStatusError:
        """Return the error of a response with this status and the beginning of its body."""
        redact = self._credentials.redactor(request.secrets).redact
        return class_for_status(response.status)(
            response.status,
            request.method,
            request.path,
            headers=CIMultiDict((redact(name), redact(value)) for name, value in response.headers.items()),
            body=redact(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"),
            retry_after=parse_retry_after(response.headers.getall("Retry-After", ()), _time_of(response)),
        )


def _time_of(response: aiohttp.ClientResponse) -> datetime:
    """Return the time of a response on the server's clock, by which a date in ``Retry-After`` was calculated."""
    return parse_http_date(response.headers.get("Date", "")) or datetime.now(UTC)


def _certificate_error(error: BaseException) -> BaseException | None:
    """Return the error of certificate verification that is behind an error; None if it has another cause."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return error.certificate_error
    # Errors from the connectors of other packages are wrapped by aiohttp.
    return next((each for each in (error, error.__cause__) if isinstance(each, SSLCertVerificationError)), None)


def _reason(error: BaseException) -> str:
    certificate_error = _certificate_error(error)
    if certificate_error is not None:
        where = f" of {error.host}:{error.port}" if isinstance(error, aiohttp.ClientConnectorError) else ""
        why = getattr(certificate_error, "verify_message", "") or str(certificate_error)
        return f"the certificate{where} does not verify: {why}"
    if not isinstance(error, aiohttp.ClientError):
        return f"{type(error).__qualname__}: {error}".removesuffix(": ")
    return _reason_of_aiohttp(error)


def _reason_of_aiohttp(error: aiohttp.ClientError) -> str:
    if isinstance(error, aiohttp.InvalidURL):  # its text is the URL, including the password of a proxy
        return "the URL of a proxy is not valid"
    # aiohttp's own text mentions "ssl:default" even without TLS.
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect to {error.host}:{error.port}: {error.os_error}"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy responded with {error.status}"
    if "ConnectionKey(" in str(error):  # which contains the password of a proxy
        return "the body of the request could not be sent"
    if isinstance(error, aiohttp.ClientResponseError):  # its text quotes the response, cut off anywhere
        return "the response is not valid HTTP"
    return str(error) or type(error).__name__
