"""Texts that are read from a file or from standard input."""

import io
from pathlib import Path
from typing import BinaryIO

from ultravox_async_cli.errors import CommandError
from ultravox_async_cli.terminal import as_shown


def read_text(path: str, stdin: BinaryIO) -> str:
    """Return the text in a file; its lines end with a line feed, and it has no byte order mark.

    Args:
        path: The file; ``-`` for standard input.
        stdin: Standard input. Its bytes are UTF-8 as those of a file are, whatever the locale says.

    Raises:
        CommandError: It cannot be read, or is not UTF-8. The text of the error has no part of it.
    """
    try:
        content = stdin.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise CommandError(f"cannot read {shown(path)}: {error.strerror}") from None
    try:
        return io.StringIO(content.decode("utf-8-sig"), newline=None).read()
    except UnicodeDecodeError:
        raise CommandError(f"cannot read {shown(path)}: it is not UTF-8") from None


def shown(path: str) -> str:
    """Return what a file is called in messages."""
    return "standard input" if path == "-" else as_shown(path)
