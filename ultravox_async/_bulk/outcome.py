"""The results of a sweep: an outcome for each id, or all of them together."""

from typing import Generic, TypeVar, cast

import attrs

from ultravox_async.errors import UltravoxError

T = TypeVar("T")


@attrs.define
class Outcome(Generic[T]):
    """The outcome of one id: a value or an error."""

    key: str
    """The id."""

    value: T | None = None
    """The value; None if there was an error."""

    error: UltravoxError | None = None
    """The error; None if there is a value."""

    def unwrap(self) -> T:
        """Return the value.

        Raises:
            UltravoxError: The `error`, if there is one.
        """
        if self.error is not None:
            # If it was raised before, its traceback would show the frames of both times.
            raise self.error.with_traceback(None)
        return cast("T", self.value)


@attrs.define
class BulkResult(Generic[T]):
    """The outcomes of all ids of a sweep."""

    found: dict[str, T] = attrs.field(factory=dict[str, T])
    """The values by id, in the order in which they finished."""

    failed: dict[str, UltravoxError] = attrs.field(factory=dict[str, UltravoxError])
    """The errors by id, in the order in which they finished."""

    def raise_for_failures(self) -> None:
        """Raise if any id failed.

        Raises:
            ExceptionGroup: The errors of all ids that failed.
        """
        if self.failed:
            msg = f"{len(self.failed)} of {len(self.failed) + len(self.found)} ids failed"
            raise ExceptionGroup(msg, list(self.failed.values()))
