"""Lists of ids, an id a line: those to fetch, and those that are left for a later run."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from ultravox_async_cli.errors import CommandError
from ultravox_async_cli.terminal import as_shown

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def is_list(argument: str) -> bool:
    """Return whether an argument is a list of ids, and not one id."""
    # A list may stand on the command line: with quotes, "$(cat FILE)" is one argument.
    return argument == "-" or argument.startswith("@") or "\n" in argument or "\r" in argument


def read_ids(arguments: Sequence[str], stdin: BinaryIO) -> list[str]:
    """Return the distinct ids, in the order in which they are given.

    Files are read to their end, because the time that is left depends on the number of ids, and because the file may be
    the one that is written at the end. Blank lines, spaces around an id and a byte order mark are ignored.

    Args:
        arguments: Ids; ``@FILE`` stands for the lines of a file, and ``-`` or ``@-`` for those of
            standard input.
        stdin: Standard input. Its bytes are UTF-8 as those of a file are, whatever the locale says.

    Raises:
        CommandError: A file cannot be read, or is not UTF-8.
    """
    ids: list[str] = []
    for argument in arguments:
        ids += _ids_in(*_content_of(argument, stdin))
    return list(dict.fromkeys(ids))


def _content_of(argument: str, stdin: BinaryIO) -> tuple[str, bytes]:
    """Return the name of a list for messages, and the list."""
    if argument not in {"-", "@-"} and not argument.startswith("@"):
        return "the arguments", os.fsencode(argument)
    path = argument.removeprefix("@")
    name = "standard input" if path == "-" else as_shown(path)
    try:
        return name, stdin.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from None


def _ids_in(name: str, content: bytes) -> Iterator[str]:
    for number, line in enumerate(content.removeprefix(_BYTE_ORDER_MARK).splitlines(), start=1):
        try:
            key = line.decode().strip()
        except UnicodeDecodeError:
            raise CommandError(f"{name}, line {number}: not UTF-8") from None
        if key:
            yield key


class RemainingIds:
    """A file for the ids that failed or were not reached, from which a second run goes on.

    Args:
        name: The name of the file. It may be one of those that the ids were read from.

    Raises:
        CommandError: It is certain already that the file cannot be written.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        # A symbolic link is kept, and the file that it leads to is replaced.
        self._path = Path(name).resolve()
        if self._path.is_dir():
            raise CommandError(f"{as_shown(name)}: Is a directory")
        if not self._path.parent.is_dir():
            raise CommandError(f"{name}: No such directory")
        if not os.access(self._path if self._is_special else self._path.parent, os.W_OK):
            raise CommandError(f"{name}: Permission denied")

    @property
    def _is_special(self) -> bool:
        """Whether it is a pipe or a device, such as /dev/null, which no file must be renamed to."""
        return self._path.exists() and not self._path.is_file()

    def write(self, ids: Iterable[str]) -> None:
        """Replace the contents in one step: whenever the process ends, the file has either the old ids or the new ones.

        Raises:
            CommandError: The file cannot be written.
        """
        content = "".join(f"{key}\n" for key in ids).encode()
        try:
            if self._is_special:
                self._path.write_bytes(content)
            else:
                self._replace(content)
        except OSError as error:
            raise CommandError(f"{self._name}: {error.strerror}") from None

    def _replace(self, content: bytes) -> None:
        beside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            with beside.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if self._path.exists():
                shutil.copymode(self._path, beside)
            beside.replace(self._path)
        finally:
            beside.unlink(missing_ok=True)
