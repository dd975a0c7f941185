"""The ids of a sweep, without duplicates, one by one or in batches."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import TypeAlias

from ultravox_async.errors import InvalidRequestError

Ids: TypeAlias = Iterable[str] | AsyncIterable[str]
"""The ids that a sweep takes."""

# The maximum number of ids that one pass over the listing looks for; they are kept in memory meanwhile.
_BATCH = 50_000
# How many ids are read from an iterable before other tasks can run.
_YIELD_EVERY_IDS = 500


def check_ids(ids: Ids) -> None:
    """Check the type of an argument that takes ids.

    Raises:
        InvalidRequestError: `ids` is one string, or not iterable.
    """
    if isinstance(ids, str):
        raise InvalidRequestError("ids", "takes an iterable of ids, not one id")
    if not isinstance(ids, Iterable | AsyncIterable):  # pyright: ignore[reportUnnecessaryIsInstance] - ids come from untyped places
        raise InvalidRequestError("ids", f"takes an iterable of ids, not {type(ids).__name__}")


class Iterated(AsyncIterator[str]):
    """An asynchronous iterator over a synchronous one."""

    def __init__(self, iterator: Iterator[str]) -> None:
        self._iterator = iterator

    async def __anext__(self) -> str:
        for key in self._iterator:
            return key
        raise StopAsyncIteration


class Distinct(AsyncIterator[str]):
    """The ids of a sweep without duplicates, read one by one."""

    def __init__(self, ids: Ids) -> None:
        self._ids = aiter(ids) if isinstance(ids, AsyncIterable) else Iterated(iter(ids))
        # Whole ids, at about 125 bytes for a UUID. Short hashes would take less, but two ids with the same hash would
        # get one outcome.
        self._seen: set[str] = set()

    async def __anext__(self) -> str:
        while True:
            key = await anext(self._ids)
            # Anything but a string, whatever the types say, may not be hashable. It is refused when its path is made.
            if not isinstance(key, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                return key
            if key not in self._seen:
                self._seen.add(key)
                return key


async def next_batch(ids: AsyncIterator[str]) -> tuple[dict[str, None], Exception | None]:
    """Return the next ids, and the exception that the caller's iterable raised after them, if any.

    It is returned and not raised, because the ids before it have outcomes too.
    """
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
