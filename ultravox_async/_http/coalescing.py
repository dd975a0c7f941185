"""Identical reads that are in flight at the same time share one request."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SharedCancelledError(Exception):
    """The shared work was cancelled, though nobody who waits for it was."""


class _Flight(Generic[T]):
    """Work that is under way, and how many wait for it."""

    def __init__(self, task: asyncio.Task[T]) -> None:
        self.task = task
        self.waiting = 0


class Coalescer(Generic[T]):
    """Shares work among those that ask for the same while it is under way.

    Args:
        spawn: Starts the task of a piece of work.
    """

    def __init__(self, spawn: Callable[[Coroutine[Any, Any, T]], asyncio.Task[T]]) -> None:
        self._spawn = spawn
        self._flights: dict[Hashable, _Flight[T]] = {}

    async def share(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what the work of this key gives: work that is under way, or else `work`.

        Cancelling one who waits leaves the others alone; cancelling the last one cancels the work.

        Raises:
            SharedCancelledError: The work was cancelled from outside.
        """
        flight = self._flights.get(key)
        if flight is None or flight.task.done():
            flight = self._flights[key] = _Flight(self._spawn(work()))
        flight.waiting += 1
        try:
            await asyncio.wait((flight.task,))
        finally:
            flight.waiting -= 1
            if flight.waiting == 0:
                if self._flights.get(key) is flight:
                    del self._flights[key]
                flight.task.cancel()
                await asyncio.wait((flight.task,))
        if flight.task.cancelled():
            raise SharedCancelledError
        return flight.task.result()

    def forget(self) -> None:
        """Let nobody join what is under way; those who wait for it keep waiting."""
        self._flights.clear()
