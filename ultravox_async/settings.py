"""The settings of an `AsyncUltravox` for timeouts, retries and the rate.

Each class is frozen, and checked when it is created: an invalid value raises `ConfigurationError` at once.
"""

import sys
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import attrs

from ultravox_async.errors import ConfigurationError


def _positive(instance: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= sys.float_info.max:
        msg = f"{type(instance).__name__}.{attribute.name} takes a finite number above 0, not {value!r}"
        raise ConfigurationError(msg)


def _positive_or_none(instance: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if value is not None:
        _positive(instance, attribute, value)


def _not_negative(instance: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= sys.float_info.max:
        msg = f"{type(instance).__name__}.{attribute.name} takes a finite number of at least 0, not {value!r}"
        raise ConfigurationError(msg)


def _is_bool(instance: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if not isinstance(value, bool):
        msg = f"{type(instance).__name__}.{attribute.name} takes True or False, not {value!r}"
        raise ConfigurationError(msg)


def _at_least_one(instance: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        msg = f"{type(instance).__name__}.{attribute.name} takes a whole number of at least 1, not {value!r}"
        raise ConfigurationError(msg)


RequestPriority: TypeAlias = Literal["interactive", "background"]
"""Whether single calls are sent before sweeps and listings, or wait like these."""


@attrs.frozen
class Timeout:
    """How long one logical request may take, in seconds.

    `connect` and `read` hold for each attempt, `total` for all of them together with the delays between them. Waiting
    for the rate limiter or for a place in the connection pool counts against none of these; put `asyncio.timeout()`
    around a call to limit everything.
    """

    connect: float = attrs.field(default=5.0, validator=_positive)
    """Seconds for making one connection: name resolution, TCP and TLS."""

    read: float = attrs.field(default=30.0, validator=_positive)
    """Seconds for which the server may send no data while a response is awaited or read."""

    total: float = attrs.field(default=120.0, validator=_positive)
    """Seconds for all attempts and the delays between them, counted from the first send.

    A download ends when it ends: for it, these are the seconds until the headers of the response, from the API and from
    each address that it is redirected to.
    """


@attrs.frozen
class RetryPolicy:
    """How often, and after how long, a failed request is retried.

    GET, HEAD, OPTIONS, PUT and DELETE are retried after connection failures, timeouts and the statuses 408, 429, 500,
    502, 503 and 504; GET also after a response about another object than the requested one. POST and PATCH are
    retried only if the first attempt certainly had no effect: the connection was never made, or the status was 429.
    Creating a call is also retried if the API has no capacity for it: after a 503 with ``Retry-After`` whose body is a
    JSON object with a ``detail``. Any other 503 may come from a gateway, after the backend has acted.

    All times are in seconds. After a failure that does not say when to come back, delays grow from `base_delay` to
    `max_delay`. After one that does, with a ``Retry-After``, a single call waits if it is at most `max_delay`, and
    fails otherwise; background requests wait for up to `max_cool_down`. `patience` is for outages, where nobody knows
    when they end; only background requests have it.
    """

    max_attempts: int = attrs.field(default=4, validator=_at_least_one)
    """Maximum number of attempts, including the first; 1 for no retries."""

    base_delay: float = attrs.field(default=0.5, validator=_positive)
    """Seconds before the second attempt; doubled for each one after it, and shortened at random by up to half."""

    max_delay: float = attrs.field(default=60.0, validator=_positive)
    """Maximum delay of a single call before a retry, in seconds; a longer ``Retry-After`` raises at once.

    Sweeps, listings and other background requests wait for up to `max_cool_down`.
    """

    max_cool_down: float = attrs.field(default=300.0, validator=_positive)
    """Maximum number of seconds for which a ``Retry-After`` stops requests, whatever its value.

    If a 429 asks for more, one request is sent after this time as a trial, and the others wait for its result.
    """

    patience: float = attrs.field(default=60.0, validator=_not_negative)
    """Seconds of an outage for which sweeps, listings and other background requests wait; 0 to not wait.

    An outage begins when at least three requests have failed and none has succeeded for a second. Lost or refused
    connections, timeouts, and the statuses 500, 502, 503 and 504 count as failures. During an outage, one background
    request is sent every quarter of a second, as a probe. Failed probes and the time spent waiting do not count against
    `max_attempts` and `Timeout.total`. Time for which a ``Retry-After`` asks to wait does not count against `patience`.
    Single calls are not held back: they fail as after any other failure.
    """


@attrs.frozen
class RateLimit:
    """How fast one client may send.

    The documented limit of the API is 200 requests a second for a key. Creating calls has further limits, which depend
    on the plan: 5, 10 or 30 calls a second, and 30, 120 or 360 a minute. Clients of one event loop share all of them
    through a `LocalRateBudget`, and those of several processes through an `ultravox_async.redis.RedisRateBudget`.
    Without it, clients in different processes find their shares of the requests a second by the 429s that they receive;
    for calls, give each process a part of the limits.

    `requests_per_second` is for all requests, those that create calls included; `calls_per_second` and
    `calls_per_minute` are further limits for these. All are maxima in any window of that length, wherever it begins.
    `adaptive` is about `requests_per_second` only.
    """

    requests_per_second: float | None = attrs.field(default=200.0, validator=_positive_or_none)
    """Maximum number of requests in any window of one second; None for no limit, except for cool-downs after a 429.

    2 % of the rate is kept as headroom, because some requests take longer to the server than others. A window holds
    whole requests: with 1.5, it holds one.
    """

    adaptive: bool = attrs.field(default=True, validator=_is_bool)
    """Whether 429s, and 503s that come in bursts, lower the rate to what the server accepts.

    It rises again when they stop, up to `requests_per_second`. As long as other requests succeed, the ``Retry-After``
    of a 429 is obeyed by the request that got it. All requests of its class stop if it is longer than two seconds, or
    if none of them has succeeded for a second. With False, the rate is fixed, and every 429 stops all of them.
    """

    calls_per_second: float | None = attrs.field(default=None, validator=_positive_or_none, kw_only=True)
    """Maximum number of calls created in any window of one second; None for no limit but `requests_per_second`.

    It holds for `calls.create`, `agents.create_call` and `agents.telephony_xml`, and for `AsyncUltravox.request` to one
    of their paths. Every attempt counts, also against `requests_per_second`. A creation that waits for its turn keeps
    no other request from being sent. The calls are not spaced evenly: as many as a window may hold can be created at
    once. The headroom is that of `requests_per_second`; a number below 1 is one call in 1 / `calls_per_second` seconds.
    """

    calls_per_minute: float | None = attrs.field(default=None, validator=_positive_or_none, kw_only=True)
    """Maximum number of calls created in any window of sixty seconds; None for no such limit.

    As with `calls_per_second`, which can be set with it or without it, the calls are not spaced evenly: all those of a
    minute can be created at once. Half a second is kept as headroom. A number below 1 is one call in
    1 / `calls_per_minute` minutes.
    """


@runtime_checkable
class RateBudget(Protocol):
    """The slots of a rate that several clients share; a slot is the right to send one request.

    `LocalRateBudget` is one for the clients of an event loop, `ultravox_async.redis.RedisRateBudget` one for several
    processes. Write your own to share a rate through another store: a client acquires a slot for each request, and
    reports whether it was used. Slots have no identity: those of one key and one class of operations are
    interchangeable.

    A key is identified by a digest of 32 hexadecimal digits. The classes of operations are ``"calls"``, for creating
    calls, and ``"api"``. All methods are called in the event loop of the client. Those that are not coroutines have to
    return at once, and must not raise.
    """

    @property
    def rate_limit(self) -> RateLimit:
        """The rate of each key; sweeps use it to estimate whether the listing or single GETs are quicker.

        Limits for creating calls are a matter of the budget's `acquire`.
        """
        ...

    async def acquire(self, key_digest: str, operation: str) -> None:
        """Wait for a slot, and for the end of the cool-downs that other clients have reported.

        A client runs up to eight of these at the same time for each class of operations. One that is cancelled must not
        take a slot. An exception that it raises becomes the cause of the request's `UltravoxError`; an `UltravoxError`
        is raised unchanged.
        """
        ...

    def mark_sent(self, key_digest: str, operation: str) -> None:
        """Note that a request with a slot is being sent now, which may be seconds after `acquire`."""
        ...

    def cancel(self, key_digest: str, operation: str) -> None:
        """Take back a slot that was not used."""
        ...

    def cool_down(self, key_digest: str, operation: str, seconds: float) -> None:
        """Start no operation of this class for so many seconds, for any client, because of a 429."""
        ...

    def cooling_down(self, key_digest: str, operation: str) -> float:
        """Return the remaining seconds of a cool-down, as far as they are known here; 0.0 if there is none.

        Single calls do not wait for a cool-down that is longer than `RetryPolicy.max_delay`.
        """
        ...


@runtime_checkable
class PriorityRateBudget(RateBudget, Protocol):
    """A `RateBudget` that knows which requests are single calls, and can serve them before the sweeps of all clients.

    If a budget has this method, it is called in place of `acquire`.
    """

    async def acquire_within(
        self, key_digest: str, operation: str, priority: RequestPriority, longest_cool_down: float
    ) -> float:
        """Wait for a slot, as `acquire` does; but not for a cool-down that is longer than so many seconds.

        Returns:
            0.0 with a slot. Without one, the remaining seconds of the cool-down.
        """
        ...
