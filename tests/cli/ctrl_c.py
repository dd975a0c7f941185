import os
import signal
from collections.abc import Generator
from contextlib import contextmanager

import attrs
from aiohttp import web

from ultravox_async.testing import Stall
from ultravox_async.testing._exchange import Exchange


@attrs.frozen
class CtrlC(Stall):
    """Carries out a request, never answers it, and presses Ctrl-C meanwhile: the command is in the middle of it."""

    number: signal.Signals = signal.SIGINT
    """Or another one that arrives in its place."""

    async def play(self, exchange: Exchange) -> web.StreamResponse:
        os.kill(os.getpid(), self.number)
        return await super().play(exchange)


@contextmanager
def defaults_of(*signals: signal.Signals) -> Generator[None]:
    """Let signals end the process: a test run that was started by nohup ignores SIGHUP."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ctrl_c_works() -> Generator[None]:
    """Let Ctrl-C raise KeyboardInterrupt: a test run that was started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
