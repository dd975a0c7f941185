"""The rate of one key, as one process sees it: exchanges with the store, and what is done without it."""

import asyncio
import logging
import math
import time
from collections.abc import Mapping
from typing import Final

import attrs

from ultravox_async import LocalRateBudget, RateLimit, RequestPriority, UltravoxError
from ultravox_async.redis._errors import lost_error
from ultravox_async.redis._slots import OperationSlots
from ultravox_async.redis._store import OPERATIONS, Answer, Question, Store

_log = logging.getLogger("ultravox_async")
# Seconds for which the store may say nothing. While it is gone, it is asked that often, and with less patience.
_PATIENCE: Final = 1.0
_ASK_AGAIN: Final = 0.5
_PATIENCE_WHILE_GONE: Final = 0.25
# What the store has handed out before it was gone is used within this time, in seconds, and counts for a second more.
_SLOTS_LAST: Final = 0.5
_SECOND: Final = 1.05


@attrs.frozen
class Alone:
    """A process without the store: it has a part of the rate.

    Args:
        budget: That part.
        since: When the exchange began that has failed.
        begins_at: For each class of operations, when what the store has handed out no longer counts.
        waiting: The scopes of the requests that wait.
    """

    budget: LocalRateBudget
    since: float
    begins_at: Mapping[str, float]
    waiting: set[asyncio.Timeout] = attrs.field(factory=set[asyncio.Timeout])

    def end(self) -> None:
        """Have all requests that wait look again."""
        for scope in self.waiting:
            scope.reschedule(-math.inf)
        self.waiting.clear()


class SharedRate:
    """The slots of one key for the requests of this process.

    Exchanges with the store are tasks, one at a time, and end within a second. Between them there are only timers.
    The clock is `time.monotonic()`: that of uvloop's event loop stands still while a callback runs.

    Args:
        store: Where the slots come from.
        rate_limit: The rate of all processes.
        key_digest: The name of the key.
        goes_on_alone: Whether requests are sent within a part of the rate while the store is gone; otherwise they fail.
        loop: The event loop.
    """

    def __init__(
        self,
        store: Store,
        rate_limit: RateLimit,
        key_digest: str,
        loop: asyncio.AbstractEventLoop,
        *,
        goes_on_alone: bool,
    ) -> None:
        self._store = store
        self._rate_limit = rate_limit
        self._key_digest = key_digest
        self._goes_on_alone = goes_on_alone
        self._loop = loop
        self._slots = {operation: OperationSlots() for operation in OPERATIONS}
        self._cool_downs: dict[str, float] = {}
        self._clients = 1
        self._alone: Alone | None = None
        self._called_alone_at = -math.inf
        self._users = 0
        self._unsent_alone: dict[str, list[LocalRateBudget]] = {operation: [] for operation in OPERATIONS}
        self._ask_again_at = -math.inf
        self._exchange: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def idle(self) -> bool:
        """Whether nobody uses it."""
        unused = not self._users and all(slots.idle for slots in self._slots.values())
        cool = all(slots.cooling_until <= time.monotonic() for slots in self._slots.values())
        sent = not any(self._unsent_alone.values())
        return unused and cool and sent and self._exchange is None and self._alone is None

    async def acquire(self, operation: str, priority: RequestPriority, longest_cool_down: float) -> float:
        """Wait for a slot; return 0.0, or the seconds of a cool-down that is too long."""
        self._users += 1
        try:
            while True:
                left = await self._look_for_slot(operation, priority, longest_cool_down)
                if left is not None:
                    return left
        finally:
            self._users -= 1

    def mark_sent(self, operation: str) -> None:
        """Note that a request with a slot is being sent."""
        if self._unsent_alone[operation]:
            self._unsent_alone[operation].pop().mark_sent(self._key_digest, operation)
            if operation == "calls":
                self._called_alone_at = time.monotonic()
        elif self._slots[operation].mark_sent(time.monotonic()):
            self._serve()

    def cancel(self, operation: str) -> None:
        """Take back a slot that was not used."""
        if self._unsent_alone[operation]:
            self._unsent_alone[operation].pop().cancel(self._key_digest, operation)
        else:
            self._slots[operation].cancel(time.monotonic())
            self._serve()

    def cool_down(self, operation: str, seconds: float) -> None:
        """Start no operation of this class for so many seconds, in any process."""
        until = time.monotonic() + seconds
        if self._slots[operation].cool_down(until):
            self._cool_downs[operation] = until
            if self._alone is not None:
                self._alone.budget.cool_down(self._key_digest, operation, seconds)
            self._serve()

    def cooling_down(self, operation: str) -> float:
        """Return the remaining seconds of a cool-down, as far as they are known here."""
        return max(0.0, self._slots[operation].cooling_until - time.monotonic())

    async def close(self) -> None:
        """Fail the requests that wait, give all slots back, and end the exchange that is going on."""
        if self._closed:
            return
        self._closed = True
        self._stop_timer()
        for slots in self._slots.values():
            slots.fail(closed_error)
        if self._alone is not None:
            self._alone.end()
        exchange = self._exchange
        if exchange is not None:
            try:
                # What it brings is given back below.
                await asyncio.wait([exchange], timeout=_PATIENCE_WHILE_GONE)
            finally:
                exchange.cancel()
        if self._alone is None:
            await self._take_leave()

    async def _look_for_slot(self, operation: str, priority: RequestPriority, longest_cool_down: float) -> float | None:
        """Wait as `acquire` does; return None if the request has to look again."""
        if self._closed:
            raise closed_error()
        slots = self._slots[operation]
        now = time.monotonic()
        if slots.cooling_until - now > longest_cool_down:
            return slots.cooling_until - now
        if self._alone is not None:
            return await self._acquire_alone(self._alone, operation, priority, longest_cool_down)
        if priority == "interactive" and slots.take_at_once(now):
            self._serve()
            return 0.0
        return 0.0 if await self._turn(slots, single=priority == "interactive") else None

    async def _turn(self, slots: OperationSlots, *, single: bool) -> bool:
        future: asyncio.Future[bool] = self._loop.create_future()
        slots.wait(future, single=single)
        self._serve()
        try:
            return await future
        except asyncio.CancelledError:
            slots.leave(future, time.monotonic())
            self._serve()
            raise

    async def _acquire_alone(
        self, alone: Alone, operation: str, priority: RequestPriority, longest_cool_down: float
    ) -> float | None:
        scope = asyncio.timeout(None)
        alone.waiting.add(scope)
        self._serve()
        try:
            async with scope:
                await asyncio.sleep(alone.begins_at[operation] - time.monotonic())
                left = await alone.budget.acquire_within(self._key_digest, operation, priority, longest_cool_down)
                if left == 0:
                    self._unsent_alone[operation].append(alone.budget)
                return left
        except TimeoutError:
            # Redis is back, or the budget is closed.
            return None
        finally:
            alone.waiting.discard(scope)

    def _serve(self) -> None:
        """Hand out the slots that are due, begin an exchange if one is due, and set a timer for what is due next."""
        self._stop_timer()
        if self._closed:
            return
        now = time.monotonic()
        for slots in self._slots.values():
            slots.hand_out(now)
        due = min(slots.hand_out_at() for slots in self._slots.values())
        if self._exchange is None:
            exchange_at = self._exchange_at(now)
            if exchange_at <= now:
                # Not `loop.create_task`: with an eager task factory, it would run before it is known here.
                self._exchange = asyncio.Task(self._ask(), loop=self._loop)
            elif self._alone is None or self._alone.waiting:
                due = min(due, exchange_at)
        if due < math.inf:
            self._timer = self._loop.call_later(due - now, self._serve)

    def _exchange_at(self, now: float) -> float:
        if self._alone is not None:
            return self._ask_again_at
        # After a failure, a report alone is no reason to ask at once.
        report_at = max(now, self._ask_again_at) if self._cool_downs else math.inf
        return min(report_at, *(slots.exchange_at(now) for slots in self._slots.values()))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _ask(self) -> None:
        alone = self._alone
        started = time.monotonic()
        question = self._question(started)
        failure = ""
        try:
            answer = await self._store.exchange(question, _PATIENCE if alone is None else _PATIENCE_WHILE_GONE)
        # Also what the credentials or the retries of the caller's client of Redis raise.
        except Exception as error:  # noqa: BLE001
            # Neither the text of the error nor its traceback is logged: they may contain a password.
            failure = type(error).__name__
            self._cool_downs = question.cool_downs | self._cool_downs
            self._lose_store(error, started)
        else:
            self._take(answer)
        finally:
            self._exchange = None
        self._serve()
        # At last, because a logging filter of the program may raise.
        if alone is not None and self._alone is None:
            _log.info("Redis answers again: the rate is shared through it")
        if alone is None and self._alone is not None:
            _log.warning(
                "Redis does not answer (%s): until it does, requests are sent within %s",
                failure,
                "the whole rate" if self._clients == 1 else f"1/{self._clients} of the rate",
            )

    def _question(self, now: float) -> Question:
        question = Question(cool_downs=self._cool_downs, called_alone_at=self._called_alone_at)
        self._cool_downs = {}
        if self._alone is not None:
            question.alone_since = self._alone.since
        else:
            for operation, slots in self._slots.items():
                question.wanted[operation] = slots.wanted(now)
                slots.report(operation, now, question)
        return question

    def _take(self, answer: Answer) -> None:
        self._clients = answer.clients
        for operation, granted in answer.granted.items():
            self._slots[operation].add(granted)
        if self._alone is not None:
            self._alone.end()
            self._alone = None

    def _lose_store(self, error: Exception, started: float) -> None:
        for slots in self._slots.values():
            if not self._goes_on_alone:
                slots.fail(lambda: lost_error("not sent: Redis, which shares the rate, does not answer", error))
            slots.forget()
        self._ask_again_at = time.monotonic() + _ASK_AGAIN
        if self._goes_on_alone and self._alone is None:
            part = LocalRateBudget(_part_of(self._rate_limit, self._clients))
            for operation, slots in self._slots.items():
                part.cool_down(self._key_digest, operation, max(0.0, slots.cooling_until - time.monotonic()))
            windows = {"api": _SECOND, "calls": max(_SECOND, self._store.call_window)}
            begins_at = {operation: started + _SLOTS_LAST + window for operation, window in windows.items()}
            self._alone = Alone(part, started, begins_at)

    async def _take_leave(self) -> None:
        question = Question(cool_downs=self._cool_downs, leaving=True)
        for operation, slots in self._slots.items():
            slots.return_all()
            slots.report(operation, time.monotonic(), question)
        try:
            await self._store.exchange(question, _PATIENCE_WHILE_GONE)
        # The store forgets this client by itself, only later.
        except Exception as error:  # noqa: BLE001
            _log.debug("Redis does not answer at the close: %s", type(error).__name__)


def _part_of(rate_limit: RateLimit, clients: int) -> RateLimit:
    limits = {
        name: limit / clients
        for name in ("requests_per_second", "calls_per_second", "calls_per_minute")
        if (limit := getattr(rate_limit, name)) is not None
    }
    return attrs.evolve(rate_limit, **limits)


def closed_error() -> UltravoxError:
    """Return the error of a request that a closed budget gives no slot."""
    return UltravoxError("not sent: the RedisRateBudget is closed")
