"""What is different between the package and a version of the schema."""

from enum import Enum

import attrs


class Group(Enum):
    """What a difference means for the users of the package."""

    BREAKS = "What breaks"
    MISSING = "What is missing, or left over"
    COSMETIC = "What is cosmetic, or has no effect on the package"


@attrs.frozen
class Difference:
    """A difference, in the terms of the package."""

    where: str
    """As the tables of exceptions call the place."""

    group: Group

    subject: str
    """A class, an alias or a method: ``types.calls.Call``, ``calls.list``."""

    text: str
    """What is different, and what to do."""
