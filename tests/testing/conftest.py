from collections.abc import AsyncIterator

import aiohttp
import pytest

from ultravox_async.testing import Emulator


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(registrations=25, requests_per_second=None) as emulator:
        yield emulator


@pytest.fixture
async def api(emulator: Emulator) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"X-API-Key": emulator.api_key}
    async with aiohttp.ClientSession(emulator.base_url, headers=headers) as session:
        yield session
