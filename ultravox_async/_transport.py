"""One logical request in, one response out: attempts, pacing, deadlines and the connection pool.

The only module that uses aiohttp's client. Exceptions of aiohttp end here: their tracebacks and attributes hold the
headers of the request, and so the key.
"""

import asyncio
import copy
import functools
import html
import io
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
from ultravox_async._pool import MIDDLEWARES, Connector
from ultravox_async._retry import parse_http_date, parse_retry_after, retry_delay
from ultravox_async._version import __version__
from ultravox_async.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ClientClosedError,
    ConfigurationError,
    DecodeError,
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
# What stands before the host in a URL: the password of a proxy, for example.
_USER_INFORMATION = re.compile(r"(?<=://)[^/\s]*@")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
# aiohttp warns of bytes above this length, because it sends them in one piece; a file object it sends in several.
_SENT_IN_ONE_PIECE = 1024 * 1024
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

    identity: tuple[str, str] | None = None
    """The field of the answer, by its name on the wire, that says what it is about, and what has to be in it."""

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


class _TooLargeError(Exception):
    """A body that passed the limit."""


def _check_trace_configs(_: object, __: object, value: tuple[object, ...]) -> None:
    for config in value:
        if not isinstance(config, aiohttp.TraceConfig):
            kind = f"the class {config.__name__}" if isinstance(config, type) else type(config).__name__
            raise ConfigurationError(f"trace_configs takes instances of aiohttp.TraceConfig, not {kind}")


@attrs.frozen
class PoolSettings:
    """How the transport makes a pool of its own."""

    size: int
    """How many requests may be in flight at once."""

    ssl: SSLContext | None
    """What checks the server's certificate; None for the defaults of aiohttp."""

    trust_env: bool
    """Whether proxies and netrc of the environment are used."""

    trace_configs: tuple[aiohttp.TraceConfig, ...] = attrs.field(validator=_check_trace_configs)
    """What listens to aiohttp's events."""


@attrs.frozen
class _Pool:
    """What is made on first use, in the running loop."""

    loop: asyncio.AbstractEventLoop
    session: aiohttp.ClientSession
    connector: Connector | None
    gate: Gate
    deadlines: Deadlines


_UNUSABLE_SESSION = (
    "the aiohttp.ClientSession that was handed in is closed, or belongs to another event loop; "
    "make it in the loop where the AsyncUltravox is used, and close it after that"
)
_NO_HEADERS: Mapping[str, str] = {}

# Errors travel as values inside of this module, and are raised where no frame below holds the key.
_Answer: TypeAlias = Response | UltravoxError


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
        if session is not None and not isinstance(session, aiohttp.ClientSession):  # pyright: ignore[reportUnnecessaryIsInstance] - there are look-alikes
            raise ConfigurationError(f"session takes an aiohttp.ClientSession, not {type(session).__name__}")
        self._session = session
        self._timeout = timeout
        self._retry = retry
        self._rate_limit = rate_limit
        self._max_response_bytes = max_response_bytes
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

    async def fetch(self, request: Request, into: type[T]) -> T:
        """Send a request and decode its answer into `into`.

        Raises:
            UltravoxError: As `send` does, and `DecodeError`.
        """
        return (await self.send(request)).decode(into)

    async def send(self, request: Request) -> Response:
        """Send a request as often as it takes, and return the successful answer.

        Raises:
            APIStatusError: The last answer was no success.
            APIConnectionError: There was no answer, or not in time.
            DecodeError: The answer is about something else than `request.identity`.
            ResponseTooLargeError: The answer is longer than `max_response_bytes`.
            ClientClosedError: The client is closed, or was closed meanwhile.
            UltravoxError: The client belongs to another event loop.
        """
        pool = self._pool
        if pool is None or self._closed or pool.session.closed or asyncio.get_running_loop() is not pool.loop:
            pool = self._opened()
        if self._coalescer is None:
            outcome = await self._repeat(pool, request)
        else:
            outcome = await self._coalesced(self._coalescer, pool, request)
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

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

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
            pool.gate.close()
            # The current task is one of them where the ids of a sweep, or a function that listens to aiohttp's events,
            # close the client. It ends by itself, because there is nothing more that it could send.
            tasks = self._tasks - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await pool.deadlines.end_others()
            if tasks:
                await asyncio.wait(tasks)
        finally:
            if pool.connector is not None:
                pool.connector.abort()
                await pool.session.close()
            pool.deadlines.end_own()
        self._pool = None

    def redacted(self, text: str) -> str:
        """Return `text` without the key."""
        return self._key.redacted(text, None)

    def check_open(self) -> None:
        """Raise where nothing can be sent.

        Raises:
            ClientClosedError: The client is closed.
            UltravoxError: It belongs to another event loop.
        """
        self._opened()

    def _opened(self) -> _Pool:
        if self._closed:
            msg = "this AsyncUltravox is closed; make a new one, or close it later"
            raise ClientClosedError(msg)
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
        gate = Gate(
            self._rate_limit.requests_per_second, places, self._retry.max_delay, self._retry.max_cool_down, loop
        )
        deadlines = Deadlines(loop, self._timeout.read)
        if self._session is not None:
            return _Pool(loop, self._session, None, gate, deadlines)
        connector = Connector(gate, deadlines, places, self._owned.ssl)
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=self._owned.trust_env,
            trace_configs=list(self._owned.trace_configs),
        )
        # Not as an argument: a traceback with locals of a constructor that fails would show the key.
        session.headers.update(self._key.headers)
        return _Pool(loop, session, connector, gate, deadlines)

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
        fresh = False
        for number in itertools.count(1):
            try:
                await pool.gate.enter(request.operation, request.lane)
            except CoolingDownError as error:
                return _cooling_down(request, error.seconds)
            except GateClosedError:
                return _closed_meanwhile(request)
            started = pool.loop.time()
            attempt = pool.deadlines.start(asyncio.timeout(None), left)
            attempt.fresh = fresh
            try:
                outcome = await self._attempt(pool, request, attempt)
                if isinstance(outcome, Response):
                    return outcome
                left -= pool.loop.time() - started
                delay = None if attempt.hopeless else self._delay_after(pool, request, number, outcome)
            finally:
                pool.deadlines.stop(attempt)
                if attempt.sent:
                    pool.gate.leave(request.operation)
                else:
                    pool.gate.withdraw(request.operation)
            if delay is None or delay >= left:
                return outcome
            if delay > 0:
                try:
                    await pool.gate.pause(delay)
                except GateClosedError:
                    return _closed_meanwhile(request)
                left -= delay
            fresh = isinstance(outcome, APIConnectionError | DecodeError)
        raise AssertionError  # pragma: no cover - counting does not end

    def _delay_after(self, pool: _Pool, request: Request, number: int, error: UltravoxError) -> float | None:
        """Return the seconds to wait before the next attempt, or None where there must not be one.

        Of a 429 the others of its class are told here, before the permit is given back, which lets the next one go.
        """
        waits_long = request.lane is Lane.BULK
        longest = self._retry.max_cool_down if waits_long else self._retry.max_delay
        delay = retry_delay(self._retry, request.method, number, error, random=random.random, longest=longest)
        if not isinstance(error, RateLimitError):
            return delay
        pool.gate.cool_down(request.operation, delay or error.retry_after or self._retry.base_delay)
        # Background work waits for the end of the cool-down where all others of its class do, however long it is.
        return 0.0 if waits_long and number < self._retry.max_attempts else delay

    async def _attempt(self, pool: _Pool, request: Request, attempt: Attempt) -> _Answer:
        try:
            outcome = await self._exchange(pool, request, attempt)
        except (aiohttp.ClientError, OSError, _TooLargeError) as error:
            outcome = self._failed(pool, request, attempt, error)
        except BaseException as error:  # noqa: BLE001 - raised again
            attempt.drop_connection()
            # A cancellation, as a rule. aiohttp's frames hold the key, and a traceback with locals would show it.
            raise error.with_traceback(None)  # noqa: B904 - the same exception, less its frames
        if isinstance(outcome, Response):
            mismatch = _mismatch(request, outcome)
            if mismatch is not None:
                attempt.drop_connection_of_whoever_uses_it()
            return mismatch or outcome
        if not isinstance(outcome, APIStatusError):
            attempt.drop_connection()
        return outcome

    async def _exchange(self, pool: _Pool, request: Request, attempt: Attempt) -> _Answer:
        async with attempt.scope:
            answer = await self._ask(pool, request)
            if isinstance(answer, Exception):
                return self._failed(pool, request, attempt, answer)
            try:
                if not attempt.sent:  # the pool of a session that was handed in does not tell when it sends
                    attempt.sent = True
                    pool.gate.sending()
                if answer.status in _SUCCESS:
                    body = await self._read(answer, pool.deadlines, attempt)
                    return Response(answer.status, answer.headers, body, request, self._key)
                return self._refused(request, answer, await self._read_beginning(answer, pool.deadlines, attempt))
            finally:
                # What aiohttp's context manager does, without the cost of one.
                if not answer.closed:  # as it is once it was read to its end
                    answer.release()
                if request.body is not None:
                    await answer.wait_for_close()

    async def _ask(self, pool: _Pool, request: Request) -> aiohttp.ClientResponse | Exception:
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

    def _url(self, request: Request) -> URL:
        url = self._base_url.with_path(self._prefix + request.path, encoded=True)
        # A URL that is put together costs a quarter of one that is parsed, as the rare one with a query is.
        return URL(f"{url}?{request.query}", encoded=True) if request.query else url

    def _headers(self, request: Request) -> Mapping[str, str]:
        own = self._key.headers if self._session is not None else _NO_HEADERS
        return own if request.body is None else {**own, "Content-Type": "application/json"}

    def _failed(self, pool: _Pool, request: Request, attempt: Attempt, error: Exception) -> UltravoxError:
        if self._closed:
            return _closed_meanwhile(request)
        if isinstance(error, _TooLargeError):
            return ResponseTooLargeError(request.method, request.path, self._max_response_bytes)
        if isinstance(error, RuntimeError) and not _is_usable(pool.session):
            return UltravoxError(_UNUSABLE_SESSION)
        reason = self._time_that_ran_out(attempt, error)
        if reason is not None:
            connected = not isinstance(error, aiohttp.ConnectionTimeoutError)
            return APITimeoutError(request.method, request.path, reason, connected=connected)
        attempt.hopeless = isinstance(error, aiohttp.ClientConnectorCertificateError)
        # A pool that was handed in does not tell when it sends: there it may have happened.
        connected = attempt.sent or (pool.connector is None and not isinstance(error, _NEVER_CONNECTED))
        reason = _USER_INFORMATION.sub("", self._key.redacted(_reason(error), request.body))
        return APIConnectionError(request.method, request.path, printable(reason, _REASON_LIMIT), connected=connected)

    def _time_that_ran_out(self, attempt: Attempt, error: Exception) -> str | None:
        """Return which limit of `Timeout` an error tells of, or None where it is of another kind."""
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return f"no connection within {self._timeout.connect} s (Timeout.connect)"
        if isinstance(error, aiohttp.ServerTimeoutError):
            return self._silence()
        if isinstance(error, TimeoutError) and attempt.scope.expired():
            return f"no answer within {self._timeout.total} s (Timeout.total)" if attempt.spent else self._silence()
        return None

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
        while chunk := await _next_chunk(content):
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
        while size <= self._max_response_bytes and (chunk := await _next_chunk(answer.content)):
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
            retry_after=parse_retry_after(answer.headers.getall("Retry-After", ()), _time_of(answer)),
        )


def _check_loop(loop: asyncio.AbstractEventLoop) -> None:
    if asyncio.get_running_loop() is not loop:
        msg = (
            "this AsyncUltravox has its connections in another event loop; "
            "make one in each loop, and close it in the loop where it was used"
        )
        raise UltravoxError(msg)


async def _next_chunk(content: aiohttp.StreamReader) -> bytes:
    try:
        return await content.readany()
    except RuntimeError as error:  # aiohttp's, where the connection was closed before anybody began to read
        raise aiohttp.ClientConnectionError(str(error)) from None


async def _counted(size: int, chunk: bytes) -> int:
    """Return the size with a chunk added to it, and let others have a turn once in a MiB."""
    # A compressed body comes out of its buffer without one wait.
    if (size + len(chunk)) // _BREATH > size // _BREATH:
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
    expected, got = (printable(response.redacted(orjson.dumps(each).decode()), 80) for each in (wanted, found))
    return DecodeError(response.origin, name, f"the id that was asked for, {expected}", got)


def _is_usable(session: aiohttp.ClientSession) -> bool:
    # The public name of the loop warns that it is deprecated, and there is no other way to ask.
    return not session.closed and getattr(session, "_loop", None) is asyncio.get_running_loop()


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = getattr(error.certificate_error, "verify_message", "") or str(error.certificate_error)
        return f"the certificate of {error.host}:{error.port} does not verify: {why}"
    # aiohttp's own text speaks of "ssl:default" where there is no TLS.
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect to {error.host}:{error.port}: {error.os_error}"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {error.status}"
    if isinstance(error, aiohttp.ClientResponseError):  # whose text quotes what came, cut somewhere
        return "the answer is no HTTP"
    if isinstance(error, aiohttp.ClientError):
        return str(error) or type(error).__name__
    return f"{type(error).__qualname__}: {error}".removesuffix(": ")


def _closed_meanwhile(request: Request) -> ClientClosedError:
    return ClientClosedError(f"{request.method} {request.path}: the AsyncUltravox was closed meanwhile")


def _cooling_down(request: Request, seconds: float) -> RateLimitError:
    body = orjson.dumps({"detail": "not sent: the pause that an earlier 429 asked for is not over"})
    return RateLimitError(429, request.method, request.path, body=body, retry_after=seconds)
