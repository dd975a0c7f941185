"""A new file for a secret, which only its owner may read."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from ultravox_async_cli.errors import CommandError


@contextmanager
def created(path: str | None) -> Generator[Callable[[str], object], None, None]:
    """Create a file, and yield what writes a secret into it; if none was written, the file is removed again.

    Args:
        path: The file, which must not exist; None for no file, where nothing is written.

    Raises:
        CommandError: It cannot be created.
    """
    if path is None:
        yield str
        return
    try:
        # Exclusively: what is there already may be readable by others, or lead to another place.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandError(f"cannot create {path}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        try:
            yield lambda secret: file.write(f"{secret}\n")
        finally:
            if file.tell() == 0:
                Path(path).unlink()
