"""What is left of deleted calls: ``ultravox.deleted_calls``."""

from typing import Final, Unpack

from ultravox_async._bulk.ids import Ids
from ultravox_async._bulk.sweep import Sweep, Via
from ultravox_async._pagination import Pager
from ultravox_async.resources._base import SWEEP_PAGE_SIZE, Resource
from ultravox_async.types.deleted_calls import CallTombstone, DeletedCallFilters

_CALLS: Final = "/api/deleted_calls"
_CALL: Final = "/api/deleted_calls/{call_id}"


class DeletedCalls(Resource):
    """What is left of deleted calls: ``ultravox.deleted_calls``."""

    async def get(self, call_id: str) -> CallTombstone:
        """Fetch one deleted call.

        Args:
            call_id: The id of the deleted call.

        Raises:
            InvalidRequestError: `call_id` is not a valid id.
            NotFoundError: The deleted call does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _CALL, CallTombstone, call_id=call_id)

    def get_many(self, ids: Ids, *, concurrency: int = 50, via: Via = "auto") -> Sweep[CallTombstone]:
        """Fetch many deleted calls, concurrently; see `SipRegistrations.get_many`.

        Args:
            ids: The ids: an iterable or an asynchronous iterable.
            concurrency: The maximum number of requests in flight for this call, 1 or more.
            via: How they are fetched: ``"get"``, ``"list"`` or ``"auto"``.

        Raises:
            InvalidRequestError: `ids` is one string or not iterable, `concurrency` is below 1, or `via` is not one of
                the three.
        """
        listing = self.list(page_size=SWEEP_PAGE_SIZE)
        return self._sweep(ids, _CALL, CallTombstone, "call_id", listing, concurrency, via)

    def list(self, **filters: Unpack[DeletedCallFilters]) -> Pager[CallTombstone]:
        """List the deleted calls of the account.

        Iterate over the result with ``async for`` to get deleted calls, or over its ``pages()`` to get `Page` objects.

        Args:
            **filters: The fields of `DeletedCallFilters`, for example ``metadata={"campaign": "spring"}``.

        Raises:
            TypeError: A filter does not exist.
            InvalidRequestError: A filter exceeds its limit.
        """
        return self._list(_CALLS, CallTombstone, DeletedCallFilters, filters)
