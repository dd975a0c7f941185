"""Fixtures for tests of code that uses ultravox_async; pytest finds them by itself once the package is installed.

- `ultravox_emulator` is a running `ultravox_async.testing.Emulator`, a new one for each test.
- `ultravox_emulator_settings` is what it is made with; override it to have other settings.
- `ultravox` is an open `ultravox_async.AsyncUltravox` that talks to that emulator.
- `ultravox_responses` is a started `aioresponses` mock, for tests without any server. It needs aioresponses.

The first and the third need pytest-asyncio, and work in its strict mode and its auto mode.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import pytest

# pytest imports this module at the start of every test run in the environment. Nothing of the package may be imported
# with it: that would bring aiohttp into runs that never use it, and hide from coverage how the package is imported.
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from aioresponses import aioresponses

    from ultravox_async import AsyncUltravox
    from ultravox_async.testing import Emulator


@pytest.fixture
def ultravox_emulator_settings() -> dict[str, object]:
    """Keyword arguments for the Emulator behind `ultravox_emulator`."""
    return {"registrations": 10}


@pytest.fixture
def ultravox_responses() -> Iterator[aioresponses]:
    """A started aioresponses mock: every aiohttp session gets the answers that it is told, and no connection."""
    patched = importlib.import_module("ultravox_async.testing._aioresponses")
    with patched.started_aioresponses() as mock:
        yield mock


try:
    import pytest_asyncio
except ImportError:
    # Without it there is nothing that could run an async fixture; the fixtures above still work.
    pass
else:

    @pytest_asyncio.fixture
    async def ultravox_emulator(ultravox_emulator_settings: dict[str, object]) -> AsyncIterator[Emulator]:
        """An emulated account, served while the test runs."""
        testing = importlib.import_module("ultravox_async.testing")
        async with testing.Emulator(**ultravox_emulator_settings) as emulator:
            yield emulator

    @pytest_asyncio.fixture
    async def ultravox(ultravox_emulator: Emulator) -> AsyncIterator[AsyncUltravox]:
        """A client of the emulated account, closed after the test."""
        package = importlib.import_module("ultravox_async")
        async with package.AsyncUltravox(ultravox_emulator.api_key, base_url=ultravox_emulator.base_url) as client:
            yield client
