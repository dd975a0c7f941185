"""The connection pool of a client: which connections a request may use, and when it is sent."""

import asyncio
import weakref
from collections.abc import Sequence
from ssl import SSLContext
from typing import Any, cast

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
    "the aiohttp.ClientSession that was handed in is closed, or belongs to another event loop; "
    "make it in the loop where the AsyncUltravox is used, and close it after that"
)
"""What is said where `Pool.usable` is not true."""


# aiohttp looks headers up without regard to case, and an istr need not be put into lower case each time.
_KEEP_ALIVE = istr("Keep-Alive")


class _Protocol(ResponseHandler):
    """aiohttp's end of a connection; it closes itself when something comes that no request has asked for.

    Args:
        loop: The event loop that it runs in.
        idle_closes: Learns when the server closes it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, idle_closes: IdleCloses) -> None:
        super().__init__(loop)
        self.uses = 0
        self.made_by = asyncio.current_task(loop)
        self._idle_closes = idle_closes
        # None while it is in use.
        self._idle_since: float | None = None
        # How long it was idle before the request to which no byte of an answer has come yet.
        self._idle_before: float | None = None
        self._advertised: float | None = None
        # aiohttp forgets the transport when it closes it, though that may still have something to send.
        self._opened: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._opened = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        # The next request on this connection would be given it as its answer, and each one after that the answer of
        # the one before. aiohttp itself calls this without data, when it goes on to decompress.
        if self._idle_since is not None and data:
            # Some servers say 408 before they close an idle connection.
            self._record_end()
            self.close()
        else:
            self._idle_before = None
            super().data_received(data)

    def feed_data(self, data: tuple[RawResponseMessage, aiohttp.StreamReader], size: int = 0) -> None:
        value = data[0].headers.get(_KEEP_ALIVE)
        if value is not None:
            self._advertised = parse_keep_alive(value)
        super().feed_data(data, size)

    def eof_received(self) -> None:
        self._record_end()
        super().eof_received()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._record_end()
        super().connection_lost(exc)

    def carry(self, connection: Any) -> None:  # noqa: ANN401 - aiohttp's Connection, which it does not export
        """Note that a request is sent on this connection, and when it is over."""
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
        """Whether it was idle for so long that the server may close it while a request is on its way."""
        if self._idle_since is None:
            return False
        now = self._loop.time()
        return now - self._idle_since >= self._idle_closes.limit(self._advertised, now)

    def _record_end(self) -> None:
        idle_since, idle_before = self._idle_since, self._idle_before
        self._idle_since = self._idle_before = None
        if self.transport is None:  # it was closed on this side
            return
        now = self._loop.time()
        if idle_since is not None:
            self._idle_closes.record(now - idle_since, now)
        elif idle_before is not None:
            self._idle_closes.record_lost_request(idle_before, now)

    def drop(self) -> None:
        """Close the connection at once, without sending what is left in its buffer.

        An ordinary close waits until the server has read the buffer, and a server that has stalled never does.
        """
        if self._opened is not None:
            self.transport = None
            self._opened.abort()


class Connector(aiohttp.TCPConnector):
    """A pool that tells when a request is about to be sent, and hands out no connection that is suspect.

    Args:
        scheduler: What is told of each send.
        deadlines: What knows the attempt of the current task.
        limit: How many connections there may be at once.
        ssl: What checks the server's certificate; None for the defaults of aiohttp.
    """

    def __init__(self, scheduler: RequestScheduler, deadlines: Deadlines, limit: int, ssl: SSLContext | None) -> None:
        super().__init__(limit=limit, ssl=True if ssl is None else ssl)  # pyright: ignore[reportUnknownMemberType] - aiohttp's types name a bare tuple
        self._scheduler = scheduler
        self._deadlines = deadlines
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
        # Functions that listen to aiohttp's events are given the session, and may ask other hosts with it.
        if KEY_HEADER not in req.headers:
            connection = await super().connect(req, traces, timeout)
            protocol = cast("_Protocol", connection.protocol)
            if protocol.uses:  # they ask the base URL's host
                protocol.carry(connection)
            return connection
        attempt = self._deadlines.current()
        attempt.repeatable = req.method in IDEMPOTENT_METHODS
        while True:
            try:
                connection = await super().connect(req, traces, timeout)
            except BaseException:
                self._drop_unused()
                raise
            protocol = cast("_Protocol", connection.protocol)
            # After a lost connection, the pooled connections are suspect too. `should_close` is true of one on which
            # something is left unread.
            suspect = attempt.fresh or protocol.should_close or (not attempt.repeatable and protocol.may_be_closing())
            if not protocol.uses or not suspect:
                break
            connection.close()
        protocol.carry(connection)
        attempt.use(protocol)
        self._scheduler.mark_sent(attempt.operation)
        self._deadlines.reset_read_timeout(attempt)
        return connection

    async def _get(self, key: Any, traces: list[Any]) -> Any:  # noqa: ANN401 - as for `connect`
        # aiohttp takes a connection from the pool here, or makes a new one where this returns None.
        attempt = self._deadlines.innermost()
        if attempt is not None and not attempt.repeatable and not self._has_young(key):
            return None
        return await super()._get(key, traces)

    def _has_young(self, key: Any) -> bool:  # noqa: ANN401 - as for `connect`
        """Put the connection that was idle for the shortest first, where that was short enough.

        aiohttp hands out the one that was idle for the longest. Were those that are too old closed one by one, a POST
        after a sweep would close the connections of all its GETs, which may use them still.
        """
        pooled = self._conns[key]
        while pooled and not pooled[-1][0].is_connected():
            pooled.pop()
        if not pooled:
            return False
        if cast("_Protocol", pooled[-1][0]).may_be_closing():
            # The new connection takes its place, so that POSTs do not make the pool grow.
            oldest, _ = pooled.popleft()
            oldest.close()
            return False
        pooled.rotate(1)
        return True

    def abort(self) -> None:
        """Close all connections at once, those too whose last bytes the server does not read."""
        for protocol in self._protocols:
            protocol.drop()

    def _make_protocol(self) -> _Protocol:
        protocol = _Protocol(self._loop, self._idle_closes)
        self._protocols.add(protocol)
        return protocol

    def _drop_unused(self) -> None:
        # aiohttp loses sight of a connection that is there already when a function that listens to its making fails
        # or is cancelled.
        task = asyncio.current_task(self._loop)
        for protocol in self._protocols:
            if protocol.made_by is task:
                protocol.drop()


class _LostConnectionError(aiohttp.ClientError):
    """A connection that broke; not of the kinds after which aiohttp sends a request again by itself."""


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


MIDDLEWARES = (_without_silent_repeat,)
"""What each request goes through."""


def checked_trace_configs(value: object) -> tuple[aiohttp.TraceConfig, ...]:
    """Return what listens to aiohttp's events.

    Raises:
        ConfigurationError: `value` is not a list, or has something else in it, such as the class.
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

    @property
    def usable(self) -> bool:
        """Whether the session is open and belongs to the running event loop."""
        # The public name of the loop warns that it is deprecated, and there is no other way to ask.
        return not self.session.closed and getattr(self.session, "_loop", None) is asyncio.get_running_loop()

    async def close(self) -> None:
        """Close the connections at once, where they are the client's own."""
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
        places = min([places, *(limit for limit in limits if limit)])  # aiohttp's 0 is no limit
    scheduler = make_scheduler(rate, credentials.digest, places, loop)
    deadlines = Deadlines(loop)
    if settings.session is not None:
        return Pool(loop, settings.session, None, scheduler, deadlines)
    connector = Connector(scheduler, deadlines, places, settings.ssl)
    session = aiohttp.ClientSession(
        connector=connector,
        headers=COMMON_HEADERS,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=settings.trust_env,
        trace_configs=list(settings.trace_configs),
    )
    return Pool(loop, session, connector, scheduler, deadlines)
