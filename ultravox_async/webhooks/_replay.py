"""Lets each event be handled once, although Ultravox may deliver it more than once."""

import asyncio
import enum
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final, Protocol

import attrs

from ultravox_async.errors import ConfigurationError


class Claim(enum.Enum):
    """What comes of claiming an event."""

    GRANTED = "granted"
    """Nobody has handled it, and nobody else is to: handle it."""

    PENDING = "pending"
    """Somebody is handling it, and may fail. Respond with an error, such as 503, so that it is delivered again."""

    DONE = "done"
    """It was handled. Respond with a success, so that it is not delivered again."""


class ReplayGuard(Protocol):
    """Remembers which events are being handled, and which were.

    For one process, there is `MemoryReplayGuard`, and for those that share a Redis or Valkey server,
    `ultravox_async.redis.RedisReplayGuard`. One on another store needs keys that expire, and a way to write one only if
    it is absent. If the store cannot be reached, `claim` should raise, so that the event is delivered again.
    """

    async def claim(self, key: str) -> Claim:
        """Claim an event. Of all claims at the same time, exactly one is granted.

        A claim that is granted and neither completed nor released ends by itself after some time, the lease: its
        process may have died.
        """
        ...

    async def complete(self, key: str) -> None:
        """Remember that an event was handled, for longer than Ultravox repeats its delivery."""
        ...

    async def release(self, key: str) -> None:
        """Give up the claim of an event that could not be handled, so that its next delivery is."""
        ...


@asynccontextmanager
async def claimed(guard: ReplayGuard, key: str) -> AsyncGenerator[Claim, None]:
    """Claim an event for the length of a block.

    A claim that is granted is completed at the end of the block, or released if the block raises or is cancelled::

        async with claimed(guard, event.idempotency_key) as claim:
            if claim is Claim.GRANTED:
                await handle(event)
        status = 503 if claim is Claim.PENDING else 204

    Only an exception releases it. If a handler returns from the block with the response of an error, the claim is
    completed, the repeated delivery is `Claim.DONE`, and the event is lost. Raise inside of the block, and turn the
    exception into a response outside of it.

    Args:
        guard: Remembers the events.
        key: The `idempotency_key` of the event.
    """
    claim = await guard.claim(key)
    if claim is not Claim.GRANTED:
        yield claim
        return
    try:
        yield claim
    except BaseException:
        await guard.release(key)
        raise
    await guard.complete(key)


# Ten repetitions, the first after 30 s and each after twice as long as the one before, are over after 8.5 hours.
_RETENTION: Final = timedelta(hours=24)
_LEASE: Final = timedelta(minutes=5)


def _is_duration(instance: object, attribute: "attrs.Attribute[timedelta]", value: object) -> None:
    if not isinstance(value, timedelta) or value <= timedelta(0):
        msg = f"{type(instance).__name__}.{attribute.name} takes a timedelta of more than zero, not {value!r}"
        raise ConfigurationError(msg)


def _is_number(instance: object, attribute: "attrs.Attribute[int]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        msg = f"{type(instance).__name__}.{attribute.name} takes a whole number of at least 1, not {value!r}"
        raise ConfigurationError(msg)


@attrs.frozen
class _Pending:
    """A claim that was granted."""

    until: float
    """When it ends by itself."""

    owner: asyncio.Task[Any] | None
    """The task that made it."""


@attrs.define(eq=False, kw_only=True)
class MemoryReplayGuard:
    """Remembers events in the memory of this process, for one event loop.

    An event takes about 200 bytes. Events are forgotten if there are too many of them, or when the process ends; their
    next delivery is handled again.

    A claim belongs to the task that made it: complete or release it there, as `claimed` does. If it has ended, and
    another task has claimed the event meanwhile, that changes nothing.

    Raises:
        ConfigurationError: A setting is invalid.
    """

    max_events: int = attrs.field(default=100_000, validator=_is_number)
    """How many events are remembered; the oldest are forgotten first, and of these those that were handled."""

    retention: timedelta = attrs.field(default=_RETENTION, validator=_is_duration)
    """How long an event that was handled is remembered. Ultravox repeats a delivery for up to 8.5 hours."""

    lease: timedelta = attrs.field(default=_LEASE, validator=_is_duration)
    """How long a claim lasts: longer than handling an event can take."""

    clock: Callable[[], float] = attrs.field(default=time.monotonic, repr=False)
    """Returns the time in seconds; it never goes backwards."""

    # By key, the claims, and when each event that was handled is forgotten. In both, what ends first comes first.
    _pending: OrderedDict[str, _Pending] = attrs.field(init=False, factory=OrderedDict[str, _Pending], repr=False)
    _done: OrderedDict[str, float] = attrs.field(init=False, factory=OrderedDict[str, float], repr=False)

    async def claim(self, key: str) -> Claim:
        """Claim an event; see `ReplayGuard`."""
        # Nothing is awaited between looking and writing, so that no other task can do the same in between.
        now = self.clock()
        self._forget_expired(now)
        if key in self._done:
            return Claim.DONE
        if key in self._pending:
            return Claim.PENDING
        self._pending[key] = _Pending(now + self.lease.total_seconds(), asyncio.current_task())
        self._forget_surplus()
        return Claim.GRANTED

    async def complete(self, key: str) -> None:
        """Remember that an event was handled, unless another task has claimed it meanwhile; see `ReplayGuard`."""
        now = self.clock()
        self._forget_expired(now)
        self._let_go(key)
        if key in self._pending:
            return
        self._done.pop(key, None)
        self._done[key] = now + self.retention.total_seconds()
        self._forget_surplus()

    async def release(self, key: str) -> None:
        """Give up the claim of an event, unless another task has claimed it meanwhile; see `ReplayGuard`."""
        self._let_go(key)

    def _let_go(self, key: str) -> None:
        """End the claim of this task, if it still has it."""
        pending = self._pending.get(key)
        if pending is not None and pending.owner is asyncio.current_task():
            del self._pending[key]

    def _forget_expired(self, now: float) -> None:
        while self._pending and next(iter(self._pending.values())).until <= now:
            self._pending.popitem(last=False)
        while self._done and next(iter(self._done.values())) <= now:
            self._done.popitem(last=False)

    def _forget_surplus(self) -> None:
        while len(self._pending) + len(self._done) > self.max_events:
            if self._done:
                self._done.popitem(last=False)
            else:
                self._pending.popitem(last=False)
