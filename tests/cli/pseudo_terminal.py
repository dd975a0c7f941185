"""Runs the command as a person does: in a terminal, with a keyboard."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

CTRL_C: Final = "\x03"

_ROOT: Final = Path(__file__).parents[2]
_PATIENCE: Final = 20.0
_SLEEPING: Final = "S"
# Makes the terminal that of the process, so that its Ctrl-C is a signal; then it becomes the command.
_LAUNCHER: Final = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "ultravox_async_cli", *sys.argv[1:]])
"""


@attrs.define
class Session:
    """A terminal in which the command runs."""

    process: subprocess.Popen[bytes]
    terminal: int
    shown: str = ""
    """All that it has shown so far, with the codes that move the cursor."""

    def wait_for(self, text: str) -> None:
        self.wait_until(lambda shown: text in shown)

    def wait_until(self, is_seen: Callable[[str], bool]) -> None:
        """Wait until what is shown is as wanted."""
        latest = time.monotonic() + _PATIENCE
        while not is_seen(self.shown):
            assert self._read(latest), f"it ended before that:\n{self.shown}"

    def wait_for_question(self, text: str) -> None:
        """Wait until a question is shown, and the process has begun to wait for the answer.

        CPython takes note of a signal that arrives just before it begins to read, and goes on when it has read.
        """
        self.wait_for(text)
        status = Path(f"/proc/{self.process.pid}/stat")  # on Linux; elsewhere, it does not wait
        latest = time.monotonic() + _PATIENCE
        while status.exists() and _state_in(status.read_text()) != _SLEEPING:
            assert time.monotonic() < latest, "it does not wait for an answer"

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def resize(self, width: int) -> None:
        _set_width(self.terminal, width)

    def end(self) -> int:
        """Wait until it ends, and return its exit code."""
        latest = time.monotonic() + _PATIENCE
        while self._read(latest):
            pass
        return self.process.wait(_PATIENCE)

    def _read(self, latest: float) -> bool:
        ready, _, _ = select.select([self.terminal], [], [], max(0.0, latest - time.monotonic()))
        assert ready, f"it takes too long:\n{self.shown}"
        try:
            found = os.read(self.terminal, 65536)
        except OSError:  # Linux raises this at the end; other systems return an empty read
            return False
        self.shown += found.decode(errors="replace")
        return bool(found)


@contextmanager
def session(*words: str, env: Mapping[str, str], width: int = 80, stdout: int | None = None) -> Generator[Session]:
    """Run the command in a new terminal.

    Args:
        words: Its words.
        env: Variables of the environment.
        width: The columns of the terminal.
        stdout: Where standard output goes instead.
    """
    terminal, inside = pty.openpty()
    _set_width(inside, width)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ULTRAVOX_")}
    for name in ("COLUMNS", "LINES", "NO_COLOR"):
        kept.pop(name, None)
    process = subprocess.Popen(  # noqa: S603 - this interpreter, with arguments from here
        [sys.executable, "-S", "-c", _LAUNCHER, *words],
        stdin=inside,
        stdout=inside if stdout is None else stdout,
        stderr=inside,
        start_new_session=True,
        env={**kept, "PYTHONPATH": str(_ROOT), "PYTHONWARNINGS": "error", "TERM": "xterm-256color", **env},
    )
    os.close(inside)
    try:
        yield Session(process, terminal)
    finally:
        os.close(terminal)
        process.kill()
        process.wait()


def _state_in(status: str) -> str:
    # The fields are those of proc(5): the second one is the name of the program, in parentheses.
    return status.rpartition(")")[2].split()[0]


def _set_width(terminal: int, width: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
