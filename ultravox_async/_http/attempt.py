"""One attempt: sends a request and reads the response, or returns an error of this package.

No exception of aiohttp leaves this module, because their tracebacks and attributes contain the headers of the request,
and with them the key.
"""

import asyncio
import io
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from ssl import SSLCertVerificationError

import aiohttp
import orjson
from multidict import CIMultiDict
from yarl import URL

from ultravox_async._http.deadlines import Attempt, Deadlines
from ultravox_async._http.messages import Credentials, Request, Response, Result
from ultravox_async._http.pool import MIDDLEWARES, UNUSABLE_SESSION, Pool
from ultravox_async._http.retry import parse_http_date, parse_retry_after
from ultravox_async._wire.text import one_line, without_user_information_of_urls
from ultravox_async.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    DecodeError,
    ResponseTooLargeError,
    UltravoxError,
    class_for_status,
)
from ultravox_async.settings import Timeout

_REASON_LIMIT = 200
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
# aiohttp warns about bytes above this length, because it writes them in one piece; a file object is written in chunks.
_SENT_IN_ONE_PIECE = 1024 * 1024
_ERROR_BODY_LIMIT = 64 * 1024
_YIELD_EVERY_BYTES = 1024 * 1024
_SUCCESS = range(200, 300)
_NEVER_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError)


class _TooLargeError(Exception):
    """A body is longer than the limit."""


class Sender:
    """Sends a request once.

    Args:
        credentials: The key, which is sent to `base_url` only.
        base_url: Scheme, host, port and path prefix.
        timeout: The deadlines.
        max_response_bytes: The maximum size of a body, after decompression.
        owns_pool: Whether the pool belongs to the client, and not to a session of the caller.
    """

    def __init__(
        self,
        credentials: Credentials,
        base_url: URL,
        timeout: Timeout,
        max_response_bytes: int,
        *,
        owns_pool: bool,
    ) -> None:
        self.base_url = base_url
        self._credentials = credentials
        self._timeout = timeout
        self._max_response_bytes = max_response_bytes
        self._owns_pool = owns_pool
        # The client's own pool has a connection for each permit, so that no request waits for one, and it reports when
        # a request is sent, from where on `Deadlines` applies the read timeout. The pool of a caller's session may be
        # shared, and reports nothing: there `connect` would include the wait for a connection, and aiohttp has to apply
        # the read timeout. `ceil_threshold` keeps aiohttp from rounding up timeouts of more than five seconds.
        self._client_timeout = aiohttp.ClientTimeout(
            connect=timeout.connect if owns_pool else None,
            sock_connect=timeout.connect,
            sock_read=None if owns_pool else timeout.read,
            ceil_threshold=math.inf,
        )

    def with_timeout(self, timeout: Timeout) -> "Sender":
        """Return a sender with other deadlines."""
        return Sender(self._credentials, self.base_url, timeout, self._max_response_bytes, owns_pool=self._owns_pool)

    async def send(self, pool: Pool, request: Request, attempt: Attempt) -> Result:
        """Send a request, and return its response or its error.

        Raises:
            BaseException: A cancellation, or another exception that is not an error; without the frames that contain
                the key.
        """
        try:
            outcome = await self._exchange(pool, request, attempt)
        except (aiohttp.ClientError, OSError, _TooLargeError) as error:
            outcome = self._connection_error_from(pool, request, attempt, error)
        except Exception:
            # Every `Exception` of aiohttp is a value by now. This one is a bug in this package, and its frames are
            # needed to find it.
            attempt.drop_connection()
            raise
        except BaseException as error:  # noqa: BLE001 - raised again
            # The rest of the response may still arrive on this connection, so it cannot be used again.
            attempt.drop_connection()
            # A cancellation, or SystemExit and the like from a callback. It was raised within aiohttp, whose frames
            # contain the key, and a traceback with locals would show it.
            raise error.with_traceback(None)  # noqa: B904 - the same exception, without its frames
        if isinstance(outcome, Response):
            mismatch = _mismatch(request, outcome)
            if mismatch is not None:
                # The connection went back to the pool when the body was complete, and another request may be using it.
                # That one would get the wrong response as well.
                attempt.drop_connection_even_if_reused()
            return mismatch or outcome
        # A response with an error status leaves the connection in order.
        if not isinstance(outcome, APIStatusError):
            attempt.drop_connection()
        return outcome

    async def _exchange(self, pool: Pool, request: Request, attempt: Attempt) -> Result:
        async with attempt.scope:
            response = await self._ask(pool, request)
            if isinstance(response, BaseException):
                return self._connection_error_from(pool, request, attempt, response)
            try:
                # The pool of a caller's session does not report when it sends. The response shows that it did.
                if not attempt.sent:
                    attempt.sent = True
                    pool.scheduler.mark_sent(request.operation)
                if response.status in _SUCCESS:
                    body = await self._read(response, pool.deadlines, attempt)
                    return Response(response.status, response.headers, body, request, self._credentials)
                return self._status_error_from(
                    request, response, await self._read_beginning(response, pool.deadlines, attempt)
                )
            finally:
                # The same as aiohttp's context manager does, without the cost of one. A response that was read to its
                # end is closed already.
                if not response.closed:
                    response.release()
                # A server may respond before it has read the whole body. The task of aiohttp that writes the body has
                # to be over, or it would outlive the attempt.
                if request.body is not None:
                    await response.wait_for_close()

    async def _ask(self, pool: Pool, request: Request) -> aiohttp.ClientResponse | Exception | asyncio.CancelledError:
        try:
            return await pool.session.request(
                request.method,
                self._url(request),
                headers=self._headers(request),
                data=_data(request),
                timeout=self._client_timeout,
                allow_redirects=False,
                raise_for_status=False,
                auto_decompress=True,
                middlewares=MIDDLEWARES,
            )
        except Exception as error:  # noqa: BLE001 - resolvers, proxy connectors and trace_configs raise anything
            return error
        except asyncio.CancelledError as error:
            # If this task is not being cancelled, something that it waited for was. For the caller that is a failed
            # request: an unrequested CancelledError would end the caller's task without a trace.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return error

    def _url(self, request: Request) -> URL:
        url = self.base_url.with_path(request.path, encoded=True)
        # Replacing the path costs a quarter of parsing a URL, which is done only for the rare URLs with a query.
        return URL(f"{url}?{request.query}", encoded=True) if request.query else url

    def _headers(self, request: Request) -> Mapping[str, str]:
        # The key is never a default header of a session: callbacks of a TraceConfig get the session, and may send
        # requests to other hosts with it.
        common = self._credentials.key_header if self._owns_pool else self._credentials.headers
        if request.body is None and request.headers is None:
            return common
        headers = CIMultiDict(common)
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        if request.headers is not None:
            headers.update(request.headers.fields)
        return headers

    def _connection_error_from(
        self, pool: Pool, request: Request, attempt: Attempt, error: Exception | asyncio.CancelledError
    ) -> UltravoxError:
        if isinstance(error, _TooLargeError):
            return ResponseTooLargeError(request.method, request.path, self._max_response_bytes)
        if isinstance(error, RuntimeError) and not pool.usable:
            return UltravoxError(UNUSABLE_SESSION)
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

    async def _read(self, response: aiohttp.ClientResponse, deadlines: Deadlines, attempt: Attempt) -> bytes:
        content, limit = response.content, self._max_response_bytes
        if content.is_eof():  # the whole body came with the headers, as short bodies do
            body = content.read_nowait()
            if len(body) > limit:
                raise _TooLargeError
            return body
        if (response.content_length or 0) > limit:
            raise _TooLargeError
        chunks: list[bytes] = []
        size = 0
        deadlines.reset_read_timeout(attempt)
        while chunk := await _next_chunk(content):
            deadlines.reset_read_timeout(attempt)
            chunks.append(chunk)
            size = await _counted(size, chunk)
            if size > limit:
                raise _TooLargeError
        return b"".join(chunks)

    async def _read_beginning(self, response: aiohttp.ClientResponse, deadlines: Deadlines, attempt: Attempt) -> bytes:
        """Return the first bytes of a body, and read and discard the rest, so that the connection can be used again."""
        beginning = b""
        size = 0
        deadlines.reset_read_timeout(attempt)
        while size <= self._max_response_bytes and (chunk := await _next_chunk(response.content)):
            deadlines.reset_read_timeout(attempt)
            beginning += chunk[: _ERROR_BODY_LIMIT - len(beginning)]
            size = await _counted(size, chunk)
        return beginning

    def _status_error_from(self, request: Request, response: aiohttp.ClientResponse, body: bytes) -> APIStatusError:
        redact = self._credentials.redactor(request.secrets).redact
        return class_for_status(response.status)(
            response.status,
            request.method,
            request.path,
            headers=CIMultiDict((redact(name), redact(value)) for name, value in response.headers.items()),
            body=redact(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"),
            retry_after=parse_retry_after(response.headers.getall("Retry-After", ()), _time_of(response)),
        )


async def _next_chunk(content: aiohttp.StreamReader) -> bytes:
    try:
        return await content.readany()
    except RuntimeError as error:  # aiohttp raises this if the connection was closed before reading began
        raise aiohttp.ClientConnectionError(str(error)) from None


async def _counted(size: int, chunk: bytes) -> int:
    """Return the size including a chunk, and let other tasks run once in a MiB."""
    # A compressed body can be read from its buffer without a single wait, and would block the event loop.
    if (size + len(chunk)) // _YIELD_EVERY_BYTES > size // _YIELD_EVERY_BYTES:
        await asyncio.sleep(0)
    return size + len(chunk)


def _data(request: Request) -> bytes | io.BytesIO | None:
    if request.body is None:
        return None
    content = request.body.content
    return content if len(content) <= _SENT_IN_ONE_PIECE else io.BytesIO(content)


def _time_of(response: aiohttp.ClientResponse) -> datetime:
    """Return the time of a response on the server's clock, by which a date in ``Retry-After`` was calculated."""
    return parse_http_date(response.headers.get("Date", "")) or datetime.now(UTC)


def _mismatch(request: Request, response: Response) -> DecodeError | None:
    """Return an error if the response is about another object than the requested one.

    If a server or a proxy sends one response too many on a connection, each later request gets the response to the
    request before it.
    """
    if request.identity is None:
        return None
    name, wanted = request.identity
    try:
        found = orjson.loads(response.body)[name]
    except (orjson.JSONDecodeError, LookupError, TypeError):  # decoding the body will raise an error
        return None
    if not isinstance(found, str) or found == wanted:
        return None
    if _UUID.fullmatch(wanted) and found.lower() == wanted.lower():
        return None
    expected, got = (one_line(response.redacted(orjson.dumps(each).decode()), 80) for each in (wanted, found))
    return DecodeError(response.origin, name, f"the requested id, {expected}", got)


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
    if isinstance(error, aiohttp.ClientResponseError):  # its text quotes the response, cut off anywhere
        return "the response is not valid HTTP"
    return str(error) or type(error).__name__
