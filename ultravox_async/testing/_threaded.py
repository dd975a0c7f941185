"""An emulator that serves in a thread of its own, for tests that run in any event loop or in none."""

import asyncio
import threading
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from typing import Any

import attrs

from ultravox_async.testing._emulator import Emulator


@attrs.define(eq=False)
class ThreadedEmulator(Emulator):
    """An emulator that always serves in the same event loop, whichever thread starts and stops it.

    As with every emulator, the other methods may be called from any thread.
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
        OSError: the port is not available.
        ValueError: a setting is out of range.
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
    # With a loop factory, the runner does not change the current event loop of the calling thread.
    runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
    loop = runner.get_loop()
    # A daemon thread, so that the interpreter can exit even if a test run ends without tearing down its fixtures.
    thread = threading.Thread(target=_run_until_stopped, args=(runner,), name="ultravox emulator", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def _run_until_stopped(runner: asyncio.Runner) -> None:
    # Closing the runner runs the loop once more. That has to happen in this thread, because another loop may be
    # running in the thread that stops the emulator.
    with runner:
        runner.get_loop().run_forever()


def _run_in(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, None]) -> None:
    # This blocks the calling thread, for milliseconds as a rule, and an event loop that runs there too. Blocking works
    # with every async library, cannot be cancelled halfway, and leaves the clock of a loop with simulated time alone.
    asyncio.run_coroutine_threadsafe(work, loop).result()
