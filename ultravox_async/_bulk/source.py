"""Where the values of a sweep come from, and the outcomes of ids once the key is refused."""

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

# After so many 401s in a row, the key is taken to be revoked. A single one may come from a server that is just being
# replaced. All further requests would get a 401 too.
_REFUSALS = 5
_FIELD = re.compile(r"\{(\w+)\}")


@attrs.frozen
class Source(Generic[T]):
    """Where the values of a sweep come from."""

    value_type: type[T]
    """The type of a value."""

    path: str
    """The path of one value, with the name of its id in braces."""

    fetch: Callable[[str], Awaitable[T]]
    """Fetches one value by its id."""

    listing: Pager[T]
    """Lists all values."""

    key_of: Callable[[T], str]
    """Returns the id of a value."""

    async def outcome_of(self, key: str) -> Outcome[T]:
        """Fetch one value.

        Raises:
            ClientClosedError: This is not the outcome of one id, because it is the same for all further ids: the sweep
                ends with it.
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
            InvalidRequestError: `key` is not a valid id.
        """
        return _FIELD.sub(lambda field: segment(key, field[1]), self.path)


class KeyCheck:
    """Detects that the API no longer accepts the key: several 401s in a row, without a 2xx or a 404 in between.

    The GETs and the listing of a sweep share one of these. Once the key is refused, it stays refused for this sweep.
    """

    def __init__(self) -> None:
        self.refused = False
        self._in_a_row = 0

    def record(self, error: UltravoxError | None) -> None:
        """Note the error of a request, or None for a success."""
        if isinstance(error, AuthenticationError):
            self._in_a_row += 1
            self.refused = self.refused or self._in_a_row >= _REFUSALS
        elif error is None or isinstance(error, NotFoundError):
            # Only these show that the key was accepted. Other errors may come from a proxy that does not check it.
            self._in_a_row = 0


def refused_outcome(source: Source[T], prefix: str, key: str) -> Outcome[T]:
    """Return the outcome of an id that was not fetched, because the key is refused.

    Each outcome has a separate error, because raising an error extends its traceback.

    Args:
        source: Where the value would have come from.
        prefix: The path of the base URL, so that the error shows the path as it would be sent.
        key: The id.
    """
    try:
        path = prefix + source.path_of(key)
    except InvalidRequestError as error:
        return Outcome(key, error=error)
    # Most of these requests were never sent. Those in flight were cancelled before their response arrived.
    detail = f"given up without a response: {_REFUSALS} requests of this sweep in a row got a 401"
    return Outcome(key, error=AuthenticationError(401, "GET", path, body=orjson.dumps({"detail": detail})))
