"""Lays out tables that fit the terminal.

This is done by hand: rich takes four seconds for 5,000 rows, and Ctrl-C has one second to show what is there. So
tables need no extra.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from ultravox_async_cli.output.cells import fitted, width_of
from ultravox_async_cli.output.fields import names_in
from ultravox_async_cli.output.masking import MASK
from ultravox_async_cli.terminal import printable

_GAP: Final = "  "
_BOLD, _DIM, _RED, _GREEN, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[0m"
_COLORS: Final[Mapping[Any, str]] = {True: _GREEN, False: _RED}
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)
# A longer cell is cut in a listing: it would leave no space for others.
_WIDEST: Final = 40

_IDS: Final = ("Id", "_id")


def cell(value: object) -> str:
    """Return a value on one line, as people read it: times are those of the local time zone."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        text = _local(value) if _MOMENT.fullmatch(value) else value
    else:
        text = json.dumps(value, ensure_ascii=False)
    return _on_one_line(text)


def _on_one_line(text: str) -> str:
    return printable(text.replace("\n", "⏎").replace("\t", " "))


def _local(moment: str) -> str:
    try:
        return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):  # there is no such day, or it is none of those that the system knows
        return moment


def listing(rows: Sequence[Mapping[str, Any]], width: int, *, colored: bool) -> Iterator[str]:
    """Yield the lines of a table with a column for each name.

    Columns without any value are left out, and so are those for which there is no space.
    """
    columns = {name: [cell(row.get(name)) for row in rows] for name in names_in(rows)}
    columns = {name: cells for name, cells in columns.items() if any(cells)} or columns
    widths = _widths(columns, width)
    yield _line([fitted(_on_one_line(name), size) for name, size in widths.items()], _BOLD if colored else "")
    for number, row in enumerate(rows):
        cells = [_cut(columns[name][number], size) for name, size in widths.items()]
        yield _line(_colored(cells, [row.get(name) for name in widths]) if colored else cells)
    left_out = [_on_one_line(name) for name in columns if name not in widths]
    if left_out:
        note = f"not shown: {', '.join(left_out)}"
        yield _line([_cut(note, width)], _DIM if colored else "")


def details(row: Mapping[str, Any], width: int, *, colored: bool) -> Iterator[str]:
    """Yield the lines of a table with a line for each field, or several where the value is long."""
    labels = {name: _on_one_line(name) for name in row}
    longest = max(map(width_of, labels.values()), default=0)
    space = max(width - longest - len(_GAP), 1)
    for name, value in row.items():
        label = fitted(labels[name], longest)
        for part in _wrapped(cell(value), space):
            yield _line([f"{_BOLD}{label}{_PLAIN}", *_colored([part], [value])] if colored else [label, part])
            label = " " * longest


def _widths(columns: Mapping[str, Sequence[str]], space: int) -> Mapping[str, int]:
    """Return the columns that fit, with their widths; there is always one, which is the first."""
    widths: dict[str, int] = {}
    first = next(iter(columns))
    for name in sorted(columns, key=lambda name: name != first and _rank(name, columns[name])):
        cells, title = columns[name], _on_one_line(name)
        # Ids are never cut: people copy them.
        longest = max(map(width_of, (title, *cells)))
        size = longest if name.endswith((*_IDS, "prefix")) else min(longest, max(_WIDEST, width_of(title)))
        if widths and size > space:
            continue
        widths[name] = size if widths else min(size, space)
        space -= widths[name] + len(_GAP)
    return {name: widths[name] for name in columns if name in widths}


def _rank(name: str, cells: Sequence[str]) -> int:
    """Return how soon a column gets space: ids of other objects come later, and what is hidden anyway comes last."""
    if {*cells} <= {"", MASK}:
        return 3
    return 2 if name.endswith(_IDS) else 1


def _cut(text: str, size: int) -> str:
    return fitted(text, size) if width_of(text) <= size else f"{fitted(text, size - 1)}…"


def _colored(cells: Sequence[str], values: Sequence[object]) -> Sequence[str]:
    """Return cells in the colours of the values that are true or false."""
    return [
        f"{_COLORS[value]}{text}{_PLAIN}" if isinstance(value, bool) else text
        for text, value in zip(cells, values, strict=True)
    ]


def _line(cells: Sequence[str], style: str = "") -> str:
    line = _GAP.join(cells).rstrip()
    return f"{style}{line}{_PLAIN}" if style else line


def _wrapped(text: str, space: int) -> Iterator[str]:
    """Yield the parts of a text, by cells and not by words: it may be JSON."""
    start = taken = 0
    for position, character in enumerate(text):
        width = width_of(character)
        if taken + width > space and position > start:
            yield text[start:position]
            start, taken = position, 0
        taken += width
    yield text[start:]
