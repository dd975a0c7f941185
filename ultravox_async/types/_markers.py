"""What the annotations of this package's types say beside their limits, for which annotated-types has the words."""

from typing import Final


class _Marker:
    """A word in an annotation."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


Sensitive: Final = _Marker("Sensitive")
"""The value is a secret: it shows in no repr, log, error or traceback, and `to_dict()` leaves it out."""
