"""Runs the command in this process."""

import io
from collections.abc import Mapping

import attrs
import pytest

from ultravox_async_cli.command_line import run


@attrs.frozen
class Result:
    code: int
    out: str
    err: str


class _Stream(io.TextIOWrapper):
    """Standard input or output; it says that it is a terminal if it is meant to be one."""

    def __init__(self, content: bytes, *, is_terminal: bool) -> None:
        self._content = io.BytesIO(content)
        self._is_terminal = is_terminal
        super().__init__(self._content, encoding="utf-8", newline="")

    def isatty(self) -> bool:
        return self._is_terminal

    def text(self) -> str:
        self.flush()
        return self._content.getvalue().decode(errors="replace")


def ultravox(*words: str, stdin: str = "", env: Mapping[str, str] | None = None, columns: int | None = None) -> Result:
    """Run a command; its streams are terminals if `columns` says how wide they are."""
    is_terminal = columns is not None
    streams = {name: _Stream(b"", is_terminal=is_terminal) for name in ("stdout", "stderr")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", _Stream(stdin.encode(), is_terminal=is_terminal))
        for name, stream in streams.items():
            patch.setattr(f"sys.{name}", stream)
        for name in ("ULTRAVOX_API_KEY", "ULTRAVOX_BASE_URL", "XDG_CONFIG_HOME", "NO_COLOR"):
            patch.delenv(name, raising=False)
        settings = {"TERM": "xterm", "COLUMNS": str(columns or 80), **(env or {})}
        for name, value in settings.items():
            patch.setenv(name, value)
        code = run(words)
    return Result(code, streams["stdout"].text(), streams["stderr"].text())
