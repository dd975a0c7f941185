"""Blocking work on files, in threads."""

import asyncio
import contextlib
import errno
import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """Do blocking work in a thread, and return its result.

    A cancellation is raised when the work is over: its effects cannot be undone, and the caller has to know them.
    """
    future = _started(work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        while not future.done():
            # Another cancellation changes nothing: one is raised below in any case.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([future])
        raise


async def in_abandonable_thread(work: Callable[[], T]) -> T:
    """Do blocking work that may never end, and return its result. After a cancellation, nobody waits for it."""
    return await _started(work)


def _started(work: Callable[[], T]) -> asyncio.Future[T]:
    # Not in the executor of the event loop: reads from a few pipes that have stalled would keep all of its threads
    # busy, and with them the resolution of names; and asyncio.run() waits at its end for the threads of the executor.
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            finish: Callable[[], None] = _with_result(future, work())
        except BaseException as error:  # noqa: BLE001 - it is raised by the future
            finish = _with_error(future, error)
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits
            loop.call_soon_threadsafe(finish)

    threading.Thread(target=run, name="ultravox-async file", daemon=True).start()
    return future


def _with_result(future: asyncio.Future[T], result: T) -> Callable[[], None]:
    return lambda: None if future.done() else future.set_result(result)


def _with_error(future: asyncio.Future[T], error: BaseException) -> Callable[[], None]:
    # A future cannot raise StopIteration, which the read of a file object may.
    raised = RuntimeError("StopIteration was raised") if isinstance(error, StopIteration) else error
    return lambda: None if future.done() else future.set_exception(raised)


class PartialFile:
    """A file that gets its name when it is complete. Until then it is beside its place, under another name.

    It blocks, also while it is made: use it in a thread. The file is open only while it is written to, so that a
    cancellation between two of the methods leaves nothing open.

    Args:
        target: The path of the complete file; one that exists is replaced. A symbolic link is kept, and the file that
            it leads to is replaced.
    """

    def __init__(self, target: Path) -> None:
        self._name = str(target)
        self._target = Path(os.path.realpath(target))
        self._partial = self._target.parent / f".{secrets.token_hex(8)}.part"

    def create(self) -> None:
        """Create it, empty.

        Raises:
            OSError: The folder does not exist or is not writable, or the target is a folder, a device or a pipe.
        """
        if self._target.exists() and not self._target.is_file():
            number = errno.EISDIR if self._target.is_dir() else errno.EINVAL
            raise OSError(number, os.strerror(number), self._name)
        try:
            self._partial.touch(exist_ok=False)
        except OSError as error:
            # The name of the caller's file, and not that of the one beside it, which nobody has heard of.
            raise OSError(error.errno, error.strerror, self._name) from None

    def append(self, data: bytes | bytearray) -> None:
        """Write at its end.

        Raises:
            OSError: The disk is full, or somebody has deleted the file, for example.
        """
        with self._partial.open("r+b") as file:
            file.seek(0, os.SEEK_END)
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
