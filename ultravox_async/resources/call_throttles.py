"""Call throttles: ``ultravox.call_throttles``."""

from typing import Final, Unpack

from ultravox_async._bulk.ids import Ids
from ultravox_async._bulk.sweep import Sweep, Via
from ultravox_async._pagination import Pager
from ultravox_async.resources._base import SWEEP_PAGE_SIZE, Resource
from ultravox_async.types.call_throttles import CallThrottle, CallThrottleChanges, NewCallThrottle
from ultravox_async.types.shared.paging import ListOptions

_THROTTLES: Final = "/api/call_throttles"
_THROTTLE: Final = "/api/call_throttles/{throttle_id}"


class CallThrottles(Resource):
    """The call throttles of the account: ``ultravox.call_throttles``."""

    async def get(self, throttle_id: str) -> CallThrottle:
        """Fetch one call throttle.

        Args:
            throttle_id: The id of the call throttle.

        Raises:
            InvalidRequestError: `throttle_id` is not a valid id.
            NotFoundError: The call throttle does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _THROTTLE, CallThrottle, throttle_id=throttle_id)

    def get_many(self, ids: Ids, *, concurrency: int = 50, via: Via = "auto") -> Sweep[CallThrottle]:
        """Fetch many call throttles, concurrently; see `SipRegistrations.get_many`.

        Args:
            ids: The ids: an iterable or an asynchronous iterable.
            concurrency: The maximum number of requests in flight for this call, 1 or more.
            via: How they are fetched: ``"get"``, ``"list"`` or ``"auto"``.

        Raises:
            InvalidRequestError: `ids` is one string or not iterable, `concurrency` is below 1, or `via` is not one of
                the three.
        """
        listing = self.list(page_size=SWEEP_PAGE_SIZE)
        return self._sweep(ids, _THROTTLE, CallThrottle, "throttle_id", listing, concurrency, via)

    def list(self, **options: Unpack[ListOptions]) -> Pager[CallThrottle]:
        """List the call throttles of the account.

        Iterate over the result with ``async for`` to get call throttles, or over its ``pages()`` to get `Page` objects.

        Args:
            **options: The fields of `ListOptions`: `page_size` and `cursor`.

        Raises:
            TypeError: An option does not exist.
            InvalidRequestError: `page_size` is below 1.
        """
        return self._list(_THROTTLES, CallThrottle, ListOptions, options)

    async def create(self, **throttle: Unpack[NewCallThrottle]) -> CallThrottle:
        """Create a call throttle.

        Args:
            **throttle: The fields of `NewCallThrottle`: `name` and `rules`.

        Raises:
            TypeError: A field does not exist, or a required one is missing; nothing was sent.
            InvalidRequestError: A field exceeds its limit; nothing was sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("POST", _THROTTLES, CallThrottle, NewCallThrottle, throttle)

    async def update(self, throttle_id: str, **changes: Unpack[CallThrottleChanges]) -> CallThrottle:
        """Change a call throttle: omitted fields keep their value.

        Args:
            throttle_id: The id of the call throttle.
            **changes: The fields of `CallThrottleChanges`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: There is no change, or a field exceeds its limit; nothing was sent.
            NotFoundError: The call throttle does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PATCH", _THROTTLE, CallThrottle, CallThrottleChanges, changes, throttle_id=throttle_id)

    async def replace(self, throttle_id: str, **throttle: Unpack[NewCallThrottle]) -> CallThrottle:
        """Replace a call throttle.

        Args:
            throttle_id: The id of the call throttle.
            **throttle: The fields of `NewCallThrottle`.

        Raises:
            TypeError: A field does not exist, or a required one is missing; nothing was sent.
            InvalidRequestError: A field exceeds its limit; nothing was sent.
            NotFoundError: The call throttle does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PUT", _THROTTLE, CallThrottle, NewCallThrottle, throttle, throttle_id=throttle_id)

    async def delete(self, throttle_id: str) -> None:
        """Delete a call throttle.

        Args:
            throttle_id: The id of the call throttle.

        Raises:
            InvalidRequestError: `throttle_id` is not a valid id.
            NotFoundError: The call throttle does not exist, or a first attempt whose response was lost deleted it.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        await self._delete(_THROTTLE, throttle_id=throttle_id)
