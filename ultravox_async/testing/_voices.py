"""The voices of the account."""

from functools import partial
from random import Random
from typing import cast

import attrs

from ultravox_async.testing._collection import Collection, Entry
from ultravox_async.testing._pages import PageSizes
from ultravox_async.testing._routing import Operations
from ultravox_async.testing._wire import Json
from ultravox_async.types.voices import NewVoice, Voice, VoiceChanges

# The providers that have another name in definitions than elsewhere.
_PROVIDERS = {"elevenLabs": "eleven_labs", "generic": None}


@attrs.define(eq=False, kw_only=True)
class Voices(Collection):
    """The voices of the account: private ones, which their providers bill."""

    def operations(self) -> Operations:
        """The operations on voices."""
        return {
            "/api/voices": {"GET": self.list_page, "POST": partial(self.create, NewVoice)},
            "/api/voices/{voice_id}": {
                "GET": self.get,
                "PUT": partial(self.replace, NewVoice),
                "PATCH": partial(self.update, VoiceChanges),
                "DELETE": self.delete,
            },
        }

    def _on_write(self, entry: Entry) -> None:
        provider = next(iter(cast("dict[str, Json]", entry.shown["definition"])))
        language = entry.shown["primaryLanguage"]
        entry.shown["provider"] = _PROVIDERS.get(provider, provider)
        entry.shown["languageLabel"] = None if language is None else f"Language {language}"
        entry.shown["previewUrl"] = f"https://voices.example.com/{entry.shown['voiceId']}/preview"
        entry.shown["ownership"] = "private"
        entry.shown["billingStyle"] = "VOICE_BILLING_STYLE_EXTERNAL"


def new_voices(seed: int, page_sizes: PageSizes) -> Voices:
    """An account's voices: none yet."""
    random = Random(f"{seed} voices")  # noqa: S311 - has to be reproducible, is not for security
    return Voices(noun="voice", id_name="voice_id", shows=Voice, random=random, page_sizes=page_sizes)
