"""Lets identical reads that are in flight at the same time share one request."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SharedCancelledError(Exception):
    """The shared work was cancelled, although none of its callers was."""


class _Flight(Generic[T]):
    """Work in progress, and the number of callers that wait for it."""

    def __init__(self, task: asyncio.Task[T]) -> None:
        self.task = task
        self.waiting = 0


class Coalescer(Generic[T]):
    """Shares work in progress among the callers that request the same.

    The work runs in its own task. If the first caller ran it, cancelling that caller would cancel the others.

    Args:
        spawn: Runs work in a task.
    """

    def __init__(self, spawn: Callable[[Coroutine[Any, Any, T]], asyncio.Task[T]]) -> None:
        self._spawn = spawn
        self._flights: dict[Hashable, _Flight[T]] = {}

    def has(self, key: Hashable) -> bool:
        """Return whether there is work in progress with this key."""
        flight = self._flights.get(key)
        # A task that is done stays here until its callers have run. Its result is older than this call.
        return flight is not None and not flight.task.done()

    async def share(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return the result of the work with this key: of work in progress, or else of `work`.

        Cancelling one caller does not affect the others; cancelling the last one cancels the work.

        Raises:
            SharedCancelledError: The work was cancelled from outside.
        """
        if not self.has(key):
            self._flights[key] = _Flight(self._spawn(work()))
        flight = self._flights[key]
        flight.waiting += 1
        try:
            # Not `await flight.task`: a caller that is cancelled there would cancel the task with it.
            await asyncio.wait((flight.task,))
        finally:
            flight.waiting -= 1
            if flight.waiting == 0:
                # Before the await below, during which another caller could join a task that is being cancelled. The
                # entry may belong to a newer flight, if `forget` was called meanwhile.
                if self._flights.get(key) is flight:
                    del self._flights[key]
                # Does nothing to a task that is done. One that is not has to be over when the cancelled caller ends.
                flight.task.cancel()
                await asyncio.wait((flight.task,))
        # The task was cancelled, and not this caller: `CancelledError` would say the contrary.
        if flight.task.cancelled():
            raise SharedCancelledError
        return flight.task.result()

    def forget(self) -> None:
        """Let no further caller join the work in progress; those that wait for it continue to wait."""
        self._flights.clear()
