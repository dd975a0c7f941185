"""Voices of providers of speech synthesis (TTS), as calls use them and as voices of an account are defined."""

from typing import Annotated, Any, Literal, TypeAlias

import attrs

from ultravox_async.types._markers import Sensitive
from ultravox_async.types._member import Member, OneOf
from ultravox_async.types._object import WireObject

JsonByteEncoding: TypeAlias = (
    Literal["JSON_BYTE_ENCODING_UNSPECIFIED", "JSON_BYTE_ENCODING_BASE64", "JSON_BYTE_ENCODING_HEX"] | str
)
"""How audio is written in JSON. Open: the API may add values."""


@attrs.define
class PronunciationDictionary(WireObject):
    """A pronunciation dictionary at ElevenLabs.

    Its schema is ``ultravox.v1.ElevenLabsVoice_PronunciationDictionaryReference``.
    """

    dictionary_id: str | None = None
    """The id of the dictionary."""

    version_id: str | None = None
    """The id of its version."""


@attrs.define
class ElevenLabsVoice(WireObject):
    """A voice of ElevenLabs (schema ``ultravox.v1.ElevenLabsVoice``). None is the default of ElevenLabs."""

    voice_id: str | None = None
    """The id of the voice at ElevenLabs."""

    model: str | None = None
    """The model."""

    speed: float | None = None
    """How fast it speaks, from 0.7 to 1.2; 1 by default."""

    use_speaker_boost: bool | None = None
    """Whether to come closer to the original speaker."""

    style: float | None = None
    """How much the style of the speaker is exaggerated."""

    similarity_boost: float | None = None
    """How closely it keeps to the original voice."""

    stability: float | None = None
    """How little it varies."""

    pronunciation_dictionaries: list[PronunciationDictionary] | None = None
    """The pronunciation dictionaries."""

    optimize_streaming_latency: int | None = None
    """How much quality is given up for a shorter latency: a level of ElevenLabs."""

    max_sample_rate: int | None = None
    """The maximum sample rate, in hertz."""

    enable_ssml_parsing: bool | None = None
    """Whether SSML in the text is interpreted."""


@attrs.define
class CartesiaGenerationConfig(WireObject):
    """How Cartesia's Sonic-3 and later models speak (schema ``ultravox.v1.CartesiaVoice_CartesiaGenerationConfig``)."""

    volume: float | None = None
    """The volume, from 0.5 to 2; 1 by default."""

    speed: float | None = None
    """How fast it speaks, from 0.6 to 1.5; 1 by default."""

    emotion: str | None = None
    """The emotion, for example ``calm``."""

    pronunciation_dict_id: str | None = None
    """The id of a pronunciation dictionary at Cartesia."""


@attrs.define
class CartesiaVoice(WireObject):
    """A voice of Cartesia (schema ``ultravox.v1.CartesiaVoice``). None is the default of Cartesia."""

    voice_id: str | None = None
    """The id of the voice at Cartesia."""

    model: str | None = None
    """The model."""

    speed: float | None = None
    """How fast it speaks, from -1 to 1; 0 by default. Deprecated by the API; see `generation_config`."""

    emotion: str | None = None
    """The emotion. Deprecated by the API; see `generation_config`."""

    emotions: list[str] | None = None
    """The emotions. Deprecated by the API; see `generation_config`."""

    generation_config: CartesiaGenerationConfig | None = None
    """How it speaks."""


@attrs.define
class LmntVoice(WireObject):
    """A voice of LMNT (schema ``ultravox.v1.LmntVoice``). None is the default of LMNT."""

    voice_id: str | None = None
    """The id of the voice at LMNT."""

    model: str | None = None
    """The model."""

    speed: float | None = None
    """How fast it speaks, from 0.25 to 2; 1 by default."""

    conversational: bool | None = None
    """Whether it speaks as in a conversation."""


@attrs.define
class GoogleVoice(WireObject):
    """A voice of Google, Chirp 3 or later (schema ``ultravox.v1.GoogleVoice``)."""

    voice_id: str | None = None
    """The name of the voice at Google, for example ``en-US-Chirp3-HD-Charon``."""

    speaking_rate: float | None = None
    """How fast it speaks, from 0.25 to 2; 1 by default."""


@attrs.define
class InworldVoice(WireObject):
    """A voice of Inworld (schema ``ultravox.v1.InworldVoice``). None is the default of Inworld."""

    voice_id: str | None = None
    """The id of the voice at Inworld."""

    model_id: str | None = None
    """The id of the model, for example ``inworld-tts-1-max``."""

    speaking_rate: float | None = None
    """How fast it speaks, from 0.5 to 1.5; 1 by default."""

    temperature: float | None = None
    """How much it varies, from 0 to 2."""

    apply_text_normalization: bool | None = None
    """Whether numbers, dates and the like are written out before they are spoken."""


@attrs.define
class RespeecherVoice(WireObject):
    """A voice of Respeecher (schema ``ultravox.v1.RespeecherVoice``). None is the default of Respeecher."""

    voice_id: str | None = None
    """The id of the voice at Respeecher."""

    model: str | None = None
    """The path of the model, for example ``/v1/public/tts/en-rt``; by default the one for the language of the call."""

    seed: int | None = None
    """The seed of the random numbers, for speech that can be reproduced."""

    temperature: float | None = None
    """How much it varies, 0 or more."""

    top_k: int | None = None
    """The number of most likely tokens to choose from; -1 for no limit."""

    top_p: float | None = None
    """The cumulative probability of the tokens to choose from, above 0 and up to 1."""

    min_p: float | None = None
    """The minimum probability of the tokens to choose from, from 0 to 1."""

    presence_penalty: float | None = None
    """The penalty for tokens that occurred, from 0 to 2."""

    repetition_penalty: float | None = None
    """The penalty for tokens that repeat, from 1 to 2."""

    frequency_penalty: float | None = None
    """The penalty for tokens by how often they occurred, from 0 to 2."""


@attrs.define
class GenericVoice(WireObject):
    """A voice of any HTTP service that takes a POST of JSON and returns audio (schema ``ultravox.v1.GenericVoice``)."""

    url: str | None = None
    """The URL of the service."""

    headers: Annotated[dict[str, str], Sensitive] | None = attrs.field(default=None, repr=False)
    """The headers of the request, by their names."""

    body: dict[str, Any] | None = None
    """The body of the request, in which ``{text}`` stands for the text to speak."""

    response_sample_rate: int | None = None
    """The sample rate of the audio, in hertz."""

    response_words_per_minute: int | None = None
    """An estimate of how fast it speaks, in words per minute; 150 by default."""

    response_mime_type: str | None = None
    """The MIME type of the response; None for that of its ``Content-Type`` header."""

    json_audio_field_path: str | None = None
    """Where in a JSON response the audio is."""

    json_byte_encoding: JsonByteEncoding | None = None
    """How audio is written in a JSON response; base64 by default."""


@attrs.define(repr=False)
class ExternalVoice(OneOf):
    """A voice of a provider (schema ``ultravox.v1.ExternalVoice``): exactly one member is set."""

    eleven_labs_: ElevenLabsVoice | None = attrs.field(default=None, alias="eleven_labs")
    cartesia_: CartesiaVoice | None = attrs.field(default=None, alias="cartesia")
    lmnt_: LmntVoice | None = attrs.field(default=None, alias="lmnt")
    google_: GoogleVoice | None = attrs.field(default=None, alias="google")
    inworld_: InworldVoice | None = attrs.field(default=None, alias="inworld")
    respeecher_: RespeecherVoice | None = attrs.field(default=None, alias="respeecher")
    generic_: GenericVoice | None = attrs.field(default=None, alias="generic")

    eleven_labs = Member(ElevenLabsVoice)
    """ElevenLabs; ``ExternalVoice.eleven_labs(...)`` takes the fields of `ElevenLabsVoice`."""

    cartesia = Member(CartesiaVoice)
    """Cartesia; ``ExternalVoice.cartesia(...)`` takes the fields of `CartesiaVoice`."""

    lmnt = Member(LmntVoice)
    """LMNT; ``ExternalVoice.lmnt(...)`` takes the fields of `LmntVoice`."""

    google = Member(GoogleVoice)
    """Google; ``ExternalVoice.google(...)`` takes the fields of `GoogleVoice`."""

    inworld = Member(InworldVoice)
    """Inworld; ``ExternalVoice.inworld(...)`` takes the fields of `InworldVoice`."""

    respeecher = Member(RespeecherVoice)
    """Respeecher; ``ExternalVoice.respeecher(...)`` takes the fields of `RespeecherVoice`."""

    generic = Member(GenericVoice)
    """Any other service; ``ExternalVoice.generic(...)`` takes the fields of `GenericVoice`."""
