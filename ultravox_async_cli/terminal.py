"""What a command reads from and writes to, and the questions that it asks."""

import getpass
import io
import os
import re
import shutil
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from typing import Final, Self, TextIO

import attrs

from ultravox_async_cli.ctrl_c import interruptible
from ultravox_async_cli.errors import CommandError

# The control characters of ASCII and of Latin-1, and what turns the direction of writing around. A server must not be
# able to move the cursor of a terminal, nor to set its title.
_UNSAFE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

_LONGEST_WORD: Final = 100


def printable(text: str) -> str:
    """Return a text with its control characters escaped; line breaks and tabs stay."""
    return _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def on_one_line(text: str) -> str:
    """Return a text with its line breaks and tabs escaped too: no part of it looks like a line of its own."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def as_shown(word: str) -> str:
    """Return a word of the command line for a message: one that is empty can be seen, and a long one is cut."""
    if len(word) > _LONGEST_WORD:
        return f"{word[:_LONGEST_WORD]}…"
    return word or "''"


def discard(stream: TextIO) -> None:
    """Let what could not be written to a stream go nowhere.

    The interpreter flushes standard output and standard error when it exits, and would fail at it again.
    """
    with suppress(io.UnsupportedOperation):
        number = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)


@attrs.frozen
class Terminal:
    """The standard streams and the environment of a command."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    environ: Mapping[str, str] = attrs.field(repr=False)

    @classmethod
    def of_process(cls, environ: Mapping[str, str]) -> Self:
        """Return those of this process; what is written to one that is closed, as after ``>&-``, goes nowhere."""
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure is not None:  # Python may run with something else in its place
            # What the encoding of standard output does not have is escaped; otherwise, it would be an error.
            reconfigure(errors="backslashreplace")
        # Python has None in the place of a stream that is closed, whatever its type says.
        streams: list[TextIO | None] = [sys.stdin, sys.stdout, sys.stderr]
        stdin, stdout, stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8") if one is None else one for one in streams)
        return cls(stdin, stdout, stderr, environ)

    @property
    def width(self) -> int:
        """The number of columns; 80 if it is unknown. It is asked for each time: people resize their windows."""
        return shutil.get_terminal_size().columns

    @property
    def has_colors(self) -> bool:
        """Whether standard output takes colours; https://no-color.org says how to switch them off."""
        return self.stdout.isatty() and not self.environ.get("NO_COLOR") and self.environ.get("TERM") != "dumb"

    @contextmanager
    def printing(self) -> Generator[None]:
        """Let Ctrl-C end what is printed in the context, where the reader of standard output may have stalled.

        The event loop cannot handle a signal while one of its steps waits for the reader. What is left goes nowhere:
        the interpreter would wait for the reader again when it exits.
        """
        with interruptible():
            try:
                yield
            except KeyboardInterrupt:
                discard(self.stdout)
                raise

    def write(self, text: str) -> None:
        """Write a text from anywhere to standard output, and end the line."""
        self.stdout.write(printable(text) if self.stdout.isatty() else text)
        if not text.endswith("\n"):
            self.stdout.write("\n")

    def note(self, text: str) -> None:
        """Write a line for people to standard error. If that is not possible, the command goes on without it."""
        try:
            self.stderr.write(f"{printable(text)}\n")
            self.stderr.flush()
        except OSError:
            discard(self.stderr)

    def ask(self, question: str) -> bool:
        """Ask a question that is answered with yes or no; no is the default.

        Raises:
            CommandError: Nobody can answer.
        """
        if not self.stdin.isatty():
            raise CommandError(f"nobody can answer here: {question}")
        self.stderr.write(f"{on_one_line(question)} [y/N] ")
        self.stderr.flush()
        try:
            return self.stdin.readline().strip().lower() in {"y", "yes"}
        except UnicodeDecodeError:  # whatever it says, it is not yes
            return False

    def ask_secret(self, what: str) -> str:
        """Ask for a secret, which is not shown while it is typed.

        Raises:
            CommandError: Nobody can answer, or the answer is empty, Ctrl-D or not in the encoding of the terminal.
        """
        if not self.stdin.isatty():
            raise CommandError(f"nobody can be asked for the {what} here: use @FILE or env:NAME")
        try:
            answer = getpass.getpass(f"{on_one_line(what)}: ", self.stderr)
        except EOFError:  # Ctrl-D, which ends no line
            self.stderr.write("\n")
            answer = ""
        except UnicodeDecodeError:
            raise CommandError(f"the {what} is not in the encoding of this terminal") from None
        if not answer:
            raise CommandError(f"the {what} is empty")
        return answer
