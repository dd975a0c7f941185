"""Voices: ``ultravox.voices``."""

from typing import Final, Unpack, cast

from ultravox_async._bulk.ids import Ids
from ultravox_async._bulk.sweep import Sweep, Via
from ultravox_async._download import Download
from ultravox_async._http.messages import Request
from ultravox_async._http.uploads import UploadSource
from ultravox_async._pagination import Pager
from ultravox_async._wire.payload import form_of_creation, payload_of_creation, take_secrets
from ultravox_async.resources._base import SWEEP_PAGE_SIZE, Resource
from ultravox_async.types.voices import NewClonedVoice, NewVoice, Voice, VoiceChanges, VoiceFilters

_VOICES: Final = "/api/voices"
_VOICE: Final = "/api/voices/{voice_id}"


class Voices(Resource):
    """The voices that the account can use: ``ultravox.voices``."""

    async def get(self, voice_id: str) -> Voice:
        """Fetch one voice.

        Args:
            voice_id: The id of the voice.

        Raises:
            InvalidRequestError: `voice_id` is not a valid id.
            NotFoundError: The voice does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _VOICE, Voice, voice_id=voice_id)

    def get_many(self, ids: Ids, *, concurrency: int = 50, via: Via = "auto") -> Sweep[Voice]:
        """Fetch many voices, concurrently; see `SipRegistrations.get_many`.

        Args:
            ids: The ids: an iterable or an asynchronous iterable.
            concurrency: The maximum number of requests in flight for this call, 1 or more.
            via: How they are fetched: ``"get"``, ``"list"`` or ``"auto"``.

        Raises:
            InvalidRequestError: `ids` is one string or not iterable, `concurrency` is below 1, or `via` is not one of
                the three.
        """
        listing = self.list(page_size=SWEEP_PAGE_SIZE)
        return self._sweep(ids, _VOICE, Voice, "voice_id", listing, concurrency, via)

    def list(self, **filters: Unpack[VoiceFilters]) -> Pager[Voice]:
        """List the voices that the account can use.

        Iterate over the result with ``async for`` to get voices, or over its ``pages()`` to get `Page` objects.

        Args:
            **filters: The fields of `VoiceFilters`: `billing_style`, `ownership`, `primary_language`, `provider`,
                `search`, `page_size` and `cursor`.

        Raises:
            TypeError: A filter does not exist.
            InvalidRequestError: A filter exceeds its limit.
        """
        return self._list(_VOICES, Voice, VoiceFilters, filters)

    async def create(self, **voice: Unpack[NewVoice]) -> Voice:
        """Create a voice of the account from one of a provider, whose key the account needs for calls with it.

        Args:
            **voice: The fields of `NewVoice`: `name` and `definition`, and optionally `description` and
                `primary_language`.

        Raises:
            TypeError: A field does not exist, or a required one is missing; nothing was sent.
            InvalidRequestError: A field exceeds its limit, or `definition` has not exactly one member; nothing was
                sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("POST", _VOICES, Voice, NewVoice, voice)

    async def update(self, voice_id: str, **changes: Unpack[VoiceChanges]) -> Voice:
        """Change a voice of the account: omitted fields keep their value, None clears a field that can be null.

        Args:
            voice_id: The id of the voice.
            **changes: The fields of `VoiceChanges`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: There is no change, or a field exceeds its limit; nothing was sent.
            NotFoundError: The voice does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PATCH", _VOICE, Voice, VoiceChanges, changes, voice_id=voice_id)

    async def replace(self, voice_id: str, **voice: Unpack[NewVoice]) -> Voice:
        """Replace a voice of the account: omitted fields get their default.

        Args:
            voice_id: The id of the voice.
            **voice: The fields of `NewVoice`.

        Raises:
            TypeError: A field does not exist, or a required one is missing; nothing was sent.
            InvalidRequestError: A field exceeds its limit; nothing was sent.
            NotFoundError: The voice does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PUT", _VOICE, Voice, NewVoice, voice, voice_id=voice_id)

    async def delete(self, voice_id: str) -> None:
        """Delete a voice of the account.

        Args:
            voice_id: The id of the voice.

        Raises:
            InvalidRequestError: `voice_id` is not a valid id.
            NotFoundError: The voice does not exist, or a first attempt whose response was lost deleted it.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        await self._delete(_VOICE, voice_id=voice_id)

    async def clone(self, file: UploadSource, **voice: Unpack[NewClonedVoice]) -> Voice:
        """Create a voice of the account from a recording of somebody who speaks.

        The file is sent as it is read. It is sent a second time only if the API has certainly done nothing with the
        first one (after a 429, or if there was no connection), and only if it can be read again.

        Args:
            file: The recording: bytes, the path of a file, or a file object that was opened in binary mode.
            **voice: The fields of `NewClonedVoice`: `name`, and optionally `description` and `language`.

        Raises:
            TypeError: A field does not exist, or `name` is missing; nothing was sent.
            InvalidRequestError: `file` is nothing that can be uploaded; nothing was sent.
            OSError: The file cannot be opened; nothing was sent.
            APIConnectionError: The connection was lost, or the file could not be read to its end.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        form = form_of_creation(NewClonedVoice, take_secrets(cast("dict[str, object]", voice)))
        return (await self._send_form(_VOICES, file, form)).decode(Voice)

    def sample(self, voice_id: str) -> Download:
        """Download a sample of a voice.

        Args:
            voice_id: The id of the voice.

        Returns:
            A download of audio. Use it with ``async with``, or call its `save` or `url`; these raise `NotFoundError`
            if the voice does not exist, and `BadRequestError` if its provider refuses to speak.

        Raises:
            InvalidRequestError: `voice_id` is not a valid id.
        """
        return self._download(f"{_VOICE}/preview", voice_id=voice_id)

    def preview(self, **voice: Unpack[NewVoice]) -> Download:
        """Let a voice speak that is not created.

        Args:
            **voice: The fields of `NewVoice`, as `create` takes them.

        Returns:
            A download of audio. Use it with ``async with``, or call its `save`; these raise `BadRequestError`, with
            what the provider says, if there is no such voice.

        Raises:
            TypeError: A field does not exist, or a required one is missing.
            InvalidRequestError: A field exceeds its limit.
        """
        payload = payload_of_creation(NewVoice, take_secrets(cast("dict[str, object]", voice)))
        return Download(self._transport, Request("POST", "/api/voice_preview", body=payload.body))
