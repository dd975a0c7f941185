"""Fetches many ids; each distinct id gets exactly one outcome."""

import contextlib
import sys
import warnings
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator, Sized
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast, get_args

from ultravox_async._bulk.ids import Distinct, Ids, Iterated, check_ids, next_batch
from ultravox_async._bulk.outcome import BulkResult, Outcome
from ultravox_async._bulk.race import Race
from ultravox_async._bulk.source import KeyCheck, Source
from ultravox_async._bulk.workers import WorkerPool
from ultravox_async._http.transport import Transport
from ultravox_async._wire.validation import check_count
from ultravox_async.errors import InvalidRequestError, UltravoxError

T = TypeVar("T")

Via: TypeAlias = Literal["auto", "get", "list"]
"""How a sweep fetches: one by one, from the listing, or whichever of the two is quicker."""

# Up to so many ids are fetched one by one: a listing cannot be much quicker.
_WORTH_A_LISTING = 100


class Sweep(Generic[T]):
    """Many ids, fetched concurrently.

    ``async for`` yields one `Outcome` for each distinct id, in the order in which they finish, and keeps none of them.
    ``await`` returns all of them as a `BulkResult`. `collect` does the same as a coroutine, for a separate task:
    ``asyncio.create_task(sweep.collect())``. Each iteration reads the ids again. A sweep that is never iterated or
    awaited emits a `RuntimeWarning`, as a coroutine does.

    A loop that is left early leaves no task behind once its iterator is closed. Python closes it when nothing refers
    to it any more; use `contextlib.aclosing` to close it at a certain place.

    If the client is closed meanwhile, `ClientClosedError` is raised, with `AsyncUltravox.close`'s ``drain`` too. With
    ``async for``, the outcomes until then have been yielded; ``await`` and `collect` lose them. Use ``async for`` in a
    service that closes its client while sweeps run.
    """

    # Before Python 3.12, tracemalloc does not find out where an instance without slots was created.
    __slots__ = ("__weakref__", "_concurrency", "_ids", "_source", "_started", "_transport", "_via")

    def __init__(self, transport: Transport, ids: Ids, source: Source[T], concurrency: int, via: Via) -> None:
        # True until the arguments are checked, so that `__del__` does not warn about a sweep that was refused.
        self._started = True
        self._transport = transport
        self._ids = ids
        self._source = source
        self._concurrency = concurrency
        self._via = via
        check_ids(ids)
        check_count("concurrency", concurrency)
        if via not in get_args(Via):
            raise InvalidRequestError("via", f"takes one of {', '.join(get_args(Via))}")
        self._started = False

    def __repr__(self) -> str:
        return f'<{self._description()}: iterate with "async for", or await it (in a task: .collect())>'

    # The function is bound as a default, because the globals of this module may be gone when the interpreter exits.
    def __del__(self, is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if not self._started and not is_finalizing():
            msg = f"{self._description()} was never awaited or iterated"
            # With `source`, the warning shows where the sweep was created if tracemalloc is running.
            warnings.warn(msg, RuntimeWarning, stacklevel=2, source=self)

    def _description(self) -> str:
        return f"Sweep of {self._source.value_type.__name__}, GET {self._source.path}, via={self._via!r}"

    def __aiter__(self) -> AsyncGenerator[Outcome[T], None]:
        """Iterate over the outcomes.

        Raises:
            ClientClosedError: The client was closed, before the iteration or during it.
            UltravoxError: The client was used in another event loop.
            Exception: The exception of the iterable of ids; the outcomes of the ids before it come first.
        """
        self._started = True
        return self._outcomes()

    async def _outcomes(self) -> AsyncGenerator[Outcome[T], None]:
        ids = Distinct(self._ids)
        key_check = KeyCheck()
        # Without a length, it is unknown how many ids there will be, and how long each takes to arrive: collecting a
        # batch could delay the first outcome forever.
        in_batches = self._via == "list" or (self._via == "auto" and isinstance(self._ids, Sized))
        outcomes = self._by_batches(ids, key_check) if in_batches else self._by_getting(ids, key_check)
        # An inner generator is not closed together with the one that iterates over it, but only when it is garbage-
        # collected. Its tasks would live on until then.
        async with contextlib.aclosing(outcomes):
            async for outcome in outcomes:
                yield outcome

    async def _by_getting(self, ids: AsyncIterator[str], key_check: KeyCheck) -> AsyncGenerator[Outcome[T], None]:
        self._transport.check_open()
        pool = WorkerPool(self._transport, ids, self._source, self._concurrency, key_check)
        try:
            while (outcome := await pool.next()) is not None:
                yield outcome
        finally:
            await pool.dismiss()

    async def _by_batches(self, ids: AsyncIterator[str], key_check: KeyCheck) -> AsyncGenerator[Outcome[T], None]:
        failure = None
        while failure is None:
            wanted, failure = await next_batch(ids)
            if not wanted:
                break
            for outcomes in self._ways(wanted, key_check):
                async with contextlib.aclosing(outcomes):
                    async for outcome in outcomes:
                        yield outcome
        if failure is not None:
            raise failure

    def _ways(self, wanted: dict[str, None], key_check: KeyCheck) -> Iterator[AsyncGenerator[Outcome[T], None]]:
        """Yield the ways to fetch a batch, one after the other; each removes from `wanted` what it has fetched."""
        if not key_check.refused:
            if self._via == "list":
                yield self._listed(wanted, key_check)
            elif len(wanted) > _WORTH_A_LISTING:
                yield Race(self._transport, self._source, wanted, self._concurrency, key_check).outcomes()
        # An id that was on no page may exist all the same: it may have been created while the pages were read.
        if wanted:
            yield self._by_getting(Iterated(iter(wanted)), key_check)

    async def _listed(self, wanted: dict[str, None], key_check: KeyCheck) -> AsyncGenerator[Outcome[T], None]:
        """Yield the values of the listing that are in `wanted`, and remove them from it."""
        try:
            async with contextlib.aclosing(self._source.listing.pages()) as pages:
                async for page in pages:
                    for value in page.results:
                        key = self._source.key_of(value)
                        if key in wanted:
                            del wanted[key]
                            self._transport.telemetry.note_listed()
                            yield Outcome(key, value)
                    if not wanted:
                        return
        except UltravoxError as error:
            # If the listing fails, no id is lost: the remaining ones are fetched one by one.
            key_check.record(error)

    def __await__(self) -> Generator[Any, None, BulkResult[T]]:
        return self.collect().__await__()

    async def collect(self) -> BulkResult[T]:
        """Return all outcomes together; the same as ``await sweep``, as a coroutine.

        Raises:
            ClientClosedError: The client was closed, before the sweep or during it. What was fetched until then is
                lost; ``async for`` would have yielded it.
            UltravoxError: The client was used in another event loop.
            Exception: The exception of the iterable of ids.
        """
        result = BulkResult[T]()
        async for outcome in self:
            if outcome.error is not None:
                result.failed[outcome.key] = outcome.error
            else:
                result.found[outcome.key] = cast("T", outcome.value)
        return result
