"""What a sweep gives: an outcome for each id, or the result of them all."""

from typing import Generic, TypeVar, cast

import attrs

from ultravox_async.errors import UltravoxError

T = TypeVar("T")


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
