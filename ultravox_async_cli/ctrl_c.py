"""Ctrl-C, which is silent from the first module that is imported to the end of the process.

This is imported before anything handles it, and imports little itself.
"""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from ultravox_async_cli.errors import ExitCode


def leave(_number: int, _frame: FrameType | None) -> None:
    """End the process at once; a handler for signals.

    While modules are imported there is nothing to clean up, and a KeyboardInterrupt could be raised anywhere in them.
    While the interpreter exits, everything is written, and nobody would catch it.
    """
    os._exit(ExitCode.INTERRUPTED)


@contextmanager
def interruptible() -> Generator[None]:
    """Let Ctrl-C raise KeyboardInterrupt in the context, unless it is ignored."""
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
