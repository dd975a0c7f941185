"""A CSV file with SIP registrations: read as a whole, and checked before anything is sent."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final, TypedDict, cast, get_args, get_type_hints

import attrs
from annotated_types import MaxLen

from ultravox_async import NewSipRegistration, SipRegistration
from ultravox_async_cli.errors import CommandError
from ultravox_async_cli.names import camel_case
from ultravox_async_cli.output.problems import first_lines
from ultravox_async_cli.terminal import as_shown

_DELIMITERS: Final = ",;\t"
_REQUIRED: Final = ("username", "proxy")


class Password:
    """A password, whose repr does not show it: tracebacks with locals show the variables of every frame."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "Password(…)"

    def reveal(self) -> str:
        """Return the password."""
        return self._value


class OptionalFields(TypedDict, total=False):
    """The fields of a registration that a file may leave out, and that may be null."""

    outbound_proxy: str | None
    auth_user: str | None


@attrs.frozen
class Row:
    """A row of the file: how one registration should be."""

    line: int
    """The number of its first line in the file."""

    username: str
    proxy: str

    optional: OptionalFields
    """Has the fields only for which the file has a column."""

    password: Password | None = None
    """None if the file has no password for it."""


def read_rows(name: str, stdin: BinaryIO) -> list[Row]:
    """Read the rows of a file.

    The first line names the columns, in the API's spelling or in Python's: ``username``, ``proxy``, and optionally
    ``outboundProxy``, ``authUser`` and ``password``. The other columns of a listing (``registrationId``, ``created``,
    ``successful``) are ignored. They are separated by commas, semicolons or tabs, whichever of these is in the first
    line. The file is UTF-8, with or without a byte order mark.

    Args:
        name: The name of the file, with or without an ``@`` before it; ``-`` for standard input.
        stdin: Standard input.

    Raises:
        CommandError: The file cannot be read; or has rows that are incomplete, exceed a limit, or have the username and
            proxy of another row. The text has the number of the line for each, and never a password.
    """
    rows: list[Row] = []
    # Problems are values in the frames that have the passwords, and raised out here.
    name = name.removeprefix("@")
    problems = _read(name, stdin, rows)
    if problems:
        shown = "standard input" if name == "-" else as_shown(name)
        raise CommandError("\n".join(first_lines([f"{shown}: {problem}" for problem in problems])))
    return rows


def _read(name: str, stdin: BinaryIO, rows: list[Row]) -> list[str]:
    """Append the rows of a file, and return the problems with them."""
    try:
        content = stdin.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        return [str(error.strerror)]
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return [f"line {_line_at(content, error.start)}: not UTF-8"]
    header = re.split("[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]
    delimiters = [delimiter for delimiter in _DELIMITERS if delimiter in header] or [","]
    if len(delimiters) > 1:
        return ["line 1: has more than one of comma, semicolon and tab; only one of them can separate columns"]
    return _read_table(_records(text, delimiters[0]), rows)


def _line_at(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """Yield the records that are not blank, each with the number of its first line; at last the error, if any."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    first = 1
    try:
        for cells in reader:
            if any(cells):
                yield first, cells
            first = reader.line_num + 1
    except csv.Error as error:
        yield first, error


def _read_table(records: Iterator[tuple[int, list[str] | csv.Error]], rows: list[Row]) -> list[str]:
    """Append the rows of a table, and return the problems with them."""
    line, header = next(records, (1, list[str]()))
    problems = [f"line {line}: {problem}" for problem in _problems_of_header(header)]
    if problems or isinstance(header, csv.Error):
        return problems
    columns = [_columns()[_folded(title)] for title in header]
    lines: dict[tuple[str, str], int] = {}
    for line, cells in records:
        found = _problems_of_cells(columns, cells)
        if not found:
            row = _row(line, dict(zip(columns, cast("list[str]", cells), strict=True)))
            earlier = lines.setdefault((row.username, row.proxy), line)
            found = [f"has the same username and proxy as line {earlier}"] if earlier != line else []
            rows.append(row)
        problems += [f"line {line}: {problem}" for problem in found]
    return problems


def _problems_of_header(header: list[str] | csv.Error) -> Iterator[str]:
    if isinstance(header, csv.Error):
        yield str(header)
        return
    known = _columns()
    folded = [_folded(title) for title in header]
    for number, title in enumerate(folded, 1):
        if title not in known:
            # The title is not shown: without a line of titles, this is a row, and this may be its password.
            titles = ", ".join(camel_case(name) for name in known.values() if name)
            yield f"column {number} has no title that is one of {titles}"
    for name in _REQUIRED:
        if name not in folded:
            yield f"there is no column {name}"
    for title in known:
        if folded.count(title) > 1:
            yield f"there are two columns {title}"


def _folded(title: str) -> str:
    return title.strip().replace("_", "").casefold()


@cache
def _columns() -> Mapping[str, str | None]:
    """Return the fields by the folded titles of their columns; None for those that the API sets itself."""
    shown = attrs.fields_dict(SipRegistration)
    return {
        **{_folded(name): None for name in shown},
        **{_folded(name): name for name in NewSipRegistration.__annotations__},
    }


def _problems_of_cells(columns: Sequence[str | None], cells: list[str] | csv.Error) -> list[str]:
    if isinstance(cells, csv.Error):
        return [str(cells)]
    if len(cells) != len(columns):
        return [f"cells: {len(cells)}, but {len(columns)} in the first line"]
    return [
        f"{name} {problem}"
        for name, text in zip(columns, cells, strict=True)
        if name is not None and (problem := _problem_of_cell(name, text))
    ]


def _problem_of_cell(name: str, text: str) -> str | None:
    if name == "password":
        return None
    if name in _REQUIRED and not text:
        return "is empty"
    if not text.isprintable() or text != text.strip():
        return "has spaces around it, or characters that cannot be seen"
    limit = _limits().get(name)
    return f"has {len(text)} characters, and at most {limit} are allowed" if limit and len(text) > limit else None


@cache
def _limits() -> Mapping[str, int]:
    """Return the maximum numbers of characters, as the types of the package declare them."""
    declared = get_type_hints(NewSipRegistration, include_extras=True)
    return {name: limit for name, annotation in declared.items() for limit in _limits_in(annotation)}


def _limits_in(annotation: object) -> Iterator[int]:
    if isinstance(annotation, MaxLen):
        yield annotation.max_length
    for part in get_args(annotation):
        yield from _limits_in(part)


def _row(line: int, cells: Mapping[str | None, str]) -> Row:
    optional = OptionalFields()
    if "outbound_proxy" in cells:
        optional["outbound_proxy"] = cells["outbound_proxy"] or None
    if "auth_user" in cells:
        optional["auth_user"] = cells["auth_user"] or None
    password = Password(cells["password"]) if cells.get("password") else None
    return Row(line, cells["username"], cells["proxy"], optional, password)
