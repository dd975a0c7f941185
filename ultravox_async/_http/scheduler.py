"""What one client may have in flight: its places in the pool, and its part of the rate."""

import asyncio
import logging
import math
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

_log = logging.getLogger("ultravox_async")
# What has limits of its own says nothing about the rate of all other requests.
_NOT_LEARNT: Pace = FixedPace(math.inf)


class CoolingDownError(Exception):
    """A class of operations is cooling down for longer than anybody is ready to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"cooling down for another {seconds:.3f} s")
        self.seconds = seconds


class OutageError(Exception):
    """The server is out, and whoever asks does not wait for it any longer."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no request has succeeded for {seconds:.3f} s")
        self.seconds = seconds


class SchedulerClosedError(Exception):
    """The scheduler was closed while somebody waited at it."""


class BudgetFailedError(Exception):
    """A rate budget that the user made raised the error that is the cause of this one."""


class RequestScheduler:
    """Hands out permits: a place among the `places` that may be in flight, and a slot of the rate, together.

    The two come together because a slot that then waits for a place is a burst in the making, and a place that waits
    for a slot keeps others out. Waiting is fair within a priority and a class of operations.

    Args:
        admission: Who goes next; clients that share a rate share it.
        places: How many permits may be out at once.
        loop: The event loop whose clock is used.
    """

    def __init__(self, admission: AdmissionQueue, places: float, loop: asyncio.AbstractEventLoop) -> None:
        self._admission = admission
        self._window = admission.window
        self._cool_downs = admission.cool_downs
        self._places = Places(places)
        self._loop = loop
        self._pauses: set[asyncio.Future[None]] = set()
        self._closed = False

    async def acquire(self, operation: str, priority: Priority, limits: WaitLimits) -> None:
        """Wait for a permit, which `release` gives back after `mark_sent`, and `cancel` without.

        Args:
            operation: The class of operations.
            priority: Whether it is a single call or background work.
            limits: How long it is ready to wait.

        Raises:
            CoolingDownError: It is a single call, and its class of operations cools down for longer than it waits.
            OutageError: The server is out, for longer than background work waits; or all places are taken by requests
                that get no answer, and a single call would wait behind them.
            SchedulerClosedError: The scheduler is closed.
        """
        if self._closed:
            raise SchedulerClosedError
        now = self._loop.time()
        circuit = self._places.circuit_of(operation, now)
        if circuit.open and self._gives_up(circuit, priority, limits):
            raise OutageError(circuit.lasts(now))
        cooling = self._cool_downs.ends_at(operation) - now
        if priority is Priority.INTERACTIVE and limits.cool_down < cooling < math.inf:
            raise CoolingDownError(cooling)
        free = cooling <= 0 < self._places.free and operation not in self._cool_downs.probation
        nobody_waits = not self._admission.queues
        if priority is Priority.INTERACTIVE and free and nobody_waits and self._window.opens_at() <= now:
            self._places.free -= 1
            self._window.reserve(now)
        else:
            await self._queue_up(Waiter(self._places, priority, operation, limits, self._loop))

    async def _queue_up(self, waiter: Waiter) -> None:
        self._admission.add(waiter)
        future = waiter.future
        operation = waiter.queue[2]
        try:
            await future
        except asyncio.CancelledError:
            self._admission.remove(waiter)
            if future.done() and not future.cancelled() and future.exception() is None:
                self._withdraw(operation)
            raise
        # Whoever was admitted runs a turn of the loop later, and the scheduler may have been closed in between.
        if self._closed:
            self._withdraw(operation)
            raise SchedulerClosedError

    def mark_sent(self, operation: str) -> None:  # noqa: ARG002 - a budget that is elsewhere is told
        """Note that a request is being sent: from here on it fills its second of the rate."""
        self._window.record_send(self._loop.time())
        self._admission.admit_unless_timed()

    def release(self, operation: str) -> None:
        """Give back the permit of a request that was sent."""
        self._places.free += 1
        if operation in self._cool_downs.probation:
            self._cool_downs.end_trial(operation, self._loop.time())
            self._admission.admit()
        elif self._places.free == 1:
            # A timer that is set may be about another client, one that has places.
            self._admission.admit()
        else:
            self._admission.admit_unless_timed()

    def cancel(self, operation: str) -> None:
        """Give back a permit that was not used."""
        self._withdraw(operation)

    def cool_down(self, operation: str, seconds: float, longest: float) -> None:
        """Let nobody start an operation of this class for so many seconds, `longest` at most.

        A cool-down only ever moves later. It holds for all clients that share the rate.
        """
        if not self._cool_downs.start(operation, self._loop.time(), seconds, longest):
            return
        lasts = min(seconds, longest)
        for waiter in list(self._admission.unwilling_to_cool_down(operation, lasts)):
            self._dismiss(waiter, CoolingDownError(lasts))

    def note_success(self, operation: str) -> None:
        """Note an answer that neither refuses nor fails: it shows that the server works, at this pace."""
        now = self._loop.time()
        self._pace_of(operation).note_accepted(now)
        self._note_answer(operation, now)

    def note_refusal(self, operation: str) -> bool:
        """Note a 429. Return whether a lower pace answers for it, or False where all requests have to stop."""
        now = self._loop.time()
        self._note_answer(operation, now)
        return self._pace_of(operation).note_refused(now)

    def note_unavailable(self, operation: str) -> bool:
        """Note a 503. Return whether it is taken for a refusal, for which a lower pace answers."""
        return self._pace_of(operation).note_unavailable(self._loop.time())

    def note_failure(self, operation: str, retry_after: float | None) -> None:
        """Note a failure that says nothing about one request alone.

        Args:
            operation: The class of operations.
            retry_after: The seconds that the server asked to wait, if it did.
        """
        now = self._loop.time()
        circuit = self._places.circuit_of(operation, now)
        if circuit.note_failure(now, retry_after):
            _log.info("%s: no request succeeds; background work waits, and sees four times a second", operation)
        if circuit.open:
            for waiter in list(self._admission.waiting_for(self._places)):
                _, priority, of_waiter = waiter.queue
                if of_waiter == operation and self._gives_up(circuit, priority, waiter.limits):
                    self._dismiss(waiter, OutageError(circuit.lasts(now)))

    def outage(self, operation: str) -> float | None:
        """Return the seconds of an outage, without those for which the server asked to wait; None without one."""
        circuit = self._places.circuit_of(operation, self._loop.time())
        return circuit.lasts(self._loop.time()) if circuit.open else None

    @property
    def circuits(self) -> Iterable[CircuitBreaker]:
        """What is known of outages, for each class of operations that was used."""
        return self._places.circuits.values()

    @property
    def pace(self) -> Pace:
        """The rate at which requests follow one another."""
        return self._window.pace

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
        """Fail everybody who waits here, now and later; other clients that share the rate go on."""
        if not self._closed:
            self._admission.clients -= 1
        self._closed = True
        for pause in self._pauses:
            _fail(pause, SchedulerClosedError())
        for waiter in list(self._admission.waiting_for(self._places)):
            self._dismiss(waiter, SchedulerClosedError())
        self._admission.stop_timer_if_idle()

    def _note_answer(self, operation: str, now: float) -> None:
        circuit = self._places.circuit_of(operation, now)
        lasted = circuit.lasts(now)
        if circuit.note_success(now):
            _log.info("%s: requests succeed again, after %.1f s", operation, lasted)
            self._admission.admit()

    def _pace_of(self, operation: str) -> Pace:
        return self._window.pace if operation == OperationClass.GENERAL else _NOT_LEARNT

    def _gives_up(self, circuit: CircuitBreaker, priority: Priority, limits: WaitLimits) -> bool:
        # A single call is not told of an outage before it has tried. But one that waits for a place waits for the
        # timeouts of all that try already.
        if priority is Priority.INTERACTIVE:
            return self._places.free <= 0
        now = self._loop.time()
        return circuit.lasts(now) > limits.outage and circuit.admits_at() > now

    def _withdraw(self, operation: str) -> None:
        self._window.cancel_reservation()
        self._leave(operation)

    def _leave(self, operation: str) -> None:
        self._places.free += 1
        self._cool_downs.abandon_trial(operation)
        if self._admission.queues:  # even if a timer is set: what was not sent brings its moment nearer
            self._admission.admit()

    def _dismiss(self, waiter: Waiter, error: Exception) -> None:
        self._admission.remove(waiter)
        _fail(waiter.future, error)


def _end(pause: asyncio.Future[None]) -> None:
    if not pause.done():
        pause.set_result(None)


def _fail(future: asyncio.Future[None], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
