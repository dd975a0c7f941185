from collections.abc import Callable

import pytest

from tests.types.shared import secrets_of, sent
from ultravox_async import InvalidRequestError
from ultravox_async.types.shared.voices import (
    CartesiaGenerationConfig,
    CartesiaVoice,
    ElevenLabsVoice,
    ExternalVoice,
    GenericVoice,
    GoogleVoice,
    InworldVoice,
    LmntVoice,
    PronunciationDictionary,
    RespeecherVoice,
)


@pytest.mark.parametrize(
    ("make", "wire", "member"),
    [
        (ExternalVoice.eleven_labs, "elevenLabs", ElevenLabsVoice("v1")),
        (ExternalVoice.cartesia, "cartesia", CartesiaVoice("v1")),
        (ExternalVoice.lmnt, "lmnt", LmntVoice("v1")),
        (ExternalVoice.google, "google", GoogleVoice("v1")),
        (ExternalVoice.inworld, "inworld", InworldVoice("v1")),
        (ExternalVoice.respeecher, "respeecher", RespeecherVoice("v1")),
    ],
)
def test_each_provider_has_a_constructor(make: Callable[[str], ExternalVoice], wire: str, member: object) -> None:
    voice = make("v1")
    assert sent(voice=voice) == {"voice": {wire: {"voiceId": "v1"}}}
    assert ExternalVoice.from_dict({wire: {"voiceId": "v1"}}) == voice
    assert repr(member) in repr(voice)


def test_a_voice_is_sent_with_the_fields_that_are_set() -> None:
    voice = ExternalVoice.eleven_labs(
        voice_id="v1", stability=0, pronunciation_dictionaries=[PronunciationDictionary("d1", "2")]
    )
    assert sent(voice=voice)["voice"]["elevenLabs"] == {
        "voiceId": "v1",
        "stability": 0,
        "pronunciationDictionaries": [{"dictionaryId": "d1", "versionId": "2"}],
    }


def test_a_voice_of_cartesia_is_sent_with_its_configuration() -> None:
    config = CartesiaGenerationConfig(volume=1.5, pronunciation_dict_id="d1")
    voice = ExternalVoice.cartesia("v1", generation_config=config)
    assert sent(voice=voice)["voice"]["cartesia"] == {
        "voiceId": "v1",
        "generationConfig": {"volume": 1.5, "pronunciationDictId": "d1"},
    }


@pytest.mark.parametrize("voice", [ExternalVoice(), ExternalVoice(lmnt=LmntVoice("a"), google=GoogleVoice("b"))])
def test_no_voice_or_two_are_refused(voice: ExternalVoice) -> None:
    with pytest.raises(InvalidRequestError, match="voice: takes an ExternalVoice with exactly one field"):
        sent(voice=voice)


def test_the_body_of_a_generic_voice_is_sent_as_it_is() -> None:
    voice = ExternalVoice.generic("https://example.com/", body={"voice_settings": {"some_key": None}, "t": "{text}"})
    body = {"voice_settings": {"some_key": None}, "t": "{text}"}
    assert sent(voice=voice)["voice"]["generic"] == {"url": "https://example.com/", "body": body}


def test_the_headers_of_a_generic_voice_are_hidden() -> None:
    voice = ExternalVoice.generic("https://example.com/", headers={"Authorization": "hunter2"})
    assert "hunter2" not in repr(voice)
    assert "hunter2" not in voice.to_json()
    assert sent(voice=voice)["voice"]["generic"]["headers"] == {"Authorization": "hunter2"}
    assert secrets_of(voice=voice) == {"hunter2"}


def test_a_voice_is_decoded_with_unknown_fields_and_without_others() -> None:
    voice = ExternalVoice.from_dict(
        {
            "cartesia": {"voiceId": "v1", "emotions": ["calm"], "speed": 0, "pitch": 3},
            "generic": {"jsonByteEncoding": "JSON_BYTE_ENCODING_BASE32", "headers": {"a": "b"}, "body": None},
            "newProvider": {},
        }
    )
    assert voice == ExternalVoice(
        cartesia=CartesiaVoice("v1", emotions=["calm"], speed=0.0),
        generic=GenericVoice(headers={"a": "b"}, json_byte_encoding="JSON_BYTE_ENCODING_BASE32"),
    )
