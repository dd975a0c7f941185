"""One attempt: sends a request and reads the response, or returns an error of this package."""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any, ClassVar, TypeAlias, TypeVar

import aiohttp
import orjson
from multidict import CIMultiDict
from yarl import URL

from ultravox_async._http.deadlines import Attempt, Deadlines
from ultravox_async._http.failures import Failures, TooLargeError
from ultravox_async._http.messages import Credentials, Request, RequestBody, Response, Result
from ultravox_async._http.open_body import OpenBody, counted, next_chunk
from ultravox_async._http.pool import Pool
from ultravox_async._wire.text import one_line
from ultravox_async.errors import APIStatusError, DecodeError, UltravoxError
from ultravox_async.settings import Timeout

T = TypeVar("T")

_Take: TypeAlias = Callable[[aiohttp.ClientResponse, Pool, Request, Attempt], Awaitable[T]]
"""What is done with a successful response, of which only the headers have arrived."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_ERROR_BODY_LIMIT = 64 * 1024
_SUCCESS = frozenset(range(200, 300))
# Those that a GET may follow (RFC 9110, section 15.4).
_SUCCESS_OR_REDIRECT = _SUCCESS | {301, 302, 303, 307, 308}


class _LostConnectionError(aiohttp.ClientError):
    """The connection was lost. It is not one of the errors after which aiohttp repeats a request by itself."""


async def _without_silent_repeat(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    # After these two errors aiohttp repeats a GET, PUT or DELETE by itself; only `RetryPolicy` may decide that.
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _LostConnectionError(_text_of(error) or "the server closed the connection") from None


def _text_of(error: aiohttp.ClientOSError | aiohttp.ServerDisconnectedError) -> str:
    # If a response ends within its headers, aiohttp's message is what it has parsed of them, cookies included.
    if isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(error.message, str):
        return "the server closed the connection in the middle of the headers"
    return str(error)


MIDDLEWARES = (_without_silent_repeat,)
"""The middlewares of each request."""


class Sender:
    """Sends a request once.

    Args:
        credentials: The key, which is sent to `base_url` only.
        base_url: Scheme, host, port and path prefix.
        timeout: The deadlines.
        max_response_bytes: The maximum size of a body, after decompression.
        owns_pool: Whether the pool belongs to the client, and not to a session of the caller.
    """

    _middlewares: ClassVar[tuple[aiohttp.ClientMiddlewareType, ...]] = MIDDLEWARES

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
        self._failures = Failures(credentials, timeout, max_response_bytes)
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
        sender = type(self)
        return sender(self._credentials, self.base_url, timeout, self._max_response_bytes, owns_pool=self._owns_pool)

    def send(self, pool: Pool, request: Request, attempt: Attempt) -> Coroutine[Any, Any, Result]:
        """Send a request, and return its response or its error.

        Raises:
            BaseException: A cancellation, or another exception that is not an error; without the frames that contain
                the key.
        """
        return self._make(pool, request, attempt, _SUCCESS, self._read)

    def open(self, pool: Pool, request: Request, attempt: Attempt) -> Coroutine[Any, Any, OpenBody | UltravoxError]:
        """Send a request, and return its response as soon as the headers have arrived, or its error.

        The response may be a redirect. The body keeps the connection and the permit of the attempt until it is closed.

        Raises:
            BaseException: As `send`.
        """
        return self._make(pool, request, attempt, _SUCCESS_OR_REDIRECT, self._keep_open)

    async def _make(
        self, pool: Pool, request: Request, attempt: Attempt, statuses: AbstractSet[int], take: "_Take[T]"
    ) -> T | UltravoxError:
        try:
            outcome = await self._exchange(pool, request, attempt, statuses, take)
        except (aiohttp.ClientError, OSError, TooLargeError) as error:
            outcome = self._failures.connection_error_from(pool, request, attempt, error)
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
        # A response with an error status leaves the connection in order.
        if isinstance(outcome, UltravoxError) and not isinstance(outcome, APIStatusError):
            attempt.drop_connection()
        return outcome

    async def _exchange(
        self, pool: Pool, request: Request, attempt: Attempt, statuses: AbstractSet[int], take: "_Take[T]"
    ) -> T | UltravoxError:
        async with attempt.scope:
            response = await self._ask(pool, request, attempt)
            if isinstance(response, BaseException):
                return self._failures.connection_error_from(pool, request, attempt, response)
            try:
                # The pool of a caller's session does not report when it sends. The response shows that it did.
                if not attempt.sent:
                    attempt.sent = True
                    pool.scheduler.mark_sent(request.operation)
                if response.status in statuses:
                    return await take(response, pool, request, attempt)
                beginning = await self._read_beginning(response, pool.deadlines, attempt)
                return self._failures.status_error_from(request, response, beginning)
            finally:
                if not attempt.keeps_permit:
                    await _finish(response, request)

    async def _ask(
        self, pool: Pool, request: Request, attempt: Attempt
    ) -> aiohttp.ClientResponse | Exception | asyncio.CancelledError:
        try:
            return await pool.session.request(
                request.method,
                self._url(request),
                headers=self._headers(request),
                data=None if request.body is None else _data(request.body, pool.deadlines, attempt),
                timeout=self._client_timeout,
                allow_redirects=False,
                raise_for_status=False,
                auto_decompress=True,
                middlewares=self._middlewares,
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
        if request.body is not None and request.body.content_type is not None:
            headers["Content-Type"] = request.body.content_type
        if request.headers is not None:
            headers.update(request.headers.fields)
        return headers

    async def _read(
        self, response: aiohttp.ClientResponse, pool: Pool, request: Request, attempt: Attempt
    ) -> Response | DecodeError:
        body = await self._read_body(response, pool.deadlines, attempt)
        whole = Response(response.status, response.headers, body, request, self._credentials)
        mismatch = _mismatch(request, whole)
        if mismatch is not None:
            # The connection went back to the pool when the body was complete, and another request may be using it. That
            # one would get the wrong response as well.
            attempt.drop_connection_even_if_reused()
        return mismatch or whole

    async def _keep_open(
        self, response: aiohttp.ClientResponse, pool: Pool, request: Request, attempt: Attempt
    ) -> OpenBody:
        attempt.keeps_permit = True
        return OpenBody(response, pool, request, attempt, self._failures, self._timeout.read)

    async def _read_body(self, response: aiohttp.ClientResponse, deadlines: Deadlines, attempt: Attempt) -> bytes:
        content, limit = response.content, self._max_response_bytes
        if content.is_eof():  # the whole body came with the headers, as short bodies do
            body = content.read_nowait()
            if len(body) > limit:
                raise TooLargeError
            return body
        if (response.content_length or 0) > limit:
            raise TooLargeError
        chunks: list[bytes] = []
        size = 0
        deadlines.reset_read_timeout(attempt)
        while chunk := await next_chunk(content):
            deadlines.reset_read_timeout(attempt)
            chunks.append(chunk)
            size = await counted(size, chunk)
            if size > limit:
                raise TooLargeError
        return b"".join(chunks)

    async def _read_beginning(self, response: aiohttp.ClientResponse, deadlines: Deadlines, attempt: Attempt) -> bytes:
        """Return the first bytes of a body, and read and discard the rest, so that the connection can be used again."""
        beginning = b""
        size = 0
        deadlines.reset_read_timeout(attempt)
        while size <= self._max_response_bytes and (chunk := await next_chunk(response.content)):
            deadlines.reset_read_timeout(attempt)
            beginning += chunk[: _ERROR_BODY_LIMIT - len(beginning)]
            size = await counted(size, chunk)
        return beginning


def _data(body: RequestBody, deadlines: Deadlines, attempt: Attempt) -> Any:  # noqa: ANN401 - aiohttp's type
    # The server cannot respond to a body that it has not read yet: as long as it reads, it is not silent.
    return body.data(partial(deadlines.reset_read_timeout, attempt))


async def _finish(response: aiohttp.ClientResponse, request: Request) -> None:
    # The same as aiohttp's context manager does, without the cost of one. A response that was read to its end is closed
    # already.
    if not response.closed:
        response.release()
    # A server may respond before it has read the whole body. The task of aiohttp that writes the body has to be over,
    # or it would outlive the attempt.
    if request.body is not None:
        await response.wait_for_close()


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
