"""What rows look like as JSON, lines of JSON, CSV, YAML, or a table."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias

from ultravox_async_cli.loading import load
from ultravox_async_cli.terminal import Terminal, printable

Row: TypeAlias = Mapping[str, Any]
"""The fields of a result, by their names."""

# JSON itself escapes the control characters of ASCII only.
_CONTROL: Final = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class Layout(Protocol):
    """Turns rows into text. What it returns is written at once."""

    def add(self, row: Row) -> str:
        """Return the text of a row of a listing."""
        ...

    def end(self) -> str:
        """Return what follows the last row of a listing."""
        ...

    def empty(self, names: Sequence[str]) -> str:
        """Return the text of a listing without rows, for which these fields were chosen, if any."""
        ...

    def single(self, row: Row) -> str:
        """Return the text of a row that is the only result."""
        ...


class _Json:
    """An array, or one object."""

    def __init__(self) -> None:
        self._before = "[\n"

    def add(self, row: Row) -> str:
        before, self._before = self._before, ",\n"
        lines = "\n".join(f"  {line}" for line in json_text(row, indent=2).split("\n"))
        return f"{before}{lines}"

    def end(self) -> str:
        return "\n]\n"

    def empty(self, names: Sequence[str]) -> str:  # noqa: ARG002 - of Layout
        return "[]\n"

    def single(self, row: Row) -> str:
        return f"{json_text(row, indent=2)}\n"


class _JsonLines:
    """An object on each line."""

    def add(self, row: Row) -> str:
        return f"{json_text(row)}\n"

    def end(self) -> str:
        return ""

    def empty(self, names: Sequence[str]) -> str:  # noqa: ARG002 - of Layout
        return ""

    single = add


class _Csv:
    """A line for each row, below the names of the fields."""

    def __init__(self) -> None:
        self._columns: Sequence[str] = ()

    def add(self, row: Row) -> str:
        is_first = not self._columns
        self._columns = self._columns or [*row]
        cells = [_csv_cell(row.get(name)) for name in self._columns]
        return _csv_lines(self._columns, cells) if is_first else _csv_lines(cells)

    def end(self) -> str:
        return ""

    def empty(self, names: Sequence[str]) -> str:
        return _csv_lines(names) if names else ""

    single = add


class _Yaml:
    """A sequence, or one mapping."""

    def __init__(self) -> None:
        self._text: Callable[[object], str] = load("output.yaml_text").yaml_text

    def add(self, row: Row) -> str:
        return self._text([row])

    def end(self) -> str:
        return ""

    def empty(self, names: Sequence[str]) -> str:  # noqa: ARG002 - of Layout
        return ""

    def single(self, row: Row) -> str:
        return self._text(row)


class _Table:
    """A table, for which all rows have to be known."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._columns = load("output.columns")
        self._rows: list[Row] = []

    def add(self, row: Row) -> str:
        self._rows.append(row)
        return ""

    def end(self) -> str:
        return self._drawn(self._columns.listing, self._rows)

    def empty(self, names: Sequence[str]) -> str:  # noqa: ARG002 - of Layout
        return ""

    def single(self, row: Row) -> str:
        return self._drawn(self._columns.details, row)

    def _drawn(self, draw: Callable[..., Iterable[str]], rows: object) -> str:
        lines = draw(rows, self._terminal.width, colored=self._terminal.has_colors)
        return "".join(f"{line}\n" for line in lines)


class _Printable:
    """Another layout, at a terminal."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def add(self, row: Row) -> str:
        return printable(self._layout.add(row))

    def end(self) -> str:
        return self._layout.end()

    def empty(self, names: Sequence[str]) -> str:
        return self._layout.empty(names)

    def single(self, row: Row) -> str:
        return printable(self._layout.single(row))


_LAYOUTS: Final[Mapping[str, Callable[[], Layout]]] = {
    "json": _Json,
    "jsonl": _JsonLines,
    "csv": _Csv,
    "yaml": _Yaml,
}

FORMATS: Final = ("table", *_LAYOUTS)
"""The names of the layouts."""


def layout_for(name: str, terminal: Terminal) -> Layout:
    """Return a new layout of a name."""
    if name == "table":
        return _Table(terminal)
    return _Printable(_LAYOUTS[name]()) if terminal.stdout.isatty() else _LAYOUTS[name]()


def json_text(value: object, indent: int | None = None) -> str:
    """Return JSON in which every control character is escaped, because it may be read at a terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _csv_lines(*rows: Sequence[object]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue()


def _csv_cell(value: object) -> object:
    return value if value is None or isinstance(value, str) else json_text(value)
