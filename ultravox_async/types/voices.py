"""What goes over the wire for voices: those of the account, and those that everybody can use."""

from collections.abc import Sequence
from typing import Annotated, Literal, NotRequired, TypeAlias, TypedDict

import attrs
from annotated_types import MaxLen, MinLen

from ultravox_async.types._markers import ExactlyOne, InQuery
from ultravox_async.types._object import WireObject
from ultravox_async.types.shared.ownership import Ownership
from ultravox_async.types.shared.paging import ListOptions
from ultravox_async.types.shared.voices import ExternalVoice

VoiceBillingStyle: TypeAlias = Literal["VOICE_BILLING_STYLE_INCLUDED", "VOICE_BILLING_STYLE_EXTERNAL"] | str
"""Whether a voice is included in the price of calls, or its provider bills it. Open: the API may add values."""

VoiceProvider: TypeAlias = Literal["lmnt", "cartesia", "google", "respeecher", "eleven_labs", "inworld"] | str
"""Who serves a voice. Open: the API may add values."""

_Name: TypeAlias = Annotated[str, MaxLen(40)]
_Description: TypeAlias = Annotated[str, MaxLen(240)]
_Language: TypeAlias = Annotated[str, MaxLen(10)]
_Definition: TypeAlias = Annotated[ExternalVoice, ExactlyOne]


@attrs.define
class Voice(WireObject):
    """A voice, as ``GET /api/voices/{voice_id}`` returns it (schema ``Voice``)."""

    voice_id: str
    """The id that the API assigned."""

    name: str
    """Its name."""

    description: str | None = None
    """What it is like."""

    primary_language: str | None = None
    """The BCP 47 code of the language that it speaks best."""

    language_label: str | None = None
    """That language, in words for people."""

    preview_url: str | None = None
    """The URL of a sample."""

    ownership: Ownership | None = None
    """Whether it is everybody's, or the account's own."""

    billing_style: VoiceBillingStyle | None = None
    """Whether it is included in the price of calls, or its provider bills it."""

    provider: VoiceProvider | None = None
    """Who serves it."""

    definition: ExternalVoice | None = None
    """How it is spoken by its provider."""


class NewVoice(TypedDict):
    """What `create` and `replace` of a voice take."""

    name: _Name
    """Its name, which no other voice of the account has; at most 40 characters."""

    definition: _Definition
    """The voice of a provider, for example ``ExternalVoice.lmnt(voice_id="lily")``."""

    description: NotRequired[_Description | None]
    """What it is like; at most 240 characters."""

    primary_language: NotRequired[_Language | None]
    """The BCP 47 code of the language that it speaks best; at most 10 characters."""


class NewClonedVoice(TypedDict):
    """What `clone` of voices takes beside the recording."""

    name: _Name
    """Its name, which no other voice of the account has; at most 40 characters."""

    description: NotRequired[_Description | None]
    """What it is like; at most 240 characters. By default, the API makes one up."""

    language: NotRequired[_Language | None]
    """The BCP 47 code of the language that is spoken in the recording; English by default."""


class VoiceChanges(TypedDict, total=False):
    """What `update` of a voice takes: omitted fields keep their value, None clears."""

    name: _Name
    """Its name, which no other voice of the account has; at most 40 characters."""

    definition: _Definition
    """The voice of a provider."""

    description: _Description | None
    """What it is like; at most 240 characters."""

    primary_language: _Language | None
    """The BCP 47 code of the language that it speaks best; at most 10 characters."""


class VoiceFilters(ListOptions, total=False):
    """What `list` of voices takes."""

    billing_style: Annotated[VoiceBillingStyle, MinLen(1), InQuery] | None
    """Only voices that are billed like this."""

    ownership: Annotated[Ownership, MinLen(1), InQuery] | None
    """Only everybody's voices, or only the account's own."""

    primary_language: Annotated[str, MinLen(1), InQuery] | None
    """Only voices of this language, a BCP 47 code; those of exactly this variant come first."""

    provider: Annotated[Sequence[VoiceProvider], InQuery] | None
    """Only voices of these providers."""

    search: Annotated[str, MinLen(1), InQuery] | None
    """Only voices in which this is found."""
