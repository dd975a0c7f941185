"""Who goes next of all that wait for one rate: priorities, turns and cool-downs."""

import asyncio
import enum
import math
from collections import OrderedDict
from collections.abc import Iterator

import attrs

from ultravox_async._http.circuit_breaker import CircuitBreaker
from ultravox_async._http.cool_downs import CoolDowns
from ultravox_async._http.sliding_window import SlidingWindow

# While both priorities wait, one permit in this many goes to the background, so that it never starves.
_BACKGROUND_SHARE = 8
# How many waiters start to send in one turn of the event loop: each takes a fraction of a millisecond, and the turn is
# shared with whatever else runs in the loop.
_PER_TURN = 4


class Priority(enum.IntEnum):
    """Whose request goes first: single calls before sweeps and listings."""

    INTERACTIVE = 0
    BACKGROUND = 1


class Places:
    """The places in the pool of one client, and what that client knows of outages.

    Args:
        free: How many there are.
    """

    __slots__ = ("circuits", "free")

    def __init__(self, free: float) -> None:
        self.free = free
        self.circuits: dict[str, CircuitBreaker] = {}
        """By class of operations."""

    def circuit_of(self, operation: str, now: float) -> CircuitBreaker:
        """Return what is known of outages of a class of operations; of one that was never used, nothing is."""
        circuit = self.circuits.get(operation)
        if circuit is None:
            circuit = self.circuits[operation] = CircuitBreaker(now)
        return circuit


@attrs.frozen
class WaitLimits:
    """How long a request is ready to wait before it is sent."""

    cool_down: float
    """Seconds; a single call does not wait for the end of a longer cool-down."""

    outage: float
    """Seconds; background work does not wait for the end of a longer outage."""


class Waiter:
    """Somebody who waits for a permit.

    Args:
        places: The places of the client; one of them goes with the permit.
        priority: Whether it is a single call or background work.
        operation: The class of operations.
        limits: How long it is ready to wait.
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
    """Admits those that wait for one rate, whatever client they belong to.

    Each client, priority and class of operations has a queue. Single calls of all clients go before background work;
    queues of the same priority take turns; within a queue the first to come is the first to go.

    Args:
        window: Counts the sends.
        loop: The event loop of all who wait.
    """

    def __init__(self, window: SlidingWindow, loop: asyncio.AbstractEventLoop) -> None:
        self.window = window
        self.cool_downs = CoolDowns()
        self.clients = 0
        self.queues: dict[_Queue, OrderedDict[Waiter, None]] = {}
        self._loop = loop
        self._interactive_in_a_row = 0
        self._timer: asyncio.Handle | None = None
        self._admitted = 0

    def add(self, waiter: Waiter) -> None:
        """Let somebody wait for the moment in which `Waiter.future` is done."""
        queue = self.queues.setdefault(waiter.queue, OrderedDict())
        queue[waiter] = None
        if len(queue) == 1:  # behind another, the timer or the release that the first one waits for is enough
            self.admit()

    def remove(self, waiter: Waiter) -> None:
        """Let somebody wait no longer, who may have been admitted already."""
        queue = self.queues.get(waiter.queue)
        if queue is not None and waiter in queue:
            del queue[waiter]
            if not queue:
                del self.queues[waiter.queue]

    def waiting_for(self, places: Places) -> Iterator[Waiter]:
        """Return those of one client that wait."""
        return (waiter for key, queue in self.queues.items() if key[0] is places for waiter in queue)

    def unwilling_to_cool_down(self, operation: str, seconds: float) -> Iterator[Waiter]:
        """Return the single calls that wait, and do not want to wait as long as that for the end of a cool-down."""
        for (_, priority, of_queue), queue in self.queues.items():
            if priority is Priority.INTERACTIVE and of_queue == operation:
                yield from (waiter for waiter in queue if waiter.limits.cool_down < seconds)

    def admit_unless_timed(self) -> None:
        """Admit whom a send may have let in."""
        # An armed timer means that time is what is waited for, and a send does not bring that nearer.
        if self.queues and self._timer is None:
            self.admit()

    def forgettable(self, now: float) -> bool:
        """Return whether no client uses it, and a new one would say the same."""
        return not self.clients and not self.queues and self.window.idle(now) and self.cool_downs.over(now)

    def admit(self) -> None:
        """Admit as many as may go, and set a timer for the others."""
        self._stop_timer()
        now = self._loop.time()
        while self.queues:
            if self._admitted == _PER_TURN:
                self._timer = self._loop.call_soon(self.admit)
                return
            key = self._next_queue(now)
            ready_at = self.window.evenly_at() if key is not None else self._next_opening()
            if key is None or ready_at > now:
                # Infinity: as many are pending as the rate allows, or all wait for a place, or for the one that tries
                # after a cool-down; the send or the end of one of those comes back here.
                if ready_at < math.inf:
                    self._timer = self._loop.call_at(ready_at, self.admit)
                return
            self._admit_first(key, now)

    def stop_timer_if_idle(self) -> None:
        """Leave no timer behind where nobody waits."""
        if not self.queues:
            self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _next_queue(self, now: float) -> _Queue | None:
        ready = [key for key in self.queues if key[0].free > 0 and self._opens_at(key) <= now]
        choose = max if self._interactive_in_a_row >= _BACKGROUND_SHARE - 1 else min
        return choose(ready, key=lambda key: key[1], default=None)

    def _next_opening(self) -> float:
        return min((self._opens_at(key) for key in self.queues if key[0].free > 0), default=math.inf)

    def _opens_at(self, key: _Queue) -> float:
        """Return when cool-downs and outages let a queue go on."""
        places, priority, operation = key
        ends_at = self.cool_downs.ends_at(operation)
        if priority is Priority.INTERACTIVE:
            return ends_at
        return max(ends_at, places.circuits[operation].admits_at())

    def _admit_first(self, key: _Queue, now: float) -> None:
        # To the end of the dictionary, so that clients and classes of operations take turns within a priority.
        queue = self.queues[key] = self.queues.pop(key)
        waiter, _ = queue.popitem(last=False)
        if not queue:
            del self.queues[key]
        if waiter.future.done():  # cancelled, and its task has not run yet
            return
        places, priority, operation = key
        self._interactive_in_a_row = self._interactive_in_a_row + 1 if priority is Priority.INTERACTIVE else 0
        places.free -= 1
        self.window.reserve(now)
        self.cool_downs.begin_trial(operation)
        if priority is Priority.BACKGROUND:
            places.circuits[operation].note_admitted(now)
        waiter.future.set_result(None)
        if self._admitted == 0:
            self._loop.call_soon(self._begin_turn)
        self._admitted += 1

    def _begin_turn(self) -> None:
        self._admitted = 0
