"""What the API tells of calls and agents: also when it leaves fields out, or sends some that nobody knows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.wire import Wire, answer, client_of, in_turn, shown
from ultravox_async import DecodeError
from ultravox_async.types._object import WireObject
from ultravox_async.types.agents import Agent, AgentBasic, AgentDailyUsage, AgentStatistics, AgentUsage, CallTemplate
from ultravox_async.types.call_events import CallEvent
from ultravox_async.types.call_stages import CallStage
from ultravox_async.types.calls import Call, CallSipDetails, CallTool
from ultravox_async.types.data_messages import ForcedAgentMessage, ForcedToolCall, HangUp, UserTextMessage
from ultravox_async.types.scheduled_batches import NewScheduledCall, ScheduledCall, ScheduledCallBatch
from ultravox_async.types.shared.media import CallMedium
from ultravox_async.types.shared.voices import ExternalVoice

CREATED = "2026-07-02T10:00:00Z"
SECRET = "canary-of-a-call"
CALL: dict[str, object] = {"callId": "c", "created": CREATED}
# The least that each class takes, and what else of it may not be null.
LEAST: list[tuple[type[WireObject], dict[str, object], set[str]]] = [
    (Agent, {"agentId": "a", "created": CREATED}, set()),
    (AgentBasic, {"agentId": "a", "name": "n"}, set()),
    (AgentDailyUsage, {"date": "2026-07-02"}, set()),
    (AgentStatistics, {}, set()),
    (AgentUsage, {"agent": {"agentId": "a", "name": "n"}}, {"usage"}),
    (Call, CALL, {"inactivityMessages", "initialState", "metadata"}),
    (CallEvent, {"callId": "c", "callStageId": "s"}, set()),
    (CallSipDetails, {}, set()),
    (CallStage, {"callId": "c", "callStageId": "s", "created": CREATED}, {"inactivityMessages", "initialState"}),
    (CallTemplate, {}, set()),
    (CallTool, {"callToolId": "t", "name": "n"}, set()),
    (NewScheduledCall, {}, set()),
    (ScheduledCall, {"batchId": "b"}, set()),
    (ScheduledCallBatch, {"batchId": "b", "created": CREATED}, set()),
]
NAMES = [cls.__name__ for cls, *_ in LEAST]


@pytest.mark.parametrize(("cls", "least", "never_null"), LEAST, ids=NAMES)
def test_absent_and_null_are_the_same(cls: type[WireObject], least: dict[str, Any], never_null: set[str]) -> None:
    found = cls.from_dict(least)
    others = found.to_dict(sensitive=True).keys() - least.keys() - never_null
    assert cls.from_dict({**least, **dict.fromkeys(others)}) == found


@pytest.mark.parametrize(("cls", "least", "never_null"), LEAST, ids=NAMES)
def test_fields_that_nobody_knows_are_ignored(
    cls: type[WireObject], least: dict[str, Any], never_null: set[str]
) -> None:
    assert cls.from_dict({**least, "newlyInvented": {"a": [1]}}) == cls.from_dict(least), never_null


@pytest.mark.parametrize(("cls", "least", "never_null"), LEAST, ids=NAMES)
def test_what_goes_out_comes_back(cls: type[WireObject], least: dict[str, Any], never_null: set[str]) -> None:
    found = cls.from_dict(least)
    assert cls.from_dict(found.to_dict(sensitive=True)) == found, never_null


@pytest.mark.parametrize(
    ("cls", "least", "missing"),
    [(cls, least, name) for cls, least, _ in LEAST for name in least],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_an_object_is_known_by_is_required(cls: type[WireObject], least: dict[str, Any], missing: str) -> None:
    with pytest.raises(DecodeError, match=missing):
        cls.from_dict({name: value for name, value in least.items() if name != missing})


def test_a_call_is_decoded() -> None:
    call = Call.from_dict(
        {
            **CALL,
            "ended": "2026-07-02T10:01:00.5Z",
            "endReason": "a_new_reason",
            "billingStatus": "BILLING_STATUS_NEW",
            "billedDuration": "30.5s",
            "joinTimeout": "30s",
            "maxDuration": "01:00:00",
            "temperature": 0,
            "agent": {"agentId": "a", "name": "n"},
            "medium": {"twilio": {}, "aNewMedium": {}},
            "metadata": {"some_key": "x"},
            "initialState": {"someKey": {"other_key": [None]}},
            "requestContext": {"ultravox": {"sip": {"caller_id": "+1"}}},
            "sipDetails": {"billedDuration": "6s", "terminationReason": "SIP_TERMINATION_NEW"},
            "externalVoice": {"elevenLabs": {"voiceId": "v"}},
        }
    )
    assert call.ended == datetime(2026, 7, 2, 10, 1, 0, 500_000, UTC)
    assert (call.end_reason, call.billing_status) == ("a_new_reason", "BILLING_STATUS_NEW")
    assert (call.billed_duration, call.join_timeout, call.max_duration) == (
        timedelta(seconds=30.5),
        timedelta(seconds=30),
        timedelta(hours=1),
    )
    assert call.agent == AgentBasic("a", "n")
    assert call.medium == CallMedium.twilio()
    assert isinstance(call.external_voice, ExternalVoice)
    assert (call.metadata, call.initial_state) == ({"some_key": "x"}, {"someKey": {"other_key": [None]}})
    assert call.request_context["ultravox"]["sip"]["caller_id"] == "+1"
    assert call.sip_details == CallSipDetails(timedelta(seconds=6), "SIP_TERMINATION_NEW")


def test_the_times_of_an_event_are_durations() -> None:
    event = CallEvent.from_dict(
        {
            "callId": "c",
            "callStageId": "s",
            "callTimestamp": "1.25s",
            "wallClockTimestamp": "-0.5s",
            "severity": "fatal",
            "extras": {"some_key": None},
        }
    )
    assert event.call_timestamp == timedelta(seconds=1.25)
    assert event.wall_clock_timestamp == timedelta(seconds=-0.5)
    assert (event.severity, event.extras) == ("fatal", {"some_key": None})


@pytest.mark.parametrize(
    "fields",
    [
        {"joinUrl": SECRET},
        {"medium": {"sip": {"outgoing": {"to": "sip:a@b", "password": SECRET}}}},
        {"callbacks": {"joined": {"url": "https://example.com/", "secrets": [SECRET]}}},
        {"dataConnectionConfig": {"headers": {"X-Whatever": SECRET}}},
        {"externalVoice": {"generic": {"url": "https://example.com/", "headers": {"X-Whatever": SECRET}}}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_secret_of_a_call_is_not_shown(fields: dict[str, Any]) -> None:
    call = Call.from_dict({**CALL, **fields})
    assert SECRET in call.to_json(sensitive=True)
    assert SECRET not in repr(call)
    assert SECRET not in call.to_json()


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"callbacks": {"ended": {"secrets": SECRET}}}, "callbacks.ended.secrets: expected a list"),
        ({"joinUrl": [SECRET]}, "joinUrl: expected a string"),
        ({"joinUrl": SECRET, "created": 1}, "created: expected an ISO 8601 timestamp"),
    ],
)
async def test_a_secret_of_a_call_is_in_no_decode_error(fields: dict[str, object], place: str) -> None:
    async with Wire(in_turn(answer(200, {**CALL, **fields}))) as wire, client_of(wire.base_url) as ultravox:
        with pytest.raises(DecodeError, match=place) as caught:
            await ultravox.calls.get("c")
    assert SECRET not in shown(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"sharedSecrets": [SECRET]},
        {"selectedTools": [{"toolName": "t", "authTokens": {"some": SECRET}}]},
        {"dataConnection": {"headers": {"X-Whatever": SECRET}}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_secret_of_a_template_is_not_shown(fields: dict[str, Any]) -> None:
    template = CallTemplate.from_dict(fields)
    assert SECRET in template.to_json(sensitive=True)
    assert SECRET not in repr(template)
    assert SECRET not in template.to_json()


@pytest.mark.parametrize("message", [UserTextMessage("Hi"), ForcedAgentMessage("Hi"), HangUp()])
def test_a_data_message_says_what_it_is(message: WireObject) -> None:
    assert type(message).from_dict(message.to_dict()) == message
    assert message.to_dict()["type"] in {"user_text_message", "forced_agent_message", "hang_up"}


def test_the_arguments_of_a_forced_tool_call_are_as_they_were() -> None:
    assert ForcedToolCall("1", "t", {"some_key": 1}).to_dict()["arguments"] == {"some_key": 1}
