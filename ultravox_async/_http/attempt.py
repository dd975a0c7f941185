"""One try: a request is sent, and its answer is read, or mapped to an error of the package's tree.

Exceptions of aiohttp end here: their tracebacks and attributes hold the headers of the request, and so the key.
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
from ultravox_async._http.messages import Answer, Credentials, Request, Response
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
# aiohttp warns of bytes above this length, because it sends them in one piece; a file object it sends in several.
_SENT_IN_ONE_PIECE = 1024 * 1024
_ERROR_BODY_LIMIT = 64 * 1024
_YIELD_EVERY_BYTES = 1024 * 1024
_SUCCESS = range(200, 300)
_NEVER_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError)


class _TooLargeError(Exception):
    """A body that passed the limit."""


class Sender:
    """Sends requests once each.

    Args:
        credentials: The key, sent to `base_url` and to nobody else.
        base_url: Scheme, host, port and path prefix.
        timeout: The deadlines.
        max_response_bytes: The longest decoded body that is read.
        owns_pool: Whether the pool is the client's own, or comes with a session that was handed in.
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
        # A pool of its own has a place for each permit, so that nobody waits for one, and tells when the wait for an
        # answer begins. A pool that was handed in may be shared, and says nothing: there aiohttp times the making of
        # a connection, and the reads, by itself.
        self._client_timeout = aiohttp.ClientTimeout(
            connect=timeout.connect if owns_pool else None,
            sock_connect=timeout.connect,
            sock_read=None if owns_pool else timeout.read,
            ceil_threshold=math.inf,
        )

    def with_timeout(self, timeout: Timeout) -> "Sender":
        """Return a sender with other deadlines."""
        return Sender(self._credentials, self.base_url, timeout, self._max_response_bytes, owns_pool=self._owns_pool)

    async def send(self, pool: Pool, request: Request, attempt: Attempt) -> Answer:
        """Send a request, and return its answer, or the error that came of it.

        Raises:
            BaseException: A cancellation, or another exception that is not an error; without the frames that hold the
                key.
        """
        try:
            outcome = await self._exchange(pool, request, attempt)
        except (aiohttp.ClientError, OSError, _TooLargeError) as error:
            outcome = self._connection_error_from(pool, request, attempt, error)
        except Exception:
            # Every `Exception` of aiohttp is a value by now: this is a defect of the package, which nobody would find
            # without its frames.
            attempt.drop_connection()
            raise
        except BaseException as error:  # noqa: BLE001 - raised again
            attempt.drop_connection()
            # A cancellation, or what a callback raises to end the program. It comes out of aiohttp, whose frames hold
            # the key, and a traceback with locals would show it.
            raise error.with_traceback(None)  # noqa: B904 - the same exception, less its frames
        if isinstance(outcome, Response):
            mismatch = _mismatch(request, outcome)
            if mismatch is not None:
                attempt.drop_connection_of_whoever_uses_it()
            return mismatch or outcome
        if not isinstance(outcome, APIStatusError):
            attempt.drop_connection()
        return outcome

    async def _exchange(self, pool: Pool, request: Request, attempt: Attempt) -> Answer:
        async with attempt.scope:
            answer = await self._ask(pool, request)
            if isinstance(answer, BaseException):
                return self._connection_error_from(pool, request, attempt, answer)
            try:
                if not attempt.sent:  # the pool of a session that was handed in does not tell when it sends
                    attempt.sent = True
                    pool.scheduler.mark_sent(request.operation)
                if answer.status in _SUCCESS:
                    body = await self._read(answer, pool.deadlines, attempt)
                    return Response(answer.status, answer.headers, body, request, self._credentials)
                return self._status_error_from(
                    request, answer, await self._read_beginning(answer, pool.deadlines, attempt)
                )
            finally:
                # What aiohttp's context manager does, without the cost of one.
                if not answer.closed:  # as it is once it was read to its end
                    answer.release()
                if request.body is not None:
                    await answer.wait_for_close()

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
            # Where nobody cancelled this task, something that it waited for was cancelled by somebody else.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            return error

    def _url(self, request: Request) -> URL:
        url = self.base_url.with_path(request.path, encoded=True)
        # A URL that is put together costs a quarter of one that is parsed, as the rare one with a query is.
        return URL(f"{url}?{request.query}", encoded=True) if request.query else url

    def _headers(self, request: Request) -> Mapping[str, str]:
        # The key is never a default header of a session: a function that listens to aiohttp's events is given the
        # session, and may ask other hosts with it.
        own = self._credentials.key_header if self._owns_pool else self._credentials.headers
        if request.body is None and request.headers is None:
            return own
        headers = CIMultiDict(own)
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
        attempt.hopeless = _certificate_error(error) is not None
        attempt.refused = isinstance(error, _NEVER_CONNECTED)
        # A pool that was handed in does not tell when it sends: there it may have happened.
        connected = attempt.sent or (pool.connector is None and not attempt.refused)
        redactor = self._credentials.redactor(request.secrets)
        reason = without_user_information_of_urls(redactor.redact(_reason(error)))
        kind = APITimeoutError if isinstance(error, TimeoutError) else APIConnectionError
        return kind(request.method, request.path, one_line(reason, _REASON_LIMIT), connected=connected)

    def _time_that_ran_out(self, attempt: Attempt, error: BaseException) -> str | None:
        """Return which limit of `Timeout` an error tells of, or None where it is of another kind."""
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return f"no connection within {self._timeout.connect} s (Timeout.connect)"
        if isinstance(error, aiohttp.ServerTimeoutError):
            return self._read_timed_out()
        if isinstance(error, TimeoutError) and attempt.scope.expired():
            return (
                f"no answer within {self._timeout.total} s (Timeout.total)" if attempt.spent else self._read_timed_out()
            )
        return None

    def _read_timed_out(self) -> str:
        return f"read timeout: nothing came for {self._timeout.read} s (Timeout.read)"

    async def _read(self, answer: aiohttp.ClientResponse, deadlines: Deadlines, attempt: Attempt) -> bytes:
        content, limit = answer.content, self._max_response_bytes
        if content.is_eof():  # all of it came with the headers, as short answers do
            body = content.read_nowait()
            if len(body) > limit:
                raise _TooLargeError
            return body
        if (answer.content_length or 0) > limit:
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

    async def _read_beginning(self, answer: aiohttp.ClientResponse, deadlines: Deadlines, attempt: Attempt) -> bytes:
        """Return the first bytes of a body, and read past the others, so that the connection can be used again."""
        beginning = b""
        size = 0
        deadlines.reset_read_timeout(attempt)
        while size <= self._max_response_bytes and (chunk := await _next_chunk(answer.content)):
            deadlines.reset_read_timeout(attempt)
            beginning += chunk[: _ERROR_BODY_LIMIT - len(beginning)]
            size = await _counted(size, chunk)
        return beginning

    def _status_error_from(self, request: Request, answer: aiohttp.ClientResponse, body: bytes) -> APIStatusError:
        redact = self._credentials.redactor(request.secrets).redact
        return class_for_status(answer.status)(
            answer.status,
            request.method,
            request.path,
            headers=CIMultiDict((redact(name), redact(value)) for name, value in answer.headers.items()),
            body=redact(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"),
            retry_after=parse_retry_after(answer.headers.getall("Retry-After", ()), _time_of(answer)),
        )


async def _next_chunk(content: aiohttp.StreamReader) -> bytes:
    try:
        return await content.readany()
    except RuntimeError as error:  # aiohttp's, where the connection was closed before anybody began to read
        raise aiohttp.ClientConnectionError(str(error)) from None


async def _counted(size: int, chunk: bytes) -> int:
    """Return the size with a chunk added to it, and let others have a turn once in a MiB."""
    # A compressed body comes out of its buffer without one wait.
    if (size + len(chunk)) // _YIELD_EVERY_BYTES > size // _YIELD_EVERY_BYTES:
        await asyncio.sleep(0)
    return size + len(chunk)


def _data(request: Request) -> bytes | io.BytesIO | None:
    if request.body is None:
        return None
    content = request.body.content
    return content if len(content) <= _SENT_IN_ONE_PIECE else io.BytesIO(content)


def _time_of(answer: aiohttp.ClientResponse) -> datetime:
    """Return when an answer was made, on the clock of whoever made it: that is what its ``Retry-After`` goes by."""
    return parse_http_date(answer.headers.get("Date", "")) or datetime.now(UTC)


def _mismatch(request: Request, response: Response) -> DecodeError | None:
    """Return an error where the answer says that it is about something else than what was asked for.

    A server or a proxy that sends one answer too many on a connection shifts all the answers behind it by one.
    """
    if request.identity is None:
        return None
    name, wanted = request.identity
    try:
        found = orjson.loads(response.body)[name]
    except (orjson.JSONDecodeError, LookupError, TypeError):  # which decoding will tell
        return None
    if not isinstance(found, str) or found == wanted:
        return None
    if _UUID.fullmatch(wanted) and found.lower() == wanted.lower():
        return None
    expected, got = (one_line(response.redacted(orjson.dumps(each).decode()), 80) for each in (wanted, found))
    return DecodeError(response.origin, name, f"the id that was asked for, {expected}", got)


def _certificate_error(error: BaseException) -> BaseException | None:
    """Return what is wrong with the server's certificate, if that is what an error tells of."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return error.certificate_error
    # aiohttp wraps what the connectors of other packages raise.
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
    if isinstance(error, aiohttp.InvalidURL):  # whose text is the URL, the password of a proxy included
        return "the URL of a proxy is not valid"
    # aiohttp's own text speaks of "ssl:default" where there is no TLS.
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect to {error.host}:{error.port}: {error.os_error}"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {error.status}"
    if isinstance(error, aiohttp.ClientResponseError):  # whose text quotes what came, cut somewhere
        return "the answer is not valid HTTP"
    return str(error) or type(error).__name__
