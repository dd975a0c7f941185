"""The order in which requests that wait for the same rate are admitted: priorities, turns and cool-downs."""

import asyncio
import enum
import math
from collections import OrderedDict
from collections.abc import Iterator

import attrs

from ultravox_async._http.circuit_breaker import CircuitBreaker
from ultravox_async._http.cool_downs import CoolDowns
from ultravox_async._http.sliding_window import RateWindows

# While both priorities wait, one permit in this many goes to background work, which would otherwise starve.
_BACKGROUND_SHARE = 8
# The maximum number of requests that start in one iteration of the event loop. Each takes a fraction of a millisecond,
# in which nothing else in the loop can run.
_PER_TURN = 4


class Priority(enum.IntEnum):
    """Which requests are sent first: single calls before sweeps and listings."""

    INTERACTIVE = 0
    BACKGROUND = 1


class Places:
    """The free places in the pool of one client, and the circuit breakers of that client.

    Args:
        free: The number of places.
    """

    __slots__ = ("circuits", "free")

    def __init__(self, free: float) -> None:
        self.free = free
        self.circuits: dict[str, CircuitBreaker] = {}
        """By class of operations."""

    def circuit_of(self, operation: str, now: float) -> CircuitBreaker:
        """Return the circuit breaker of a class of operations, which is created when it is first used."""
        circuit = self.circuits.get(operation)
        if circuit is None:
            circuit = self.circuits[operation] = CircuitBreaker(now)
        return circuit


@attrs.frozen
class WaitLimits:
    """How long a request may wait before it is sent."""

    cool_down: float
    """Seconds; a single call does not wait for the end of a longer cool-down."""

    outage: float
    """Seconds; background work does not wait for the end of a longer outage."""


class Waiter:
    """A request that waits for a permit.

    Args:
        places: The places of the client; the permit includes one of them.
        priority: Whether it is a single call or background work.
        operation: The class of operations.
        limits: How long it may wait.
        loop: The event loop.
    """

    __slots__ = ("future", "limits", "queue")

    def __init__(
        self, places: Places, priority: Priority, operation: str, limits: WaitLimits, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.queue = places, priority, operation
        self.limits = limits
        self.future: asyncio.Future[None] = loop.create_future()


_Queue = tuple[Places, Priority, str]


class AdmissionQueue:
    """Admits the requests that wait for the same rate, whichever client they belong to.

    Each client, priority and class of operations has its own queue. Single calls of all clients go before background
    work. Queues of the same priority take turns. Each queue is first in, first out.

    Args:
        windows: Count the sends.
        loop: The event loop of all clients.
    """

    def __init__(self, windows: RateWindows, loop: asyncio.AbstractEventLoop) -> None:
        self.windows = windows
        self.cool_downs = CoolDowns()
        self.clients = 0
        self.queues: dict[_Queue, OrderedDict[Waiter, None]] = {}
        self._loop = loop
        self._interactive_in_a_row = 0
        self._timer: asyncio.Handle | None = None
        self._admitted = 0

    def add(self, waiter: Waiter) -> None:
        """Add a waiter; its future is done when it is admitted."""
        queue = self.queues.setdefault(waiter.queue, OrderedDict())
        queue[waiter] = None
        # Behind another waiter there is nothing to do: whatever that one waits for, a timer or a release, calls
        # `admit`. Without this, a sweep of n requests would look through all queues n times.
        if len(queue) == 1:
            self.admit()

    def remove(self, waiter: Waiter) -> None:
        """Remove a waiter, if it has not been admitted already."""
        queue = self.queues.get(waiter.queue)
        if queue is not None and waiter in queue:
            del queue[waiter]
            if not queue:
                del self.queues[waiter.queue]

    def waiting_for(self, places: Places) -> Iterator[Waiter]:
        """Return the waiters of one client."""
        return (waiter for key, queue in self.queues.items() if key[0] is places for waiter in queue)

    def refusing_cool_down(self, operation: str, seconds: float) -> Iterator[Waiter]:
        """Return the waiting single calls of a class that do not wait for a cool-down of so many seconds."""
        for (_, priority, of_queue), queue in self.queues.items():
            if priority is Priority.INTERACTIVE and of_queue == operation:
                yield from (waiter for waiter in queue if waiter.limits.cool_down < seconds)

    def has_ready(self, now: float) -> bool:
        """Return whether a waiter needs nothing but a slot of the general rate.

        The others wait for a cool-down, the separate limits of their class, the end of an outage, or a place.
        """
        return any(self._is_ready(key, now) for key in self.queues)

    def note_sent(self, operation: str, now: float) -> None:
        """Count an admitted request as sent, and admit the waiters that waited for that."""
        self.windows.record_send(operation, now)
        # Also if a timer is set, in a class with separate limits: the timer may be about another class, and much too
        # late for those that waited until one of the pending requests of this class was sent.
        if self.queues and (self._timer is None or operation in self.windows.separate):
            self.admit()

    def admit_unless_timed(self) -> None:
        """Admit waiters, unless a timer is set."""
        # A timer means that the first waiters need a later time, and not a send or a place. A send changes nothing
        # about that time, so looking through the queues for each one would be wasted.
        if self.queues and self._timer is None:
            self.admit()

    def idle(self, now: float) -> bool:
        """Return whether no client uses it, and it remembers nothing that a new one would not know."""
        return not self.clients and not self.queues and self.windows.idle(now) and self.cool_downs.over(now)

    def admit(self) -> None:
        """Admit as many waiters as possible now, and set a timer for the others."""
        self._stop_timer()
        now = self._loop.time()
        while self.queues:
            if self._admitted == _PER_TURN:
                # `_begin_turn` was scheduled by the first admission, and so before this: the count is 0 again by then.
                self._timer = self._loop.call_soon(self.admit)
                return
            key = self._next_queue(now)
            ready_at = self.windows.general.evenly_at() if key is not None else self._next_opening()
            if key is None or ready_at > now:
                # Infinity means that no point in time helps: as many requests are pending as the rate allows, or all
                # wait for a place, or for the trial request after a cool-down. The send or the end of one of those
                # requests calls `admit` again.
                if ready_at < math.inf:
                    self._timer = self._loop.call_at(ready_at, self.admit)
                return
            self._admit_first(key, now)

    def stop_timer_if_idle(self) -> None:
        """Cancel the timer if there are no waiters."""
        if not self.queues:
            self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _next_queue(self, now: float) -> _Queue | None:
        ready = [key for key in self.queues if self._is_ready(key, now)]
        # Of queues with equal priority, min() and max() return the first one, whose turn it is: see `_admit_first`.
        choose = max if self._interactive_in_a_row >= _BACKGROUND_SHARE - 1 else min
        return choose(ready, key=lambda key: key[1], default=None)

    def _is_ready(self, key: _Queue, now: float) -> bool:
        return key[0].free > 0 and self._opens_at(key) <= now

    def _next_opening(self) -> float:
        return min((self._opens_at(key) for key in self.queues if key[0].free > 0), default=math.inf)

    def _opens_at(self, key: _Queue) -> float:
        """Return when cool-downs, outages and the limits of its class allow the next request of a queue."""
        places, priority, operation = key
        opens_at = max(self.cool_downs.ends_at(operation), self.windows.opens_at(operation))
        if priority is Priority.INTERACTIVE:
            return opens_at
        return max(opens_at, places.circuits[operation].admits_at())

    def _admit_first(self, key: _Queue, now: float) -> None:
        # The queue is moved to the end of the dictionary, so that clients and classes of operations take turns within
        # a priority.
        queue = self.queues[key] = self.queues.pop(key)
        waiter, _ = queue.popitem(last=False)
        if not queue:
            del self.queues[key]
        # Task.cancel() cancels the future at once, but the task removes its waiter only when it runs again, which is
        # in a later iteration of the loop. Until then the waiter is still in its queue, and set_result() would raise.
        if waiter.future.done():
            return
        places, priority, operation = key
        self._interactive_in_a_row = self._interactive_in_a_row + 1 if priority is Priority.INTERACTIVE else 0
        # The permit is taken here and not by the task, which runs later: the next round of the loop in `admit` has to
        # see that it is gone.
        places.free -= 1
        self.windows.reserve(operation, now)
        self.cool_downs.begin_trial(operation)
        if priority is Priority.BACKGROUND:
            places.circuits[operation].note_admitted(now)
        waiter.future.set_result(None)
        if self._admitted == 0:
            self._loop.call_soon(self._begin_turn)
        self._admitted += 1

    def _begin_turn(self) -> None:
        self._admitted = 0
