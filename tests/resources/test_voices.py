import json
from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import pytest
from aioresponses import aioresponses

from tests.wire import KEY
from ultravox_async import AsyncUltravox, InvalidRequestError, NotFoundError
from ultravox_async.testing import Emulator
from ultravox_async.types import ElevenLabsVoice, ExternalVoice, LmntVoice, Voice

LILY = ExternalVoice.lmnt(voice_id="lily", speed=1.2)
SECRET = "canary-header-77ab"
Call: TypeAlias = Callable[[AsyncUltravox], Coroutine[Any, Any, object]]


def sent(emulator: Emulator) -> tuple[str, str, object]:
    request = emulator.requests[-1]
    return request.method, request.path, json.loads(request.body) if request.body else None


def creating(**fields: Any) -> Call:  # noqa: ANN401 - the wrong types too
    wanted: dict[str, Any] = {"name": "Lily", "definition": LILY, **fields}
    return lambda ultravox: ultravox.voices.create(**wanted)


def updating(**fields: Any) -> Call:  # noqa: ANN401 - the wrong types too
    return lambda ultravox: ultravox.voices.update("some-id", **fields)


async def test_the_resource_says_what_it_offers() -> None:
    async with AsyncUltravox(KEY, base_url="https://api.example.com") as ultravox:
        assert repr(ultravox.voices) == (
            "<Voices at https://api.example.com: clone, create, delete, get, get_many, list, preview, replace, sample, "
            "update>"
        )


async def test_a_voice_is_created(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.voices.create(name="Lily", definition=LILY, description=None, primary_language="en-US")
    body = {"name": "Lily", "definition": {"lmnt": {"voiceId": "lily", "speed": 1.2}}, "primaryLanguage": "en-US"}
    assert sent(ultravox_emulator) == ("POST", "/api/voices", body)
    assert (made.name, made.definition, made.description, made.primary_language) == ("Lily", LILY, None, "en-US")
    assert (made.ownership, made.billing_style, made.provider) == ("private", "VOICE_BILLING_STYLE_EXTERNAL", "lmnt")
    assert made.language_label is not None
    assert made.preview_url is not None


@pytest.mark.parametrize(
    ("definition", "provider"),
    [
        (ExternalVoice.eleven_labs("v1"), "eleven_labs"),
        (ExternalVoice.generic("https://example.com/"), None),
    ],
)
async def test_the_provider_of_a_voice_is_told(
    ultravox: AsyncUltravox, definition: ExternalVoice, provider: str | None
) -> None:
    made = await ultravox.voices.create(name="Lily", definition=definition)
    assert made.provider == provider


async def test_a_voice_is_fetched(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.voices.create(name="Lily", definition=LILY)
    assert await ultravox.voices.get(made.voice_id) == made
    assert sent(ultravox_emulator) == ("GET", f"/api/voices/{made.voice_id}", None)


async def test_many_voices_are_fetched(ultravox: AsyncUltravox) -> None:
    made = [await ultravox.voices.create(name=f"Lily {number}", definition=LILY) for number in range(3)]
    result = await ultravox.voices.get_many([voice.voice_id for voice in made] + ["missing"])
    assert result.found == {voice.voice_id: voice for voice in made}
    assert list(result.failed) == ["missing"]


async def test_voices_are_listed_with_filters(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.voices.create(name="Lily", definition=LILY, primary_language="en-US")
    listing = ultravox.voices.list(
        billing_style="VOICE_BILLING_STYLE_EXTERNAL",
        ownership="private",
        primary_language="en",
        provider=["lmnt", "eleven_labs"],
        search="lil",
        page_size=10,
    )
    assert [voice async for voice in listing] == [made]
    query = ultravox_emulator.requests[-1].query
    assert dict(query) == {
        "billingStyle": "VOICE_BILLING_STYLE_EXTERNAL",
        "ownership": "private",
        "primaryLanguage": "en",
        "provider": "lmnt",
        "search": "lil",
        "pageSize": "10",
    }
    assert query.getall("provider") == ["lmnt", "eleven_labs"]  # type: ignore[attr-defined]  # a multidict # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


async def test_a_filter_that_is_none_is_not_sent(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    assert [voice async for voice in ultravox.voices.list(ownership=None, provider=None, search=None)] == []
    assert dict(ultravox_emulator.requests[-1].query) == {}


async def test_a_voice_is_changed(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.voices.create(name="Lily", definition=LILY, description="Calm")
    changed = await ultravox.voices.update(made.voice_id, name="Lil", description=None)
    assert sent(ultravox_emulator) == ("PATCH", f"/api/voices/{made.voice_id}", {"name": "Lil", "description": None})
    assert (changed.name, changed.description, changed.definition) == ("Lil", None, LILY)
    changed = await ultravox.voices.update(made.voice_id, definition=ExternalVoice.google("Charon"))
    assert (changed.name, changed.provider) == ("Lil", "google")


async def test_a_voice_is_replaced(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.voices.create(name="Lily", definition=LILY, description="Calm")
    replaced = await ultravox.voices.replace(made.voice_id, name="Lil", definition=LILY)
    body = {"name": "Lil", "definition": {"lmnt": {"voiceId": "lily", "speed": 1.2}}}
    assert sent(ultravox_emulator) == ("PUT", f"/api/voices/{made.voice_id}", body)
    assert (replaced.voice_id, replaced.name, replaced.description) == (made.voice_id, "Lil", None)


async def test_a_voice_is_deleted(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.voices.create(name="Lily", definition=LILY)
    await ultravox.voices.delete(made.voice_id)
    assert sent(ultravox_emulator) == ("DELETE", f"/api/voices/{made.voice_id}", None)
    with pytest.raises(NotFoundError, match="No such voice"):
        await ultravox.voices.get(made.voice_id)


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (creating(name="x" * 41), "name: takes at most 40 characters, not 41"),
        (creating(description="x" * 241), "description: .* 240"),
        (creating(primary_language="x" * 11), "primary_language: .* 10"),
        (creating(definition=ExternalVoice()), "definition: takes an ExternalVoice with exactly one field, not with 0"),
        (
            creating(definition=ExternalVoice(lmnt=LmntVoice(), eleven_labs=ElevenLabsVoice())),
            "definition: .* not with 2",
        ),
        (creating(definition={"lmnt": {}}), "definition: takes an ExternalVoice, not dict"),
        (updating(), "takes at least one of"),
        (updating(name=None), "name"),
        (updating(name="x" * 41), "name: .* 40"),
    ],
)
async def test_what_exceeds_a_limit_is_refused_before_it_is_sent(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, call: Call, problem: str
) -> None:
    with pytest.raises(InvalidRequestError, match=problem):
        await call(ultravox)
    assert ultravox_emulator.received == 0


@pytest.mark.parametrize("call", [creating(voice_id="v1"), creating(ownership="public"), updating(provider="lmnt")])
async def test_a_field_that_only_the_api_sets_is_refused(ultravox: AsyncUltravox, call: Call) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        await call(ultravox)


async def test_an_empty_search_is_refused(ultravox: AsyncUltravox) -> None:
    with pytest.raises(InvalidRequestError, match="search"):
        ultravox.voices.list(search="")


async def test_the_headers_of_a_generic_voice_are_hidden_in_what_the_api_returns(ultravox: AsyncUltravox) -> None:
    definition = ExternalVoice.generic("https://example.com/", headers={"Authorization": SECRET})
    made = await ultravox.voices.create(name="Mine", definition=definition)
    assert made.definition == definition
    assert SECRET not in repr(made)
    assert SECRET not in made.to_json()


@pytest.mark.parametrize("extra", [{}, {"description": None, "provider": None, "definition": None, "previewUrl": None}])
async def test_a_voice_of_which_little_is_known_is_decoded(
    ultravox_responses: aioresponses, extra: dict[str, object]
) -> None:
    ultravox_responses.get(  # pyright: ignore[reportUnknownMemberType] - partly typed in aioresponses
        "https://api.ultravox.ai/api/voices/v1", payload={"voiceId": "v1", "name": "Lily", **extra}
    )
    async with AsyncUltravox(KEY) as ultravox:
        assert await ultravox.voices.get("v1") == Voice("v1", "Lily")


async def test_values_that_are_new_to_this_package_survive(ultravox_responses: aioresponses) -> None:
    news = {"ownership": "shared", "billingStyle": "VOICE_BILLING_STYLE_FREE", "provider": "new", "mood": {"a": 1}}
    ultravox_responses.get(  # pyright: ignore[reportUnknownMemberType] - as above
        "https://api.ultravox.ai/api/voices/v1",
        payload={"voiceId": "v1", "name": "Lily", "definition": {"newProvider": {}}, **news},
    )
    async with AsyncUltravox(KEY) as ultravox:
        voice = await ultravox.voices.get("v1")
    assert (voice.ownership, voice.billing_style, voice.provider) == ("shared", "VOICE_BILLING_STYLE_FREE", "new")
    assert voice.definition == ExternalVoice()
