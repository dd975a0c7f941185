"""Many problems, in few lines."""

from collections.abc import Sequence
from typing import Final

_LISTED: Final = 10


def first_lines(lines: Sequence[str]) -> list[str]:
    """Return the first ten lines, and how many more there are."""
    more = len(lines) - _LISTED
    return [*lines[:_LISTED], f"… and {more:,} more"] if more > 0 else list(lines)
