"""One logical request in, one response out: attempts, pacing, deadlines and the connection pool.

The only module that uses aiohttp's client. Exceptions of aiohttp end here: their tracebacks and attributes hold the
headers of the request, and so the key.
"""

import asyncio
import copy
import functools
import html
import itertools
import json
import math
import random
import re
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from ssl import SSLContext
from typing import Any, TypeAlias, TypeVar
from urllib.parse import quote

import aiohttp
import attrs
import orjson
from multidict import CIMultiDict
from yarl import URL

from ultravox_async._body import Body, Secret
from ultravox_async._coalescing import Coalescer, SharedCancelledError
from ultravox_async._converter import decode
from ultravox_async._deadlines import Attempt, Deadlines
from ultravox_async._pacing import CoolingDownError, Gate, GateClosedError, Lane
from ultravox_async._retry import parse_retry_after, retry_delay
from ultravox_async._version import __version__
from ultravox_async.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    RateLimitError,
    ResponseTooLargeError,
    UltravoxError,
    class_for_status,
    printable,
)
from ultravox_async.settings import RateLimit, RetryPolicy, Timeout

T = TypeVar("T")

_REDACTED = "[redacted]"
# A secret shorter than this is found in every text by chance.
_REDACTED_FROM = 4
_REASON_LIMIT = 200
_ERROR_BODY_LIMIT = 64 * 1024
_BREATH = 1024 * 1024
_SUCCESS = range(200, 300)
_NEVER_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError)
# Calls are created under capacity limits of their own, and a 429 for one says nothing about other operations.
_CALLS = "calls"
_EVERYTHING_ELSE = "api"


@attrs.define
class Request:
    """One logical request."""

    method: str
    """The HTTP method, in capitals."""

    path: str
    """The path, percent-encoded, without a query."""

    query: str = ""
    """The query, percent-encoded, without its question mark."""

    body: Body | None = None
    """The JSON body, if any."""

    lane: Lane = Lane.SINGLE
    """Whether it waits with single calls or behind them."""

    @property
    def operation(self) -> str:
        """The class of operations whose 429s concern this request."""
        return _CALLS if self.method == "POST" and self.path.endswith("/calls") else _EVERYTHING_ELSE


class Key:
    """The key, where no repr and no `vars` shows it."""

    __slots__ = ("_key", "headers")

    def __init__(self, api_key: Secret) -> None:
        self._key = str(api_key.reveal())
        self.headers = CIMultiDict(
            {
                "Accept": "application/json",
                "User-Agent": f"ultravox-async/{__version__}",
                "X-API-Key": self._key,
            }
        )

    def redacted(self, text: str, body: Body | None) -> str:
        """Return `text` without the key and the secrets of `body`, however an echo may have written them."""
        secrets = {self._key, *(body.secrets if body is not None else ())}
        # The longest first: of two that begin alike, the shorter one would leave the tail of the other.
        for secret in sorted(secrets, key=len, reverse=True):
            if len(secret) >= _REDACTED_FROM:
                text = re.sub("".join(map(_any_form, secret)), _REDACTED, text)
        return text


@functools.cache
def _any_form(character: str) -> str:
    """Return a pattern for a character as it is, or as JSON, URLs, HTML and Python write it."""
    if character.isascii() and character.isalnum():
        return character
    forms = {
        character,
        json.dumps(character)[1:-1],
        quote(character, safe="", errors="surrogatepass"),
        html.escape(character),
        repr(character.encode("utf-8", "surrogatepass"))[2:-1],
        {" ": "+", "/": "\\/"}.get(character, character),
    }
    return f"(?i:{'|'.join(map(re.escape, sorted(forms, key=len, reverse=True)))})"


@attrs.define
class Response:
    """A successful answer, as `AsyncUltravox.request` returns it."""

    status: int
    """The HTTP status code, 200 to 299."""

    headers: Mapping[str, str] = attrs.field(repr=False)
    """The headers; names are looked up without regard to case."""

    body: bytes = attrs.field(repr=False)
    """The decoded body."""

    _request: Request = attrs.field(repr=False, eq=False)
    _key: Key = attrs.field(repr=False, eq=False)

    @property
    def origin(self) -> str:
        """The request that it answers, for example ``GET /api/voices``."""
        return f"{self._request.method} {self._request.path}"

    def json(self) -> Any:  # noqa: ANN401 - what comes here is what the SDK has no type for
        """Return the body as dicts, lists and scalars; whole numbers of more than 64 bits become floats.

        Raises:
            DecodeError: The body is no JSON.
        """
        return self.decode(object)

    def decode(self, into: type[T]) -> T:
        """Return the body as an `into`: an attrs class, or a list, dict or scalar type, never coerced.

        The camelCase names of the wire become the Python names of the class.

        Raises:
            DecodeError: The body is no JSON, or has not the types that `into` declares.
        """
        return decode(self.body, into, self)

    def redacted(self, text: str) -> str:
        """Return `text` without the key and the secrets of the request."""
        return self._key.redacted(text, self._request.body)


class _LostConnectionError(aiohttp.ClientError):
    """A connection that broke; not of the kinds after which aiohttp sends a request again by itself."""


class _TooLargeError(Exception):
    """A body that passed the limit."""


class _Connector(aiohttp.TCPConnector):
    """A pool that tells when a request has its connection and is about to be sent."""

    def __init__(self, gate: Gate, deadlines: Deadlines, limit: int, ssl: SSLContext | None) -> None:
        super().__init__(limit=limit, ssl=True if ssl is None else ssl)  # pyright: ignore[reportUnknownMemberType] - aiohttp's types name a bare tuple
        self._gate = gate
        self._deadlines = deadlines

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's signature
    ) -> Any:  # noqa: ANN401 - aiohttp's Connection, which it does not export
        connection = await super().connect(req, traces, timeout)
        if req.headers.get("Connection") == "close" and connection.protocol is not None:
            connection.protocol.force_close()  # aiohttp itself pools it again unless the server says close too
        attempt = self._deadlines.current()
        attempt.sent = True
        self._gate.sending()
        self._deadlines.heard(attempt)
        return connection


async def _without_silent_repeat(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    # aiohttp sends a GET, PUT or DELETE again by itself when these two reach it; RetryPolicy alone decides that here.
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _LostConnectionError(str(error) or "the server closed the connection") from None


@attrs.frozen
class PoolSettings:
    """How the transport makes a pool of its own."""

    size: int
    """How many requests may be in flight at once."""

    ssl: SSLContext | None
    """What checks the server's certificate; None for the defaults of aiohttp."""

    trust_env: bool
    """Whether proxies and netrc of the environment are used."""

    trace_configs: tuple[aiohttp.TraceConfig, ...]
    """What listens to aiohttp's events."""


@attrs.frozen
class _Pool:
    """What is made on first use, in the running loop."""

    loop: asyncio.AbstractEventLoop
    session: aiohttp.ClientSession
    gate: Gate
    deadlines: Deadlines


@attrs.frozen
class _Route:
    """Which connections an attempt may use."""

    server_hostname: str | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str])


_ANY_CONNECTION = _Route()
_UNUSABLE_SESSION = (
    "the aiohttp.ClientSession that was handed in is closed, or belongs to another event loop; "
    "make it in the loop where the AsyncUltravox is used, and close it after that"
)
_NO_HEADERS: Mapping[str, str] = {}

# Errors travel as values inside of this module, and are raised where no frame below holds the key.
_Answer: TypeAlias = Response | UltravoxError


_MIDDLEWARES = (_without_silent_repeat,)


class Transport:
    """Sends requests for one key to one origin, for all tasks of one event loop.

    Args:
        api_key: The key, sent to `base_url` and to nobody else.
        base_url: Scheme, host, port and path prefix.
        pool: How to make the pool.
        session: Used instead of a session of its own, and never closed.
        timeout: The deadlines.
        retry: What is repeated.
        rate_limit: The pace.
        max_response_bytes: The longest decoded body that is read.
        coalesce_reads: Whether identical reads in flight share one request.
    """

    __slots__ = (
        "_base_url",
        "_client_timeout",
        "_closed",
        "_coalescer",
        "_fresh_connection",
        "_key",
        "_max_response_bytes",
        "_owned",
        "_pool",
        "_prefix",
        "_rate_limit",
        "_retry",
        "_session",
        "_tasks",
        "_timeout",
        "interval",
        "origin",
    )

    def __init__(  # noqa: PLR0913 - the settings of a client, each of its own kind
        self,
        *,
        api_key: Secret,
        base_url: URL,
        pool: PoolSettings,
        session: aiohttp.ClientSession | None,
        timeout: Timeout,
        retry: RetryPolicy,
        rate_limit: RateLimit,
        max_response_bytes: int,
        coalesce_reads: bool,
    ) -> None:
        self.origin = base_url.origin()
        rate = rate_limit.requests_per_second
        self.interval = 0.0 if rate is None else 1 / rate
        self._base_url = base_url
        self._prefix = base_url.raw_path.rstrip("/")
        self._key = Key(api_key)
        self._owned = pool
        self._session = session
        self._timeout = timeout
        self._retry = retry
        self._rate_limit = rate_limit
        self._max_response_bytes = max_response_bytes
        # A server name of its own gives the attempt a compartment of the pool that is always empty: after a lost
        # connection the others of that moment are as suspect, and one attempt each is too many to find out.
        self._fresh_connection = _Route(base_url.host, {"Connection": "close"})
        # A pool of its own has a place for each permit, so that nobody waits for one, and tells when silence begins. A
        # pool that was handed in may be shared, and says nothing: there aiohttp times the making of a connection, and
        # silence, by itself.
        self._client_timeout = aiohttp.ClientTimeout(
            connect=timeout.connect if session is None else None,
            sock_connect=timeout.connect,
            sock_read=timeout.read if session is not None else None,
            ceil_threshold=math.inf,
        )
        self._pool: _Pool | None = None
        self._closed = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._coalescer = Coalescer[_Answer](self.spawn) if coalesce_reads else None

    async def fetch(
        self, method: str, path: str, into: type[T], *, body: Body | None = None, lane: Lane = Lane.SINGLE
    ) -> T:
        """Send a request and decode its answer into `into`.

        Raises:
            UltravoxError: As `send` does, and `DecodeError`.
        """
        response = await self.send(Request(method, path, body=body, lane=lane))
        return response.decode(into)

    async def send(self, request: Request) -> Response:
        """Send a request as often as it takes, and return the successful answer.

        Raises:
            APIStatusError: The last answer was no success.
            APIConnectionError: There was no answer, or not in time.
            ResponseTooLargeError: The answer is longer than `max_response_bytes`.
            UltravoxError: The client is closed, or belongs to another event loop.
        """
        pool = self._pool
        if pool is None or self._closed or pool.session.closed or asyncio.get_running_loop() is not pool.loop:
            pool = self._opened()
        try:
            if self._coalescer is None:
                outcome = await self._repeat(pool, request)
            else:
                outcome = await self._coalesced(self._coalescer, pool, request)
        except BaseException as error:  # noqa: BLE001 - raised again
            # The frames below hold the key and the body, and a traceback with locals would show them.
            raise error.with_traceback(None)  # noqa: B904 - the same exception, less its frames
        if isinstance(outcome, Response):
            return outcome
        try:
            raise outcome
        finally:
            del outcome  # or this frame and the error hold each other, until the garbage collector comes by

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `work` in a task that `close` cancels."""
        # Not by the loop's own factory: an eager task would run before anybody knows of it.
        task = asyncio.Task(work, loop=asyncio.get_running_loop())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """End what is running, and close the session if it is owned; closing again does nothing.

        Raises:
            UltravoxError: The session belongs to another event loop.
        """
        pool = self._pool
        if pool is not None:
            _check_loop(pool.loop)
        self._closed = True
        if pool is None:
            return
        try:
            await self._end_all(pool)
        finally:
            if pool.session is not self._session:
                await pool.session.close()
        self._pool = None

    async def _end_all(self, pool: _Pool) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        pool.gate.close()
        pool.deadlines.expire_all()
        while pool.deadlines:  # noqa: ASYNC110 - each is being cancelled, and ends within a few turns of the loop
            await asyncio.sleep(0)

    def redacted(self, text: str) -> str:
        """Return `text` without the key."""
        return self._key.redacted(text, None)

    def check_open(self) -> None:
        """Raise where nothing can be sent.

        Raises:
            UltravoxError: The client is closed, or belongs to another event loop.
        """
        self._opened()

    def _opened(self) -> _Pool:
        if self._closed:
            msg = "this AsyncUltravox is closed; make a new one, or close it later"
            raise UltravoxError(msg)
        if self._pool is None:
            self._pool = self._make_pool(asyncio.get_running_loop())
        _check_loop(self._pool.loop)
        if self._pool.session.closed:
            raise UltravoxError(_UNUSABLE_SESSION)
        return self._pool

    def _make_pool(self, loop: asyncio.AbstractEventLoop) -> _Pool:
        places = self._owned.size
        if self._session is not None and self._session.connector is not None:
            limits = self._session.connector.limit, self._session.connector.limit_per_host
            places = min([places, *(limit for limit in limits if limit)])  # aiohttp's 0 is no limit
        gate = Gate(self._rate_limit.requests_per_second, places, self._retry.max_delay, loop)
        deadlines = Deadlines(loop, self._timeout.read)
        session = self._session or aiohttp.ClientSession(
            connector=_Connector(gate, deadlines, places, self._owned.ssl),
            headers=self._key.headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=self._owned.trust_env,
            trace_configs=list(self._owned.trace_configs),
        )
        return _Pool(loop, session, gate, deadlines)

    async def _coalesced(self, coalescer: Coalescer[_Answer], pool: _Pool, request: Request) -> _Answer:
        if request.method == "GET":
            key = request.path, request.query, request.lane
            try:
                outcome = await coalescer.share(key, lambda: self._repeat(pool, request))
            except SharedCancelledError:
                return _closed_meanwhile(request)
            # Each waiter raises an error of its own: a traceback grows where its error is raised.
            return outcome if isinstance(outcome, Response) else copy.copy(outcome)
        # A read that began before the write ended may have missed it, so nobody later may join it.
        coalescer.forget()
        try:
            return await self._repeat(pool, request)
        finally:
            coalescer.forget()

    async def _repeat(self, pool: _Pool, request: Request) -> _Answer:
        left = self._timeout.total
        route = _ANY_CONNECTION
        for number in itertools.count(1):
            try:
                await pool.gate.enter(request.operation, request.lane)
            except CoolingDownError as error:
                return _cooling_down(request, error.seconds)
            except GateClosedError:
                return _closed_meanwhile(request)
            started = pool.loop.time()
            attempt = pool.deadlines.start(asyncio.timeout(None), left)
            try:
                outcome = await self._attempt(pool, request, route, attempt)
                if isinstance(outcome, Response):
                    return outcome
                left -= pool.loop.time() - started
                delay = retry_delay(self._retry, request.method, number, outcome, random.random)
                # Before the permit is given back, which lets the next one go.
                if isinstance(outcome, RateLimitError):
                    pool.gate.cool_down(request.operation, delay or outcome.retry_after or self._retry.base_delay)
            finally:
                pool.deadlines.stop(attempt)
                if attempt.sent:
                    pool.gate.leave()
                else:
                    pool.gate.withdraw()
            if delay is None or delay >= left:
                return outcome
            try:
                await pool.gate.pause(delay)
            except GateClosedError:
                return _closed_meanwhile(request)
            left -= delay
            route = self._fresh_connection if isinstance(outcome, APIConnectionError) else _ANY_CONNECTION
        raise AssertionError  # pragma: no cover - counting does not end

    async def _attempt(self, pool: _Pool, request: Request, route: _Route, attempt: Attempt) -> _Answer:
        answer = None
        try:
            async with attempt.scope:
                answer = await pool.session.request(
                    request.method,
                    self._url(request),
                    headers=self._headers(request, route),
                    data=None if request.body is None else request.body.content,
                    server_hostname=route.server_hostname,
                    timeout=self._client_timeout,
                    allow_redirects=False,
                    raise_for_status=False,
                    auto_decompress=True,
                    middlewares=_MIDDLEWARES,
                )
                if not attempt.sent:  # the pool of a session that was handed in does not tell when it sends
                    attempt.sent = True
                    pool.gate.sending()
                if answer.status in _SUCCESS:
                    body = await self._read(answer, pool.deadlines, attempt)
                    return Response(answer.status, answer.headers, body, request, self._key)
                return self._refused(request, answer, await self._read_beginning(answer, pool.deadlines, attempt))
        except (aiohttp.ClientError, OSError, _TooLargeError) as error:
            return self._failed(request, attempt, error)
        except RuntimeError:
            # What aiohttp and asyncio raise for a session that is closed, or belongs to another loop.
            if pool.session is not self._session:
                raise
            return UltravoxError(_UNUSABLE_SESSION)
        finally:
            # What aiohttp's context manager does, without the cost of one.
            if answer is not None:
                if not answer.closed:  # as it is once it was read to its end
                    answer.release()
                if request.body is not None:
                    await answer.wait_for_close()

    def _url(self, request: Request) -> URL:
        url = self._base_url.with_path(self._prefix + request.path, encoded=True)
        # A URL that is put together costs a quarter of one that is parsed, as the rare one with a query is.
        return URL(f"{url}?{request.query}", encoded=True) if request.query else url

    def _headers(self, request: Request, route: _Route) -> Mapping[str, str]:
        own = self._key.headers if self._session is not None else _NO_HEADERS
        if request.body is None and not route.headers:
            return own
        content_type = {"Content-Type": "application/json"} if request.body is not None else _NO_HEADERS
        return {**own, **content_type, **route.headers}

    def _failed(self, request: Request, attempt: Attempt, error: Exception) -> UltravoxError:
        method, path = request.method, request.path
        if isinstance(error, _TooLargeError):
            return ResponseTooLargeError(method, path, self._max_response_bytes)
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            reason = f"no connection within {self._timeout.connect} s (Timeout.connect)"
            return APITimeoutError(method, path, reason, connected=False)
        if isinstance(error, aiohttp.ServerTimeoutError):
            return APITimeoutError(method, path, self._silence(), connected=True)
        if not isinstance(error, TimeoutError):
            reason = printable(self._key.redacted(_reason(error), request.body), _REASON_LIMIT)
            return APIConnectionError(method, path, reason, connected=not isinstance(error, _NEVER_CONNECTED))
        if self._closed:
            return _closed_meanwhile(request)
        reason = f"no answer within {self._timeout.total} s (Timeout.total)" if attempt.spent else self._silence()
        return APITimeoutError(method, path, reason, connected=True)

    def _silence(self) -> str:
        return f"silence for {self._timeout.read} s (Timeout.read)"

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
        deadlines.heard(attempt)
        while chunk := await content.readany():
            deadlines.heard(attempt)
            chunks.append(chunk)
            size = await _counted(size, chunk)
            if size > limit:
                raise _TooLargeError
        return b"".join(chunks)

    async def _read_beginning(self, answer: aiohttp.ClientResponse, deadlines: Deadlines, attempt: Attempt) -> bytes:
        """Return the first bytes of a body, and read past the others, so that the connection can be used again."""
        beginning = b""
        size = 0
        deadlines.heard(attempt)
        while size <= self._max_response_bytes and (chunk := await answer.content.readany()):
            deadlines.heard(attempt)
            beginning += chunk[: _ERROR_BODY_LIMIT - len(beginning)]
            size = await _counted(size, chunk)
        return beginning

    def _refused(self, request: Request, answer: aiohttp.ClientResponse, body: bytes) -> APIStatusError:
        redact = functools.partial(self._key.redacted, body=request.body)
        return class_for_status(answer.status)(
            answer.status,
            request.method,
            request.path,
            headers=CIMultiDict((redact(name), redact(value)) for name, value in answer.headers.items()),
            body=redact(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"),
            retry_after=parse_retry_after(answer.headers.getall("Retry-After", ()), datetime.now(UTC)),
        )


def _check_loop(loop: asyncio.AbstractEventLoop) -> None:
    if asyncio.get_running_loop() is not loop:
        msg = (
            "this AsyncUltravox has its connections in another event loop; "
            "make one in each loop, and close it in the loop where it was used"
        )
        raise UltravoxError(msg)


async def _counted(size: int, chunk: bytes) -> int:
    """Return the size with a chunk added to it, and let others have a turn once in a MiB."""
    # A compressed body comes out of its buffer without one wait.
    if (size + len(chunk)) // _BREATH > size // _BREATH:
        await asyncio.sleep(0)
    return size + len(chunk)


def _reason(error: Exception) -> str:
    # aiohttp's own text speaks of "ssl:default" where there is no TLS.
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error, aiohttp.ClientSSLError):
        return f"cannot connect to {error.host}:{error.port}: {error.os_error}"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {error.status}"
    if isinstance(error, aiohttp.ClientResponseError):  # whose text quotes what came, cut somewhere
        return "the answer is no HTTP"
    return str(error) or type(error).__name__


def _closed_meanwhile(request: Request) -> UltravoxError:
    return UltravoxError(f"{request.method} {request.path}: the AsyncUltravox was closed meanwhile")


def _cooling_down(request: Request, seconds: float) -> RateLimitError:
    said = f"not sent: an earlier 429 asked for a pause, of which {seconds:.1f} s are left"
    body = orjson.dumps({"detail": said})
    return RateLimitError(429, request.method, request.path, body=body, retry_after=seconds)
