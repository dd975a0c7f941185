"""Makes the pool of a client on first use, and ends at once what runs in it."""

import asyncio
import math
from collections.abc import Coroutine
from typing import Any, TypeVar

from ultravox_async._http.messages import Credentials
from ultravox_async._http.pool import UNUSABLE_SESSION, Pool, PoolSettings, make_pool
from ultravox_async._http.scheduler import RequestScheduler
from ultravox_async.errors import ClientClosedError, UltravoxError
from ultravox_async.settings import RateBudget, RateLimit
from ultravox_async.stats import Stats

T = TypeVar("T")


class PoolOwner:
    """The pool and the tasks of one client, which all views of the client share.

    Args:
        settings: How to make the pool.
        credentials: The key.
        rate: The pace, or the budget that it comes from.
    """

    def __init__(self, settings: PoolSettings, credentials: Credentials, rate: RateLimit | RateBudget) -> None:
        limit = rate if isinstance(rate, RateLimit) else rate.rate_limit
        self._configured_rate = math.inf if limit.requests_per_second is None else limit.requests_per_second
        self.credentials = credentials
        self.closed = False
        self._settings = settings
        self._budget = rate
        self._pool: Pool | None = None
        # It outlives the pool, because what it counted is asked for after closing too.
        self._scheduler: RequestScheduler | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def interval(self) -> float:
        """The seconds between two requests at the present pace; 0.0 where there is none."""
        return 1 / self._rate

    @property
    def stats(self) -> Stats:
        """What was met so far."""
        circuits = () if self._scheduler is None else self._scheduler.circuits
        return Stats(
            requests_per_second=None if self._rate == math.inf else self._rate,
            outages=sum(circuit.outages for circuit in circuits),
            probes=sum(circuit.probes for circuit in circuits),
        )

    @property
    def _rate(self) -> float:
        pace = None if self._scheduler is None else self._scheduler.pace
        return pace.rate if pace is not None and pace.lowered else self._configured_rate

    def open(self) -> Pool:
        """Return the pool, which is made on first use.

        Raises:
            ClientClosedError: The client is closed.
            ConfigurationError: Its rate budget was used in another event loop.
            UltravoxError: It belongs to another event loop, or the session that was handed in cannot be used.
        """
        pool = self._pool
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
        # Not by the loop's own factory: an eager task would run before anybody knows of it.
        task = asyncio.Task(work, loop=asyncio.get_running_loop())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """End what is running, and close the session if it is owned; closing again does nothing.

        Raises:
            UltravoxError: The session belongs to another event loop.
        """
        pool = self._pool
        if pool is not None:
            _check_loop(pool.loop)
        self.closed = True
        if pool is None:
            return
        try:
            pool.scheduler.close()
            # The current task is one of them where the ids of a sweep, or a function that listens to aiohttp's events,
            # close the client. It ends by itself, because there is nothing more that it could send.
            tasks = self._tasks - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await pool.deadlines.end_others()
            if tasks:
                await asyncio.wait(tasks)
        finally:
            await pool.close()
            pool.deadlines.end_own()
        self._pool = None


def _check_loop(loop: asyncio.AbstractEventLoop) -> None:
    if asyncio.get_running_loop() is not loop:
        msg = (
            "this AsyncUltravox has its connections in another event loop; "
            "make one in each loop, and close it in the loop where it was used"
        )
        raise UltravoxError(msg)
