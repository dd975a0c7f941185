"""The emulator serves the whole API."""

import re

import aiohttp

from tests.contract.document import needs_schema, the_document
from ultravox_async.testing import Emulator

pytestmark = needs_schema


async def test_the_emulator_serves_each_operation() -> None:
    not_served: list[str] = []
    async with (
        Emulator(registrations=0, requests_per_second=None) as emulator,
        aiohttp.ClientSession(emulator.base_url, headers={"X-API-Key": emulator.api_key}) as api,
    ):
        for operation in the_document().operations:
            method, template = operation.split()
            async with api.request(method, re.sub(r"{\w+}", "x", template), json={}) as response:
                text = await response.text()
            if response.status in {405, 501} or "Nothing is served at this path." in text or response.status >= 500:
                not_served.append(operation)
        assert emulator.received == 114
    assert not_served == []
