"""`RedisRateBudget`: the rate of a key, for clients in any number of processes."""

import asyncio
import uuid
from types import TracebackType
from typing import Literal, Self, TypeAlias, final, get_args

from redis.asyncio import Redis

from ultravox_async import ConfigurationError, RateLimit, RequestPriority
from ultravox_async.redis._arguments import check_client, check_name
from ultravox_async.redis._shared_rate import SharedRate, closed_error
from ultravox_async.redis._store import Store

OnOutage: TypeAlias = Literal["share", "raise"]
"""What requests do while Redis is gone: go on within a part of the rate, or fail."""


@final
class RedisRateBudget:
    """A `RateBudget` for clients in any number of processes and machines, which share a Redis or Valkey server.

    All clients with the same key, the same `name` and the same server send at the rate of one client. Single calls of
    one process go before the sweeps of another. Limits for creating calls and cool-downs after a 429 are shared too.

        async with RedisRateBudget(redis, "production", RateLimit(200.0)) as budget:
            async with AsyncUltravox(rate_limit=budget) as ultravox:
                ...

    A process reserves slots for a fifth of a second in advance, so that one command serves many requests. Each process
    uses the clock of the server only. While the server is gone, each process sends within an equal part of the rate,
    after a pause of 1.5 seconds in which the slots from the server expire. The parts are those of all processes that
    used the key in the last ten seconds. When the server is back, it is used again within a second of the next request.

    Nobody knows what the others have sent in the last minute if the server is gone or has lost its memory. With
    `RateLimit.calls_per_minute`, no calls are created in the first minute without the server, nor in the first minute
    of a server without its memory: give it a disk or a replica if that matters.

    Args:
        redis: The client of Redis, which this never closes. Users, passwords and TLS are set there. It needs the
            commands ``EVALSHA`` and ``SCRIPT LOAD``, and for keys that begin with ``ultravox:``, those that the script
            uses: ``DEL``, ``HMGET``, ``HSET``, ``PEXPIRE``, ``TIME``, and those for sorted sets.
        name: Part of the names of the keys in Redis: letters, digits, and ``_.:-``. Clients with different names share
            nothing.
        rate_limit: The rate; all processes have to set the same one. `RateLimit.adaptive` has no effect: every 429
            stops all clients for the time that the API asks for.
        on_outage: ``"share"`` to send within a part of the rate while Redis is gone, or ``"raise"`` to fail with a
            `RedisUnavailableError`.

    Raises:
        ConfigurationError: An argument is invalid. Also raised later, if the budget is used in a second event loop.
    """

    def __init__(self, redis: Redis, name: str, rate_limit: RateLimit, *, on_outage: OnOutage = "share") -> None:
        check_client(redis, type(self).__name__)
        if not isinstance(rate_limit, RateLimit):  # pyright: ignore[reportUnnecessaryIsInstance] - settings come from untyped places
            raise ConfigurationError(f"RedisRateBudget takes RateLimit(...), not {type(rate_limit).__name__}")
        if rate_limit.requests_per_second is None:
            raise ConfigurationError("RedisRateBudget takes a RateLimit with requests_per_second, not with None")
        check_name(name, type(self).__name__)
        if on_outage not in get_args(OnOutage):
            raise ConfigurationError(f"RedisRateBudget.on_outage takes 'share' or 'raise', not {on_outage!r}")
        self._redis = redis
        self._name = name
        self._rate_limit = rate_limit
        self._rate = rate_limit.requests_per_second
        self._on_outage: OnOutage = on_outage
        self._client = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rates: dict[str, SharedRate] = {}
        self._closed = False

    def __repr__(self) -> str:
        # Not the client of Redis: its repr may contain the password.
        return f"RedisRateBudget({self._name!r}, {self._rate_limit!r}, on_outage={self._on_outage!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the reserved slots back, and fail the requests that wait for one; closing again does nothing.

        Close the clients first. Without this, other processes can use the reserved slots a second later, and count this
        process for ten seconds.
        """
        self._closed = True
        for rate in self._rates.values():
            await rate.close()

    @property
    def rate_limit(self) -> RateLimit:
        """The rate of each key."""
        return self._rate_limit

    async def acquire(self, key_digest: str, operation: str) -> None:
        """Wait for a slot; as `RateBudget.acquire`."""
        await self.acquire_within(key_digest, operation, "interactive", float("inf"))

    async def acquire_within(
        self, key_digest: str, operation: str, priority: RequestPriority, longest_cool_down: float
    ) -> float:
        """Wait for a slot; as `PriorityRateBudget.acquire_within`.

        Raises:
            RedisUnavailableError: Redis does not answer, with ``on_outage="raise"``.
            UltravoxError: The budget is closed.
        """
        if self._closed:
            raise closed_error()
        return await self._rate_of(key_digest).acquire(operation, priority, longest_cool_down)

    def mark_sent(self, key_digest: str, operation: str) -> None:
        """Note that a request with a slot is being sent; as `RateBudget.mark_sent`."""
        self._rate_of(key_digest).mark_sent(operation)

    def cancel(self, key_digest: str, operation: str) -> None:
        """Take back a slot that was not used; as `RateBudget.cancel`."""
        self._rate_of(key_digest).cancel(operation)

    def cool_down(self, key_digest: str, operation: str, seconds: float) -> None:
        """Start no operation of this class for so many seconds; as `RateBudget.cool_down`."""
        self._rate_of(key_digest).cool_down(operation, seconds)

    def cooling_down(self, key_digest: str, operation: str) -> float:
        """Return the remaining seconds of a cool-down; as `RateBudget.cooling_down`."""
        return self._rate_of(key_digest).cooling_down(operation)

    def _rate_of(self, key_digest: str) -> SharedRate:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
            # Not when the budget is made: with one made before a fork, all children would be the same client.
            self._client = uuid.uuid4().hex
        if self._loop is not loop:
            raise ConfigurationError("this RedisRateBudget was used in another event loop; make one for each loop")
        rate = self._rates.get(key_digest)
        if rate is None:
            # A service that runs for months may use any number of keys.
            self._rates = {digest: rate for digest, rate in self._rates.items() if not rate.idle}
            rate = self._rates[key_digest] = self._make_rate(key_digest, loop)
        return rate

    def _make_rate(self, key_digest: str, loop: asyncio.AbstractEventLoop) -> SharedRate:
        prefix = f"ultravox:{{{self._name}:{key_digest}}}"
        store = Store(self._redis, prefix, self._rate, self._rate_limit, self._client)
        return SharedRate(store, self._rate_limit, key_digest, loop, goes_on_alone=self._on_outage == "share")
