"""What belongs to calls: their stages, messages, events and tools."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import attrs

from ultravox_async._wire.names import wire_name
from ultravox_async.testing._collection import Collection
from ultravox_async.testing._entry import Entry
from ultravox_async.testing._filters import Filters, is_in
from ultravox_async.testing._nested import Nested
from ultravox_async.testing._routing import ApiRequest, Operations
from ultravox_async.testing._wire import Answer, Json, json_answer
from ultravox_async.types.call_events import CallEvent, EventFilters
from ultravox_async.types.call_stages import CallStage
from ultravox_async.types.calls import CallTool, MessageFilters
from ultravox_async.types.shared.messages import Message

# A message begins so many seconds after the one before it, and takes so many seconds.
_PACE, _LENGTH = 2.0, 1.5
_SEVERITIES = ("debug", "info", "warning", "error")
_EVENT_FILTERS = Filters(
    EventFilters,
    {
        "minimum_severity": lambda event, least: event.shown["severity"] in _SEVERITIES[_SEVERITIES.index(least) :],
        "type": is_in("type"),
    },
    {"minimum_severity": "info"},
)
# `mode` is no condition for one message.
_MESSAGE_FILTERS = Filters(MessageFilters, {})


@attrs.define(eq=False)
class Conversations:
    """The stages of each call, and what is in them."""

    calls: Collection
    """The calls."""

    stages: Nested[Collection] = attrs.field(init=False)
    """The stages of each call."""

    messages: Nested[Collection] = attrs.field(init=False)
    """The messages of each call."""

    events: Nested[Collection] = attrs.field(init=False)
    """The events of each call."""

    tools: Nested[Collection] = attrs.field(init=False)
    """The tools of each call."""

    def __attrs_post_init__(self) -> None:
        self.stages = self._parts("call stage", "call_stage_id", CallStage)
        self.messages = self._parts("message", "message_id", Message)
        self.events = self._parts("call event", "event_id", CallEvent, _EVENT_FILTERS)
        self.tools = self._parts("call tool", "call_tool_id", CallTool)

    def operations(self) -> Operations:
        """The operations on what belongs to a call."""
        call, stage = "/api/calls/{call_id}", "/api/calls/{call_id}/stages/{call_stage_id}"
        return {
            f"{call}/events": {"GET": self.events.each(Collection.list_page)},
            f"{call}/messages": {"GET": self._list_messages},
            f"{call}/stages": {"GET": self.stages.each(Collection.list_page)},
            stage: {"GET": self.stages.each(Collection.get)},
            f"{stage}/messages": {"GET": self._list_messages_of_stage},
            f"{stage}/tools": {"GET": self._list_tools_of_stage},
            f"{call}/tools": {"GET": self._list_tools},
        }

    def begin_stage(self, call: Entry, changes: Mapping[str, Json]) -> str:
        """Begin a stage of a call, which differs in these fields, with their names on the wire, from the one before.

        Returns:
            The id of the stage.
        """
        call.set_fields(changes)
        stages = self.stages.below(str(call.shown["callId"]))
        names = {wire_name(field.name) for field in attrs.fields(CallStage)} - {"created"}
        settings = {name: value for name, value in call.shown.items() if name in names}
        stage_id = str(stages.add({**settings, "errorCount": 0}).shown["callStageId"])
        for message in _objects(call.hidden.get("initialMessages")):
            self._add_message(call, message)
        for tool in _objects(call.hidden.get("selectedTools")):
            self.add_tool(call, *_name_and_definition(tool))
        return stage_id

    def say(self, call: Entry, role: str, text: str, medium: str) -> int:
        """Add a message to the last stage of a call.

        Returns:
            The index of the message in the stage.
        """
        messages = self.messages.below(str(call.shown["callId"]))
        start = _PACE * sum(message.shown["timespan"] is not None for message in messages.entries)
        timespan: Json = {"start": f"{start:g}s", "end": f"{start + _LENGTH:g}s"}
        spoken: dict[str, Json] = {"role": role, "text": text, "medium": medium}
        return self._add_message(call, {**spoken, "timespan": timespan, "wallClockTimespan": timespan})

    def add_event(self, call: Entry, fields: Mapping[str, Json]) -> None:
        """Add an event to the last stage of a call."""
        call_id = str(call.shown["callId"])
        events = self.events.below(call_id)
        at = f"{_PACE * len(events.ids):g}s"
        of_call: dict[str, Json] = {"callId": call_id, "callStageId": self._last_stage(call_id)}
        events.add({**of_call, "callTimestamp": at, "wallClockTimestamp": at, **fields})

    def add_tool(self, call: Entry, name: str, definition: Json) -> None:
        """Add a tool to the last stage of a call."""
        call_id = str(call.shown["callId"])
        fields: dict[str, Json] = {"name": name, "definition": definition, "callStageId": self._last_stage(call_id)}
        self.tools.below(call_id).add(fields)

    def forget(self, call_id: str) -> None:
        """Drop what belongs to a call."""
        for parts in (self.stages, self.messages, self.events, self.tools):
            parts.clear(call_id)

    def message(self, request: ApiRequest) -> Entry | None:
        """The message that a path names by its stage and its index in it, None if there is none."""
        index = request.ids["call_stage_message_index"]
        found = self._of_stage(self.messages, request, self._stage_of(request))
        return next((message for message in found if str(message.shown["callStageMessageIndex"]) == index), None)

    def _add_message(self, call: Entry, fields: Mapping[str, Json]) -> int:
        call_id = str(call.shown["callId"])
        messages, stage_id = self.messages.below(call_id), self._last_stage(call_id)
        index = sum(message.shown["callStageId"] == stage_id for message in messages.entries)
        messages.add({**fields, "callStageId": stage_id, "callStageMessageIndex": index})
        return index

    def _list_messages(self, request: ApiRequest) -> Answer:
        messages = self.messages.named_by(request)
        _MESSAGE_FILTERS.select((), request.query)
        if request.query.get("mode") == "in_call":
            return messages.page_of([one for one in messages.entries if one.shown["timespan"] is not None], request)
        return messages.page_of(self._of_stage(self.messages, request, self._last_stage_of(request)), request)

    def _list_messages_of_stage(self, request: ApiRequest) -> Answer:
        found = self._of_stage(self.messages, request, self._stage_of(request))
        return self.messages.named_by(request).page_of(found, request)

    def _list_tools(self, request: ApiRequest) -> Answer:
        tools = self._of_stage(self.tools, request, self._last_stage_of(request))
        return json_answer(200, [tool.shown for tool in tools])

    def _list_tools_of_stage(self, request: ApiRequest) -> Answer:
        tools = self._of_stage(self.tools, request, self._stage_of(request))
        return json_answer(200, [tool.shown for tool in tools])

    def _of_stage(self, parts: Nested[Collection], request: ApiRequest, stage_id: str) -> list[Entry]:
        return [one for one in parts.named_by(request).entries if one.get("callStageId") == stage_id]

    def _stage_of(self, request: ApiRequest) -> str:
        return str(self.stages.named_by(request).find(request.ids["call_stage_id"]).shown["callStageId"])

    def _last_stage_of(self, request: ApiRequest) -> str:
        return self.stages.named_by(request).ids[-1]

    def _last_stage(self, call_id: str) -> str:
        return self.stages.below(call_id).ids[-1]

    def _parts(
        self, noun: str, id_name: str, shows: type[attrs.AttrsInstance], filters: Filters | None = None
    ) -> Nested[Collection]:
        def make(_call_id: str) -> Collection:
            calls = self.calls
            return Collection(
                noun=noun,
                id_name=id_name,
                shows=shows,
                random=calls.random,
                settings=calls.settings,
                filters=filters,
            )

        return Nested(lambda _: self.calls, make)


def _objects(value: Json) -> Sequence[dict[str, Any]]:
    return cast("list[dict[str, Any]]", value or [])


def _name_and_definition(tool: dict[str, Any]) -> tuple[str, Json]:
    """What a stage shows of a selected tool: its definition only if it is a temporary one."""
    definition: dict[str, Any] = dict(tool.get("temporaryTool", {}))
    own_name = definition.pop("modelToolName", None)
    definition.pop("requirements", None)
    name = tool.get("nameOverride") or own_name or tool.get("toolName") or tool.get("toolId")
    return str(name), definition
