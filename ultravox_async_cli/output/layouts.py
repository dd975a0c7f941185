"""What rows look like as JSON, lines of JSON, CSV, YAML, or a table."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeAlias

from ultravox_async_cli.errors import CommandError, ExitCode
from ultravox_async_cli.loading import load
from ultravox_async_cli.output.columns import details, listing
from ultravox_async_cli.terminal import Terminal, printable

Row: TypeAlias = Mapping[str, Any]
"""The fields of a result, by their names."""

# JSON itself escapes the control characters of ASCII only.
_CONTROL: Final = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class Layout(Protocol):
    """Turns rows into text.

    A row of a listing is formatted when it arrives, which takes most of the time, and added when it is its turn.
    """

    def formatted(self, row: Row) -> Any:  # noqa: ANN401 - `add` takes it
        """Return what becomes of a row, as far as it does not depend on other rows."""
        ...

    def add(self, formatted: Any) -> str:  # noqa: ANN401 - `formatted` returned it
        """Return the text of the next row of a listing."""
        ...

    def end(self) -> str:
        """Return what follows the last row of a listing."""
        ...

    def empty(self) -> str:
        """Return the text of a listing without rows."""
        ...

    def single(self, row: Row) -> str:
        """Return the text of a row that is the only result."""
        ...


class _Json:
    """An array, or one object."""

    def __init__(self) -> None:
        self._before = "[\n"

    def formatted(self, row: Row) -> str:
        return "\n".join(f"  {line}" for line in json_text(row, indent=2).split("\n"))

    def add(self, formatted: str) -> str:
        before, self._before = self._before, ",\n"
        return f"{before}{formatted}"

    def end(self) -> str:
        return "\n]\n"

    def empty(self) -> str:
        return "[]\n"

    def single(self, row: Row) -> str:
        return f"{json_text(row, indent=2)}\n"


class _InSequence:
    """The texts of the rows, one after the other."""

    def add(self, formatted: str) -> str:
        return formatted

    def end(self) -> str:
        return ""

    def empty(self) -> str:
        return ""


class _JsonLines(_InSequence):
    """An object on each line."""

    def formatted(self, row: Row) -> str:
        return f"{json_text(row)}\n"

    single = formatted


class _Csv(_InSequence):
    """A line for each row, below the names of the fields."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._header = _csv_line(columns) if columns else ""

    def formatted(self, row: Row) -> str:
        unknown = [name for name in row if name not in self._columns]
        if unknown:
            raise CommandError(f"CSV has no column for {', '.join(unknown)}: use --output jsonl", ExitCode.FAILED)
        return _csv_line([_csv_cell(row.get(name)) for name in self._columns])

    def add(self, formatted: str) -> str:
        header, self._header = self._header, ""
        return f"{header}{formatted}"

    def empty(self) -> str:
        return self._header

    def single(self, row: Row) -> str:
        return self.add(self.formatted(row))


class _Yaml(_InSequence):
    """A sequence, or one mapping."""

    def __init__(self) -> None:
        self._text = _yaml_text()

    def formatted(self, row: Row) -> str:
        return self._text([row])

    def single(self, row: Row) -> str:
        return self._text(row)


class _Table:
    """A table, for which all rows have to be known."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._rows: list[Row] = []

    def formatted(self, row: Row) -> Row:
        return row

    def add(self, formatted: Row) -> str:
        self._rows.append(formatted)
        return ""

    def end(self) -> str:
        return self._drawn(listing, self._rows)

    def empty(self) -> str:
        return ""

    def single(self, row: Row) -> str:
        return self._drawn(details, row)

    def _drawn(self, draw: Callable[..., Iterable[str]], rows: object) -> str:
        lines = draw(rows, self._terminal.width, colored=self._terminal.has_colors)
        return "".join(f"{line}\n" for line in lines)


class _Printable:
    """Another layout, at a terminal."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def formatted(self, row: Row) -> Any:  # noqa: ANN401 - of Layout
        return self._layout.formatted(row)

    def add(self, formatted: Any) -> str:  # noqa: ANN401 - of Layout
        return printable(self._layout.add(formatted))

    def end(self) -> str:
        return self._layout.end()

    def empty(self) -> str:
        return self._layout.empty()

    def single(self, row: Row) -> str:
        return printable(self._layout.single(row))


FORMATS: Final = ("table", "json", "jsonl", "csv", "yaml")
"""The names of the layouts."""


def installed(name: str) -> str:
    """Return the name of a layout, for argparse: what is missing is said before anything is sent.

    Raises:
        CommandError: The layout needs a package that is not installed.
    """
    if name == "yaml":
        _yaml_text()
    return name


def layout_for(name: str, terminal: Terminal, columns: Sequence[str]) -> Layout:
    """Return a new layout.

    Args:
        name: Its name.
        terminal: Where it will be printed.
        columns: The fields that the rows can have, in the order of their columns. Only CSV has to know them before.
    """
    if name == "table":
        return _Table(terminal)
    layouts: Mapping[str, Callable[[], Layout]] = {
        "json": _Json,
        "jsonl": _JsonLines,
        "csv": lambda: _Csv(columns),
        "yaml": _Yaml,
    }
    return _Printable(layouts[name]()) if terminal.stdout.isatty() else layouts[name]()


def json_text(value: object, indent: int | None = None) -> str:
    """Return JSON in which every control character is escaped, because it may be read at a terminal."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _csv_line(cells: Sequence[object]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerow(cells)
    return file.getvalue()


def _csv_cell(value: object) -> object:
    return value if value is None or isinstance(value, str) else json_text(value)


def _yaml_text() -> Callable[[object], str]:
    """Return what makes YAML of a value.

    Raises:
        CommandError: PyYAML is not installed.
    """
    try:
        text: Callable[[object], str] = load("output.yaml_text").yaml_text
    except ModuleNotFoundError:
        raise CommandError("YAML needs PyYAML: pip install 'ultravox-async[cli]'") from None
    return text
