"""Shows what a watch reports, as lines for people: who has changed, and how."""

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Final, Self

from ultravox_async_cli.output.colors import write_line
from ultravox_async_cli.output.layouts import Row
from ultravox_async_cli.output.masking import plain
from ultravox_async_cli.terminal import Terminal

_SIGNS: Final[Mapping[str, str]] = {
    "added": "+",
    "changed": "~",
    "removed": "-",
    "interrupted": "fail",
    "resumed": "ok",
}


class Changes:
    """Prints each change at once; it is used as `Rows` is."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Do nothing: everything is printed already."""

    def write(self, change: object) -> None:
        """Print a change."""
        row = plain(change, show_secrets=False)
        write_line(self._terminal, _SIGNS[row["event"]], f" {row['event']}  {'  '.join(_parts(row))}")


def _parts(row: Row) -> Iterator[str]:
    if "key" not in row:
        yield row.get("error") or f"after {row['failed_rounds']:,} rounds that could not be completed"
        return
    before: Row = row.get("old") or {}
    now: Row = row.get("value") or {}
    yield _name({**before, **now})
    for name in now if before else ():
        if now[name] != before.get(name):
            yield f"{name}: {_text(before.get(name))} → {_text(now[name])}"
    yield f"({row['key']})"


def _name(fields: Mapping[str, Any]) -> str:
    return f"{fields['username']} at {fields['proxy']}" if fields else "never seen"


def _text(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "yes", False: "no"}[value]
    return str(value)
