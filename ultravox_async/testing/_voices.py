"""The voices of the account."""

from collections.abc import Mapping
from functools import partial
from random import Random
from typing import cast

import attrs

from ultravox_async.testing._collection import Collection, CollectionSettings
from ultravox_async.testing._entry import Entry
from ultravox_async.testing._files import WAV, tone
from ultravox_async.testing._filters import Condition, Filters, found_in, is_in, language_is
from ultravox_async.testing._forms import is_multipart, read_multipart
from ultravox_async.testing._routing import ApiRequest, Operations
from ultravox_async.testing._storage import Storage
from ultravox_async.testing._validation import Invalid, check_fields, json_object
from ultravox_async.testing._wire import Answer, Json, json_answer, redirect
from ultravox_async.types.voices import NewVoice, Voice, VoiceChanges, VoiceFilters

# The providers that have another name in definitions than elsewhere.
_PROVIDERS = {"elevenLabs": "eleven_labs", "generic": None}
_IS_CLONE = "isClone"
_SAMPLE_SECONDS = 2
_CONDITIONS: Mapping[str, Condition] = {
    "billing_style": is_in("billingStyle"),
    "ownership": is_in("ownership"),
    "primary_language": language_is,
    "provider": is_in("provider"),
    "search": found_in("name", "description"),
}


@attrs.define(eq=False, kw_only=True)
class Voices(Collection):
    """The voices of the account: private ones. Their providers bill them, except for clones."""

    storage: Storage
    """Where their samples are."""

    def operations(self) -> Operations:
        """The operations on voices."""
        return {
            "/api/voices": {"GET": self.list_page, "POST": self.create_or_clone},
            "/api/voices/{voice_id}": {
                "GET": self.get,
                "PUT": partial(self.replace, NewVoice),
                "PATCH": partial(self.update, VoiceChanges),
                "DELETE": self.delete,
            },
            "/api/voices/{voice_id}/preview": {"GET": self.show_sample},
            "/api/voice_preview": {"POST": self.preview},
        }

    def create_or_clone(self, request: ApiRequest) -> Answer:
        """Create a voice from a definition, or from a sample in a form."""
        return self.clone(request) if is_multipart(request) else self.create(NewVoice, request)

    def clone(self, request: ApiRequest) -> Answer:
        """Create a voice from a sample, which is not looked at; the definition of the voice is made up."""
        form = read_multipart(request)
        made_up: Json = {"inworld": {"voiceId": f"{self.random.getrandbits(64):016x}"}}
        sent = {**form.fields, "primaryLanguage": form.fields.get("language", "en"), "definition": made_up}
        fields = _checked(sent, form.errors_of_file("file"))
        self._check_name(fields, None)
        return json_answer(201, self.add_written({"description": "A cloned voice.", **fields, _IS_CLONE: True}).shown)

    def show_sample(self, request: ApiRequest) -> Answer:
        """Redirect to a sample of a voice."""
        voice_id = str(self._requested(request).shown["voiceId"])
        return redirect(self.storage.offer(f"voices/{voice_id}.wav", lambda: tone(_SAMPLE_SECONDS, voice_id), WAV))

    def preview(self, request: ApiRequest) -> Answer:
        """Speak with a voice that is not created."""
        voice = check_fields(NewVoice, json_object(request.body))
        spoken = tone(_SAMPLE_SECONDS, str(voice["definition"]))
        return Answer(200, spoken.read(0, spoken.size), {"Content-Type": WAV})

    def _fields_in(self, shape: type, request: ApiRequest) -> dict[str, Json]:
        fields = super()._fields_in(shape, request)
        self._check_name(fields, request.ids.get(self.id_name))
        return fields

    def _check_name(self, fields: Mapping[str, Json], voice_id: str | None) -> None:
        for voice in self.entries:
            if voice.shown["name"] == fields.get("name") and voice.shown["voiceId"] != voice_id:
                raise Invalid({"name": ["A voice with this name already exists."]})

    def _on_write(self, entry: Entry) -> None:
        provider = next(iter(cast("dict[str, Json]", entry.shown["definition"])))
        language = entry.shown["primaryLanguage"]
        entry.shown["provider"] = _PROVIDERS.get(provider, provider)
        entry.shown["languageLabel"] = None if language is None else f"Language {language}"
        entry.shown["previewUrl"] = f"https://voices.example.com/{entry.shown['voiceId']}/preview"
        entry.shown["ownership"] = "private"
        style = "INCLUDED" if entry.hidden.get(_IS_CLONE) else "EXTERNAL"
        entry.shown["billingStyle"] = f"VOICE_BILLING_STYLE_{style}"


def _checked(sent: dict[str, Json], other_errors: dict[str, Json]) -> dict[str, Json]:
    errors = other_errors
    try:
        fields = check_fields(NewVoice, sent)
    except Invalid as invalid:
        fields = {}
        errors = {**cast("dict[str, Json]", invalid.errors), **errors}
    if errors:
        raise Invalid(errors)
    return fields


def new_voices(seed: int, settings: CollectionSettings, storage: Storage) -> Voices:
    """An account's voices: none yet."""
    random = Random(f"{seed} voices")  # noqa: S311 - has to be reproducible, is not for security
    return Voices(
        noun="voice",
        id_name="voice_id",
        shows=Voice,
        random=random,
        settings=settings,
        storage=storage,
        filters=Filters(VoiceFilters, _CONDITIONS),
    )
