from tests.resources.sending import last_query, last_request
from ultravox_async import AsyncUltravox
from ultravox_async.testing import Emulator
from ultravox_async.types import ModelAlias


async def test_the_models_are_listed(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    assert [one async for one in ultravox.models.list(page_size=10)] == [ModelAlias("ultravox-v0.7")]
    assert last_request(ultravox_emulator) == ("GET", "/api/models")
    assert last_query(ultravox_emulator) == [("pageSize", "10")]
