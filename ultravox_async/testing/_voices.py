"""What voices do beyond being stored."""

from typing import cast

import attrs

from ultravox_async.testing._collection import Collection, Entry
from ultravox_async.testing._wire import Json

# The names of providers in definitions, and elsewhere.
_PROVIDERS = {"elevenLabs": "eleven_labs"}


@attrs.define(eq=False, kw_only=True)
class Voices(Collection):
    """The voices of the account: private ones, which their providers bill."""

    def _on_write(self, entry: Entry) -> None:
        definition = cast("dict[str, Json]", entry.shown["definition"])
        provider = next(iter(definition))
        language = entry.shown["primaryLanguage"]
        entry.shown["provider"] = None if provider == "generic" else _PROVIDERS.get(provider, provider)
        entry.shown["languageLabel"] = None if language is None else f"Language {language}"
        entry.shown["previewUrl"] = f"https://voices.example.com/{entry.shown['voiceId']}/preview"
        entry.shown["ownership"] = "private"
        entry.shown["billingStyle"] = "VOICE_BILLING_STYLE_EXTERNAL"
