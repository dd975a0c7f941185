"""Scheduled batches of agents: ``ultravox.agents.scheduled_batches``."""

from typing import Final, Unpack

from ultravox_async._pagination import Pager
from ultravox_async.resources._base import Resource
from ultravox_async.types.calls import Call
from ultravox_async.types.scheduled_batches import (
    NewScheduledCallBatch,
    ScheduledCall,
    ScheduledCallBatch,
    ScheduledCallBatchChanges,
    ScheduledCallFilters,
)
from ultravox_async.types.shared.paging import ListOptions

_BATCHES: Final = "/api/agents/{agent_id}/scheduled_batches"
_BATCH: Final = "/api/agents/{agent_id}/scheduled_batches/{batch_id}"


class ScheduledBatches(Resource):
    """The scheduled batches of agents: ``ultravox.agents.scheduled_batches``."""

    def list(self, agent_id: str, **options: Unpack[ListOptions]) -> Pager[ScheduledCallBatch]:
        """List the batches of an agent.

        Args:
            agent_id: The id of the agent.
            **options: The fields of `ListOptions`: `page_size` and `cursor`.

        Raises:
            TypeError: An option does not exist.
            InvalidRequestError: `agent_id` is not a valid id, or an option exceeds its limit.
        """
        return self._list(_BATCHES, ScheduledCallBatch, ListOptions, options, agent_id=agent_id)

    async def get(self, agent_id: str, batch_id: str) -> ScheduledCallBatch:
        """Fetch one batch.

        Args:
            agent_id: The id of the agent.
            batch_id: The id of the batch.

        Raises:
            InvalidRequestError: An id is not valid.
            NotFoundError: The batch does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _BATCH, ScheduledCallBatch, agent_id=agent_id, batch_id=batch_id)

    async def create(self, agent_id: str, **batch: Unpack[NewScheduledCallBatch]) -> ScheduledCallBatch:
        """Schedule calls.

        Args:
            agent_id: The id of the agent.
            **batch: The fields of `NewScheduledCallBatch`: `calls`, and optionally the window, a throttle and a
                webhook.

        Raises:
            TypeError: A field does not exist, or a required one is missing; nothing was sent.
            InvalidRequestError: `agent_id` is not a valid id, or a field exceeds its limit; nothing was sent.
            BadRequestError: The window is too short for the number of calls; `detail` has the minimum.
            NotFoundError: The agent does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("POST", _BATCHES, ScheduledCallBatch, NewScheduledCallBatch, batch, agent_id=agent_id)

    async def update(
        self, agent_id: str, batch_id: str, **changes: Unpack[ScheduledCallBatchChanges]
    ) -> ScheduledCallBatch:
        """Change a batch: omitted fields keep their value, None clears a field that can be null.

        Args:
            agent_id: The id of the agent.
            batch_id: The id of the batch.
            **changes: The fields of `ScheduledCallBatchChanges`. A batch that is `paused` cannot be continued.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: An id is not valid, there is no change, or a field exceeds its limit; nothing was sent.
            NotFoundError: The batch does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        ids = {"agent_id": agent_id, "batch_id": batch_id}
        return await self._send("PATCH", _BATCH, ScheduledCallBatch, ScheduledCallBatchChanges, changes, **ids)

    async def delete(self, agent_id: str, batch_id: str) -> None:
        """Delete a batch.

        Args:
            agent_id: The id of the agent.
            batch_id: The id of the batch.

        Raises:
            InvalidRequestError: An id is not valid.
            NotFoundError: The batch does not exist, or a first attempt whose response was lost deleted it.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        await self._delete(_BATCH, agent_id=agent_id, batch_id=batch_id)

    def created_calls(self, agent_id: str, batch_id: str, **options: Unpack[ListOptions]) -> Pager[Call]:
        """List the calls of a batch that were started.

        Args:
            agent_id: The id of the agent.
            batch_id: The id of the batch.
            **options: The fields of `ListOptions`: `page_size` and `cursor`.

        Raises:
            TypeError: An option does not exist.
            InvalidRequestError: An id is not valid, or an option exceeds its limit.
        """
        return self._list(f"{_BATCH}/created_calls", Call, ListOptions, options, agent_id=agent_id, batch_id=batch_id)

    def scheduled_calls(
        self, agent_id: str, batch_id: str, **filters: Unpack[ScheduledCallFilters]
    ) -> Pager[ScheduledCall]:
        """List the calls of a batch, whether they were started or not.

        Args:
            agent_id: The id of the agent.
            batch_id: The id of the batch.
            **filters: The fields of `ScheduledCallFilters`: `status`, `page_size` and `cursor`.

        Raises:
            TypeError: A filter does not exist.
            InvalidRequestError: An id is not valid, or a filter exceeds its limit.
        """
        ids = {"agent_id": agent_id, "batch_id": batch_id}
        return self._list(f"{_BATCH}/scheduled_calls", ScheduledCall, ScheduledCallFilters, filters, **ids)
