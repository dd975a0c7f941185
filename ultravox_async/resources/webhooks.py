"""Webhooks: ``ultravox.webhooks``. What they send is verified and decoded elsewhere."""

from typing import Final, Unpack

from ultravox_async._bulk.ids import Ids
from ultravox_async._bulk.sweep import Sweep, Via
from ultravox_async._pagination import Pager
from ultravox_async.resources._base import SWEEP_PAGE_SIZE, Resource
from ultravox_async.types.webhooks import NewWebhook, Webhook, WebhookChanges, WebhookFilters

_WEBHOOKS: Final = "/api/webhooks"
_WEBHOOK: Final = "/api/webhooks/{webhook_id}"


class Webhooks(Resource):
    """The webhooks of the account: ``ultravox.webhooks``."""

    async def get(self, webhook_id: str) -> Webhook:
        """Fetch one webhook.

        Args:
            webhook_id: The id of the webhook.

        Raises:
            InvalidRequestError: `webhook_id` is not a valid id.
            NotFoundError: The webhook does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _WEBHOOK, Webhook, webhook_id=webhook_id)

    def get_many(self, ids: Ids, *, concurrency: int = 50, via: Via = "auto") -> Sweep[Webhook]:
        """Fetch many webhooks, concurrently; see `SipRegistrations.get_many`.

        Args:
            ids: The ids: an iterable or an asynchronous iterable.
            concurrency: The maximum number of requests in flight for this call, 1 or more.
            via: How they are fetched: ``"get"``, ``"list"`` or ``"auto"``.

        Raises:
            InvalidRequestError: `ids` is one string or not iterable, `concurrency` is below 1, or `via` is not one of
                the three.
        """
        listing = self.list(page_size=SWEEP_PAGE_SIZE)
        return self._sweep(ids, _WEBHOOK, Webhook, "webhook_id", listing, concurrency, via)

    def list(self, **filters: Unpack[WebhookFilters]) -> Pager[Webhook]:
        """List the webhooks of the account.

        Iterate over the result with ``async for`` to get webhooks, or over its ``pages()`` to get `Page` objects.

        Args:
            **filters: The fields of `WebhookFilters`: `agent_id`, `page_size` and `cursor`.

        Raises:
            TypeError: A filter does not exist.
            InvalidRequestError: A filter exceeds its limit.
        """
        return self._list(_WEBHOOKS, Webhook, WebhookFilters, filters)

    async def create(self, **webhook: Unpack[NewWebhook]) -> Webhook:
        """Create a webhook.

        Args:
            **webhook: The fields of `NewWebhook`: `url` and `events`, and optionally `secrets` and `agent_id`.

        Raises:
            TypeError: A field does not exist, or a required one is missing; nothing was sent.
            InvalidRequestError: A field exceeds its limit; nothing was sent.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("POST", _WEBHOOKS, Webhook, NewWebhook, webhook)

    async def update(self, webhook_id: str, **changes: Unpack[WebhookChanges]) -> Webhook:
        """Change a webhook: omitted fields keep their value, None clears a field that can be null.

        Args:
            webhook_id: The id of the webhook.
            **changes: The fields of `WebhookChanges`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: There is no change, or a field exceeds its limit; nothing was sent.
            NotFoundError: The webhook does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PATCH", _WEBHOOK, Webhook, WebhookChanges, changes, webhook_id=webhook_id)

    async def replace(self, webhook_id: str, **webhook: Unpack[NewWebhook]) -> Webhook:
        """Replace a webhook: omitted fields get their default.

        Args:
            webhook_id: The id of the webhook.
            **webhook: The fields of `NewWebhook`.

        Raises:
            TypeError: A field does not exist, or a required one is missing; nothing was sent.
            InvalidRequestError: A field exceeds its limit; nothing was sent.
            NotFoundError: The webhook does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("PUT", _WEBHOOK, Webhook, NewWebhook, webhook, webhook_id=webhook_id)

    async def delete(self, webhook_id: str) -> None:
        """Delete a webhook.

        Args:
            webhook_id: The id of the webhook.

        Raises:
            InvalidRequestError: `webhook_id` is not a valid id.
            NotFoundError: The webhook does not exist, or a first attempt whose response was lost deleted it.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        await self._delete(_WEBHOOK, webhook_id=webhook_id)
