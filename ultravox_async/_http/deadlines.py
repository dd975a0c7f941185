"""Ends attempts that take too long, with one timer for all of them.

A timer for each attempt, set and cancelled again, is a tenth of the cost of a short request. Here an attempt is an
entry in a dictionary, and a timer goes off about once in the shortest `Timeout.read` to see whether any is overdue.
"""

import asyncio
import math
from typing import Protocol


class Connection(Protocol):
    """A connection of the pool."""

    uses: int
    """How many attempts have used it."""

    def drop(self) -> None:
        """Close it at once, without sending what is left in its buffer."""


class Attempt:
    """The time that one attempt has left.

    Args:
        task: Whose attempt it is.
        outer: The attempt that the task makes already: a function that listens to aiohttp's events may use the client.
        scope: What is expired when the time is up.
        ends_at: When the logical request has to be over, on the clock of the loop.
        read_timeout: How many seconds of silence it bears.
    """

    __slots__ = (
        "_connection",
        "_use",
        "due",
        "ends_at",
        "fresh",
        "hopeless",
        "operation",
        "outer",
        "read_timeout",
        "refused",
        "repeatable",
        "scope",
        "sent",
        "task",
    )

    def __init__(
        self,
        task: "asyncio.Task[object] | None",
        outer: "Attempt | None",
        scope: asyncio.Timeout,
        ends_at: float,
        read_timeout: float,
    ) -> None:
        self.task = task
        self.outer = outer
        self.scope = scope
        self.ends_at = ends_at
        self.read_timeout = read_timeout
        self.due = ends_at
        self.sent = False
        self.refused = False
        self.repeatable = True
        self.hopeless = False
        self.fresh = False
        self.operation = ""
        self._connection: Connection | None = None
        self._use = 0

    @property
    def spent(self) -> bool:
        """Whether it is the logical request that has no time left, and not a silence that was too long."""
        return self.due >= self.ends_at

    def use(self, connection: Connection) -> None:
        """Note that its request is sent now, and on which connection."""
        self.sent = True
        self._connection = connection
        self._use = connection.uses

    def drop_connection(self) -> None:
        """Close its connection, unless that went back to the pool and another attempt uses it."""
        if self._connection is not None and self._connection.uses == self._use:
            self._connection.drop()

    def drop_connection_of_whoever_uses_it(self) -> None:
        """Close its connection, though another attempt may use it by now."""
        if self._connection is not None:
            self._connection.drop()


class Deadlines:
    """The attempts of one pool.

    Args:
        loop: The event loop that they run in.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._attempts: set[Attempt] = set()
        # The innermost attempt of each task.
        self._current: dict[asyncio.Task[object] | None, Attempt] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._ending: set[asyncio.Task[object] | None] = set()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._attempts)

    def start(self, scope: asyncio.Timeout, seconds: float, read_timeout: float) -> Attempt:
        """Give the current task's attempt so many seconds in all, and of silence once it is sent."""
        task = asyncio.current_task(self._loop)
        outer = self._current.get(task)
        attempt = self._current[task] = Attempt(task, outer, scope, self._loop.time() + seconds, read_timeout)
        self._attempts.add(attempt)
        if attempt.due < self._timer_at:
            self._watch(attempt)
        return attempt

    def current(self) -> Attempt:
        """Return the attempt of the current task, which makes one."""
        return self._current[asyncio.current_task(self._loop)]

    def innermost(self) -> Attempt | None:
        """Return the attempt of the current task, if it makes one."""
        return self._current.get(asyncio.current_task(self._loop))

    def reset_read_timeout(self, attempt: Attempt) -> None:
        """Let the silence of an attempt begin anew."""
        attempt.due = min(attempt.ends_at, self._loop.time() + attempt.read_timeout)
        if attempt.due < self._timer_at:
            self._watch(attempt)

    def stop(self, attempt: Attempt) -> None:
        """Forget an attempt."""
        self._attempts.discard(attempt)
        if attempt.outer is None:
            del self._current[attempt.task]
        else:
            self._current[attempt.task] = attempt.outer
        self._changed.set()

    async def end_others(self) -> None:
        """End all attempts now, and wait until they are over; an attempt of the current task goes on.

        The current task makes one where a function that listens to aiohttp's events closes the client: it would wait
        for itself. Two such functions would wait for each other, so that nobody waits for a task that is in here.
        """
        task = asyncio.current_task(self._loop)
        for attempt in self._attempts:
            if attempt.task is not task:
                _expire(attempt)
        self._ending.add(task)
        self._changed.set()
        try:
            while any(attempt.task not in self._ending for attempt in self._attempts):
                self._changed.clear()
                await self._changed.wait()
        finally:
            self._ending.discard(task)

    def end_own(self) -> None:
        """End the attempt of the current task, if it makes one, as soon as it waits for anything."""
        attempt = self.innermost()
        while attempt is not None:
            _expire(attempt)
            attempt = attempt.outer

    def _watch(self, attempt: Attempt) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = attempt.due
        self._timer = self._loop.call_at(attempt.due, self._look)

    def _look(self) -> None:
        self._timer = None
        self._timer_at = math.inf
        now = self._loop.time()
        running = [attempt for attempt in self._attempts if not attempt.scope.expired()]
        for attempt in running:
            if attempt.due <= now:
                _expire(attempt)
        if waiting := [attempt for attempt in running if attempt.due > now]:
            self._watch(min(waiting, key=lambda attempt: attempt.due))


def _expire(attempt: Attempt) -> None:
    # Not while it is expiring: asyncio allows no second time.
    if not attempt.scope.expired():
        attempt.scope.reschedule(-math.inf)
