"""An emulator that serves in a thread, and so can be reached from tests that run in any event loop or in none."""

import asyncio
import threading
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any

import attrs

from ultravox_async.testing._emulator import Emulator


@attrs.define(eq=False)
class ThreadedEmulator(Emulator):
    """An emulator that always serves in the same event loop, from wherever it is started and stopped.

    The other methods may be called from any thread, as those of every emulator.
    """

    _loop: asyncio.AbstractEventLoop = attrs.field(alias="loop", kw_only=True, repr=False)
    """The event loop to serve in, which runs in another thread."""

    async def start(self) -> None:
        """Listen, like every emulator; raises the same errors."""
        _run_in(self._loop, super().start())

    async def stop(self) -> None:
        """Close the port and all connections, like every emulator."""
        _run_in(self._loop, super().stop())


@contextmanager
def threaded_emulator(**settings: Any) -> Generator[Emulator, None, None]:  # noqa: ANN401 - Emulator checks them
    """Serve from a new thread while the context lasts.

    Args:
        settings: The arguments of `Emulator`.

    Raises:
        OSError: the port cannot be had.
        ValueError: a setting makes no sense.
    """
    with _loop_in_thread() as loop:
        emulator = ThreadedEmulator(**settings, loop=loop)
        _run_in(loop, Emulator.start(emulator))
        try:
            yield emulator
        finally:
            _run_in(loop, Emulator.stop(emulator))


@contextmanager
def _loop_in_thread() -> Generator[asyncio.AbstractEventLoop, None, None]:
    # With a loop factory, the runner leaves alone which loop is the current one of the calling thread.
    runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
    loop = runner.get_loop()
    # A daemon, so that the interpreter can exit even when a test run ends without tearing down its fixtures.
    thread = threading.Thread(target=_run_until_stopped, args=(runner,), name="ultravox emulator", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def _run_until_stopped(runner: asyncio.Runner) -> None:
    # Closing the runner runs the loop once more, so it belongs in this thread: another loop may run in the other one.
    with runner:
        runner.get_loop().run_forever()


def _run_in(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> None:
    # Blocks the calling thread, for milliseconds as a rule. An event loop that runs there stands still meanwhile: that
    # works with every async library, cannot be cancelled halfway, and a loop with simulated time does not skip ahead.
    asyncio.run_coroutine_threadsafe(work, loop).result()
