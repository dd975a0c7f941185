"""Where the slots of the rate come from: the client itself, a budget of this event loop, or a remote budget."""

import asyncio
import math
from typing import final

from ultravox_async._http.admission import AdmissionQueue, Priority
from ultravox_async._http.operation_class import OperationClass
from ultravox_async._http.pace import AdaptivePace, FixedPace
from ultravox_async._http.scheduler import (
    BudgetFailedError,
    CoolingDownError,
    RequestScheduler,
    SchedulerClosedError,
    WaitLimits,
)
from ultravox_async._http.sliding_window import (
    MAX_LEASES,
    LeaseWindow,
    PacedWindow,
    RateWindows,
    SlidingWindow,
    UnlimitedWindow,
)
from ultravox_async.errors import ConfigurationError, UltravoxError
from ultravox_async.settings import PriorityRateBudget, RateBudget, RateLimit, RequestPriority


@final
class LocalRateBudget:
    """A `PriorityRateBudget` for all clients of one event loop: those with the same key send at the rate of one client.

    Create one for the process, and pass it to each client. A client that replaces another, for example after the
    settings were reloaded, continues with what is left of the rate. Clients with different keys do not affect each
    other. Single calls of all clients go before their sweeps and listings, and clients take turns. Each client has its
    own connection pool, with its own size.

    Clients with the same key share their pace and their cool-downs. A 429 for one of them lowers the pace of all. It
    stops all of them only if its ``Retry-After`` is longer than two seconds, if no request has succeeded for a second,
    if it is about creating calls, which stops these only, or if `RateLimit.adaptive` is False.

    Args:
        rate_limit: The rate of each key.

    Raises:
        ConfigurationError: `rate_limit` has the wrong type. Also raised later, if the budget is used in a second event
            loop.
    """

    def __init__(self, rate_limit: RateLimit) -> None:
        if not isinstance(rate_limit, RateLimit):  # pyright: ignore[reportUnnecessaryIsInstance] - settings come from untyped places
            raise ConfigurationError(f"LocalRateBudget takes RateLimit(...), not {type(rate_limit).__name__}")
        self._rate_limit = rate_limit
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queues: dict[str, AdmissionQueue] = {}

    def __repr__(self) -> str:
        return f"LocalRateBudget({self._rate_limit!r})"

    @property
    def rate_limit(self) -> RateLimit:
        """The rate of each key."""
        return self._rate_limit

    async def acquire(self, key_digest: str, operation: str) -> None:
        """Wait for a slot; as `RateBudget.acquire`."""
        await self.acquire_within(key_digest, operation, "interactive", math.inf)

    async def acquire_within(
        self, key_digest: str, operation: str, priority: RequestPriority, longest_cool_down: float
    ) -> float:
        """Wait for a slot; as `PriorityRateBudget.acquire_within`."""
        of_request = Priority.INTERACTIVE if priority == "interactive" else Priority.BACKGROUND
        limits = WaitLimits(cool_down=longest_cool_down, outage=math.inf)
        try:
            await self._without_places(key_digest).acquire(operation, of_request, limits)
        except CoolingDownError as error:
            return error.seconds
        return 0.0

    def mark_sent(self, key_digest: str, operation: str) -> None:
        """Note that a request with a slot is being sent; as `RateBudget.mark_sent`."""
        scheduler = self._without_places(key_digest)
        scheduler.mark_sent(operation)
        scheduler.release(operation)

    def cancel(self, key_digest: str, operation: str) -> None:
        """Take back a slot that was not used; as `RateBudget.cancel`."""
        self._without_places(key_digest).cancel(operation)

    def cool_down(self, key_digest: str, operation: str, seconds: float) -> None:
        """Start no operation of this class for so many seconds; as `RateBudget.cool_down`."""
        self._without_places(key_digest).cool_down(operation, seconds, math.inf)

    def cooling_down(self, key_digest: str, operation: str) -> float:
        """Return the remaining seconds of a cool-down; as `RateBudget.cooling_down`."""
        queue = self._queue_of(key_digest)
        left = queue.cool_downs.ends_at(operation) - asyncio.get_running_loop().time()
        return left if 0.0 < left < math.inf else 0.0

    def scheduler_of(self, key_digest: str, places: int) -> RequestScheduler:
        """Return the scheduler of a client, which uses the queue of its key directly and not through `acquire`.

        Raises:
            ConfigurationError: The budget was used in another event loop.
        """
        queue = self._queue_of(key_digest)
        queue.clients += 1
        return RequestScheduler(queue, places, asyncio.get_running_loop())

    def _queue_of(self, key_digest: str) -> AdmissionQueue:
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        if self._loop is not loop:
            msg = "this LocalRateBudget was used in another event loop; make one for each loop"
            raise ConfigurationError(msg)
        queue = self._queues.get(key_digest)
        if queue is None:
            self._forget_idle(loop.time())
            queue = self._queues[key_digest] = AdmissionQueue(_windows_of(self._rate_limit), loop)
        return queue

    def _without_places(self, key_digest: str) -> RequestScheduler:
        return RequestScheduler(self._queue_of(key_digest), math.inf, asyncio.get_running_loop())

    def _forget_idle(self, now: float) -> None:
        # A service that runs for months may use any number of keys.
        self._queues = {digest: queue for digest, queue in self._queues.items() if not queue.idle(now)}


class LeasingScheduler(RequestScheduler):
    """Hands out permits whose slots come from a remote budget.

    A request first waits for its turn and its place here, and then asks the budget for a slot, in its own task: if it
    is cancelled, there is no other task to clean up. Only a few requests ask at the same time, so that single calls do
    not wait behind a whole sweep; and as many of each class of operations, so that no class waits for the limits of
    another.

    Args:
        budget: Where the slots come from.
        key_digest: The name of the key at the budget.
        places: How many permits may be in use at once.
        loop: The event loop whose clock is used.
    """

    def __init__(self, budget: RateBudget, key_digest: str, places: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(AdmissionQueue(_lease_windows(), loop), places, loop)
        self._budget = budget
        self._by_priority = budget if isinstance(budget, PriorityRateBudget) else None
        self._key_digest = key_digest
        self._asking: set[asyncio.Timeout] = set()

    async def acquire(self, operation: str, priority: Priority, limits: WaitLimits) -> None:
        """Wait for a permit, as `RequestScheduler.acquire` does.

        Raises:
            BudgetFailedError: The budget raised an exception.
            CoolingDownError: Also because of a cool-down that another client has reported to the budget.
        """
        self._learn_of_cool_down(operation)
        await super().acquire(operation, priority, limits)
        try:
            await self._lease(operation, priority, limits)
        except BaseException:
            # After a cancellation, a close or a failure the budget has given no slot, as `RateBudget.acquire` demands.
            # Only what this scheduler has counted is given back.
            self._withdraw(operation)
            raise
        # For the window, a request is pending while it asks: the next one may ask now.
        self._admission.note_sent(operation, self._loop.time())
        # The budget may give the slot in the same iteration of the loop in which the client is closed. Then the close
        # comes too late to end the request, and the slot has to go back to the budget.
        if self._closed:
            self.cancel(operation)
            raise SchedulerClosedError

    def mark_sent(self, operation: str) -> None:
        """Report to the budget that a request is being sent."""
        self._budget.mark_sent(self._key_digest, operation)

    def cancel(self, operation: str) -> None:
        """Give back a permit that was not used, and its slot to the budget."""
        self._budget.cancel(self._key_digest, operation)
        self._leave(operation)

    def cool_down(self, operation: str, seconds: float, longest: float) -> None:
        """Start no operation of this class for so long, and report it to the budget for the other clients."""
        super().cool_down(operation, seconds, longest)
        self._budget.cool_down(self._key_digest, operation, min(seconds, longest))

    def close(self) -> None:
        """Fail all requests that wait or ask the budget, now and later."""
        super().close()
        for scope in self._asking:
            # A scope that an earlier close has expired cannot be rescheduled: asyncio raises RuntimeError.
            if not scope.expired():
                scope.reschedule(-math.inf)

    def _has_slot(self, operation: str, now: float) -> bool:
        # A budget that knows the priority serves single calls first, so that they may ask while the requests of a sweep
        # do. Behind other single calls they wait.
        overtakes = self._by_priority is not None and len(self._asking) < 2 * MAX_LEASES
        if overtakes and all(priority is Priority.BACKGROUND for _, priority, _ in self._admission.queues):
            return True
        return super()._has_slot(operation, now)

    async def _lease(self, operation: str, priority: Priority, limits: WaitLimits) -> None:
        # A close has to end the wait with an error. Cancelling the task, which is the caller's, would end more than
        # that; the scope of a timeout that never comes turns the cancellation into a TimeoutError.
        scope = asyncio.timeout(None)
        self._asking.add(scope)
        try:
            async with scope:
                await self._ask(operation, priority, limits)
        except (UltravoxError, CoolingDownError):
            raise
        except Exception as error:
            if scope.expired():
                raise SchedulerClosedError from None
            raise BudgetFailedError from error
        finally:
            self._asking.discard(scope)

    async def _ask(self, operation: str, priority: Priority, limits: WaitLimits) -> None:
        if self._by_priority is None:
            await self._budget.acquire(self._key_digest, operation)
            return
        longest = limits.cool_down if priority is Priority.INTERACTIVE else math.inf
        name: RequestPriority = "interactive" if priority is Priority.INTERACTIVE else "background"
        left = await self._by_priority.acquire_within(self._key_digest, operation, name, longest)
        if left > 0:
            raise CoolingDownError(left)

    def _learn_of_cool_down(self, operation: str) -> None:
        seconds = self._budget.cooling_down(self._key_digest, operation)
        if seconds > 0:
            super().cool_down(operation, seconds, seconds)


def make_scheduler(
    rate: RateLimit | RateBudget, key_digest: str, places: int, loop: asyncio.AbstractEventLoop
) -> RequestScheduler:
    """Return the scheduler of a client.

    Raises:
        ConfigurationError: The budget was used in another event loop.
    """
    if isinstance(rate, RateLimit):
        return RequestScheduler(AdmissionQueue(_windows_of(rate), loop), places, loop)
    if isinstance(rate, LocalRateBudget):
        return rate.scheduler_of(key_digest, places)
    return LeasingScheduler(rate, key_digest, places, loop)


def _windows_of(rate_limit: RateLimit) -> RateWindows:
    rate = rate_limit.requests_per_second
    if rate is None:
        general: PacedWindow = UnlimitedWindow()
    else:
        general = PacedWindow(rate, AdaptivePace(rate) if rate_limit.adaptive else FixedPace(rate))
    limits = (rate_limit.calls_per_second, 1.0), (rate_limit.calls_per_minute, 60.0)
    of_calls = [SlidingWindow(limit, period) for limit, period in limits if limit is not None]
    return RateWindows(general, {OperationClass.CREATE_CALL: of_calls} if of_calls else {})


def _lease_windows() -> RateWindows:
    return RateWindows(UnlimitedWindow(), {operation: [LeaseWindow()] for operation in OperationClass})
