"""`AsyncUltravox`: the settings, the ownership of the connection pool, and one attribute per resource."""

import inspect
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from ssl import SSLContext
from types import TracebackType
from typing import Final, NoReturn, Self, cast

import aiohttp
from yarl import URL

from ultravox_async._http.headers import extra_headers
from ultravox_async._http.messages import Request, RequestOptions, Response
from ultravox_async._http.operation_class import OperationClass
from ultravox_async._http.pool import PoolSettings, checked_trace_configs
from ultravox_async._http.proxies import check_proxies
from ultravox_async._http.redirects import is_loopback
from ultravox_async._http.scheduler import Priority
from ultravox_async._http.transport import Transport, make_transport
from ultravox_async._wire.paths import Parameter, checked_path, encoded_query
from ultravox_async._wire.payload import Secret, json_body
from ultravox_async.errors import ConfigurationError, InvalidRequestError, UltravoxError
from ultravox_async.observer import Observer
from ultravox_async.resources._attributes import ResourceAttributes
from ultravox_async.resources.sip import Sip
from ultravox_async.settings import RateBudget, RateLimit, RequestPriority, RetryPolicy, Timeout
from ultravox_async.stats import Counts, Stats

_DEFAULT_BASE_URL: Final = "https://api.ultravox.ai"
_SETTING_TYPES: Final[Mapping[str, type]] = {
    "timeout": Timeout,
    "retry": RetryPolicy,
}
# A host name as it can stand in a certificate (labels of letters, digits, hyphens and underscores), or an IP address.
_LABEL: Final = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
# Creating calls has its own limits. request() can recognize such an operation only by its path.
_CREATES_CALL: Final = re.compile(r"/api/((agents/[^/]+/)?calls|agents/[^/]+/telephony_xml)/?")
_PRIORITIES: Final[Mapping[str, Priority]] = {
    "interactive": Priority.INTERACTIVE,
    "background": Priority.BACKGROUND,
}
_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class AsyncUltravox(ResourceAttributes):
    """A client of the Ultravox REST API, for all tasks of one event loop.

    It can be created anywhere, also outside an event loop; its connection pool is created on first use. Create one,
    share it among all tasks, and close it at the end, with ``async with`` or `close`.

    Args:
        api_key: The API key; by default the value of the environment variable ``ULTRAVOX_API_KEY``.
        base_url: The URL of the API; by default the value of the environment variable ``ULTRAVOX_BASE_URL``, or else
            the public API.
        session: An `aiohttp.ClientSession` to use instead of the client's own. It is never closed, and the key is a
            header of each request, never a default header of the session. The session's own middlewares are not run.
            The time that a request waits for a connection behind other users of the session counts against
            `Timeout.total`. The session's pool does not tell when a request is sent, so the rate limiter counts a
            request until its response arrives, and for one second more; the creation of a call, for one minute more if
            `RateLimit.calls_per_minute` is set. Two things that the client does for its own pool are not done for a
            session: after a lost connection the next attempt may be given another stale one, and an upload that the
            server does not read keeps its connection after `close`.
        timeout: The deadlines, in seconds.
        retry: Which failures are retried, and after how long.
        rate_limit: How fast requests are sent; ``RateLimit(None)`` for no limit. Clients that use the same key share a
            `RateBudget` instead, for example one `LocalRateBudget` in each event loop.
        pool_size: The maximum number of requests in flight, and of connections; 1 or more. Downloads and uploads use at
            most half of them, or one.
        max_response_bytes: The maximum size of a response body, after decompression, in bytes; 16 MiB by default.
        ssl: The context that verifies the server's certificate; by default aiohttp's, which trusts the authorities
            that the system trusts.
        trust_env: Whether to use the proxies and the netrc file of the environment. A proxy that aiohttp would bypass
            (``ALL_PROXY``, or one whose scheme is not http) is refused.
        trace_configs: The `aiohttp.TraceConfig` objects whose callbacks aiohttp calls.
        allow_http: Whether the key may be sent over ``http://`` to a host that is not a loopback address.
        coalesce_reads: Whether identical GETs that are in flight at the same time share one request. Their result is
            as old as the first of them; a read never joins one that began before a write of this client ended.
        observers: Objects that learn about each request, for metrics and traces; see `ultravox_async.observer`.

    Raises:
        ConfigurationError: There is no key, or a setting is invalid. The text never contains the key.
    """

    sip: Sip
    """SIP registrations and configuration."""

    # A traceback with locals calls repr() on a client whose __init__ raised, before the settings were checked.
    _shown = "..."
    _is_view = False

    def __init__(  # noqa: PLR0913 - each argument is a separate setting, and all are optional
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        session: aiohttp.ClientSession | None = None,
        timeout: Timeout = Timeout(),  # noqa: B008 - frozen
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
        rate_limit: RateLimit | RateBudget = RateLimit(),  # noqa: B008 - frozen
        pool_size: int = 100,
        max_response_bytes: int = 16 * 1024 * 1024,
        ssl: SSLContext | None = None,
        trust_env: bool = False,
        trace_configs: Sequence[aiohttp.TraceConfig] = (),
        allow_http: bool = False,
        coalesce_reads: bool = False,
        observers: Sequence[Observer] = (),
    ) -> None:
        key = Secret(api_key)
        url = Secret(base_url)
        del api_key, base_url
        if session is not None and (ssl is not None or trust_env or trace_configs):
            msg = "ssl, trust_env and trace_configs cannot be combined with session; set them where you create it"
            raise ConfigurationError(msg)
        if not (ssl is None or isinstance(ssl, SSLContext)):  # pyright: ignore[reportUnnecessaryIsInstance] - aiohttp takes False here
            msg = "ssl takes an ssl.SSLContext or None; certificates are always verified"
            raise ConfigurationError(msg)
        _check_types(timeout=timeout, retry=retry)
        _check_rate(rate_limit)
        checked_url = _checked_base_url(url, allow_http=allow_http)
        if trust_env:
            check_proxies(checked_url)
        shown = {
            "base_url": str(checked_url),
            "timeout": timeout,
            "retry": retry,
            "rate_limit": rate_limit,
            "pool_size": _at_least_one("pool_size", pool_size),
            "max_response_bytes": _at_least_one("max_response_bytes", max_response_bytes),
            "coalesce_reads": coalesce_reads,
        }
        transport = make_transport(
            api_key=_checked_key(key),
            base_url=checked_url,
            pool=PoolSettings(pool_size, ssl, trust_env, checked_trace_configs(trace_configs), session),
            options=RequestOptions(timeout, retry),
            rate=rate_limit,
            max_response_bytes=max_response_bytes,
            coalesce_reads=coalesce_reads,
            observers=_checked_observers(observers),
        )
        self._shown = ", ".join(f"{name}={value!r}" for name, value in shown.items())
        self._send_through(transport)

    def _send_through(self, transport: Transport) -> None:
        self._transport = transport
        self.sip = Sip(transport)

    def __repr__(self) -> str:
        client = f"AsyncUltravox({self._shown})"
        if not self._is_view:
            return client
        options = self._transport.options
        return (
            f"{client}.with_options(timeout={options.timeout!r}, retry={options.retry!r}, "
            f"priority={options.priority.name.lower()!r})"
        )

    def __reduce__(self) -> NoReturn:
        msg = "an AsyncUltravox cannot be pickled: it holds connections and the API key"
        raise TypeError(msg)

    async def __aenter__(self) -> Self:
        self._check_owner()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def closed(self) -> bool:
        """Whether `close` was called; every request after that raises `ClientClosedError`.

        A view is closed when the client it was made from is closed.
        """
        return self._transport.closed

    @property
    def stats(self) -> Stats:
        """What the client, with all its views, has met so far: a snapshot."""
        return self._transport.stats

    def measure(self) -> AbstractContextManager[Counts]:
        """Count what is asked for within a ``with`` block, tasks that are created there included.

        It counts while the block runs, and afterwards as long as such tasks do::

            with ultravox.measure() as counts:
                found = await ultravox.sip.registrations.get_many(ids)
            print(counts.requests, counts.refusals)

        If the block is left in another task or thread than it was entered in, nothing that begins later counts.
        """
        return self._transport.telemetry.measure()

    async def close(self, drain: float = 0.0) -> None:
        """End the requests that are still running with `ClientClosedError`, and close the connection pool.

        Call it with `drain` when a service is told to stop, and not once its requests are over: in aiohttp.web, that is
        in ``on_shutdown``. Iterate over sweeps with ``async for``: one that is awaited raises, and what it has fetched
        is lost.

        A session that was handed in stays open. Closing again does nothing. A service that is told to stop gives the
        requests that it has sent some time with `drain`. What waits for its turn, the rest of sweeps, and what is new
        get `ClientClosedError` at once. So does an upload by `corpora.upload()`, whose last step, creating the source,
        would be refused. A second close without `drain` ends the others too, and so does the first of several that has
        waited for its `drain`. If one is cancelled, everything ends at once, unless another one still waits.

        Args:
            drain: For how many seconds requests that were sent, and downloads, may go on; 0.0 for not at all.

        Raises:
            InvalidRequestError: `drain` is not a finite number of 0 or more.
            UltravoxError: The client was used in another event loop; close it there. Or this is a view, made by
                `with_options`; close the client it was made from.
        """
        self._check_owner()
        _check_drain(drain)
        await self._transport.close(drain)

    def _check_owner(self) -> None:
        if self._is_view:
            msg = "this AsyncUltravox is a view, made by with_options(); close the client it was made from"
            raise UltravoxError(msg)

    def with_options(
        self,
        *,
        timeout: Timeout | None = None,
        retry: RetryPolicy | None = None,
        priority: RequestPriority | None = None,
    ) -> Self:
        """Return a view of this client, whose requests have other deadlines, another retry policy or priority.

        It shares the connection pool, the key, the rate limiter and all other settings, and is cheap: make one for a
        single request if you like. A view cannot be closed or used with ``async with``; only the client can.

        Args:
            timeout: The deadlines, in seconds; None to keep them.
            retry: Which failures are retried, and after how long; None to keep it.
            priority: With ``"background"``, single calls wait behind the interactive calls of others, and wait out a
                long ``Retry-After``, as sweeps and listings always do. ``"interactive"`` is the default of a client.
                None to keep it.

        Raises:
            ConfigurationError: An argument has the wrong type, or the priority does not exist.
        """
        options = self._transport.options
        timeout = options.timeout if timeout is None else timeout
        retry = options.retry if retry is None else retry
        _check_types(timeout=timeout, retry=retry)
        view = object.__new__(type(self))
        vars(view).update(vars(self))
        view._is_view = True
        changed = RequestOptions(timeout, retry, options.priority if priority is None else _checked_priority(priority))
        view._send_through(self._transport.with_options(changed))
        return view

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Parameter] | None = None,
        json: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send a request for which this package has no method yet, with the same key, retries, pacing and errors.

        Args:
            method: DELETE, GET, HEAD, OPTIONS, PATCH, POST or PUT.
            path: The path, beginning with a slash, without a query; for example ``/api/voices``.
            params: The query parameters, not encoded: strings, numbers and booleans; a list repeats a parameter, and
                None omits it.
            json: The body, anything that can be encoded as JSON; None for no body.
            headers: Additional headers for this request. ``X-API-Key``, ``Host`` and the headers that frame a request
                cannot be set. A value is redacted in errors, like a password, if the name of its header contains
                ``key``, ``password``, ``secret`` or ``token``, or is ``Authorization`` or ``Cookie``.

        Raises:
            InvalidRequestError: The method does not exist, the path is not a plain absolute path, a query parameter
                or the body cannot be encoded, or a header cannot be sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        # This frame is in the traceback of every error: as plain locals, the values would show there.
        secret_json = Secret(json)
        secret_headers = Secret(headers)
        has_body, has_headers = json is not None, headers is not None
        del json, headers
        if not isinstance(method, str) or method.upper() not in _METHODS:  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker pass None
            raise InvalidRequestError("method", f"takes one of {', '.join(sorted(_METHODS))}")
        body = json_body(secret_json) if has_body else None
        added = extra_headers(secret_headers) if has_headers else None
        request = Request(
            method.upper(), checked_path(path), query=encoded_query(params or {}), body=body, headers=added
        )
        if request.method == "POST" and _CREATES_CALL.fullmatch(request.path):
            request.operation = OperationClass.CREATE_CALL
        return await self._transport.send(request)


def _check_types(**settings: object) -> None:
    for name, value in settings.items():
        kind = _SETTING_TYPES[name]
        if not isinstance(value, kind):
            raise ConfigurationError(f"{name} takes {kind.__name__}(...), not {type(value).__name__}")


def _check_drain(drain: object) -> None:
    if isinstance(drain, bool) or not isinstance(drain, int | float) or not 0 <= drain < math.inf:
        raise InvalidRequestError("drain", f"takes a finite number of seconds of at least 0, not {drain!r}")


def _check_rate(value: object) -> None:
    # RateBudget is a runtime-checkable protocol: the class of a budget has these methods too, and passes isinstance().
    if isinstance(value, type) or not isinstance(value, RateLimit | RateBudget):
        hint = "; RateLimit(None) switches pacing off" if value is None else ""
        raise ConfigurationError(f"rate_limit takes RateLimit(...) or a RateBudget, not {type(value).__name__}{hint}")


def _checked_observers(observers: object) -> Sequence[Observer]:
    if not isinstance(observers, Iterable):
        raise ConfigurationError(f"observers takes a list of instances of Observer, not {type(observers).__name__}")
    return [_checked_observer(each) for each in cast("Iterable[object]", observers)]


def _checked_observer(observer: object) -> Observer:
    if not isinstance(observer, Observer):
        raise ConfigurationError(f"observers takes instances of Observer, not {observer!r}")
    for name in ("request_started", "attempt_ended", "request_ended"):
        if inspect.iscoroutinefunction(getattr(observer, name)):
            msg = f"{type(observer).__name__}.{name} is async; the methods of an Observer are called, and not awaited"
            raise ConfigurationError(msg)
    return observer


def _checked_priority(name: str) -> Priority:
    if not isinstance(name, str) or name not in _PRIORITIES:  # pyright: ignore[reportUnnecessaryIsInstance] - settings come from untyped places
        raise ConfigurationError(f"priority takes one of {', '.join(sorted(_PRIORITIES))}")
    return _PRIORITIES[name]


def _checked_key(given: Secret) -> Secret:
    # The key stays a Secret all the way, so that a traceback with locals does not show it.
    key = given if given.reveal() is not None else Secret(os.environ.get("ULTRAVOX_API_KEY"))
    if not key.reveal():
        msg = "no API key: pass api_key, or set the environment variable ULTRAVOX_API_KEY"
        raise ConfigurationError(msg)
    if not _may_be_a_key(key.reveal()):
        msg = "the API key must be a string of printable ASCII characters, without spaces or line breaks"
        raise ConfigurationError(msg)
    return key


def _may_be_a_key(key: object) -> bool:
    return isinstance(key, str) and key.isascii() and key.isprintable() and " " not in key


def _checked_base_url(given: Secret, *, allow_http: bool) -> URL:
    # The URL is a Secret too: a wrong one may contain a password, which is why user information is refused. The plain
    # values are deleted before anything can raise, so that no traceback with locals shows them.
    plain = given.reveal()
    default = os.environ.get("ULTRAVOX_BASE_URL") or _DEFAULT_BASE_URL
    url = _parsed_url(default if plain is None or plain == "" else plain)
    del plain, default
    if url is None:
        msg = "base_url takes an absolute http or https URL, without user information, query or fragment"
        raise ConfigurationError(msg)
    if url.scheme == "http" and not allow_http and not is_loopback(url.host or ""):
        msg = f"base_url {url} would send the API key unencrypted; use https, or pass allow_http=True"
        raise ConfigurationError(msg)
    return url


def _parsed_url(text: object) -> URL | None:
    try:
        url = URL(text) if isinstance(text, str) and text.isprintable() and " " not in text else URL()
        usable = url.scheme in {"http", "https"} and _HOST.fullmatch((url.raw_host or "").lower()) and url.port
    except ValueError:
        return None
    plain = url.raw_user is None and url.raw_password is None and not url.query_string and not url.fragment
    return url.with_path(url.raw_path.rstrip("/"), encoded=True) if usable and plain else None


def _at_least_one(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:  # pyright: ignore[reportUnnecessaryIsInstance] - settings come from untyped places
        msg = f"{name} takes a whole number of at least 1, not {value!r}"
        raise ConfigurationError(msg)
    return value
