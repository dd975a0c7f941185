import pytest
import yaml

from tests.resources.sending import last_query, last_request
from ultravox_async import AsyncUltravox, InvalidRequestError
from ultravox_async.testing import Emulator


async def test_the_schema_is_a_document(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    document = await ultravox.schema.get()
    assert document["openapi"] == "3.0.3"
    assert last_request(ultravox_emulator) == ("GET", "/api/schema/")
    assert last_query(ultravox_emulator) == [("format", "json")]
    assert ultravox_emulator.requests[-1].headers["Accept"] == "application/json"


async def test_the_schema_is_a_text_in_yaml(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    text = await ultravox.schema.get(format="yaml", lang="de")
    assert yaml.safe_load(text)["openapi"] == "3.0.3"
    assert last_query(ultravox_emulator) == [("format", "yaml"), ("lang", "de")]
    assert ultravox_emulator.requests[-1].headers.getall("Accept") == ["application/yaml"]  # type: ignore[attr-defined]  # a multidict # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


async def test_another_format_is_refused_before_sending(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    with pytest.raises(InvalidRequestError, match="format"):
        await ultravox.schema.get(format="xml")  # type: ignore[call-overload]  # what is refused # pyright: ignore[reportCallIssue, reportArgumentType]
    assert ultravox_emulator.received == 0
