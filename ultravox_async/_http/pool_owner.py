"""Creates the pool of a client on first use, and ends everything that runs in it when the client is closed."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncGenerator, Coroutine, Sequence
from typing import Any, TypeVar

import attrs

from ultravox_async._http.messages import Credentials
from ultravox_async._http.pool import UNUSABLE_SESSION, Pool, PoolSettings, make_pool
from ultravox_async._http.scheduler import RequestScheduler
from ultravox_async._http.telemetry import Telemetry
from ultravox_async.errors import ClientClosedError, UltravoxError
from ultravox_async.settings import RateBudget, RateLimit
from ultravox_async.stats import Stats

T = TypeVar("T")


class PoolOwner:
    """The pool and the tasks of one client, which all views of the client share.

    Args:
        settings: How to create the pool.
        credentials: The key.
        rate: The rate limit, or the budget that the slots come from.
        telemetry: Counts, logs and reports the requests.
    """

    def __init__(
        self, settings: PoolSettings, credentials: Credentials, rate: RateLimit | RateBudget, telemetry: Telemetry
    ) -> None:
        limit = rate if isinstance(rate, RateLimit) else rate.rate_limit
        self._configured_rate = math.inf if limit.requests_per_second is None else limit.requests_per_second
        self.credentials = credentials
        self.telemetry = telemetry
        self.closed = False
        """Whether no request can be begun any more."""
        self.ended = False
        """Whether the requests that were sent were ended too."""
        self.draining = 0
        """How many calls of `drain` wait."""
        self._settings = settings
        self._budget = rate
        self._pool: Pool | None = None
        # It is kept after the pool is closed, because `stats` can be read then too.
        self._scheduler: RequestScheduler | None = None
        # The event loop has only weak references to tasks: without this set, a task could be garbage-collected.
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ended_by_drain: set[asyncio.Timeout] = set()

    @property
    def interval(self) -> float:
        """The seconds between two requests at the current pace; 0.0 without one."""
        return 1 / self._rate

    @property
    def stats(self) -> Stats:
        """The statistics of the client so far."""
        counts = attrs.asdict(self.telemetry.counts)
        rate = None if self._rate == math.inf else self._rate
        if self._scheduler is None:
            return Stats(**counts, requests_per_second=rate)
        circuits = list(self._scheduler.circuits)
        return Stats(
            **counts,
            in_flight=0 if self._pool is None else len(self._pool.deadlines),
            queued=self._scheduler.queued,
            cooling_down=self._scheduler.cooling_down,
            requests_per_second=rate,
            outages=sum(circuit.outages for circuit in circuits),
            probes=sum(circuit.probes for circuit in circuits),
        )

    @property
    def _rate(self) -> float:
        pace = None if self._scheduler is None else self._scheduler.pace
        return pace.rate if pace is not None and pace.lowered else self._configured_rate

    def open(self) -> Pool:
        """Return the pool, which is created on first use.

        Raises:
            ClientClosedError: The client is closed.
            ConfigurationError: Its rate budget was used in another event loop.
            UltravoxError: The client was used in another event loop, or the caller's session is unusable.
        """
        pool = self._pool
        # Every request comes here, so the usual case is checked in one place and without a further call.
        if pool is None or self.closed or pool.session.closed or asyncio.get_running_loop() is not pool.loop:
            pool = self._ensure_open()
        return pool

    def _ensure_open(self) -> Pool:
        if self.closed:
            msg = "this AsyncUltravox is closed; make a new one, or close it later"
            raise ClientClosedError(msg)
        pool = self._pool
        if pool is None:
            pool = self._pool = make_pool(self._settings, self.credentials, self._budget)
            self._scheduler = pool.scheduler
        _check_loop(pool.loop)
        if pool.session.closed:
            raise UltravoxError(UNUSABLE_SESSION)
        return pool

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `work` in a task that `close` cancels."""
        # Not `loop.create_task`: with an eager task factory, the coroutine would run up to its first await before the
        # task is in the set, and a close during that time would miss it.
        task = asyncio.Task(work, loop=asyncio.get_running_loop())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    @contextlib.asynccontextmanager
    async def unless_draining(self) -> AsyncGenerator[None, None]:
        """End what is awaited in the context when a drain begins.

        Raises:
            ClientClosedError: It was ended.
        """
        scope = asyncio.timeout(None)
        try:
            async with scope:
                self._ended_by_drain.add(scope)
                try:
                    yield
                finally:
                    self._ended_by_drain.discard(scope)
        except TimeoutError:
            if not scope.expired():
                raise
            msg = "the AsyncUltravox was closed meanwhile"
            raise ClientClosedError(msg) from None

    async def drain(self, seconds: float) -> None:
        """Begin no request any more, and wait until those that were sent are over, for so many seconds at most.

        Raises:
            UltravoxError: The client was used in another event loop.
        """
        pool = self._refuse_new()
        if pool is None:
            return
        while self._ended_by_drain:
            self._ended_by_drain.pop().reschedule(-math.inf)
        self.draining += 1
        try:
            async with asyncio.timeout(seconds):
                # A response whose body is read by the caller is part of an attempt until its headers have arrived.
                await pool.deadlines.wait_for_others()
                await pool.wait_for_bodies()
        except TimeoutError:
            pass
        finally:
            self.draining -= 1

    async def close(self) -> None:
        """End all requests and tasks, and close the session if the client owns it; closing again does nothing.

        Raises:
            UltravoxError: The client was used in another event loop.
        """
        pool = self._refuse_new()
        if pool is None:
            return
        self.ended = True
        try:
            # The current task is one of them if the client is closed by the iterable of ids of a sweep, or by a
            # callback of a TraceConfig. It would wait for itself. It ends without that, because it cannot send anything
            # any more.
            tasks = self._tasks - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await pool.deadlines.end_others()
            if tasks:
                await asyncio.wait(tasks)
        finally:
            # Also if this close is cancelled while it waits: it leaves no connection behind, and can be repeated.
            await pool.close()
            self.telemetry.stop()
            # Last, because it makes the next await of this task raise.
            pool.deadlines.end_own()
        self._pool = None

    def _refuse_new(self) -> Pool | None:
        """Begin no request and no task any more, and return the pool, if there is one."""
        pool = self._pool
        if pool is not None:
            _check_loop(pool.loop)
        # First of all, and before anything is awaited.
        self.closed = True
        if pool is not None:
            # Before attempts are ended: each of them gives back a permit, which would admit a waiter.
            pool.scheduler.close()
            pool.streams.close()
        return pool


async def close_pools(owners: Sequence[PoolOwner], drain: float) -> None:
    """Close the pools of a client.

    Args:
        owners: Those of the API and of storage, in this order: a redirect that the API sends meanwhile is followed.
        drain: For how many seconds requests that were sent may go on.

    Raises:
        UltravoxError: The client was used in another event loop.
    """
    ends_at = time.monotonic() + drain
    try:
        if drain > 0:
            for owner in owners:
                await owner.drain(ends_at - time.monotonic())
    except asyncio.CancelledError:
        # Another close that drains has its own time, and ends what is left.
        if not any(owner.draining for owner in owners):
            await _end(owners)
        raise
    await _end(owners)


async def _end(owners: Sequence[PoolOwner]) -> None:
    async with contextlib.AsyncExitStack() as stack:
        # All of them, also if this is cancelled while it waits.
        for owner in reversed(owners):
            stack.push_async_callback(owner.close)


def _check_loop(loop: asyncio.AbstractEventLoop) -> None:
    if asyncio.get_running_loop() is not loop:
        msg = (
            "this AsyncUltravox has its connections in another event loop; "
            "make one in each loop, and close it in the loop where it was used"
        )
        raise UltravoxError(msg)
