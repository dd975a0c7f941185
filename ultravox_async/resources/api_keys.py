"""API keys: ``ultravox.api_keys``."""

from typing import Final, Unpack

from ultravox_async._bulk.ids import Ids
from ultravox_async._bulk.sweep import Sweep, Via
from ultravox_async._pagination import Pager
from ultravox_async.resources._base import SWEEP_PAGE_SIZE, Resource
from ultravox_async.types.api_keys import ApiKey, ApiKeyChanges, ApiKeyReplacement, CreatedApiKey, NewApiKey
from ultravox_async.types.shared.paging import ListOptions

_KEYS: Final = "/api/api_keys"
_KEY: Final = "/api/api_keys/{prefix}"


class ApiKeys(Resource):
    """The API keys of the user: ``ultravox.api_keys``.

    The API's documentation does not say that an API key is enough for these operations; they may need the session of a
    user.
    """

    async def get(self, prefix: str) -> ApiKey:
        """Fetch one API key.

        Args:
            prefix: The prefix of the key.

        Raises:
            InvalidRequestError: `prefix` is not a valid id.
            NotFoundError: The API key does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _KEY, ApiKey, prefix=prefix)

    def get_many(self, ids: Ids, *, concurrency: int = 50, via: Via = "auto") -> Sweep[ApiKey]:
        """Fetch many API keys, concurrently; see `SipRegistrations.get_many`.

        Args:
            ids: The prefixes: an iterable or an asynchronous iterable.
            concurrency: The maximum number of requests in flight for this call, 1 or more.
            via: How they are fetched: ``"get"``, ``"list"`` or ``"auto"``.

        Raises:
            InvalidRequestError: `ids` is one string or not iterable, `concurrency` is below 1, or `via` is not one of
                the three.
        """
        listing = self.list(page_size=SWEEP_PAGE_SIZE)
        return self._sweep(ids, _KEY, ApiKey, "prefix", listing, concurrency, via)

    def list(self, **options: Unpack[ListOptions]) -> Pager[ApiKey]:
        """List the API keys of the user.

        Iterate over the result with ``async for`` to get API keys, or over its ``pages()`` to get `Page` objects.

        Args:
            **options: The fields of `ListOptions`: `page_size` and `cursor`.

        Raises:
            TypeError: An option does not exist.
            InvalidRequestError: `page_size` is below 1.
        """
        return self._list(_KEYS, ApiKey, ListOptions, options)

    async def create(self, **key: Unpack[NewApiKey]) -> CreatedApiKey:
        """Create an API key.

        The result contains the key itself, which no later response does: store it.

        Args:
            **key: The fields of `NewApiKey`: `name`, and optionally `expiry_date`.

        Raises:
            TypeError: A field does not exist, or a required one is missing; nothing was sent.
            InvalidRequestError: A field exceeds its limit; nothing was sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("POST", _KEYS, CreatedApiKey, NewApiKey, key)

    async def update(self, prefix: str, **changes: Unpack[ApiKeyChanges]) -> ApiKey:
        """Change an API key: revoke it, which cannot be undone.

        Args:
            prefix: The prefix of the key.
            **changes: The fields of `ApiKeyChanges`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: There is no change, or a field exceeds its limit; nothing was sent.
            NotFoundError: The API key does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PATCH", _KEY, ApiKey, ApiKeyChanges, changes, prefix=prefix)

    async def replace(self, prefix: str, **key: Unpack[ApiKeyReplacement]) -> ApiKey:
        """Replace what can be changed of an API key, which is whether it is revoked; that cannot be undone.

        Args:
            prefix: The prefix of the key.
            **key: The fields of `ApiKeyReplacement`.

        Raises:
            TypeError: A field does not exist, or a required one is missing; nothing was sent.
            InvalidRequestError: A field exceeds its limit; nothing was sent.
            NotFoundError: The API key does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PUT", _KEY, ApiKey, ApiKeyReplacement, key, prefix=prefix)

    async def delete(self, prefix: str) -> None:
        """Delete an API key.

        Args:
            prefix: The prefix of the key.

        Raises:
            InvalidRequestError: `prefix` is not a valid id.
            NotFoundError: The API key does not exist, or a first attempt whose response was lost deleted it.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        await self._delete(_KEY, prefix=prefix)
