"""Where the values of a sweep come from, and what is said of ids once the key is refused."""

import re
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import attrs
import orjson

from ultravox_async._bulk.outcome import Outcome
from ultravox_async._pagination import Pager
from ultravox_async._wire.paths import segment
from ultravox_async.errors import (
    AuthenticationError,
    ClientClosedError,
    InvalidRequestError,
    NotFoundError,
    UltravoxError,
)

T = TypeVar("T")

# How many 401s in a row say that the key was revoked. A single one may come from a server that is being replaced.
_REFUSALS = 5
_FIELD = re.compile(r"\{(\w+)\}")


@attrs.frozen
class Source(Generic[T]):
    """Where the values of a sweep come from."""

    value_type: type[T]
    """What a value is."""

    path: str
    """The path of one value, with the name of its id in braces."""

    fetch: Callable[[str], Awaitable[T]]
    """Fetches one value by its id."""

    listing: Pager[T]
    """Lists all values."""

    key_of: Callable[[T], str]
    """Gives the id of a value."""

    async def outcome_of(self, key: str) -> Outcome[T]:
        """Fetch one value.

        Raises:
            ClientClosedError: That says nothing about this id, and no other will fare better: the sweep ends.
        """
        try:
            return Outcome(key, await self.fetch(key))
        except ClientClosedError:
            raise
        except UltravoxError as error:
            return Outcome(key, error=error)

    def path_of(self, key: str) -> str:
        """Return the path of one value.

        Raises:
            InvalidRequestError: `key` cannot be an id.
        """
        return _FIELD.sub(lambda field: segment(key, field[1]), self.path)


class KeyCheck:
    """Notices that the API no longer takes the key: several 401s in a row, and nothing in between that it answered.

    One sweep shares it among its GETs and its listing. Once the key is refused, it stays refused for this sweep.
    """

    def __init__(self) -> None:
        self.refused = False
        self._in_a_row = 0

    def record(self, error: UltravoxError | None) -> None:
        """Note how a request ended: with an error, or None."""
        if isinstance(error, AuthenticationError):
            self._in_a_row += 1
            self.refused = self.refused or self._in_a_row >= _REFUSALS
        elif error is None or isinstance(error, NotFoundError):
            self._in_a_row = 0  # other errors may come from a proxy that does not look at the key


def refused_outcome(source: Source[T], prefix: str, key: str) -> Outcome[T]:
    """Return the outcome of an id that was not asked for to the end, because the key is refused.

    Its error is its own: a traceback grows where an error is raised.

    Args:
        source: Where the value would have come from.
        prefix: The path of the base URL, so that the error shows the path as it would be sent.
        key: The id.
    """
    try:
        path = prefix + source.path_of(key)
    except InvalidRequestError as error:
        return Outcome(key, error=error)
    # Most of these ids were never sent. Those that were in flight were given up without their answer.
    detail = f"given up without an answer: the API answered {_REFUSALS} requests of this sweep in a row with 401"
    return Outcome(key, error=AuthenticationError(401, "GET", path, body=orjson.dumps({"detail": detail})))
