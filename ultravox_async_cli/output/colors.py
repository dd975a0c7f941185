"""Colours for the first word of a line."""

from collections.abc import Mapping
from typing import Final

from ultravox_async_cli.terminal import Terminal, on_one_line

_RED, _GREEN, _YELLOW, _PLAIN = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"
_COLORS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("ok", "+"), _GREEN),
    **dict.fromkeys(("warn", "~"), _YELLOW),
    **dict.fromkeys(("fail", "-"), _RED),
}


def write_line(terminal: Terminal, word: str, text: str) -> None:
    """Write a line that begins with a word, such as ``ok``, in the colour of the word."""
    color = _COLORS.get(word) if terminal.has_colors else None
    shown = f"{color}{word}{_PLAIN}" if color else word
    with terminal.printing():
        terminal.stdout.write(f"{shown}{on_one_line(text)}\n")
        terminal.stdout.flush()
