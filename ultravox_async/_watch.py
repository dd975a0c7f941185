"""Watches objects of the account, and says what changes from one look at them to the next."""

import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final, Generic, TypeAlias, TypeVar, cast

import attrs

from ultravox_async._bulk.ids import Distinct, Ids, check_ids
from ultravox_async._bulk.source import Source
from ultravox_async._bulk.sweep import Sweep
from ultravox_async._http.transport import Transport
from ultravox_async._pagination import Page
from ultravox_async._wait import may_pass
from ultravox_async._wire.validation import check_seconds
from ultravox_async.errors import NotFoundError, UltravoxError

T = TypeVar("T")

_CONCURRENCY: Final = 50


@attrs.frozen
class Added(Generic[T]):
    """An object was seen for the first time. In its first round, a watch reports every object that it finds."""

    key: str
    """The id."""

    value: T
    """The object."""


@attrs.frozen
class Changed(Generic[T]):
    """An object is not what it was in the round before."""

    key: str
    """The id."""

    old: T
    """The object as it was."""

    value: T
    """The object as it is now."""


@attrs.frozen
class Removed(Generic[T]):
    """An object does not exist: the API answered a request for it with 404."""

    key: str
    """The id."""

    old: T | None
    """The object as it was; None if it was never seen."""


@attrs.frozen
class Interrupted:
    """A round could not be completed: until `Resumed` comes, changes may be missing. They are reported later."""

    error: UltravoxError
    """The first failure of the round."""


@attrs.frozen
class Resumed:
    """A round was completed again: all changes until now were reported."""

    failed_rounds: int
    """How many rounds before it could not be completed."""


Change: TypeAlias = Added[T] | Changed[T] | Removed[T] | Interrupted | Resumed
"""What a watch reports."""


def watch(transport: Transport, source: Source[T], ids: Ids | None, interval: float) -> AsyncGenerator[Change[T], None]:
    """Return an iterator over the changes of objects.

    Args:
        transport: Sends the requests.
        source: Where the objects come from.
        ids: The ids of the objects; None for all objects in the listing.
        interval: The seconds between two rounds.

    Raises:
        InvalidRequestError: `ids` is one string or not iterable, or `interval` is not a number above 0.
    """
    if ids is not None:
        check_ids(ids)
    check_seconds("interval", interval)
    return _Watch(transport, source, ids).changes(interval)


class _Watch(Generic[T]):
    """Looks at objects in rounds, one after the other."""

    def __init__(self, transport: Transport, source: Source[T], ids: Ids | None) -> None:
        self._transport = transport
        self._source = source
        self._ids = ids
        # What is watched, as it was last seen; None for what was not seen yet.
        self._known: dict[str, T | None] = {}
        # How many pages the listing had when it was last read.
        self._pages = 1.0
        self._failure: UltravoxError | None = None

    async def changes(self, interval: float) -> AsyncGenerator[Change[T], None]:
        """Iterate over the changes, until nothing is left to watch.

        Raises:
            UltravoxError: A request failed in a way that does not pass, or the client was closed.
            Exception: Whatever the iterable of ids raised.
        """
        if self._ids is not None:
            self._known = {key: None async for key in Distinct(self._ids)}
        pause = 0.0
        failed_rounds = 0
        while self._ids is None or self._known:
            await self._transport.pause(pause)
            pause = interval
            self._failure = None
            async with aclosing(self._round()) as changes:
                async for change in changes:
                    yield change
            if self._failure is not None:
                failed_rounds += 1
                if failed_rounds == 1:
                    yield Interrupted(self._failure)
            elif failed_rounds:
                yield Resumed(failed_rounds)
                failed_rounds = 0

    async def _round(self) -> AsyncGenerator[Change[T], None]:
        """Look at all objects once: those that the listing does not show are fetched one by one."""
        unseen = dict.fromkeys(self._known)
        if self._ids is None or self._pages < len(unseen):
            async with aclosing(self._listed(unseen)) as changes:
                async for change in changes:
                    yield change
        if self._ids is not None or self._failure is None:
            async with aclosing(self._fetched(unseen)) as changes:
                async for change in changes:
                    yield change

    async def _listed(self, unseen: dict[str, None]) -> AsyncGenerator[Change[T], None]:
        """Read the listing, and take what it shows out of `unseen`.

        If the objects are named by their ids, this ends where a GET for each of those left takes fewer requests, or
        where the listing fails.
        """
        pages = shown = 0
        try:
            async with aclosing(self._source.listing.pages()) as listing:
                async for page in listing:
                    pages += 1
                    shown += len(page.results)
                    for value in page.results:
                        key = self._source.key_of(value)
                        unseen.pop(key, None)
                        for change in self._differences(key, value):
                            yield change
                    pages_left = _pages_left(page, pages, shown)
                    self._pages = pages + pages_left
                    if self._ids is not None and pages_left >= len(unseen):
                        return
        except UltravoxError as error:
            if self._ids is None or not may_pass(error):
                self._note_failure(error)

    async def _fetched(self, unseen: dict[str, None]) -> AsyncGenerator[Change[T], None]:
        # The listing may have missed an object that was created or moved while it was read, so a 404 has to confirm
        # each removal.
        sweep = Sweep(self._transport, list(unseen), self._source, _CONCURRENCY, "get")
        async with aclosing(aiter(sweep)) as outcomes:
            async for outcome in outcomes:
                if isinstance(outcome.error, NotFoundError):
                    yield Removed(outcome.key, self._known.pop(outcome.key))
                elif outcome.error is not None:
                    self._note_failure(outcome.error)
                else:
                    for change in self._differences(outcome.key, cast("T", outcome.value)):
                        yield change

    def _differences(self, key: str, value: T) -> list[Change[T]]:
        if self._ids is not None and key not in self._known:
            return []  # the listing shows objects that are not watched too
        old = self._known.get(key)
        self._known[key] = value
        if old is None:
            return [Added(key, value)]
        return [] if old == value else [Changed(key, old, value)]

    def _note_failure(self, error: UltravoxError) -> None:
        if not may_pass(error):
            raise error
        self._failure = self._failure or error


def _pages_left(page: Page[T], pages: int, shown: int) -> float:
    if page.next is None:
        return 0
    if page.total is None or not 0 < shown < page.total:
        return math.inf
    return math.ceil((page.total - shown) * pages / shown)
