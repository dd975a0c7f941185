"""Prints results, with the fields and in the layout that were chosen."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, cast

from ultravox_async_cli.errors import CommandError
from ultravox_async_cli.names import camel_case
from ultravox_async_cli.output.fields import names_in
from ultravox_async_cli.output.layouts import Layout, Row, layout_for
from ultravox_async_cli.output.masking import is_wire_object, plain
from ultravox_async_cli.terminal import Terminal


class Rows:
    """Prints the results of a listing: each as it arrives, or all of them at the end if they become a table.

    Use it with ``with``, and `write` each result. If the block is left by an exception, what was written is printed.

    Args:
        terminal: Where they are printed.
        options: What was given on the command line.
        fields: The names of the fields that the results can have.
    """

    def __init__(self, terminal: Terminal, options: argparse.Namespace, fields: Sequence[str]) -> None:
        self._terminal = terminal
        self._options = options
        self._layout = _layout(terminal, options, _names(options) or fields)
        self._is_empty = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_empty and kind is None:
            self._print(self._layout.empty())
        elif not (self._is_empty or (kind is not None and issubclass(kind, BrokenPipeError))):
            self._print(self._layout.end())

    def write(self, result: object) -> None:
        """Print a result, or keep it for the table.

        Raises:
            CommandError: It does not have the fields that were chosen.
        """
        formatted = self.formatted(result)
        with self._terminal.printing():
            self._add(formatted)
            self._terminal.stdout.flush()  # whoever reads the pipe gets each result as it arrives

    def formatted(self, result: object) -> object:
        """Return what `write_formatted` takes, for a result that is printed later.

        Raises:
            CommandError: It does not have the fields that were chosen.
        """
        return self._layout.formatted(_row(result, self._options))

    def write_formatted(self, results: Iterable[object]) -> None:
        """Print results that are formatted already; they are not flushed one by one, because that takes its time."""
        with self._terminal.printing():
            for result in results:
                self._add(result)

    def _add(self, formatted: object) -> None:
        text = self._layout.add(formatted)
        self._is_empty = False
        self._terminal.stdout.write(text)

    def _print(self, text: str) -> None:
        with self._terminal.printing():
            self._terminal.stdout.write(text)
            self._terminal.stdout.flush()


def show(terminal: Terminal, options: argparse.Namespace, result: object, fields: Sequence[str] = ()) -> None:
    """Print the result of an operation: an object, a list, a text, or nothing for None.

    Args:
        terminal: Where it is printed.
        options: What was given on the command line.
        result: The result.
        fields: The names of the fields that the items of a list have, as far as they are known.

    Raises:
        CommandError: It does not have the fields that were chosen.
    """
    if isinstance(result, list):
        _show_list(terminal, options, [_row(item, options) for item in cast("list[object]", result)], fields)
    elif isinstance(result, str):
        terminal.write(result)
    elif result is not None:
        row = _row(result, options)
        terminal.stdout.write(_layout(terminal, options, [*row]).single(row))


def note_no_results(terminal: Terminal) -> None:
    """Tell a person that there is nothing, where a table would be."""
    if terminal.stdout.isatty():
        terminal.note("no results")


def _show_list(terminal: Terminal, options: argparse.Namespace, rows: Sequence[Row], fields: Sequence[str]) -> None:
    layout = _layout(terminal, options, names_in(rows) or _names(options) or fields)
    for row in rows:
        terminal.stdout.write(layout.add(layout.formatted(row)))
    if rows:
        terminal.stdout.write(layout.end())
    else:
        terminal.stdout.write(layout.empty())
        note_no_results(terminal)


def _layout(terminal: Terminal, options: argparse.Namespace, columns: Sequence[str]) -> Layout:
    return layout_for(options.output or ("table" if terminal.stdout.isatty() else "json"), terminal, columns)


def _row(result: object, options: argparse.Namespace) -> Row:
    found = plain(result, show_secrets=options.show_secrets)
    row = cast("Row", found if isinstance(found, dict) else {"value": found})
    names = _names(options)
    if is_wire_object(result):  # which has all of its fields, always
        _check_names(names, row)
    return {name: _at(row, name.split(".")) for name in names} if names else row


def _names(options: argparse.Namespace) -> Sequence[str]:
    return options.fields or []


def _check_names(names: Sequence[str], row: Row) -> None:
    for name in names:
        if _key(name.partition(".")[0], row) not in row:
            raise CommandError(f"there is no field {name}; there are {', '.join(row)}")


def _at(value: Any, path: Sequence[str]) -> Any:  # noqa: ANN401 - JSON
    for name in path:
        if isinstance(value, list):
            value = _item(cast("list[object]", value), name)
        elif isinstance(value, dict):
            fields = cast("dict[str, object]", value)
            value = fields.get(_key(name, fields))
        else:
            return None
    return value


def _item(items: Sequence[object], number: str) -> object:
    try:
        return items[int(number)] if number.isdecimal() else None
    except (IndexError, ValueError):  # int() refuses thousands of digits
        return None


def _key(name: str, fields: Mapping[str, Any]) -> str:
    """Return the name of a field as it is in JSON; people may write that of Python too."""
    if name in fields:
        return name
    return camel_case(name.removesuffix("_"))
