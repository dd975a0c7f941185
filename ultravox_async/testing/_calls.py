"""Calls, which live: they are created, joined, ended and billed."""

from collections.abc import Mapping
from copy import deepcopy
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import cast

import attrs

from ultravox_async.testing._collection import Collection, Entry
from ultravox_async.testing._nested import Nested
from ultravox_async.testing._pages import PageSizes
from ultravox_async.testing._routing import ApiRequest, Operations
from ultravox_async.testing._validation import Invalid, json_object
from ultravox_async.testing._wire import Answer, Json, detail, json_answer
from ultravox_async.types.call_events import CallEvent
from ultravox_async.types.call_stages import CallStage
from ultravox_async.types.calls import Call, CallTool, StartCall
from ultravox_async.types.shared.messages import Message

# What the server sets where a request says nothing.
_DEFAULTS: Mapping[str, Json] = {
    "billingStatus": "BILLING_STATUS_PENDING",
    "firstSpeaker": "FIRST_SPEAKER_AGENT",
    "firstSpeakerSettings": {"agent": {}},
    "inactivityMessages": [],
    "initialOutputMedium": "MESSAGE_MEDIUM_VOICE",
    "initialState": {},
    "joinTimeout": "30s",
    "maxDuration": "3600s",
    "medium": {"webRtc": {}},
    "metadata": {},
    "model": "ultravox-v0.7",
    "recordingEnabled": False,
    "requestContext": {},
    "temperature": 0.0,
    "transcriptOptional": True,
}
_BILLED = "BILLING_STATUS_BILLED"


@attrs.define(eq=False, kw_only=True)
class Calls(Collection):
    """The calls of the account. They do not change by themselves: see `join`, `end` and `bill`."""

    def add_of_agent(self, agent: Entry, fields: Mapping[str, Json]) -> Entry:
        """Create a call with the template of an agent, and with `fields`, which go before it."""
        template = cast("dict[str, Json]", agent.shown["callTemplate"] or {})
        basic = {name: agent.shown[name] for name in ("agentId", "name")}
        entry = self.add({**template, **fields, "agent": basic, "agentId": basic["agentId"]})
        self._on_write(entry)
        return entry

    def of_agent(self, agent_id: str) -> list[Entry]:
        """The calls of an agent."""
        return [entry for entry in self.entries if entry.shown["agentId"] == agent_id]

    def join(self, call_id: str) -> None:
        """Let somebody join a call."""
        entry = self.find(call_id)
        entry.shown["joined"] = _after(entry, seconds=2)

    def end(self, call_id: str, reason: str = "hangup") -> None:
        """End a call, for this reason; one that nobody has joined is unjoined."""
        entry = self.find(call_id)
        entry.shown["ended"] = _after(entry, seconds=32)
        entry.shown["endReason"] = "unjoined" if entry.shown["joined"] is None else reason

    def bill(self, call_id: str) -> None:
        """Bill a call: for half a minute if somebody has joined it."""
        entry = self.find(call_id)
        entry.shown["billedDuration"] = "0s" if entry.shown["joined"] is None else "30s"
        entry.shown["billingStatus"] = _BILLED

    def delete(self, request: ApiRequest) -> Answer:
        """Delete a call that is billed."""
        if self._requested(request).shown["billingStatus"] != _BILLED:
            return detail(425, "The call is not billed yet.")
        return super().delete(request)

    def send_data_message(self, request: ApiRequest) -> Answer:
        """Take a data message; one that hangs up ends the call."""
        entry = self._requested(request)
        message = json_object(request.body)
        if not isinstance(message.get("type"), str):
            raise Invalid({"type": ["This field is required."]})
        if entry.shown["ended"] is not None:
            return detail(422, "The call is not active.")
        if message["type"] == "hang_up":
            self.end(request.ids[self.id_name], "hangup")
        return Answer(204)

    def _on_write(self, entry: Entry) -> None:
        for name, value in _DEFAULTS.items():
            if entry.shown[name] is None:
                entry.shown[name] = deepcopy(value)
        # Requests have another name for this, and another spelling of that.
        entry.shown["dataConnectionConfig"] = entry.hidden.pop("dataConnection", None)
        policy = entry.shown["retentionPolicy"] or "retain"
        entry.shown["retentionPolicy"] = str(policy).removeprefix("CALL_RETENTION_POLICY_").lower()
        token = f"{self.random.getrandbits(160):040x}"
        entry.shown["joinUrl"] = f"wss://voice.example.com/calls/{entry.shown['callId']}?token={token}"


@attrs.define(eq=False, kw_only=True)
class CallParts(Collection):
    """What belongs to a call: its stages, messages, events or tools."""

    def list_all(self, _request: ApiRequest) -> Answer:
        """List the objects without pages."""
        return json_answer(200, [entry.shown for entry in self.entries])

    def page_of_stage(self, request: ApiRequest) -> Answer:
        """List a page of the objects of a stage."""
        stage_id = request.ids["call_stage_id"]
        return self.page_of([one for one in self.entries if one.shown["callStageId"] == stage_id], request)


@attrs.frozen
class CallsAndParts:
    """The calls of the account, and what belongs to each of them."""

    calls: Calls
    """The calls."""

    stages: Nested[CallParts]
    """The stages of each call."""

    messages: Nested[CallParts]
    """The messages of each call."""

    events: Nested[CallParts]
    """The events of each call."""

    tools: Nested[CallParts]
    """The tools of each call, whatever the stage."""

    def operations(self) -> Operations:
        """The operations on calls."""
        call, stage = "/api/calls/{call_id}", "/api/calls/{call_id}/stages/{call_stage_id}"
        return {
            "/api/calls": {"GET": self.calls.list_page, "POST": partial(self.calls.create, StartCall)},
            call: {"GET": self.calls.get, "DELETE": self.calls.delete},
            f"{call}/events": {"GET": self.events.each(CallParts.list_page)},
            f"{call}/messages": {"GET": self.messages.each(CallParts.list_page)},
            f"{call}/send_data_message": {"POST": self.calls.send_data_message},
            f"{call}/stages": {"GET": self.stages.each(CallParts.list_page)},
            stage: {"GET": self.stages.each(CallParts.get)},
            f"{stage}/messages": {"GET": self.messages.each(CallParts.page_of_stage)},
            f"{stage}/tools": {"GET": self.tools.each(CallParts.list_all)},
            f"{call}/tools": {"GET": self.tools.each(CallParts.list_all)},
        }


def new_calls(seed: int, page_sizes: PageSizes) -> CallsAndParts:
    """An account's calls: none yet."""
    random = Random(f"{seed} calls")  # noqa: S311 - has to be reproducible, is not for security
    calls = Calls(noun="call", id_name="call_id", shows=Call, random=random, page_sizes=page_sizes)

    def parts(noun: str, id_name: str, shows: type[attrs.AttrsInstance]) -> Nested[CallParts]:
        make = partial(CallParts, noun=noun, id_name=id_name, shows=shows, random=random, page_sizes=page_sizes)
        return Nested(lambda _: calls, lambda _: make())

    return CallsAndParts(
        calls=calls,
        stages=parts("call stage", "call_stage_id", CallStage),
        messages=parts("message", "message_id", Message),
        events=parts("call event", "event_id", CallEvent),
        tools=parts("call tool", "call_tool_id", CallTool),
    )


def _after(entry: Entry, *, seconds: int) -> str:
    moment = datetime.fromisoformat(str(entry.shown["created"])) + timedelta(seconds=seconds)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
