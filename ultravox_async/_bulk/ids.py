"""The ids of a sweep: read one by one, without repetitions, or a batch at a time."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import TypeAlias

from ultravox_async.errors import InvalidRequestError

Ids: TypeAlias = Iterable[str] | AsyncIterable[str]
"""The ids that a sweep takes."""

# How many ids one pass over the listing looks for, at most; they are held in memory meanwhile.
_BATCH = 50_000
# How many ids are read from an iterable before others have a turn.
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
    """A synchronous iterator, read as an asynchronous one."""

    def __init__(self, iterator: Iterator[str]) -> None:
        self._iterator = iterator

    async def __anext__(self) -> str:
        for key in self._iterator:
            return key
        raise StopAsyncIteration


class Distinct(AsyncIterator[str]):
    """The ids of a sweep without repetitions, read one by one."""

    def __init__(self, ids: Ids) -> None:
        self._ids = aiter(ids) if isinstance(ids, AsyncIterable) else Iterated(iter(ids))
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


async def next_batch(ids: AsyncIterator[str]) -> tuple[dict[str, None], Exception | None]:
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
