"""The worker pool that fetches ids one by one."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

from ultravox_async._bulk.outcome import Outcome
from ultravox_async._bulk.source import KeyCheck, Source, refused_outcome
from ultravox_async._http.transport import Transport
from ultravox_async.errors import UltravoxError

T = TypeVar("T")


class WorkerPool(Generic[T]):
    """The tasks that fetch ids one by one. They share one iterator of ids, and each takes one id at a time.

    Args:
        transport: Runs the tasks.
        ids: What is to be fetched; it is read only as fast as ids are fetched.
        source: Fetches a value.
        concurrency: The most tasks at once.
        key_check: Says when there is no point in asking for more.
    """

    def __init__(
        self, transport: Transport, ids: AsyncIterator[str], source: Source[T], concurrency: int, key_check: KeyCheck
    ) -> None:
        self._transport = transport
        self._ids = ids
        self._source = source
        self._concurrency = concurrency
        self._key_check = key_check
        self._reading = asyncio.Lock()
        # Taken with an id and given back with its outcome: who reads outcomes slowly is not buried in them.
        self._slots = asyncio.Semaphore(2 * concurrency)
        self._outcomes: deque[Outcome[T]] = deque()
        self._changed = asyncio.Event()
        self._workers: set[asyncio.Task[None]] = set()
        self._working = 0
        self._exhausted = False
        # The workers that wait for an answer.
        self._fetching: set[asyncio.Task[None]] = set()
        # Ids that were taken and have no outcome yet.
        self._unfinished = 0
        self._failure: BaseException | None = None
        self._add_worker()

    async def next(self) -> Outcome[T] | None:
        """Return the next outcome, or None behind the last one.

        Raises:
            ClientClosedError: The client was closed meanwhile.
            Exception: Whatever the iterable of ids raised; the outcomes of the ids before that come first.
        """
        while not self._outcomes and self._working:
            self._changed.clear()
            await self._changed.wait()
        if self._outcomes:
            self._slots.release()
            return self._outcomes.popleft()
        if self._failure is not None:
            raise self._failure
        if self._unfinished or not self._exhausted:
            self._transport.check_open()
            msg = "the tasks of this sweep were cancelled before its last id was done"
            raise UltravoxError(msg)
        return None

    async def dismiss(self) -> None:
        """Cancel the tasks, and wait until they have ended."""
        for worker in self._workers:
            worker.cancel()
        if self._workers:
            await asyncio.wait(self._workers)

    def _add_worker(self) -> None:
        worker = self._transport.spawn(self._work())
        self._working += 1
        self._workers.add(worker)
        worker.add_done_callback(self._retire)

    def _retire(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        self._working -= 1
        self._changed.set()

    async def _work(self) -> None:
        worker = asyncio.current_task()
        assert worker is not None  # noqa: S101 - for type checkers: this is always a task
        try:
            while not self._exhausted:
                await self._fetch_next(worker)
        except StopAsyncIteration:
            self._exhausted = True
        except BaseException as error:
            # Where nobody cancelled this task, it is the iterable that raised CancelledError, as an async generator
            # does which awaits a task that somebody else has cancelled.
            if isinstance(error, asyncio.CancelledError) and worker.cancelling() > 0:
                raise
            self._failure = error
            self._exhausted = True

    async def _fetch_next(self, worker: asyncio.Task[None]) -> None:
        await self._slots.acquire()
        async with self._reading:
            if self._exhausted:
                return
            key = await anext(self._ids)
        if len(self._workers) < self._concurrency:
            self._add_worker()
        self._unfinished += 1
        self._outcomes.append(await self._outcome(key, worker))
        self._unfinished -= 1
        self._changed.set()

    async def _outcome(self, key: str, worker: asyncio.Task[None]) -> Outcome[T]:
        if self._key_check.refused:
            return self._refused(key)
        self._fetching.add(worker)
        try:
            outcome = await self._source.outcome_of(key)
        except asyncio.CancelledError:
            # One cancellation is that of `_stop_fetching`. Any other is not meant for this id, and ends the worker.
            if not self._key_check.refused or worker.uncancel() > 0:
                raise
            return self._refused(key)
        finally:
            self._fetching.discard(worker)
        self._key_check.record(outcome.error)
        if self._key_check.refused:
            self._stop_fetching()
        return outcome

    def _stop_fetching(self) -> None:
        # Most of them wait for their turn in the rate, and would all be sent for a 401 each.
        for worker in self._fetching:
            worker.cancel()

    def _refused(self, key: str) -> Outcome[T]:
        return refused_outcome(self._source, self._transport.prefix, key)
