"""Runs coroutines, for people who press Ctrl-C more than once."""

import asyncio
import inspect
import logging
import signal
import sys
import warnings
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

import attrs

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine as `asyncio.run` does, but in another way if Ctrl-C is pressed again.

    The first Ctrl-C cancels the coroutine. With `asyncio.run`, the second one raises KeyboardInterrupt wherever the
    event loop is. That can break the loop, so that it waits for ever, or shows warnings and tracebacks. Here it stops
    the loop between two of its steps.

    Raises:
        KeyboardInterrupt: It was interrupted.
        BaseException: What the coroutine raises.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # Ctrl-C is ignored
        return asyncio.run(work)
    interruption = _Interruption()
    try:
        result = asyncio.run(interruption.around(work))
    except (asyncio.CancelledError, RuntimeError):
        if interruption.has_happened:
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if inspect.getcoroutinestate(work) == inspect.CORO_CREATED:  # it was interrupted before that
            work.close()
    if interruption.has_happened:
        raise KeyboardInterrupt
    return result


@attrs.define
class _Interruption:
    has_happened: bool = False

    async def around(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work, and handle Ctrl-C from here to the end of the event loop."""
        loop = asyncio.get_running_loop()
        task = cast("asyncio.Task[T]", asyncio.current_task())

        def handle(*_: object) -> None:
            is_over = self.has_happened or task.done()
            self.has_happened = True
            if is_over:
                _silence()
            if not loop.is_closed():
                loop.call_soon_threadsafe(loop.stop if is_over else task.cancel)

        signal.signal(signal.SIGINT, handle)
        try:
            return await work
        except KeyboardInterrupt:  # raised while it was printing
            self.has_happened = True
            raise asyncio.CancelledError from None


def _silence() -> None:
    """Let nothing be reported of what the event loop leaves behind; the process is about to end."""
    warnings.simplefilter("ignore")
    logging.getLogger("asyncio").disabled = True
    sys.unraisablehook = lambda _: None
