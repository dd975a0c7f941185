import asyncio
import inspect
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from selectors import BaseSelector, SelectorKey
from weakref import WeakSet

import aiohttp
import pytest
from hypothesis import settings

_LONGEST_TEST = 30.0

# A shell without job control has commands that it starts with "&" ignore SIGINT, and so would all tests of Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Tests start hundreds of processes, each of which would compile the package if none may write what it has compiled.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Otherwise older versions of pytest-asyncio make a loop to put back later, and a test that uses `asyncio.run` drops it.
asyncio.set_event_loop(None)

# How long an example takes says more about the machine than about the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    # Tests with processes and sockets wait about as long as the others compute.
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True)
def no_connector_is_left_open(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    connectors: WeakSet[aiohttp.BaseConnector] = WeakSet()
    make = aiohttp.BaseConnector.__init__

    def make_and_remember(self: aiohttp.BaseConnector, *args: object, **settings: object) -> None:
        connectors.add(self)
        make(self, *args, **settings)  # type: ignore[arg-type]  # passed on as they came # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(aiohttp.BaseConnector, "__init__", make_and_remember)
    yield
    assert not [connector for connector in connectors if not connector.closed]


@pytest.fixture(autouse=True)
def nothing_is_left_in_the_loop(request: pytest.FixtureRequest) -> None:
    # An event loop takes longer to make than most of the other tests take.
    if inspect.iscoroutinefunction(request.function):
        request.getfixturevalue("watched_loop")


@pytest.fixture
async def watched_loop() -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    latest = time.monotonic() + _LONGEST_TEST

    def watch() -> None:
        # This bound is in real time, because a test may have moved the clock of the loop forward.
        if time.monotonic() < latest:
            watches.append(loop.call_later(1.0, watch))
        else:
            for task in asyncio.all_tasks(loop):
                task.cancel("this test takes too long")

    watches = [loop.call_later(1.0, watch)]
    yield
    watches[-1].cancel()
    # A transport that is being closed gives back its socket in the next round of the event loop.
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not [transport for transport in _transports(loop) if not transport.is_closing()]


def _transports(loop: asyncio.AbstractEventLoop) -> list[asyncio.BaseTransport]:
    # Only the loop itself knows them all. A loop without this attribute fails here, and is not silently accepted.
    register: dict[int, asyncio.BaseTransport] = getattr(loop, "_transports")  # noqa: B009 - no public name, nor a type
    return list(register.values())


class Clock:
    """The event loop's clock. It moves only when the loop has nothing to do but to wait."""

    _IO_GRACE = 0.001

    def __init__(self, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        start = loop.time()
        # A loop without this attribute fails here, and is not silently accepted.
        selector: BaseSelector = getattr(loop, "_selector")  # noqa: B009 - no public name, nor a type
        real_select = selector.select

        def select(timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
            if timeout is None or timeout <= 0:
                return real_select(timeout)
            events = real_select(min(timeout, self._IO_GRACE))
            if not events:
                self.advance(timeout)
            return events

        monkeypatch.setattr(loop, "time", lambda: start + self.ahead)
        monkeypatch.setattr(selector, "select", select)

    def advance(self, seconds: float) -> None:
        self.ahead += seconds


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(asyncio.get_running_loop(), monkeypatch)
