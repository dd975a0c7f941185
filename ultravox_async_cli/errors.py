"""What ends a command: a line on standard error, and an exit code."""

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FAILED = 1
    """Something failed, or some of it."""

    USAGE = 2
    """The command line is wrong; nothing was sent."""

    AUTHENTICATION = 3
    """There is no key, or the API does not accept it."""

    NOT_FOUND = 4
    HUNG_UP = 129
    """By SIGHUP, as when a terminal is closed."""

    INTERRUPTED = 130
    """By Ctrl-C."""

    BROKEN_PIPE = 141
    """The reader of standard output has gone, as after `| head -1`; shells report it of other programs like this."""

    TERMINATED = 143
    """By SIGTERM."""


class CommandError(Exception):
    """A command cannot go on. Its text is one line for people, and contains no secret."""

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.USAGE, remedy: str = "") -> None:
        super().__init__(f"{message}: {remedy}" if remedy else message)
        self.exit_code = exit_code
        self.remedy = remedy
        """What to do about it, if that is a command; it is part of the text, too."""


class HelpRequested(Exception):  # noqa: N818 - it is no error
    """Somebody asked for help, which is the text."""

    def __init__(self, text: str, commands: Iterable[str] = ()) -> None:
        super().__init__(text)
        self.commands = [*commands]
        """The commands in the group that the help is about."""
