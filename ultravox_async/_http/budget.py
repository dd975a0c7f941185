"""Where the slots of the rate come from: the client itself, a budget of this event loop, or one that is elsewhere."""

import asyncio
import math
from typing import final

from ultravox_async._http.admission import AdmissionQueue, Priority
from ultravox_async._http.pace import AdaptivePace, FixedPace
from ultravox_async._http.scheduler import BudgetFailedError, RequestScheduler, SchedulerClosedError, WaitLimits
from ultravox_async._http.sliding_window import LeaseWindow, SlidingWindow, UnlimitedWindow
from ultravox_async.errors import ConfigurationError, UltravoxError
from ultravox_async.settings import RateBudget, RateLimit

_ENDLESSLY = WaitLimits(cool_down=math.inf, outage=math.inf)


@final
class LocalRateBudget:
    """A `RateBudget` for all clients of one event loop: those with the same key send at the rate of one client.

    Make one for the process, and hand it to each client: a client that takes the place of another, after new settings
    were read for example, goes on with what the other has left. Clients with different keys do not disturb one
    another. Single calls of all clients go before their sweeps and listings, and clients take turns. Each client has
    its own places in its own pool.

    Args:
        rate_limit: The rate of each key.

    Raises:
        ConfigurationError: `rate_limit` has the wrong type; or, when it is used, it was used in another event loop.
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
        await self._without_places(key_digest).acquire(operation, Priority.INTERACTIVE, _ENDLESSLY)

    def mark_sent(self, key_digest: str, operation: str) -> None:
        """Note that a request with a slot is being sent; as `RateBudget.mark_sent`."""
        scheduler = self._without_places(key_digest)
        scheduler.mark_sent(operation)
        scheduler.release(operation)

    def cancel(self, key_digest: str, operation: str) -> None:
        """Take back a slot that was not used; as `RateBudget.cancel`."""
        self._without_places(key_digest).cancel(operation)

    def cool_down(self, key_digest: str, operation: str, seconds: float) -> None:
        """Let nobody start an operation of this class for so many seconds; as `RateBudget.cool_down`."""
        self._without_places(key_digest).cool_down(operation, seconds, math.inf)

    def cooling_down(self, key_digest: str, operation: str) -> float:
        """Return the seconds that a cool-down still lasts; as `RateBudget.cooling_down`."""
        queue = self._queue_of(key_digest)
        left = queue.cool_downs.ends_at(operation) - asyncio.get_running_loop().time()
        return left if 0.0 < left < math.inf else 0.0

    def scheduler_of(self, key_digest: str, places: int) -> RequestScheduler:
        """Return the scheduler of a client: it looks into the budget, and needs no coroutine to take a free slot.

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
            queue = self._queues[key_digest] = AdmissionQueue(_window_of(self._rate_limit), loop)
        return queue

    def _without_places(self, key_digest: str) -> RequestScheduler:
        return RequestScheduler(self._queue_of(key_digest), math.inf, asyncio.get_running_loop())

    def _forget_idle(self, now: float) -> None:
        # A service may see any number of keys in its life.
        self._queues = {digest: queue for digest, queue in self._queues.items() if not queue.forgettable(now)}


class LeasingScheduler(RequestScheduler):
    """Hands out permits whose slots of the rate are leased from a budget that is elsewhere.

    A request takes its turn and its place here first, and then asks for a lease in its own task: nothing is left to
    clean up where it is cancelled. Only a few ask at a time, so that single calls do not wait behind a whole sweep.

    Args:
        budget: Leases the slots.
        key_digest: What the budget knows the key by.
        places: How many permits may be out at once.
        loop: The event loop whose clock is used.
    """

    def __init__(self, budget: RateBudget, key_digest: str, places: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(AdmissionQueue(LeaseWindow(), loop), places, loop)
        self._budget = budget
        self._key_digest = key_digest
        self._asking: set[asyncio.Timeout] = set()

    async def acquire(self, operation: str, priority: Priority, limits: WaitLimits) -> None:
        """Wait for a permit, as `RequestScheduler.acquire` does.

        Raises:
            BudgetFailedError: The budget raised something.
        """
        self._learn_of_cool_down(operation)
        await super().acquire(operation, priority, limits)
        try:
            await self._lease(operation)
        except BaseException:
            self._withdraw(operation)
            raise
        self._window.record_send(self._loop.time())
        self._admission.admit_unless_timed()
        if self._closed:
            self.cancel(operation)
            raise SchedulerClosedError

    def mark_sent(self, operation: str) -> None:
        """Tell the budget that a request is being sent."""
        self._budget.mark_sent(self._key_digest, operation)

    def cancel(self, operation: str) -> None:
        """Give back a permit that was not used, and its slot to the budget."""
        self._budget.cancel(self._key_digest, operation)
        self._leave(operation)

    def cool_down(self, operation: str, seconds: float, longest: float) -> None:
        """Let nobody start an operation of this class for so long, and tell the budget, which tells the others."""
        super().cool_down(operation, seconds, longest)
        self._budget.cool_down(self._key_digest, operation, min(seconds, longest))

    def close(self) -> None:
        """Fail everybody who waits here, now and later."""
        super().close()
        for scope in self._asking:
            if not scope.expired():  # by a close before: asyncio allows no second time
                scope.reschedule(-math.inf)

    async def _lease(self, operation: str) -> None:
        scope = asyncio.timeout(None)
        self._asking.add(scope)
        try:
            async with scope:
                await self._budget.acquire(self._key_digest, operation)
        except UltravoxError:
            raise
        except Exception as error:
            if scope.expired():
                raise SchedulerClosedError from None
            raise BudgetFailedError from error
        finally:
            self._asking.discard(scope)

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
        return RequestScheduler(AdmissionQueue(_window_of(rate), loop), places, loop)
    if isinstance(rate, LocalRateBudget):
        return rate.scheduler_of(key_digest, places)
    return LeasingScheduler(rate, key_digest, places, loop)


def _window_of(rate_limit: RateLimit) -> SlidingWindow:
    rate = rate_limit.requests_per_second
    if rate is None:
        return UnlimitedWindow()
    return SlidingWindow(rate, AdaptivePace(rate) if rate_limit.adaptive else FixedPace(rate))
