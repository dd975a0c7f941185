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
    """Tasks that fetch ids one by one. They share one iterator of ids, and each takes one id at a time.

    Args:
        transport: Runs the tasks.
        ids: The ids; they are read only as fast as they are fetched.
        source: Fetches a value.
        concurrency: The maximum number of tasks.
        key_check: Detects that the API no longer accepts the key.
    """

    def __init__(
        self, transport: Transport, ids: AsyncIterator[str], source: Source[T], concurrency: int, key_check: KeyCheck
    ) -> None:
        self._transport = transport
        self._ids = ids
        self._source = source
        self._concurrency = concurrency
        self._key_check = key_check
        # An asynchronous generator cannot be advanced by two tasks at the same time: it raises RuntimeError.
        self._reading = asyncio.Lock()
        # Acquired before an id is read, and released when the caller takes its outcome. Otherwise the outcomes would
        # pile up in memory if the caller is slow.
        self._slots = asyncio.Semaphore(2 * concurrency)
        self._outcomes: deque[Outcome[T]] = deque()
        self._changed = asyncio.Event()
        self._workers: set[asyncio.Task[None]] = set()
        self._working = 0
        self._exhausted = False
        # The workers that are fetching an id, and not waiting for a slot or for an id.
        self._fetching: set[asyncio.Task[None]] = set()
        # The number of ids that were read and have no outcome yet.
        self._unfinished = 0
        self._failure: BaseException | None = None
        # One worker to begin with. Each adds another one when it has an id, so that a few ids start few tasks.
        self._add_worker()

    async def next(self) -> Outcome[T] | None:
        """Return the next outcome, or None after the last one.

        Raises:
            ClientClosedError: The client was closed.
            Exception: The exception of the iterable of ids; the outcomes of the ids before it come first.
        """
        # Nothing is awaited between the check and the clear, so that no change is missed.
        while not self._outcomes and self._working:
            self._changed.clear()
            await self._changed.wait()
        if self._outcomes:
            self._slots.release()
            return self._outcomes.popleft()
        if self._failure is not None:
            raise self._failure
        # The workers are gone and have left ids behind: something has cancelled them. A sweep must not look complete
        # when it is not.
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
            # If this task is not being cancelled, the iterable raised the CancelledError, as an asynchronous generator
            # does that awaits a cancelled task. It is passed on to the caller like any exception of the iterable.
            if isinstance(error, asyncio.CancelledError) and worker.cancelling() > 0:
                raise
            self._failure = error
            self._exhausted = True

    async def _fetch_next(self, worker: asyncio.Task[None]) -> None:
        await self._slots.acquire()
        async with self._reading:
            # Another worker may have reached the end while this one waited for the lock.
            if self._exhausted:
                return
            key = await anext(self._ids)
        if len(self._workers) < self._concurrency:
            self._add_worker()
        # Not decremented in a `finally`: if this worker is cancelled, the id stays unfinished, and `next` reports it.
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
            # `_stop_fetching` cancels a worker once, to end its request; uncancel() takes that back, and the worker
            # continues. If a cancellation is left, or came before, the sweep itself is being ended.
            if not self._key_check.refused or worker.uncancel() > 0:
                raise
            return self._refused(key)
        finally:
            # Before `_stop_fetching` below, which would cancel this worker too.
            self._fetching.discard(worker)
        self._transport.telemetry.note_fetched()
        self._key_check.record(outcome.error)
        if self._key_check.refused:
            self._stop_fetching()
        return outcome

    def _stop_fetching(self) -> None:
        # Most of them are waiting for the rate limiter, and each would be sent just to get a 401.
        for worker in self._fetching:
            worker.cancel()

    def _refused(self, key: str) -> Outcome[T]:
        return refused_outcome(self._source, self._transport.prefix, key)
