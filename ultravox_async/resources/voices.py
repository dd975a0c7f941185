"""Voices: ``ultravox.voices``."""

from typing import Final, Unpack

from ultravox_async._bulk.ids import Ids
from ultravox_async._bulk.sweep import Sweep, Via
from ultravox_async._pagination import Pager
from ultravox_async.resources._base import SWEEP_PAGE_SIZE, Resource
from ultravox_async.types.voices import NewVoice, Voice, VoiceChanges, VoiceFilters

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
