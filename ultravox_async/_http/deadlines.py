"""Ends attempts that take too long, with one timer for all of them.

A timer for each attempt, set and cancelled again, would be a tenth of the cost of a short request. Here an attempt is
an entry in a set, and one timer fires at the earliest deadline. Deadlines that have moved since then are not searched
for: the timer finds no overdue attempt, and is set to the deadline that is the earliest by then.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Protocol


class Connection(Protocol):
    """A connection of the pool."""

    uses: int
    """How many attempts have used it."""

    def drop(self) -> None:
        """Close it at once, without sending the rest of its write buffer."""


class Attempt:
    """One attempt: its deadlines, its connection, and what the layers above need to know about how it went.

    Args:
        task: The task that makes it.
        outer: The attempt that the task was already making, if a callback of a TraceConfig uses the client.
        scope: The timeout scope that is expired when the time is up.
        ends_at: When the logical request has to be over, on the clock of the loop.
        read_timeout: The maximum number of seconds without data from the server.
    """

    __slots__ = (
        "_connection",
        "_use",
        "connection_reused",
        "connection_seconds",
        "due",
        "ends_at",
        "fresh",
        "keeps_permit",
        "never_connected",
        "note_piece",
        "operation",
        "outer",
        "permanent",
        "read_timeout",
        "repeatable",
        "scope",
        "sent",
        "task",
    )

    # Called with the size of each piece of a body that the caller reads. The transport sets it before it sends.
    note_piece: Callable[[int], None]

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
        # Whether sending began. Decides between `RequestScheduler.release` and `cancel`.
        self.sent = False
        # Whether it is certain that there was no connection, even where nothing reports the moment of sending.
        self.never_connected = False
        # Whether the method is idempotent, so that a connection that the server may be closing is good enough.
        self.repeatable = True
        # Whether another attempt would fail in the same way, as after a certificate that does not verify.
        self.permanent = False
        # Whether pooled connections are suspect, and a new one has to be made.
        self.fresh = False
        # How long it waited for a connection, and whether that was used before; None if it is not known.
        self.connection_seconds = 0.0
        self.connection_reused: bool | None = None
        # Whether the body of the response is still to be read, and the permit is given back when that is over.
        self.keeps_permit = False
        self.operation = ""
        self._connection: Connection | None = None
        self._use = 0

    @property
    def total_exceeded(self) -> bool:
        """Whether the deadline is that of the logical request, `Timeout.total`, and not the read timeout."""
        return self.due >= self.ends_at

    def use(self, connection: Connection) -> None:
        """Note that its request is sent now, and on which connection."""
        self.sent = True
        self._connection = connection
        self._use = connection.uses
        self.connection_reused = connection.uses > 1

    def drop_connection(self) -> None:
        """Close its connection, unless it went back to the pool and another attempt uses it now."""
        # A response that was read to its end gives the connection back while the attempt still runs.
        if self._connection is not None and self._connection.uses == self._use:
            self._connection.drop()

    def drop_connection_even_if_reused(self) -> None:
        """Close its connection, even if another attempt uses it now."""
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
        # The innermost attempt of each task. aiohttp calls the connector in the task that makes the attempt, and passes
        # nothing through that would lead to the attempt.
        self._current: dict[asyncio.Task[object] | None, Attempt] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._ending: set[asyncio.Task[object] | None] = set()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._attempts)

    def start(self, scope: asyncio.Timeout, seconds: float, read_timeout: float) -> Attempt:
        """Begin an attempt of the current task, which has to enter `scope` before it is suspended.

        Args:
            scope: The timeout scope that is expired when the time is up.
            seconds: The time that is left for the logical request.
            read_timeout: The maximum number of seconds without data, from the moment of sending.
        """
        task = asyncio.current_task(self._loop)
        outer = self._current.get(task)
        attempt = self._current[task] = Attempt(task, outer, scope, self._loop.time() + seconds, read_timeout)
        self._attempts.add(attempt)
        if attempt.due < self._timer_at:
            self._watch(attempt)
        return attempt

    def current(self) -> Attempt:
        """Return the attempt that the current task is making; there must be one."""
        return self._current[asyncio.current_task(self._loop)]

    def innermost(self) -> Attempt | None:
        """Return the attempt that the current task is making; None if there is none."""
        return self._current.get(asyncio.current_task(self._loop))

    def reset_read_timeout(self, attempt: Attempt) -> None:
        """Begin the read timeout of an attempt again, because data has arrived or the request is sent."""
        attempt.due = min(attempt.ends_at, self._loop.time() + attempt.read_timeout)
        # Usually the deadline moves to a later time, and there is nothing to do: the timer fires too early, and is set
        # again then. That is much rarer than data.
        if attempt.due < self._timer_at:
            self._watch(attempt)

    def stop(self, attempt: Attempt) -> None:
        """Forget an attempt. The task must not be suspended between the end of the scope and this call."""
        self._attempts.discard(attempt)
        if attempt.outer is None:
            del self._current[attempt.task]
        else:
            self._current[attempt.task] = attempt.outer
        self._changed.set()

    async def end_others(self) -> None:
        """End all attempts now, and wait until they are over, except for those of the current task.

        If a callback of a TraceConfig closes the client, the current task is making an attempt, and would wait for
        itself. Two such callbacks would wait for each other, so that tasks that are in this method are not waited for.
        """
        task = asyncio.current_task(self._loop)
        for attempt in self._attempts:
            if attempt.task is not task:
                _expire(attempt)
        await self.wait_for_others()

    async def wait_for_others(self) -> None:
        """Wait until all attempts are over, except for those of the current task, and of tasks that are in here too."""
        task = asyncio.current_task(self._loop)
        self._ending.add(task)
        # Another task that is in this method may wait for this one, and has to look again.
        self._changed.set()
        try:
            # Between looking at the attempts and clearing the event nothing is awaited, so no change is missed.
            while any(attempt.task not in self._ending for attempt in self._attempts):
                self._changed.clear()
                await self._changed.wait()
        finally:
            self._ending.discard(task)

    def end_own(self) -> None:
        """End the attempts of the current task, if any: the next await in them raises."""
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
    # Once a scope is expiring, asyncio raises RuntimeError if it is rescheduled. The same is true of one that was not
    # entered yet, or was left; `start` and `stop` see to it that no other task finds an attempt in such a state.
    if not attempt.scope.expired():
        attempt.scope.reschedule(-math.inf)
