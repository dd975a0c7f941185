"""Permits of one client: a place in its pool, and a slot of the rate that it may share with other clients."""

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Iterable

from ultravox_async._http.admission import AdmissionQueue, Places, Priority, Waiter, WaitLimits
from ultravox_async._http.circuit_breaker import CircuitBreaker
from ultravox_async._http.operation_class import OperationClass
from ultravox_async._http.pace import FixedPace, Pace

__all__ = [
    "BudgetFailedError",
    "CoolingDownError",
    "OutageError",
    "Priority",
    "RequestScheduler",
    "SchedulerClosedError",
    "WaitLimits",
]

# Seconds.
_LOGGED_EXTENSION = 1.0

_log = logging.getLogger("ultravox_async")
# Creating calls has separate limits: its 429s say nothing about the rate of all other requests.
_UNRELATED_PACE: Pace = FixedPace(math.inf)


class CoolingDownError(Exception):
    """A class of operations is cooling down for longer than the request may wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"cooling down for another {seconds:.3f} s")
        self.seconds = seconds


class OutageError(Exception):
    """There is an outage, and the request does not wait for its end, or not any longer."""

    def __init__(self, seconds: float, last_failure: str) -> None:
        super().__init__(f"no request has succeeded for {seconds:.3f} s: {last_failure}")
        self.seconds = seconds
        self.last_failure = last_failure


class SchedulerClosedError(Exception):
    """The scheduler is closed, or was closed while the request waited."""


class BudgetFailedError(Exception):
    """A rate budget of the user raised an exception, which is the cause of this one."""


class RequestScheduler:
    """Hands out permits; a permit is one of the `places` in the pool and a slot of the rate, together.

    They are handed out together because either one alone does harm: slots that wait for places become a burst as soon
    as the places are free, and a place that waits for a slot cannot be used by anyone else, such as a request of
    another class that is not cooling down. Waiting is fair within a priority and a class of operations.

    Every permit is given back exactly once: by `release` if the request was sent, by `cancel` if not, and by the
    scheduler itself if `acquire` raises. One that was given back twice would let more requests run than there are
    connections. One that was lost would be missing for as long as the client lives.

    Args:
        admission: The queues; clients that share a rate share them.
        places: How many permits may be in use at once.
        loop: The event loop whose clock is used.
    """

    def __init__(self, admission: AdmissionQueue, places: float, loop: asyncio.AbstractEventLoop) -> None:
        self._admission = admission
        self._windows = admission.windows
        self._cool_downs = admission.cool_downs
        self._places = Places(places)
        self._loop = loop
        self._pauses: set[asyncio.Future[None]] = set()
        self._closed = False

    async def acquire(self, operation: str, priority: Priority, limits: WaitLimits) -> None:
        """Wait for a permit. It is given back with `release` after `mark_sent`, or else with `cancel`.

        Args:
            operation: The class of operations.
            priority: Whether it is a single call or background work.
            limits: How long it may wait.

        Raises:
            CoolingDownError: It is a single call, and its class of operations cools down for longer than it may wait.
            OutageError: There is an outage, and background work has waited for long enough; or all places are taken in
                an outage, and a single call would wait behind requests that get no response.
            SchedulerClosedError: The scheduler is closed.
        """
        if self._closed:
            raise SchedulerClosedError
        now = self._loop.time()
        circuit = self._places.circuit_of(operation, now)
        if circuit.open and priority is Priority.INTERACTIVE and self._gives_up(circuit, priority, limits):
            raise OutageError(circuit.lasts(now), circuit.last_failure)
        cooling = self._cool_downs.ends_at(operation) - now
        if priority is Priority.INTERACTIVE and limits.cool_down < cooling < math.inf:
            raise CoolingDownError(cooling)
        free = cooling <= 0 < self._places.free and operation not in self._cool_downs.probation
        # The short way costs no future and no iteration of the loop. Between the check and the reservation there is no
        # await, so no other task can take the same place or slot.
        if priority is Priority.INTERACTIVE and free and self._has_slot(operation, now):
            self._places.free -= 1
            self._windows.reserve(operation, now)
        else:
            await self._queue_up(Waiter(self._places, priority, operation, limits, self._loop))

    def _has_slot(self, operation: str, now: float) -> bool:
        """Return whether a new single call may have a slot at once, without overtaking any other request."""
        # Requests that cannot be sent yet, whatever this one does, are not overtaken: calls that wait for their minute
        # would otherwise send all others into a queue, and deprive them of their burst.
        admission, windows = self._admission, self._windows
        if admission.queues and admission.has_ready(now):
            return False
        return windows.general.opens_at() <= now and windows.opens_at(operation) <= now

    async def _queue_up(self, waiter: Waiter) -> None:
        self._admission.add(waiter)
        future = waiter.future
        operation = waiter.queue[2]
        try:
            await future
        except asyncio.CancelledError:
            self._admission.remove(waiter)
            # A task can be cancelled after its future got a result and before it runs again. Then the await raises
            # CancelledError all the same, and the permit would be lost. A cancelled future has no permit to give back,
            # and neither has one that was failed.
            if future.done() and not future.cancelled() and future.exception() is None:
                self._withdraw(operation)
            raise
        # The task runs one iteration of the loop after its admission, and the scheduler may have been closed in
        # between. `close` cannot see this waiter any more, because it has left its queue.
        if self._closed:
            self._withdraw(operation)
            raise SchedulerClosedError

    def mark_sent(self, operation: str) -> None:
        """Note that a request is being sent: from now on, its slot of the rate is in use for one second.

        In a class of operations with separate limits, it is in use for the period of each of them.
        """
        self._admission.note_sent(operation, self._loop.time())

    def release(self, operation: str) -> None:
        """Give back the permit of a request that was sent."""
        self._places.free += 1
        if operation in self._cool_downs.probation:
            self._cool_downs.end_trial(operation, self._loop.time())
            self._admission.admit()
        elif self._places.free == 1:
            # All places were taken, so the waiters of this client were left out when a timer was set. That timer is
            # about another client with free places, and may be much too late for this one.
            self._admission.admit()
        else:
            self._admission.admit_unless_timed()

    def cancel(self, operation: str) -> None:
        """Give back a permit that was not used."""
        self._withdraw(operation)

    def cool_down(self, operation: str, seconds: float, longest: float) -> None:
        """Start no operation of this class for so many seconds, `longest` at most.

        The end of a cool-down is only ever moved to a later time. It holds for all clients that share the rate.
        """
        extension = self._cool_downs.start(operation, self._loop.time(), seconds, longest)
        if not extension:
            return
        lasts = min(seconds, longest)
        # Each 429 of a burst moves the end of a cool-down by some milliseconds, which is not worth a line.
        if extension > _LOGGED_EXTENSION:
            _log.warning("cool-down of %.1f s after a 429 (class of operations: %s)", lasts, operation)
        # A list, because dismissing a waiter removes it from the queue that is iterated over.
        for waiter in list(self._admission.refusing_cool_down(operation, lasts)):
            self._dismiss(waiter, CoolingDownError(lasts))

    def note_success(self, operation: str) -> None:
        """Note a response that is neither a 429 nor a failure: the server works, and accepts the pace."""
        now = self._loop.time()
        if operation == OperationClass.GENERAL:
            self.pace.note_accepted(now)
        self._note_response(operation, now)

    def note_refusal(self, operation: str) -> bool:
        """Note a 429. Return True if the pace was lowered because of it, False if all requests have to stop."""
        now = self._loop.time()
        self._note_response(operation, now)
        return self._pace_of(operation).note_refused(now)

    def note_refusal_of_one_request(self, operation: str) -> bool:
        """Note a 429 that is not about the rate. Return whether the server accepts other requests."""
        now = self._loop.time()
        self._note_response(operation, now)
        return self._pace_of(operation).accepts(now)

    def note_unavailable(self, operation: str) -> bool:
        """Note a 503. Return whether it is taken for a refusal, as a 429 is."""
        return self._pace_of(operation).note_unavailable(self._loop.time())

    def note_failure(self, operation: str, failure: str, retry_after: float | None, *, counts: bool) -> None:
        """Note a failure of the server, or of the connection to it.

        Args:
            operation: The class of operations.
            failure: The text of the error.
            retry_after: The seconds that the server asked to wait; None if it did not.
            counts: False if it may be the same failure of the same request as before.
        """
        now = self._loop.time()
        circuit = self._places.circuit_of(operation, now)
        if circuit.note_failure(now, failure, retry_after, counts=counts):
            _log.info(
                "outage (class of operations: %s): no request succeeds; "
                "background requests wait, and one is sent every quarter of a second as a probe",
                operation,
            )
        if circuit.open:
            # Background requests that have waited for long enough are given up here and nowhere else: each of them
            # has seen a failure, and a sweep does not burn its ids faster than probes fail.
            for waiter in list(self._admission.waiting_for(self._places)):
                _, priority, of_waiter = waiter.queue
                if of_waiter == operation and self._gives_up(circuit, priority, waiter.limits):
                    self._dismiss(waiter, OutageError(circuit.lasts(now), circuit.last_failure))

    def outage(self, operation: str) -> float | None:
        """Return the seconds of an outage, without those that a ``Retry-After`` asked for; None without an outage."""
        circuit = self._places.circuit_of(operation, self._loop.time())
        return circuit.lasts(self._loop.time()) if circuit.open else None

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    @property
    def circuits(self) -> Iterable[CircuitBreaker]:
        """The circuit breakers of the classes of operations that were used."""
        return self._places.circuits.values()

    @property
    def queued(self) -> dict[str, int]:
        """The number of requests of this client that wait for a permit, by the name of their priority."""
        waiting = Counter(waiter.queue[1] for waiter in self._admission.waiting_for(self._places))
        return {priority.name.lower(): waiting[priority] for priority in Priority}

    @property
    def cooling_down(self) -> dict[str, float]:
        """The seconds that are left of the cool-downs, by class of operations."""
        now = self._loop.time()
        left = {operation.value: self._cool_downs.until(operation) - now for operation in OperationClass}
        return {operation: seconds for operation, seconds in left.items() if seconds > 0}

    @property
    def pace(self) -> Pace:
        """The rate at which requests follow one another."""
        return self._windows.general.pace

    async def pause(self, seconds: float) -> None:
        """Sleep, without a permit.

        Raises:
            SchedulerClosedError: The scheduler was closed meanwhile.
        """
        if self._closed:
            raise SchedulerClosedError
        # A future and not asyncio.sleep(), because `close` has to end it with an error.
        pause: asyncio.Future[None] = self._loop.create_future()
        self._pauses.add(pause)
        alarm = self._loop.call_later(seconds, _end, pause)
        try:
            await pause
        finally:
            alarm.cancel()
            self._pauses.discard(pause)

    def close(self) -> None:
        """Fail all waiters and pauses of this client, now and later; other clients that share the rate continue."""
        if not self._closed:
            self._admission.clients -= 1
        self._closed = True
        # The set does not change while it is iterated over: each `pause` leaves it in its own task, which runs later.
        for pause in self._pauses:
            _fail(pause, SchedulerClosedError())
        for waiter in list(self._admission.waiting_for(self._places)):
            self._dismiss(waiter, SchedulerClosedError())
        self._admission.stop_timer_if_idle()

    def _note_response(self, operation: str, now: float) -> None:
        circuit = self._places.circuits[operation]
        lasted = circuit.lasts(now) if circuit.open else 0.0
        if circuit.note_success(now):
            _log.info("outage over after %.1f s (class of operations: %s)", lasted, operation)
            self._admission.admit()

    def _pace_of(self, operation: str) -> Pace:
        return self.pace if operation == OperationClass.GENERAL else _UNRELATED_PACE

    def _gives_up(self, circuit: CircuitBreaker, priority: Priority, limits: WaitLimits) -> bool:
        now = self._loop.time()
        # A single call is always tried, because the outage may just be over. But if all places are taken, it would
        # wait until the requests that have them run into their timeouts, one after the other.
        if priority is Priority.INTERACTIVE:
            return self._places.free <= 0 and circuit.failed_lately(now)
        # Background work is only given up when a probe has just failed: see `note_failure`.
        return circuit.lasts(now) > limits.outage

    def _withdraw(self, operation: str) -> None:
        self._windows.cancel_reservation(operation)
        self._leave(operation)

    def _leave(self, operation: str) -> None:
        self._places.free += 1
        self._cool_downs.abandon_trial(operation)
        # Even if a timer is set: the slot that was not used can be used by the next request, earlier than that.
        if self._admission.queues:
            self._admission.admit()

    def _dismiss(self, waiter: Waiter, error: Exception) -> None:
        self._admission.remove(waiter)
        _fail(waiter.future, error)


# Both futures can be done already: a cancelled task, a close and a timer can meet in the same iteration of the loop,
# and the task that would clean up runs only in the next one. Setting a result twice raises InvalidStateError.


def _end(pause: asyncio.Future[None]) -> None:
    if not pause.done():
        pause.set_result(None)


def _fail(future: asyncio.Future[None], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
