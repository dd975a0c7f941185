"""A new file for a secret, which only its owner may read."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ultravox_async_cli.errors import CommandError

# More than any key has. These bytes are on the disk before a key is created, and are then overwritten by it.
_RESERVED: Final = b" " * 4096


@contextmanager
def created(path: str | None) -> Generator[Callable[[str], object], None, None]:
    """Create a file with space for a secret, and yield what stores one in it; without one, the file is removed again.

    What is yielded raises OSError if the secret cannot be stored in spite of that.

    Args:
        path: The file, which must not exist; None for no file, where nothing is stored.

    Raises:
        CommandError: It cannot be created, or there is no space for it.
    """
    if path is None:
        yield str
        return
    try:
        # Exclusively: what is there already may be readable by others, or lead to another place.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandError(f"cannot create {path}: {error.strerror}") from None
    is_stored = False

    def store(secret: str) -> None:
        nonlocal is_stored
        _write(descriptor, f"{secret}\n".encode())
        is_stored = True

    try:
        _reserve(descriptor, path)
        yield store
    finally:
        os.close(descriptor)
        if not is_stored:
            Path(path).unlink()


def _reserve(descriptor: int, path: str) -> None:
    try:
        _write(descriptor, _RESERVED)
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}") from None


def _write(descriptor: int, content: bytes) -> None:
    """Write all that a file has, and wait until it is on the disk: some file systems report a full disk only then."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    rest = content
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.ftruncate(descriptor, len(content))
    os.fsync(descriptor)
