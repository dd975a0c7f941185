"""What a scenario is, and what comes of it."""

import os
from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from benchmarks.rounds import Effort


class MissingProgramError(Exception):
    """A program that the scenario needs is not installed."""

    def __init__(self, program: str) -> None:
        super().__init__(f"{program} is not installed")


@attrs.frozen
class Measured:
    """What came of a scenario."""

    text: str
    """The result in the table."""

    figures: dict[str, Any]
    """The same, as numbers for the file."""

    rates: dict[str, dict[str, list[int]]] = attrs.field(factory=dict[str, dict[str, list[int]]])
    """Requests that were accepted and refused, for each client and bucket."""


@attrs.frozen
class Scenario:
    """One row of the table."""

    condition: str
    """The weather."""

    target: str
    """What the project wants."""

    measure: Callable[[Effort], Awaitable[Measured]]
    """Brings it about."""


def load() -> float:
    """Return how many processes wanted the processors in the last minute."""
    return round(os.getloadavg()[0], 2)


def percent(share: float) -> str:
    """Return a share in percent."""
    return f"{share * 100:.1f} %"


def seconds(value: float | None) -> str:
    """Return seconds, or that it never came to that."""
    return "never" if value is None else f"{value:.1f} s"
