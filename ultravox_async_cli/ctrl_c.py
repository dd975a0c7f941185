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
    """Let Ctrl-C raise KeyboardInterrupt in the context, if it ends the process otherwise."""
    if signal.getsignal(signal.SIGINT) is not leave:
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, leave)
