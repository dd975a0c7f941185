"""Calls and their stages: ``ultravox.calls``."""

from typing import Final, TypeAlias, Unpack

from ultravox_async._bulk.ids import Ids
from ultravox_async._bulk.sweep import Sweep, Via
from ultravox_async._download import Download
from ultravox_async._http.operation_class import OperationClass
from ultravox_async._http.transport import Transport
from ultravox_async._pagination import Pager
from ultravox_async._wire.payload import Secret, json_body
from ultravox_async._wire.validation import check_index
from ultravox_async.resources._base import SWEEP_PAGE_SIZE, Resource, request_for
from ultravox_async.resources.call_waits import CALL, CallWaits
from ultravox_async.types.call_events import CallEvent, EventFilters
from ultravox_async.types.call_stages import CallStage
from ultravox_async.types.calls import Call, CallFilters, CallTool, MessageFilters, StartCall
from ultravox_async.types.data_messages import DataMessage, HangUp
from ultravox_async.types.shared.messages import Message
from ultravox_async.types.shared.paging import ListOptions

_CALLS: Final = "/api/calls"
_STAGES: Final = "/api/calls/{call_id}/stages"
_STAGE: Final = "/api/calls/{call_id}/stages/{call_stage_id}"

# Inside a resource, `list` is its method.
_CallTools: TypeAlias = list[CallTool]
_Messages: TypeAlias = list[Message]


class CallStages(Resource):
    """The stages of calls: ``ultravox.calls.stages``."""

    def list(self, call_id: str, **options: Unpack[ListOptions]) -> Pager[CallStage]:
        """List the stages of a call.

        Args:
            call_id: The id of the call.
            **options: The fields of `ListOptions`: `page_size` and `cursor`.

        Raises:
            TypeError: An option does not exist.
            InvalidRequestError: `call_id` is not a valid id, or an option exceeds its limit.
        """
        return self._list(_STAGES, CallStage, ListOptions, options, call_id=call_id)

    async def get(self, call_id: str, call_stage_id: str) -> CallStage:
        """Fetch one stage of a call.

        Args:
            call_id: The id of the call.
            call_stage_id: The id of the stage.

        Raises:
            InvalidRequestError: An id is not valid.
            NotFoundError: The stage does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", _STAGE, CallStage, call_id=call_id, call_stage_id=call_stage_id)

    def messages(self, call_id: str, call_stage_id: str, **options: Unpack[ListOptions]) -> Pager[Message]:
        """List the messages of a stage.

        Args:
            call_id: The id of the call.
            call_stage_id: The id of the stage.
            **options: The fields of `ListOptions`: `page_size` and `cursor`.

        Raises:
            TypeError: An option does not exist.
            InvalidRequestError: An id is not valid, or an option exceeds its limit.
        """
        template = f"{_STAGE}/messages"
        return self._list(template, Message, ListOptions, options, call_id=call_id, call_stage_id=call_stage_id)

    async def tools(self, call_id: str, call_stage_id: str) -> _CallTools:
        """Fetch the tools that the agent has in a stage.

        Args:
            call_id: The id of the call.
            call_stage_id: The id of the stage.

        Raises:
            InvalidRequestError: An id is not valid.
            NotFoundError: The stage does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", f"{_STAGE}/tools", _CallTools, call_id=call_id, call_stage_id=call_stage_id)

    def audio(self, call_id: str, call_stage_id: str, message_index: int) -> Download:
        """Download what was said in a message of a stage, if the call was recorded.

        Args:
            call_id: The id of the call.
            call_stage_id: The id of the stage.
            message_index: Which message of the stage it is, counted from 0.

        Returns:
            A download of audio. Use it with ``async with``, or call its `save` or `url`.

        Raises:
            InvalidRequestError: An id is not valid, or `message_index` is not a number of 0 or more.
        """
        check_index("message_index", message_index)
        ids = {"call_id": call_id, "call_stage_id": call_stage_id, "message_index": str(message_index)}
        return self._download(f"{_STAGE}/messages/{{message_index}}/audio", **ids)


class Calls(CallWaits):
    """The calls of the account: ``ultravox.calls``."""

    stages: CallStages
    """The stages of calls."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.stages = CallStages(transport)

    async def get(self, call_id: str) -> Call:
        """Fetch one call.

        Args:
            call_id: The id of the call.

        Raises:
            InvalidRequestError: `call_id` is not a valid id.
            NotFoundError: The call does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", CALL, Call, call_id=call_id)

    def get_many(self, ids: Ids, *, concurrency: int = 50, via: Via = "auto") -> Sweep[Call]:
        """Fetch many calls, concurrently; see `SipRegistrations.get_many`.

        Args:
            ids: The ids: an iterable or an asynchronous iterable.
            concurrency: The maximum number of requests in flight for this call, 1 or more.
            via: How they are fetched: ``"get"``, ``"list"`` or ``"auto"``.

        Raises:
            InvalidRequestError: `ids` is one string or not iterable, `concurrency` is below 1, or `via` is not one of
                the three.
        """
        listing = self.list(page_size=SWEEP_PAGE_SIZE)
        return self._sweep(ids, CALL, Call, "call_id", listing, concurrency, via)

    def list(self, **filters: Unpack[CallFilters]) -> Pager[Call]:
        """List the calls of the account.

        Iterate over the result with ``async for`` to get calls, or over its ``pages()`` to get `Page` objects.

        Args:
            **filters: The fields of `CallFilters`: `agent_ids`, `duration_min`, `duration_max`, `from_date`, `to_date`,
                `time_of_day_start`, `time_of_day_end`, `metadata`, `search`, `voice_id`, `sort`, `page_size` and
                `cursor`; for example ``from_date=date(2026, 7, 1)`` or ``metadata={"campaign": "summer"}``.

        Raises:
            TypeError: A filter does not exist.
            InvalidRequestError: A filter exceeds its limit.
        """
        return self._list(_CALLS, Call, CallFilters, filters)

    async def create(self, **call: Unpack[StartCall]) -> Call:
        """Start a call without an agent, or continue one; see `Agents.create_call` for calls of agents.

        Creating calls has limits of its own. It is not repeated when it is unknown whether the API carried it out.

        Args:
            **call: The fields of `StartCall`.

        Raises:
            TypeError: A field does not exist; nothing was sent.
            InvalidRequestError: A field exceeds its limit; nothing was sent.
            PaymentRequiredError: The account does not have the credit for another call.
            RateLimitError: The account, or the throttle, does not allow another call now.
            ServerError: With status 503, there is no capacity for another call now.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("POST", _CALLS, Call, StartCall, call, OperationClass.CREATE_CALL)

    async def delete(self, call_id: str) -> None:
        """Delete a call that has ended, with its messages and recordings, for good.

        Args:
            call_id: The id of the call.

        Raises:
            InvalidRequestError: `call_id` is not a valid id.
            NotFoundError: The call does not exist, or a first attempt whose response was lost deleted it.
            TooEarlyError: The call has not ended, or is not billed yet.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        await self._delete(CALL, call_id=call_id)

    def events(self, call_id: str, **filters: Unpack[EventFilters]) -> Pager[CallEvent]:
        """List what happened in a call.

        Args:
            call_id: The id of the call.
            **filters: The fields of `EventFilters`: `minimum_severity`, `type`, `page_size` and `cursor`.

        Raises:
            TypeError: A filter does not exist.
            InvalidRequestError: `call_id` is not a valid id, or a filter exceeds its limit.
        """
        return self._list(f"{CALL}/events", CallEvent, EventFilters, filters, call_id=call_id)

    def messages(self, call_id: str, **filters: Unpack[MessageFilters]) -> Pager[Message]:
        """List the messages of a call: by default those of its last stage.

        Args:
            call_id: The id of the call.
            **filters: The fields of `MessageFilters`: `mode`, `page_size` and `cursor`.

        Raises:
            TypeError: A filter does not exist.
            InvalidRequestError: `call_id` is not a valid id, or a filter exceeds its limit.
        """
        return self._list(f"{CALL}/messages", Message, MessageFilters, filters, call_id=call_id)

    async def tools(self, call_id: str) -> _CallTools:
        """Fetch the tools that the agent has in a call.

        Args:
            call_id: The id of the call.

        Raises:
            InvalidRequestError: `call_id` is not a valid id.
            NotFoundError: The call does not exist.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        return await self._send("GET", f"{CALL}/tools", _CallTools, call_id=call_id)

    async def send_data_message(self, call_id: str, message: DataMessage) -> None:
        """Send a data message into a running call.

        Args:
            call_id: The id of the call.
            message: A `UserTextMessage`, a `ForcedAgentMessage`, a `HangUp`, or a mapping with the names of the wire
                and its ``type``.

        Raises:
            InvalidRequestError: `call_id` is not a valid id, or `message` cannot be encoded; nothing was sent.
            NotFoundError: The call does not exist.
            UnprocessableEntityError: The call is not running.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        request = request_for("POST", f"{CALL}/send_data_message", {"call_id": call_id})
        request.body = json_body(Secret(message))
        await self._transport.perform(request)

    async def hang_up(self, call_id: str, message: str | None = None) -> None:
        """End a running call.

        Args:
            call_id: The id of the call.
            message: What the agent says before; None for nothing.

        Raises:
            InvalidRequestError: `call_id` is not a valid id.
            NotFoundError: The call does not exist.
            UnprocessableEntityError: The call is not running.
            UltravoxError: Anything else that can go wrong; see `ultravox_async.errors`.
        """
        await self.send_data_message(call_id, HangUp(message))

    async def transcript(self, call_id: str) -> _Messages:
        """Fetch what was said in a call, and which tools were called: all pages of all stages, in order.

        What the stages began with is not part of it.

        Args:
            call_id: The id of the call.

        Raises:
            InvalidRequestError: `call_id` is not a valid id.
            NotFoundError: The call does not exist.
            UltravoxError: A page could not be fetched; see `ultravox_async.errors`.
        """
        messages = self.messages(call_id, mode="in_call", page_size=SWEEP_PAGE_SIZE)
        return [message async for message in messages]

    def recording(self, call_id: str) -> Download:
        """Download the recording of a call, if it was made with `recording_enabled`.

        Args:
            call_id: The id of the call.

        Returns:
            A download of a WAV file. Use it with ``async with``, or call its `save` or `url`; these raise
            `NotFoundError` if there is no recording. The API does not document when a recording is ready, nor how one
            that is not differs from one that will never be: before you delete a call, compare with
            `Call.recording_enabled`.

        Raises:
            InvalidRequestError: `call_id` is not a valid id.
        """
        return self._download(f"{CALL}/recording", call_id=call_id)

    def sip_logs(self, call_id: str) -> Download:
        """Download the SIP logs of a call that has ended.

        Args:
            call_id: The id of the call.

        Returns:
            A download of text. Use it with ``async with``, or call its `save` or `url`; these raise `TooEarlyError`
            before the end of the call, and `NotFoundError` if there are no logs, as for calls without SIP.

        Raises:
            InvalidRequestError: `call_id` is not a valid id.
        """
        return self._download(f"{CALL}/sip_logs", call_id=call_id)
