"""Rate limit, cool-downs and places in the pool: who may send, and when."""

import asyncio
import enum
from collections import OrderedDict

from ultravox_async._http.sliding_window import SlidingWindow, UnlimitedWindow

# While both priorities wait, one permit in this many goes to the bulk priority, so that it never starves.
_BACKGROUND_SHARE = 8
# How many waiters start to send in one turn of the event loop: each takes a fraction of a millisecond, and the turn is
# shared with whatever else runs in the loop.
_PER_TURN = 4


class Priority(enum.IntEnum):
    """Whose request goes first: single calls before sweeps and listings."""

    INTERACTIVE = 0
    BACKGROUND = 1


class CoolingDownError(Exception):
    """A class of operations is cooling down for longer than anybody is ready to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"cooling down for another {seconds:.3f} s")
        self.seconds = seconds


class SchedulerClosedError(Exception):
    """The scheduler was closed while somebody waited at it."""


class RequestScheduler:
    """Hands out permits: a place among the `places` that may be in flight, and a slot of the rate budget, together.

    The two come together because a slot that then waits for a place is a burst in the making, and a place that waits
    for a slot keeps others out. Waiting is fair within a priority and a class of operations.

    A class of operations whose cool-down was cut to `max_cool_down` is on probation afterwards: one request goes, and
    the others wait until it is over.

    Args:
        requests_per_second: The rate, or None for no pacing.
        places: How many permits may be out at once.
        max_wait: Seconds; a longer cool-down fails the single calls that wait for its end instead.
        max_cool_down: Seconds that a cool-down lasts at most.
        loop: The event loop whose clock is used.
    """

    def __init__(
        self,
        requests_per_second: float | None,
        places: int,
        max_wait: float,
        max_cool_down: float,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._window = SlidingWindow(requests_per_second) if requests_per_second is not None else UnlimitedWindow()
        self._places = places
        self._max_wait = max_wait
        self._max_cool_down = max_cool_down
        self._loop = loop
        self._queues: dict[tuple[Priority, str], OrderedDict[asyncio.Future[None], None]] = {}
        self._cool_until: dict[str, float] = {}
        # The classes of operations on probation, and whether the one request that tries is on its way.
        self._probation: dict[str, bool] = {}
        self._interactive_in_a_row = 0
        self._timer: asyncio.Handle | None = None
        self._admitted = 0
        self._pauses: set[asyncio.Future[None]] = set()
        self._closed = False

    async def acquire(self, operation: str, priority: Priority) -> None:
        """Wait for a permit, which `release` gives back after `mark_sent`, and `cancel` without.

        Raises:
            CoolingDownError: It is a single call, and its class of operations cools down for longer than `max_wait`.
            SchedulerClosedError: The scheduler is closed.
        """
        if self._closed:
            raise SchedulerClosedError
        now = self._loop.time()
        cooling = self._opens_at(operation) - now
        if priority is Priority.INTERACTIVE and self._max_wait < cooling < float("inf"):
            raise CoolingDownError(cooling)
        free = cooling <= 0 < self._places and operation not in self._probation and not self._queues
        if priority is Priority.INTERACTIVE and free and self._window.opens_at() <= now:
            self._places -= 1
            self._window.reserve(now)
        else:
            await self._queue_up(operation, priority)

    async def _queue_up(self, operation: str, priority: Priority) -> None:
        queue = self._queues.setdefault((priority, operation), OrderedDict())
        waiter: asyncio.Future[None] = self._loop.create_future()
        queue[waiter] = None
        if len(queue) == 1:  # behind another, the timer or the release() that the first one waits for is enough
            self._admit()
        try:
            await waiter
        except asyncio.CancelledError:
            self._drop(priority, operation, waiter)
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.cancel(operation)
            raise
        # Whoever was admitted runs a turn of the loop later, and the scheduler may have been closed in between.
        if self._closed:
            self.cancel(operation)
            raise SchedulerClosedError

    def mark_sent(self) -> None:
        """Note that a request is being sent: from here on it fills its second of the budget."""
        self._window.record_send(self._loop.time())
        self._admit_unless_timed()

    def release(self, operation: str) -> None:
        """Give back the permit of a request that was sent."""
        self._places += 1
        if operation not in self._probation:
            self._admit_unless_timed()
            return
        if self._cool_until[operation] > self._loop.time():  # it met another 429
            self._probation[operation] = False
        else:
            del self._probation[operation]
        self._admit()

    def cancel(self, operation: str) -> None:
        """Give back a permit that was not used."""
        self._places += 1
        self._window.cancel_reservation()
        if operation in self._probation:
            self._probation[operation] = False
        if self._queues:  # even if a timer is set: what was not sent brings its moment nearer
            self._admit()

    def cool_down(self, operation: str, seconds: float) -> None:
        """Let nobody start an operation of this class for so long, `max_cool_down` at most.

        A cool-down only ever moves later.
        """
        lasts = min(seconds, self._max_cool_down)
        until = self._loop.time() + lasts
        if until <= self._cool_until.get(operation, until - 1):
            return
        self._cool_until[operation] = until
        if seconds > self._max_cool_down:
            self._probation[operation] = False
        if lasts > self._max_wait:
            for waiter in self._queues.pop((Priority.INTERACTIVE, operation), ()):
                if not waiter.done():
                    waiter.set_exception(CoolingDownError(lasts))

    async def pause(self, seconds: float) -> None:
        """Sleep, without a permit.

        Raises:
            SchedulerClosedError: The scheduler was closed meanwhile.
        """
        if self._closed:
            raise SchedulerClosedError
        pause: asyncio.Future[None] = self._loop.create_future()
        self._pauses.add(pause)
        alarm = self._loop.call_later(seconds, _end, pause)
        try:
            await pause
        finally:
            alarm.cancel()
            self._pauses.discard(pause)

    def close(self) -> None:
        """Fail everybody who waits, now and later."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for waiter in [*self._pauses, *(waiter for queue in self._queues.values() for waiter in queue)]:
            if not waiter.done():
                waiter.set_exception(SchedulerClosedError())
        self._queues.clear()

    def _drop(self, priority: Priority, operation: str, waiter: asyncio.Future[None]) -> None:
        queue = self._queues.get((priority, operation))
        if queue is not None and waiter in queue:
            del queue[waiter]
            if not queue:
                del self._queues[priority, operation]

    def _admit_unless_timed(self) -> None:
        # An armed timer means that time is what is waited for, and neither a place nor a send brings that nearer.
        if self._queues and self._timer is None:
            self._admit()

    def _admit(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._loop.time()
        while self._queues and self._places > 0:
            if self._admitted == _PER_TURN:
                self._timer = self._loop.call_soon(self._admit)
                return
            key = self._next_queue(now)
            if key is None:
                ready_at = min(self._opens_at(operation) for _, operation in self._queues)
            else:
                ready_at = self._window.evenly_at()
            if key is None or ready_at > now:
                # Infinity: as many are pending as the budget holds, or all wait for the one that tries after a
                # cool-down; the next mark_sent(), or its end, comes back here.
                if ready_at < float("inf"):
                    self._timer = self._loop.call_at(ready_at, self._admit)
                return
            self._admit_first(key, now)

    def _admit_first(self, key: tuple[Priority, str], now: float) -> None:
        # To the end of the dictionary, so that classes of operations take turns within a priority.
        queue = self._queues[key] = self._queues.pop(key)
        waiter, _ = queue.popitem(last=False)
        if not queue:
            del self._queues[key]
        if waiter.done():  # cancelled, and its task has not run yet
            return
        self._interactive_in_a_row = self._interactive_in_a_row + 1 if key[0] is Priority.INTERACTIVE else 0
        self._places -= 1
        self._window.reserve(now)
        if key[1] in self._probation:
            self._probation[key[1]] = True
        waiter.set_result(None)
        if self._admitted == 0:
            self._loop.call_soon(self._begin_turn)
        self._admitted += 1

    def _opens_at(self, operation: str) -> float:
        """Return when an operation of this class may start; infinity while one tries for all of them."""
        return float("inf") if self._probation.get(operation) else self._cool_until.get(operation, float("-inf"))

    def _begin_turn(self) -> None:
        self._admitted = 0

    def _next_queue(self, now: float) -> tuple[Priority, str] | None:
        open_keys = [key for key in self._queues if self._opens_at(key[1]) <= now]
        choose = max if self._interactive_in_a_row >= _BACKGROUND_SHARE - 1 else min
        return choose(open_keys, key=lambda key: key[0], default=None)


def _end(pause: asyncio.Future[None]) -> None:
    if not pause.done():
        pause.set_result(None)
