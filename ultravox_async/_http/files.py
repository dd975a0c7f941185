"""Blocking work on files, in threads."""

import asyncio
import contextlib
import errno
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """Do blocking work in a thread, and return its result.

    A cancellation is raised when the work is over: its effects cannot be undone, and the caller has to know them.
    """
    future = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            # Another cancellation changes nothing: one is raised below in any case.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([future])
        raise


class PartialFile:
    """A file that gets its name when it is complete. Until then it is beside its place, under another name.

    The methods block: call them in a thread. The file is open only while it is written to, so that a cancellation
    between two of them leaves nothing open.

    Args:
        target: The path of the complete file; one that exists is replaced.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._partial = target.with_name(f".{secrets.token_hex(8)}.part")

    def create(self) -> None:
        """Create it, empty.

        Raises:
            OSError: The folder does not exist or is not writable, or the target is a folder itself.
        """
        if self._target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(self._target))
        try:
            self._partial.touch(exist_ok=False)
        except OSError as error:
            # The name of the caller's file, and not that of the one beside it, which nobody has heard of.
            raise type(error)(error.errno, error.strerror, str(self._target)) from None

    def append(self, data: bytes | bytearray) -> None:
        """Write at its end.

        Raises:
            OSError: The disk is full, for example.
        """
        with self._partial.open("ab") as file:
            file.write(data)

    def keep(self) -> None:
        """Give it its name.

        Raises:
            OSError: The target has become a folder, for example.
        """
        self._partial.replace(self._target)

    def discard(self) -> None:
        """Delete it, if it is there under its other name."""
        self._partial.unlink(missing_ok=True)
