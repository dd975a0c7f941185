"""The connection pool of a client: which connections a request may use, and when it is sent."""

import asyncio
import weakref
from collections.abc import Sequence
from ssl import SSLContext
from typing import Any, Protocol, cast

import aiohttp
import attrs
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage
from multidict import istr

from ultravox_async._http.budget import make_scheduler
from ultravox_async._http.deadlines import Deadlines
from ultravox_async._http.keep_alive import IdleCloses, parse_keep_alive
from ultravox_async._http.messages import COMMON_HEADERS, KEY_HEADER, Credentials
from ultravox_async._http.retry import IDEMPOTENT_METHODS
from ultravox_async._http.scheduler import RequestScheduler
from ultravox_async.errors import ConfigurationError
from ultravox_async.settings import RateBudget, RateLimit

UNUSABLE_SESSION = (
    "the aiohttp.ClientSession that was passed as session is closed, or belongs to another event loop; "
    "make it in the loop where the AsyncUltravox is used, and close it after that"
)
"""The text of the error if `Pool.usable` is false."""


# Header names are compared without regard to case. An istr is not converted for each comparison.
_KEEP_ALIVE = istr("Keep-Alive")


class _Protocol(ResponseHandler):
    """A connection, on top of aiohttp's protocol. It closes itself if data arrives that no request is waiting for.

    Args:
        loop: The event loop.
        idle_closes: Records when the server closes the connection.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, idle_closes: IdleCloses) -> None:
        super().__init__(loop)
        self.uses = 0
        self.made_by = asyncio.current_task(loop)
        self._idle_closes = idle_closes
        # None while it is in use.
        self._idle_since: float | None = None
        # For how long it was idle before the current request, until the first byte of the response arrives.
        self._idle_before: float | None = None
        # The timeout from the Keep-Alive header of the server, which is the same in each of its responses.
        self._advertised: float | None = None
        self._has_advertised = False
        # aiohttp sets `transport` to None when it closes it, although its write buffer may not be empty yet. `drop`
        # needs it then.
        self._opened: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._opened = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        # aiohttp would take data on an idle connection for the response to the next request, and each later request
        # would get the response to the one before it. aiohttp itself calls this with empty data when it resumes
        # decompressing.
        if self._idle_since is not None and data:
            # Some servers send a 408 before they close an idle connection, so this counts as such a close.
            self._record_end()
            self.close()
        else:
            self._idle_before = None
            super().data_received(data)

    def feed_data(self, data: tuple[RawResponseMessage, aiohttp.StreamReader], size: int = 0) -> None:
        if not self._has_advertised:
            value = data[0].headers.get(_KEEP_ALIVE)
            self._advertised = None if value is None else parse_keep_alive(value)
            self._has_advertised = True
        super().feed_data(data, size)

    def eof_received(self) -> None:
        self._record_end()
        super().eof_received()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._record_end()
        super().connection_lost(exc)

    def carry(self, connection: Any) -> None:  # noqa: ANN401 - aiohttp's Connection, which it does not export
        """Note that a request is sent on this connection, and be notified when it is released."""
        if self._idle_since is not None:
            self._idle_before = self._loop.time() - self._idle_since
            self._idle_since = None
        self.uses += 1
        self.made_by = None
        connection.add_callback(self._become_idle)

    def _become_idle(self) -> None:
        self._idle_since = self._loop.time()
        self._idle_before = None

    def may_be_closing(self) -> bool:
        """Return whether it was idle for so long that the server may close it while a request is on its way."""
        if self._idle_since is None:
            return False
        now = self._loop.time()
        return now - self._idle_since >= self._idle_closes.limit(self._advertised, now)

    def _record_end(self) -> None:
        # The end of a connection is reported up to three times, and must be recorded once.
        idle_since, idle_before = self._idle_since, self._idle_before
        self._idle_since = self._idle_before = None
        # It was closed on this side, which says nothing about the server.
        if self.transport is None:
            return
        now = self._loop.time()
        if idle_since is not None:
            self._idle_closes.record(now - idle_since, now)
        elif idle_before is not None:
            self._idle_closes.record_lost_request(idle_before, now)

    def drop(self) -> None:
        """Close the connection at once, without sending the rest of its write buffer.

        An ordinary close waits until the server has read the buffer, and a server that has stalled never does.
        """
        if self._opened is not None:
            self.transport = None
            self._opened.abort()


class Connector(aiohttp.TCPConnector):
    """A pool that reports when a request is about to be sent, and does not use connections that are suspect.

    Only the connector knows when a connection exists. A failure before that had no effect, so that even a POST may be
    repeated; and the rate limiter counts a request from that moment.

    Args:
        scheduler: Where each send is reported.
        deadlines: Knows the attempt of the current task.
        limit: The maximum number of connections.
        ssl: The context that verifies the server's certificate; None for the defaults of aiohttp.
        marker: A header that all requests of the client have, and those of tracing hooks have not.
    """

    def __init__(
        self, scheduler: RequestScheduler, deadlines: Deadlines, limit: int, ssl: SSLContext | None, marker: str
    ) -> None:
        super().__init__(limit=limit, ssl=True if ssl is None else ssl)  # pyright: ignore[reportUnknownMemberType] - aiohttp's types name a bare tuple
        self._scheduler = scheduler
        self._deadlines = deadlines
        self._marker = marker
        self._idle_closes = IdleCloses()
        self._protocols = weakref.WeakSet[_Protocol]()
        self._factory = cast("Any", self._make_protocol)

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's signature
    ) -> Any:  # noqa: ANN401 - aiohttp's Connection, which it does not export
        """Return a connection from the pool, or a new one, for the attempt of the current task."""
        # Callbacks of a TraceConfig get the session, and may send requests of their own with it, to any host. Those do
        # not have the marker, and belong to no attempt.
        if self._marker not in req.headers:
            connection = await super().connect(req, traces, timeout)
            protocol = cast("_Protocol", connection.protocol)
            # It went to the host of the base URL, and took a connection that counts as idle.
            if protocol.uses:
                protocol.carry(connection)
            return connection
        attempt = self._deadlines.current()
        attempt.repeatable = req.method in IDEMPOTENT_METHODS
        began_at = self._loop.time()
        while True:
            try:
                connection = await super().connect(req, traces, timeout)
            except BaseException:
                self._drop_unused()
                raise
            protocol = cast("_Protocol", connection.protocol)
            # After a lost connection, the other pooled connections are suspect too. `should_close` is true if data is
            # left unread on a connection.
            suspect = attempt.fresh or protocol.should_close or (not attempt.repeatable and protocol.may_be_closing())
            if not protocol.uses or not suspect:
                break
            connection.close()
        # Before anything is written: an attempt that fails or is cancelled from here on may have had an effect, and
        # counts against the rate.
        protocol.carry(connection)
        attempt.use(protocol)
        attempt.connection_seconds = self._loop.time() - began_at
        self._scheduler.mark_sent(attempt.operation)
        self._deadlines.reset_read_timeout(attempt)
        return connection

    def _get(self, key: Any, traces: list[Any]) -> Any:  # noqa: ANN401 - as for `connect`
        # aiohttp takes a connection from the pool here, and makes a new one if this returns None.
        attempt = self._deadlines.innermost()
        if attempt is not None and not attempt.repeatable and not self._has_young(key):
            return _none()
        return super()._get(key, traces)

    def _has_young(self, key: Any) -> bool:  # noqa: ANN401 - as for `connect`
        """Move the connection with the shortest idle time to the front, if that time is short enough.

        aiohttp takes the connection with the longest idle time. If the ones that are too old were closed until one is
        young enough, a POST after a sweep would close all connections of the sweep, which are good enough for GETs.
        """
        pooled = self._conns[key]
        # Connections that are closed already are skipped: aiohttp would, too.
        while pooled and not pooled[-1][0].is_connected():
            pooled.pop()
        if not pooled:
            return False
        if cast("_Protocol", pooled[-1][0]).may_be_closing():
            # A new connection will replace one of these, so that POSTs do not make the pool grow.
            oldest, _ = pooled.popleft()
            oldest.close()
            return False
        pooled.rotate(1)
        return True

    def abort(self) -> None:
        """Close all connections at once, even those whose write buffer the server does not read."""
        for protocol in self._protocols:
            protocol.drop()

    def _make_protocol(self) -> _Protocol:
        protocol = _Protocol(self._loop, self._idle_closes)
        self._protocols.add(protocol)
        return protocol

    def _drop_unused(self) -> None:
        # If a callback of a TraceConfig raises, or is cancelled, just after a connection was made, aiohttp loses track
        # of the connection and never closes it.
        task = asyncio.current_task(self._loop)
        for protocol in self._protocols:
            if protocol.made_by is task:
                protocol.drop()


async def _none() -> None:
    pass


def checked_trace_configs(value: object) -> tuple[aiohttp.TraceConfig, ...]:
    """Return the trace configs of a client.

    Raises:
        ConfigurationError: `value` is not a list, or contains something else, such as the class itself.
    """
    if not isinstance(value, Sequence):
        raise ConfigurationError(f"trace_configs takes a list of aiohttp.TraceConfig, not {type(value).__name__}")
    configs = cast("Sequence[object]", value)
    for config in configs:
        if not isinstance(config, aiohttp.TraceConfig):
            kind = f"the class {config.__name__}" if isinstance(config, type) else type(config).__name__
            raise ConfigurationError(f"trace_configs takes instances of aiohttp.TraceConfig, not {kind}")
    return cast("tuple[aiohttp.TraceConfig, ...]", tuple(configs))


def _check_session(_: object, __: object, value: "aiohttp.ClientSession | None") -> None:
    if value is not None and not isinstance(value, aiohttp.ClientSession):  # pyright: ignore[reportUnnecessaryIsInstance] - there are look-alikes
        raise ConfigurationError(f"session takes an aiohttp.ClientSession, not {type(value).__name__}")


@attrs.frozen
class PoolSettings:
    """How a pool is made."""

    size: int
    """How many requests may be in flight at once."""

    ssl: SSLContext | None
    """What checks the server's certificate; None for the defaults of aiohttp."""

    trust_env: bool
    """Whether proxies and netrc of the environment are used."""

    trace_configs: tuple[aiohttp.TraceConfig, ...]
    """What listens to aiohttp's events."""

    session: aiohttp.ClientSession | None = attrs.field(validator=_check_session)
    """Used instead of a session of the client's own, and never closed."""

    marker: str = KEY_HEADER
    """A header that all requests of the client have, and those of tracing hooks have not."""


class Closable(Protocol):
    """A response whose body is still being read."""

    def close(self) -> None:
        """Give back its connection."""
        ...


@attrs.frozen
class Pool:
    """What a client makes on first use, in the running event loop."""

    loop: asyncio.AbstractEventLoop
    """The loop that it belongs to."""

    session: aiohttp.ClientSession
    """Sends the requests."""

    connector: Connector | None
    """The connections, where they are the client's own."""

    scheduler: RequestScheduler
    """Says who may send, and when."""

    deadlines: Deadlines
    """Ends what takes too long."""

    streams: RequestScheduler
    """Says which downloads and uploads may begin: they have a part of the places only."""

    open_bodies: set[Closable] = attrs.field(factory=set["Closable"], init=False)
    """The responses whose bodies are still being read."""

    body_closed: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    """Set whenever one of them is closed."""

    @property
    def usable(self) -> bool:
        """Whether the session is open and belongs to the running event loop."""
        # `session.loop` would emit a DeprecationWarning, and there is no other way to find out.
        return not self.session.closed and getattr(self.session, "_loop", None) is asyncio.get_running_loop()

    async def wait_for_bodies(self) -> None:
        """Wait until no body is being read any more."""
        while self.open_bodies:
            self.body_closed.clear()
            await self.body_closed.wait()

    async def close(self) -> None:
        """Close the connections at once: all that belong to the client, and those that responses still use."""
        for body in list(self.open_bodies):
            body.close()
        if self.connector is not None:
            self.connector.abort()
            await self.session.close()


def make_pool(settings: PoolSettings, credentials: Credentials, rate: RateLimit | RateBudget) -> Pool:
    """Return a pool for the running event loop.

    Raises:
        ConfigurationError: The budget was used in another event loop.
    """
    loop = asyncio.get_running_loop()
    places = settings.size
    if settings.session is not None and settings.session.connector is not None:
        limits = settings.session.connector.limit, settings.session.connector.limit_per_host
        places = min([places, *(limit for limit in limits if limit)])  # in aiohttp, 0 means unlimited
    scheduler = make_scheduler(rate, credentials.digest, places, loop)
    deadlines = Deadlines(loop)
    # At least half of the places are left to requests that take milliseconds, however long downloads take.
    streams = make_scheduler(RateLimit(None), credentials.digest, max(1, places // 2), loop)
    if settings.session is not None:
        return Pool(loop, settings.session, None, scheduler, deadlines, streams)
    connector = Connector(scheduler, deadlines, places, settings.ssl, settings.marker)
    session = aiohttp.ClientSession(
        connector=connector,
        headers=COMMON_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=settings.trust_env,
        trace_configs=list(settings.trace_configs),
    )
    return Pool(loop, session, connector, scheduler, deadlines, streams)
