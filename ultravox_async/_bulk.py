"""Many ids in, exactly one outcome per distinct id out."""

import asyncio
import contextlib
import math
import sys
import warnings
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Sized,
)
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast, get_args

import attrs

from ultravox_async._http.transport import Transport
from ultravox_async._pagination import Page, Pager
from ultravox_async._wire.validation import check_count
from ultravox_async.errors import ClientClosedError, InvalidRequestError, UltravoxError

T = TypeVar("T")

Via: TypeAlias = Literal["auto", "get", "list"]
"""How a sweep fetches: one by one, from the listing, or whichever of the two is quicker."""

Ids: TypeAlias = Iterable[str] | AsyncIterable[str]
"""The ids that a sweep takes."""

Fetch: TypeAlias = Callable[[str], Awaitable[T]]

# Up to so many ids are fetched one by one without a look at what a listing would cost.
_WORTH_A_LOOK = 100
# How many ids one pass over the listing looks for, at most; they are held in memory meanwhile.
_BATCH = 50_000
# How many ids are read from an iterable before others have a turn.
_YIELD_EVERY_IDS = 500


@attrs.define
class Outcome(Generic[T]):
    """What became of one id: a value or an error."""

    key: str
    """The id."""

    value: T | None = None
    """What was found; None where there was an error."""

    error: UltravoxError | None = None
    """Why nothing was found; None where there is a value."""

    def unwrap(self) -> T:
        """Return the value.

        Raises:
            UltravoxError: The `error`, where there is one.
        """
        if self.error is not None:
            # An error that is raised again would keep the frames of the time before, and show both in a row.
            raise self.error.with_traceback(None)
        return cast("T", self.value)


@attrs.define
class BulkResult(Generic[T]):
    """What became of all ids of a sweep."""

    found: dict[str, T] = attrs.field(factory=dict[str, T])
    """The values by id, in the order in which they came."""

    failed: dict[str, UltravoxError] = attrs.field(factory=dict[str, UltravoxError])
    """The errors by id, in the order in which they came."""

    def raise_for_failures(self) -> None:
        """Raise if any id failed.

        Raises:
            ExceptionGroup: It holds the error of each id that failed.
        """
        if self.failed:
            msg = f"{len(self.failed)} of {len(self.failed) + len(self.found)} ids failed"
            raise ExceptionGroup(msg, list(self.failed.values()))


class _Iterated(AsyncIterator[str]):
    """A synchronous iterator, read as an asynchronous one."""

    def __init__(self, iterator: Iterator[str]) -> None:
        self._iterator = iterator

    async def __anext__(self) -> str:
        for key in self._iterator:
            return key
        raise StopAsyncIteration


class _Distinct(AsyncIterator[str]):
    """The ids of a sweep without repetitions, read one by one."""

    def __init__(self, ids: Ids) -> None:
        self._ids = aiter(ids) if isinstance(ids, AsyncIterable) else _Iterated(iter(ids))
        # Whole ids, at about 125 bytes for a UUID: short hashes take less, and can lose an id.
        self._seen: set[str] = set()

    async def __anext__(self) -> str:
        while True:
            key = await anext(self._ids)
            # What is no string, whatever the types say, is refused where its path is made.
            if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                return key
            if key not in self._seen:
                self._seen.add(key)
                return key


class _WorkerPool(Generic[T]):
    """The tasks that fetch ids one by one. They share one iterator of ids, and each takes one id at a time."""

    def __init__(self, transport: Transport, ids: AsyncIterator[str], fetch: Fetch[T], concurrency: int) -> None:
        self._transport = transport
        self._ids = ids
        self._fetch = fetch
        self._concurrency = concurrency
        self._reading = asyncio.Lock()
        # Taken with an id and given back with its outcome: who reads outcomes slowly is not buried in them.
        self._slots = asyncio.Semaphore(2 * concurrency)
        self._outcomes: deque[Outcome[T]] = deque()
        self._changed = asyncio.Event()
        self._workers: set[asyncio.Task[None]] = set()
        self._working = 0
        self._exhausted = False
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
        try:
            while not self._exhausted:
                await self._fetch_next()
        except StopAsyncIteration:
            self._exhausted = True
        except BaseException as error:
            # Where nobody cancelled this task, it is the iterable that raised CancelledError, as an async generator
            # does which awaits a task that somebody else has cancelled.
            if isinstance(error, asyncio.CancelledError) and _is_being_cancelled():
                raise
            self._failure = error
            self._exhausted = True

    async def _fetch_next(self) -> None:
        await self._slots.acquire()
        async with self._reading:
            if self._exhausted:
                return
            key = await anext(self._ids)
        if len(self._workers) < self._concurrency:
            self._add_worker()
        self._unfinished += 1
        self._outcomes.append(await self._outcome(key))
        self._unfinished -= 1
        self._changed.set()

    async def _outcome(self, key: str) -> Outcome[T]:
        try:
            return Outcome(key, await self._fetch(key))
        except ClientClosedError:
            # That says nothing about this id, and no other will fare better: the sweep ends.
            raise
        except UltravoxError as error:
            return Outcome(key, error=error)


@attrs.frozen
class Source(Generic[T]):
    """Where the values of a sweep come from."""

    value_type: type[T]
    """What a value is."""

    path: str
    """The path of one value, with the name of its id in braces."""

    fetch: Fetch[T]
    """Fetches one value by its id."""

    listing: Pager[T]
    """Lists all values."""

    key_of: Callable[[T], str]
    """Gives the id of a value."""


class Sweep(Generic[T]):
    """Many ids, fetched concurrently.

    Iterated with ``async for`` it gives one `Outcome` per distinct id, in the order in which they finish, and keeps
    none of them. Awaited it gives a `BulkResult` of them all, and so does `collect`, for a task of its own:
    ``asyncio.create_task(sweep.collect())``. Each iteration reads the ids again. A sweep that nobody started is told
    by a `RuntimeWarning`, as a coroutine is.

    A loop that is left early leaves no task behind once the iterator is closed, which Python does when nothing refers
    to it any more; `contextlib.aclosing` does it at a place that you choose.
    """

    # Before 3.12, tracemalloc cannot tell where an instance without slots was made.
    __slots__ = ("__weakref__", "_concurrency", "_ids", "_source", "_started", "_transport", "_via")

    def __init__(self, transport: Transport, ids: Ids, source: Source[T], concurrency: int, via: Via) -> None:
        # Until the arguments are accepted, so that nothing is said about a sweep that was refused.
        self._started = True
        self._transport = transport
        self._ids = ids
        self._source = source
        self._concurrency = concurrency
        self._via = via
        if isinstance(ids, str):
            raise InvalidRequestError("ids", "takes an iterable of ids, not one id")
        if not isinstance(ids, Iterable | AsyncIterable):  # pyright: ignore[reportUnnecessaryIsInstance] - ids come from untyped places
            raise InvalidRequestError("ids", f"takes an iterable of ids, not {type(ids).__name__}")
        check_count("concurrency", concurrency)
        if via not in get_args(Via):
            raise InvalidRequestError("via", f"takes one of {', '.join(get_args(Via))}")
        self._started = False

    def __repr__(self) -> str:
        return f'<{self._description()}: iterate with "async for", or await it (in a task: .collect())>'

    # Bound here, because the names of this module may be gone when the interpreter ends.
    def __del__(self, is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if not self._started and not is_finalizing():
            msg = f"{self._description()} was never awaited or iterated"
            # With its source the warning shows where the sweep was made, if tracemalloc runs, and costs nothing if not.
            warnings.warn(msg, RuntimeWarning, stacklevel=2, source=self)

    def _description(self) -> str:
        return f"Sweep of {self._source.value_type.__name__}, GET {self._source.path}, via={self._via!r}"

    def __aiter__(self) -> AsyncGenerator[Outcome[T], None]:
        """Iterate over the outcomes.

        Raises:
            ClientClosedError: The client is closed, before or meanwhile.
            UltravoxError: The client belongs to another event loop.
            Exception: Whatever the iterable of ids raised; the outcomes of the ids before that come first.
        """
        self._started = True
        return self._outcomes()

    async def _outcomes(self) -> AsyncGenerator[Outcome[T], None]:
        ids = _Distinct(self._ids)
        # Of ids without a length nobody knows how many there will be, or how long the next one takes to come.
        by_listing = self._via == "list" or (self._via == "auto" and isinstance(self._ids, Sized))
        outcomes = self._by_listing(ids) if by_listing else self._by_getting(ids)
        async with contextlib.aclosing(outcomes):
            async for outcome in outcomes:
                yield outcome

    async def _by_getting(self, ids: AsyncIterator[str]) -> AsyncGenerator[Outcome[T], None]:
        self._transport.check_open()
        crew = _WorkerPool(self._transport, ids, self._source.fetch, self._concurrency)
        try:
            while (outcome := await crew.next()) is not None:
                yield outcome
        finally:
            await crew.dismiss()

    async def _by_listing(self, ids: AsyncIterator[str]) -> AsyncGenerator[Outcome[T], None]:
        failure = None
        while failure is None:
            wanted, failure = await _batch(ids)
            if not wanted:
                break
            if self._via == "list" or len(wanted) > _WORTH_A_LOOK:
                listed = self._listed(wanted)
                async with contextlib.aclosing(listed):
                    async for outcome in listed:
                        yield outcome
            # What no page showed is confirmed: it may have been created, or deleted, while the pages came.
            confirmed = self._by_getting(_Iterated(iter(wanted)))
            async with contextlib.aclosing(confirmed):
                async for outcome in confirmed:
                    yield outcome
        if failure is not None:
            raise failure

    async def _listed(self, wanted: dict[str, None]) -> AsyncGenerator[Outcome[T], None]:
        """Take what the pages show out of `wanted`, for as long as pages are the quicker way."""
        clock = asyncio.get_running_loop().time
        asked_at = clock()
        seen = 0
        # A listing that fails loses nothing: its ids are fetched one by one, and each has an outcome of its own.
        with contextlib.suppress(UltravoxError):
            async with contextlib.aclosing(self._source.listing.pages()) as pages:
                async for page in pages:
                    latency = clock() - asked_at
                    seen += len(page.results)
                    for value in page.results:
                        key = self._source.key_of(value)
                        if key in wanted:
                            del wanted[key]
                            yield Outcome(key, value)
                    if not wanted or not (self._via == "list" or self._pays(page, seen, latency, len(wanted))):
                        return
                    asked_at = clock()

    def _pays(self, page: Page[T], seen: int, latency: float, wanted: int) -> bool:
        # A page behind the last one that `total` allows for says that `total` is not to be relied on.
        if page.total is None or not page.results or seen >= page.total:
            return False
        interval = self._transport.interval
        pages_left = math.ceil((page.total - seen) / len(page.results))
        return pages_left * max(latency, interval) < wanted * max(latency / self._concurrency, interval)

    def __await__(self) -> Generator[Any, None, BulkResult[T]]:
        return self.collect().__await__()

    async def collect(self) -> BulkResult[T]:
        """Return all outcomes together; what ``await sweep`` does, as a coroutine.

        Raises:
            ClientClosedError: The client is closed, before or meanwhile.
            UltravoxError: The client belongs to another event loop.
            Exception: Whatever the iterable of ids raised.
        """
        result = BulkResult[T]()
        async for outcome in self:
            if outcome.error is not None:
                result.failed[outcome.key] = outcome.error
            else:
                result.found[outcome.key] = cast("T", outcome.value)
        return result


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _batch(ids: AsyncIterator[str]) -> tuple[dict[str, None], Exception | None]:
    """Return the next ids, and what the caller's iterable raised instead of more, `StopAsyncIteration` for nothing."""
    batch: dict[str, None] = {}
    try:
        async for key in ids:
            batch[key] = None
            if len(batch) % _YIELD_EVERY_IDS == 0:
                await asyncio.sleep(0)
            if len(batch) == _BATCH:
                break
    except Exception as error:  # noqa: BLE001 - the caller's iterable may raise anything
        return batch, error
    return batch, None
