"""SIGTERM and SIGHUP, which end work in the middle as Ctrl-C does, with what is done and what is left."""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Final

import attrs

from ultravox_async_cli.errors import ExitCode

# Windows has no SIGHUP.
_SIGNALS: Final = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@attrs.define
class Stop:
    """What the exit code is once a KeyboardInterrupt has been raised."""

    exit_code: ExitCode = ExitCode.INTERRUPTED


@contextmanager
def unstoppable() -> Generator[None]:
    """Ignore Ctrl-C, SIGTERM and SIGHUP in the context, which has to be short: people press Ctrl-C twice."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, *_SIGNALS)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def stop_signals() -> Generator[Stop]:
    """Let SIGTERM and SIGHUP do what Ctrl-C does, unless they are ignored or handled already, as with nohup."""
    stop = Stop()

    def act(number: int, frame: FrameType | None) -> None:
        stop.exit_code = ExitCode(128 + number)
        as_ctrl_c = signal.getsignal(signal.SIGINT)
        if callable(as_ctrl_c):  # while an event loop runs, that of asyncio, which cancels the main task
            as_ctrl_c(signal.SIGINT, frame)
        else:  # a shell lets the jobs in its background ignore Ctrl-C, but not these signals
            raise KeyboardInterrupt

    taken = [number for number in _SIGNALS if signal.getsignal(number) == signal.SIG_DFL]
    for number in taken:
        signal.signal(number, act)
    try:
        yield stop
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
