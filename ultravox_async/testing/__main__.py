"""The emulator on its own: `python -m ultravox_async.testing --port 8787 --registrations 1000`."""

import argparse
import asyncio
import shlex
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType

from ultravox_async.emulator_options import add_arguments
from ultravox_async.testing._emulated_calls import EmulatedCalls
from ultravox_async.testing._emulator import Emulator
from ultravox_async.types.shared.messages import MessageRole

_CONVERSATION: Sequence[tuple[MessageRole, str]] = (
    ("MESSAGE_ROLE_AGENT", "Hello! How can I help you?"),
    ("MESSAGE_ROLE_USER", "I would like to book a table for two."),
    ("MESSAGE_ROLE_AGENT", "With pleasure. At what time?"),
    ("MESSAGE_ROLE_USER", "At seven, please."),
)
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _StopRequest:
    """Whether SIGINT or SIGTERM was received, before the event loop runs or while it does."""

    def __init__(self) -> None:
        self.received = False
        self._wake: Callable[[], object] = _nothing

    def on_signal(self, _signal: int, _frame: FrameType | None) -> None:
        """Handle one of the signals; only the first one has an effect."""
        if not self.received:
            self.received = True
            self._wake()

    async def wait(self) -> None:
        """Wait until one of the signals is received."""
        loop = asyncio.get_running_loop()
        received = asyncio.Event()
        self._wake = lambda: loop.call_soon_threadsafe(received.set)
        try:
            if not self.received:
                await received.wait()
        finally:
            # A signal that is received after the loop was closed must not try to wake it.
            self._wake = _nothing


def _nothing() -> None:
    pass


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGINT (Ctrl-C) or SIGTERM. From then on both are ignored, because the process is ending.

    Args:
        argv: The arguments, None for those of the process.

    Returns:
        The exit code: 0 after SIGINT or SIGTERM, 1 when the port is not available.

    Raises:
        SystemExit: an argument is invalid; its code is 2.
    """
    parser = argparse.ArgumentParser(
        prog="python -m ultravox_async.testing",
        description="Serve an emulated Ultravox account with registrations and calls, for trials without a real one.",
    )
    add_arguments(parser)
    options = parser.parse_args(argv)
    try:
        return serve(options)
    except ValueError as error:
        parser.error(str(error))


def serve(options: argparse.Namespace) -> int:
    """Serve until SIGINT (Ctrl-C) or SIGTERM.

    Args:
        options: What `add_arguments` has declared.

    Returns:
        The exit code: 0 after SIGINT or SIGTERM, 1 when the port is not available.

    Raises:
        ValueError: a number is out of range.
    """
    try:
        with _stop_by_signal() as stop:
            emulator = Emulator(
                options.api_key,
                options.registrations,
                options.seed,
                requests_per_second=options.requests_per_second,
                calls_per_second=options.calls_per_second,
                calls_per_minute=options.calls_per_minute,
                # Nothing else can let calls go on here: commands come from the process of the emulator.
                reads_per_call_state=1,
                started=datetime.now(UTC),
                host=options.host,
                port=options.port,
            )
            for _ in range(options.calls):
                _add_call(emulator.calls)
            asyncio.run(_serve(emulator, stop))
    except OSError as error:
        sys.stderr.write(f"cannot listen: {error}\n")
        return 1
    return 0


def _add_call(calls: EmulatedCalls) -> None:
    """Add a call that has ended and is billed."""
    call_id = calls.create({"recordingEnabled": True})
    calls.join(call_id)
    for role, text in _CONVERSATION:
        calls.say(call_id, role, text)
    calls.end(call_id)
    calls.bill(call_id)


@contextmanager
def _stop_by_signal() -> Generator[_StopRequest, None, None]:
    # Not `loop.add_signal_handler`: Windows does not have it, and a signal may be received before there is a loop.
    # SIGINT needs a handler too, because a shell that starts a background job makes it ignore SIGINT.
    stop = _StopRequest()
    previous_handlers = {number: signal.signal(number, stop.on_signal) for number in _SIGNALS}
    try:
        yield stop
    finally:
        if stop.received:
            _ignore_signals()
        else:
            for number, previous_handler in previous_handlers.items():
                signal.signal(number, previous_handler)


def _ignore_signals() -> None:
    # Another signal would end the interpreter with a traceback or another exit code while it shuts down. They are
    # blocked first, because CPython reports an error for a signal that arrives while its handler is being replaced.
    if sys.platform != "win32":  # pragma: no branch - Windows cannot block signals
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


async def _serve(emulator: Emulator, stop: _StopRequest) -> None:
    async with emulator:
        sys.stdout.write(
            f"# {emulator.registrations} registrations are served; Ctrl-C ends it. For another shell:\n"
            f"export ULTRAVOX_BASE_URL={emulator.base_url}\n"
            f"export ULTRAVOX_API_KEY={shlex.quote(emulator.api_key)}\n"
        )
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
