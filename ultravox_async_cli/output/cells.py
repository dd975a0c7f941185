"""How much space texts take at a terminal, where a Chinese character is two cells wide and an accent none."""

import unicodedata
from functools import cache
from typing import Final

_WITHOUT_WIDTH: Final = {"Mn", "Me", "Cf"}
_WIDE: Final = {"W", "F"}


def width_of(text: str) -> int:
    """Return the number of cells that a text takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def fitted(text: str, size: int) -> str:
    """Return a text that takes so many cells: what is longer is cut, and what is shorter ends with spaces."""
    if text.isascii():
        return text[:size].ljust(size)
    taken = 0
    for position, character in enumerate(text):
        if taken + _width(character) > size:
            text = text[:position]
            break
        taken += _width(character)
    return text + " " * (size - taken)


@cache
def _width(character: str) -> int:
    if unicodedata.category(character) in _WITHOUT_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1
