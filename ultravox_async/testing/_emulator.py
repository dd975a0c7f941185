"""A server that behaves like the Ultravox API, for tests and trials without an account."""

import random
import threading
from collections import Counter, deque
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import attrs
from aiohttp import web

from ultravox_async.emulator_options import DEFAULT_API_KEY
from ultravox_async.testing._account import Account, AccountSettings, new_account
from ultravox_async.testing._addresses import origin_of
from ultravox_async.testing._collection import CollectionSettings
from ultravox_async.testing._emulated_calls import EmulatedCalls
from ultravox_async.testing._emulated_webhooks import EmulatedWebhooks
from ultravox_async.testing._exchange import Exchange, read_body, record_of
from ultravox_async.testing._faults import FaultInjection
from ultravox_async.testing._outgoing import Outgoing
from ultravox_async.testing._pages import PageSizes
from ultravox_async.testing._rate_limit import CallLimits, SlidingWindow, call_limits
from ultravox_async.testing._routing import NotFound, Router
from ultravox_async.testing._server import Server
from ultravox_async.testing._sip_calls import Invite, SipCallOutcome, SipCalls
from ultravox_async.testing._storage import Storage
from ultravox_async.testing._wire import Answer, RecordedRequest, detail

_STARTED = datetime(2026, 1, 1, tzinfo=UTC)
_fixed = attrs.setters.frozen


def _is_rate(_: object, attribute: "attrs.Attribute[Any]", value: float | None) -> None:
    if value is not None and not value > 0:
        message = f"{attribute.name} has to be above 0, or None for no limit, not {value}"
        raise ValueError(message)


def _is_aware(_: object, attribute: "attrs.Attribute[Any]", value: datetime) -> None:
    if value.utcoffset() is None:
        message = f"{attribute.name} has to have a time zone, such as datetime.now(UTC), not {value!r}"
        raise ValueError(message)


@attrs.define(eq=False)
class Emulator(FaultInjection):
    """A stateful HTTP server on a real socket with the operations of the API, and a second one that is its storage.

    Use it as an async context manager, or call `start` and `stop`, both in the event loop in which it is to serve; all
    other methods may be called from any thread. The key of a request is checked first, then the rate limits. Faults
    happen only to requests that pass these checks, so that a fault never hides a wrong key.

    Generated ids and secrets depend on `seed` alone. The outcome of a registration that exists from the beginning is
    known. A registration that is created, or changed by an update, has `successful` null in that answer and in its
    next `pending_reads` reads.

    Calls change by command, see `calls`; with `reads_per_call_state` they also go on by themselves, as they are read.
    What counts is the number of reads and not the time, so that a test neither sleeps nor depends on the speed of the
    machine, and a program that waits for a call sees it end. The webhooks of the account hear of
    it: see `webhooks`.

    For the same reason it has no clock: by default it lives on 2026-01-01, in UTC. The first object of each collection
    (of the calls, of the messages of one call) was created at `started`, and each later one about a minute after the
    one before it, whenever the request is sent. Filters by date and a program that compares with the present time see
    these times; `started=datetime.now(UTC)` brings them close to the present.
    """

    api_key: str = attrs.field(default=DEFAULT_API_KEY, repr=False, on_setattr=_fixed)
    """The first key that is accepted. So are those that requests create, until they are revoked or deleted."""

    registrations: int = attrs.field(default=1000, validator=attrs.validators.ge(0), on_setattr=_fixed)
    """How many registrations there are in the beginning."""

    seed: int = attrs.field(default=0, on_setattr=_fixed)
    """The seed of ids, of passwords, and of the choice of requests that a fault with a probability happens to."""

    requests_per_second: float | None = attrs.field(default=200.0, kw_only=True, validator=_is_rate, on_setattr=_fixed)
    """How many requests are accepted in any second, wherever it starts, at first; None for no limit."""

    calls_per_second: float | None = attrs.field(default=None, kw_only=True, validator=_is_rate, on_setattr=_fixed)
    """How many calls can be created in any second besides, None for no such limit.

    The Retry-After header of one that is refused has the seconds until the next is accepted, rounded up.
    """

    calls_per_minute: float | None = attrs.field(default=None, kw_only=True, validator=_is_rate, on_setattr=_fixed)
    """How many calls can be created in any minute, None for no such limit."""

    retry_after: int = attrs.field(default=1, kw_only=True, validator=attrs.validators.ge(0), on_setattr=_fixed)
    """The Retry-After header of a request over the limit, in seconds."""

    pending_reads: int = attrs.field(default=1, kw_only=True, validator=attrs.validators.ge(0), on_setattr=_fixed)
    """How many reads of a registration show `successful` as null before the outcome is known."""

    reads_per_call_state: int | None = attrs.field(
        default=None,
        kw_only=True,
        validator=attrs.validators.optional(attrs.validators.ge(1)),
        on_setattr=_fixed,
    )
    """How many reads show each state of a call, before it goes on from created to joined, ended and billed; None for
    calls that change by command only, see `calls`."""

    started: datetime = attrs.field(default=_STARTED, kw_only=True, validator=_is_aware, on_setattr=_fixed)
    """When the first object of each collection was created, with a time zone; 2026-01-01T00:00Z by default."""

    refused_proxies: Collection[str] = attrs.field(default=(), kw_only=True, on_setattr=_fixed)
    """The proxies with which a registration fails from the beginning; see `refuse_proxy`."""

    page_size: int = attrs.field(default=100, kw_only=True, validator=attrs.validators.ge(1), on_setattr=_fixed)
    """How many registrations a page has when a request does not say."""

    max_page_size: int = attrs.field(default=1000, kw_only=True, validator=attrs.validators.ge(1), on_setattr=_fixed)
    """How many registrations a page has at most."""

    record_limit: int = attrs.field(
        default=100_000,
        kw_only=True,
        validator=attrs.validators.ge(0),
        on_setattr=_fixed,
    )
    """How many requests `requests` holds at most; older ones are dropped, and still counted."""

    host: str = attrs.field(default="127.0.0.1", kw_only=True, on_setattr=_fixed)
    """The host name or IP address to listen on; "0.0.0.0" or "::" for all addresses of its kind."""

    port: int = attrs.field(
        default=0,
        kw_only=True,
        validator=[attrs.validators.ge(0), attrs.validators.le(65535)],
        on_setattr=_fixed,
    )
    """The port to listen on, 0 for any free one."""

    counts: Counter[int] = attrs.field(init=False, factory=Counter[int], repr=False)
    """How many answers were sent, by status."""

    received: int = attrs.field(init=False, default=0, repr=False)
    """How many requests have arrived completely."""

    # Held while the account or the recorded requests are used, because a test may use them from another thread.
    _lock: threading.Lock = attrs.field(init=False, factory=threading.Lock, repr=False)
    _records: deque[RecordedRequest] = attrs.field(init=False, repr=False)
    _account: Account = attrs.field(init=False, repr=False)
    _router: Router = attrs.field(init=False, repr=False)
    _window: SlidingWindow | None = attrs.field(init=False, repr=False)
    _call_limits: CallLimits | None = attrs.field(init=False, repr=False)
    _server: Server = attrs.field(init=False, repr=False)
    _storage: Storage = attrs.field(init=False, repr=False)
    _outgoing: Outgoing = attrs.field(init=False, factory=Outgoing, repr=False)
    _webhooks: EmulatedWebhooks = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Create the account."""
        self._server = Server("emulator", self._respond, self.host, self.port)
        self._storage = Storage(self.host, self.seed, self.record_limit)
        self._records = deque(maxlen=self.record_limit)
        settings = AccountSettings(
            seed=self.seed,
            collections=CollectionSettings(PageSizes(self.page_size, self.max_page_size), self.started),
            pending_reads=self.pending_reads,
            refused_proxies=self.refused_proxies,
            reads_per_call_state=self.reads_per_call_state,
        )
        self._webhooks = EmulatedWebhooks(self._outgoing)
        self._account = new_account(settings, self._storage, self._webhooks)
        self._account.registrations.add_settled(self.registrations)
        self._router = Router(self._account.operations())
        self.change_rate_limit(self.requests_per_second)
        self._call_limits = call_limits(self.calls_per_second, self.calls_per_minute)
        self._chance = random.Random(self.seed)  # noqa: S311 - has to be reproducible, is not for security

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def base_url(self) -> str:
        """The URL to give to clients, such as "http://127.0.0.1:8787"; it is the same after each start.

        If it listens on all addresses of the machine, this is the loopback address.

        Raises:
            RuntimeError: `port` is 0, and the emulator was never started.
        """
        return self._server.base_url

    @property
    def storage(self) -> Storage:
        """The server that recordings and other files are downloaded from and uploaded to: another origin."""
        return self._storage

    @property
    def calls(self) -> EmulatedCalls:
        """What happens to calls: somebody joins or ends one, or says something."""
        return EmulatedCalls(self._account.calls, self._lock)

    @property
    def webhooks(self) -> EmulatedWebhooks:
        """What the webhooks of the account are told, and when that is repeated."""
        return self._webhooks

    async def call_in(
        self,
        to_uri: str,
        *,
        from_uri: str = "sip:+15550100@pbx.example.com",
        display_name: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> SipCallOutcome:
        """Let somebody call the account by SIP.

        The agent that the SIP configuration allows is called, or else its fallback handler is asked, which has five
        seconds.

        Args:
            to_uri: The SIP URI that is called, such as "sip:sales@abc.sip.example.com".
            from_uri: The SIP URI of the caller.
            display_name: The name that the caller shows, None for none.
            headers: The headers of the INVITE.

        Returns:
            What the caller hears: 200 if a call was started, 504 if the fallback handler takes too long, 502 if its
            answer is an error or makes no sense, or the status of its rejection.

        Raises:
            RuntimeError: The emulator does not run.
        """
        invite = Invite(to_uri, from_uri, display_name, headers or {})
        return await self._outgoing.run(SipCalls(self._account, self._lock, self._outgoing).take(invite))

    @property
    def requests(self) -> list[RecordedRequest]:
        """The newest `record_limit` requests, in the order in which they arrived."""
        with self._lock:
            return list(self._records)

    @property
    def registration_ids(self) -> list[str]:
        """The ids of all registrations, in the order in which they were created."""
        with self._lock:
            return self._account.registrations.ids

    def password_of(self, registration_id: str) -> str:
        """The password of a registration, which no answer shows.

        Raises:
            KeyError: there is no such registration.
        """
        with self._lock:
            try:
                registration = self._account.registrations.find(registration_id)
            except NotFound:
                raise KeyError(registration_id) from None
            return str(registration.hidden["password"])

    async def start(self) -> None:
        """Listen; after a stop, on the same port as before and with the same account.

        Raises:
            RuntimeError: it is running already, or was stopped while it started.
            OSError: the port is not available.
        """
        await self._server.start()
        try:
            await self._storage.server.start()
        except BaseException:
            self._server.close()
            raise
        self._outgoing.start()
        self._webhooks.start()

    async def stop(self) -> None:
        """Close the port and all connections, those in the middle of an answer too; without a start, do nothing."""
        # Closed before anything is awaited, so that a stop that is cancelled leaves nothing listening.
        servers = (self._server, self._storage.server)
        for server in servers:
            server.close()
        await self._webhooks.stop()
        await self._outgoing.stop()
        for server in servers:
            await server.wait_closed()

    def clear(self) -> None:
        """Drop the recorded requests, those to the storage too, and reset the counts."""
        with self._lock:
            self._records.clear()
            self.counts.clear()
            self.received = 0
        self._storage.clear()

    def change_rate_limit(self, requests_per_second: float | None) -> None:
        """Accept so many requests in any second from now on, wherever it starts; None for no limit.

        Raises:
            ValueError: the limit is not positive.
        """
        self._window = None if requests_per_second is None else SlidingWindow(requests_per_second)

    def refuse_proxy(self, proxy: str) -> None:
        """Let registrations with this proxy fail from now on, those that have succeeded too."""
        with self._lock:
            self._account.registrations.refuse_proxy(proxy)

    def accept_proxy(self, proxy: str) -> None:
        """Let registrations with this proxy succeed from now on, those that have failed too."""
        with self._lock:
            self._account.registrations.accept_proxy(proxy)

    async def _respond(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await read_body(request)
        if body is None:
            # Recorded like any other request, but without its body, which was not read to the end.
            return await self._exchange(request, b"").reply(detail(413, "The body is too large."))
        exchange = self._exchange(request, body)
        refusal = self._refusal(exchange.recorded)
        return await (self._answer_or_fail(exchange) if refusal is None else exchange.reply(refusal))

    def _was_created(self, key: str) -> bool:
        with self._lock:
            return self._account.api_keys.accepts(key)

    def _exchange(self, request: web.BaseRequest, body: bytes) -> Exchange:
        recorded = record_of(request, body)
        with self._lock:
            self._records.append(recorded)
            self.received += 1
        # Links begin with the origin that the client used, which may have another name or port than `base_url`.
        origin = origin_of(request.scheme, request.headers.get("Host")) or self.base_url
        return Exchange(request, recorded, lambda: self._answer(recorded, origin), self.counts)

    def _answer(self, recorded: RecordedRequest, origin: str) -> Answer:
        with self._lock:
            return self._router.answer(recorded, origin)

    def _refusal(self, recorded: RecordedRequest) -> Answer | None:
        key = recorded.headers.get("X-API-Key")
        if key is None:
            return detail(401, "The X-API-Key header is missing.")
        if key != self.api_key and not self._was_created(key):
            return detail(401, "The API key is not valid.")
        if self._window is not None and not self._window.accept(recorded.at):
            sentence = f"Request was throttled. Expected to be accepted in {self.retry_after} s."
            return detail(429, sentence, {"Retry-After": str(self.retry_after)})
        return None if self._call_limits is None else self._call_limits.refusal(recorded)
