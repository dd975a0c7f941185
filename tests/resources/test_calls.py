from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeAlias

import pytest

from tests.resources.emulated import last_request
from tests.wire import Wire, answer, client_of, shown
from ultravox_async import AsyncUltravox, InvalidRequestError, NotFoundError, RateLimitError, UnprocessableEntityError
from ultravox_async.testing import Emulator
from ultravox_async.types.calls import Call
from ultravox_async.types.data_messages import ForcedAgentMessage, ForcedToolCall, UserTextMessage
from ultravox_async.types.shared.media import CallMedium
from ultravox_async.types.shared.messages import Message, TimedMessage
from ultravox_async.types.shared.speakers import FirstSpeakerSettings
from ultravox_async.types.shared.tools import SelectedTool

AGENT = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
OTHER = "9b2f6e2a-4c1d-4f6e-9a57-0f4a1c2d3e4f"
SECRET = "canary-of-a-shared-secret"
Sent: TypeAlias = Callable[[AsyncUltravox], Coroutine[Any, Any, object]]


@pytest.fixture
def ultravox_emulator_settings() -> dict[str, object]:
    return {"max_page_size": 2}


def creating(**fields: Any) -> Sent:  # noqa: ANN401 - the wrong types too
    return lambda ultravox: ultravox.calls.create(**fields)


async def listing(ultravox: AsyncUltravox, **filters: Any) -> list[Call]:  # noqa: ANN401 - likewise
    return [call async for call in ultravox.calls.list(**filters)]


async def test_the_resources_say_what_they_offer(ultravox: AsyncUltravox) -> None:
    assert repr(ultravox.calls).endswith(
        ": create, delete, delete_when_billed, events, get, get_many, hang_up, list, messages, recording, "
        "send_data_message, sip_logs, stages, tools, transcript, wait>"
    )
    assert repr(ultravox.calls.stages).endswith(": audio, get, list, messages, tools>")


async def test_a_call_is_started_with_nothing_said(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    call = await ultravox.calls.create()
    assert last_request(ultravox_emulator) == ("POST", "/api/calls", [], {})
    assert (call.joined, call.ended, call.billing_status) == (None, None, "BILLING_STATUS_PENDING")
    assert call.join_timeout == timedelta(seconds=30)


async def test_a_call_is_started_with_what_is_said(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    call = await ultravox.calls.create(
        prior_call_id=OTHER,
        enable_greeting_prompt=False,
        throttle="slow",
        system_prompt="Be brief.",
        temperature=0,
        medium=CallMedium.server_web_socket(input_sample_rate=48000),
        first_speaker_settings=FirstSpeakerSettings.user(),
        selected_tools=[SelectedTool.by_name("hangUp")],
        inactivity_messages=[TimedMessage(timedelta(seconds=30), "Are you there?")],
        max_duration=timedelta(minutes=5),
        metadata={"campaign_name": "x"},
        initial_state={"some_key": {"other_key": None}},
        shared_secrets=[SECRET],
        retention_policy="CALL_RETENTION_POLICY_AUTO_DELETE",
    )
    assert last_request(ultravox_emulator) == (
        "POST",
        "/api/calls",
        [("priorCallId", OTHER), ("enableGreetingPrompt", "false"), ("throttle", "slow")],
        {
            "systemPrompt": "Be brief.",
            "temperature": 0,
            "medium": {"serverWebSocket": {"inputSampleRate": 48000}},
            "firstSpeakerSettings": {"user": {}},
            "selectedTools": [{"toolName": "hangUp"}],
            "inactivityMessages": [{"duration": "30s", "message": "Are you there?"}],
            "maxDuration": "300s",
            "metadata": {"campaign_name": "x"},
            "initialState": {"some_key": {"other_key": None}},
            "sharedSecrets": [SECRET],
            "retentionPolicy": "CALL_RETENTION_POLICY_AUTO_DELETE",
        },
    )
    assert call.max_duration == timedelta(minutes=5)
    assert call.initial_state == {"some_key": {"other_key": None}}
    assert call.retention_policy == "auto_delete"


@pytest.mark.parametrize(
    ("send", "message"),
    [
        (creating(temperature=1.5), "temperature: takes a number from 0 to 1"),
        (creating(temperature=-0.1), "temperature: takes a number from 0 to 1"),
        (creating(throttle=""), "throttle: takes at least 1 character, not 0"),
        (creating(prior_call_id="x"), "prior_call_id: takes a UUID"),
        (creating(max_duration=timedelta(seconds=-1)), "max_duration: takes a timedelta of zero or more"),
        (creating(max_duration="90s"), "max_duration: takes a timedelta of zero or more, not str"),
        (creating(medium=CallMedium()), "medium: takes a CallMedium with exactly one field, not with 0"),
        (creating(selected_tools=[SelectedTool()]), r"selected_tools\[0\]: takes a SelectedTool with exactly one"),
    ],
)
async def test_what_exceeds_a_limit_is_refused(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, send: Sent, message: str
) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        await send(ultravox)
    assert ultravox_emulator.received == 0


async def test_an_unknown_field_of_a_call_is_a_type_error(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    with pytest.raises(TypeError, match="'volume'"):
        await creating(volume=11)(ultravox)
    assert ultravox_emulator.received == 0


async def test_shared_secrets_are_in_no_error() -> None:
    async with (
        Wire(lambda request: echo(request.body)) as wire,
        client_of(wire.base_url) as ultravox,
    ):
        with pytest.raises(UnprocessableEntityError) as caught:
            await ultravox.calls.create(shared_secrets=[SECRET])
        assert SECRET.encode() in wire.received[0].body
    assert SECRET not in shown(caught.value)


async def echo(body: bytes) -> Any:  # noqa: ANN401 - what `Wire` sends
    return answer(422, {"detail": f"cannot do {body.decode()}"})


async def test_creating_calls_has_limits_of_its_own() -> None:
    async def script(request: Any) -> Any:  # noqa: ANN401 - what `Wire` receives and sends
        if request.method == "POST":
            return answer(429, {"detail": "too many calls"}, headers={"Retry-After": "3600"})
        return answer(200, {"callId": OTHER, "created": "2026-07-02T10:00:00Z"})

    async with Wire(script) as wire, client_of(wire.base_url) as ultravox:
        for create in (ultravox.calls.create(), ultravox.calls.create(), ultravox.agents.create_call(AGENT)):
            with pytest.raises(RateLimitError):
                await create
        await ultravox.calls.get(OTHER)
        assert [request.method for request in wire.received] == ["POST", "GET"]


async def test_a_call_is_fetched(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    created = await ultravox.calls.create()
    assert await ultravox.calls.get(created.call_id) == created
    assert last_request(ultravox_emulator) == ("GET", f"/api/calls/{created.call_id}", [], None)


async def test_many_calls_are_fetched(ultravox: AsyncUltravox) -> None:
    ids = [(await ultravox.calls.create()).call_id for _ in range(3)]
    result = await ultravox.calls.get_many([*ids, OTHER])
    assert sorted(result.found) == sorted(ids)
    assert isinstance(result.failed[OTHER], NotFoundError)


async def test_calls_are_listed_over_all_pages(ultravox: AsyncUltravox) -> None:
    ids = [(await ultravox.calls.create()).call_id for _ in range(5)]
    assert [call.call_id for call in await listing(ultravox)] == ids


async def test_each_filter_has_the_form_that_the_api_wants(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    await listing(
        ultravox,
        agent_ids=[AGENT, OTHER],
        duration_min=timedelta(minutes=5),
        duration_max=timedelta(seconds=1.5),
        from_date=date(2026, 7, 1),
        to_date=datetime(2026, 7, 2, 10, tzinfo=UTC),
        time_of_day_start=time(8),
        time_of_day_end=time(17, 30),
        metadata={"campaign": "x y", "a.b": "c"},
        search="Bob",
        voice_id=OTHER,
        sort="-created",
        page_size=20,
    )
    assert last_request(ultravox_emulator) == (
        "GET",
        "/api/calls",
        [
            ("agentIds", AGENT),
            ("agentIds", OTHER),
            ("durationMin", "300s"),
            ("durationMax", "1.5s"),
            ("fromDate", "2026-07-01"),
            ("toDate", "2026-07-02T10:00:00+00:00"),
            ("timeOfDayStart", "08:00:00"),
            ("timeOfDayEnd", "17:30:00"),
            ("metadata.campaign", "x y"),
            ("metadata.a.b", "c"),
            ("search", "Bob"),
            ("voiceId", OTHER),
            ("sort", "-created"),
            ("pageSize", "20"),
        ],
        None,
    )


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({"agent_ids": ["x"]}, r"agent_ids\[0\]: takes a UUID"),
        ({"agent_ids": AGENT}, "agent_ids: takes a list"),
        ({"from_date": datetime(2026, 7, 1)}, "from_date: takes a date, or a datetime with a time zone"),  # noqa: DTZ001 - what is refused
        ({"from_date": "2026-07-01"}, "from_date: takes a date"),
        ({"search": ""}, "search: takes at least 1 character"),
        ({"metadata": {"a": 1}}, "metadata.a: takes a string"),
        ({"page_size": 0}, "page_size"),
    ],
)
async def test_a_filter_that_the_api_would_refuse_is_refused(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, filters: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        await listing(ultravox, **filters)
    assert ultravox_emulator.received == 0


async def test_a_call_is_deleted(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    call = await ultravox.calls.create()
    ultravox_emulator.calls.bill(call.call_id)
    await ultravox.calls.delete(call.call_id)
    assert last_request(ultravox_emulator) == ("DELETE", f"/api/calls/{call.call_id}", [], None)
    assert await listing(ultravox) == []


async def test_the_events_of_a_call_are_listed(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    call = await ultravox.calls.create()
    ultravox_emulator.calls.add_event(call.call_id, "y")
    ultravox_emulator.calls.add_event(call.call_id, "x", severity="warning")
    filters = {"minimum_severity": "warning", "type": "x", "page_size": 1}
    (found,) = [one async for one in ultravox.calls.events(call.call_id, **filters)]  # type: ignore[arg-type]  # a dict
    assert (found.call_timestamp, found.severity, found.extras) == (timedelta(seconds=2), "warning", None)
    query = [("minimum_severity", "warning"), ("type", "x"), ("pageSize", "1")]
    assert last_request(ultravox_emulator) == ("GET", f"/api/calls/{call.call_id}/events", query, None)


async def test_the_messages_of_a_call_are_listed(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    call = await ultravox.calls.create()
    ultravox_emulator.calls.say(call.call_id, "MESSAGE_ROLE_USER", "Hi")
    (found,) = [one async for one in ultravox.calls.messages(call.call_id, mode="last_stage")]
    assert isinstance(found, Message)
    assert found.text == "Hi"
    assert last_request(ultravox_emulator)[1:3] == (f"/api/calls/{call.call_id}/messages", [("mode", "last_stage")])


async def test_the_tools_of_a_call_are_a_list(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    call = await ultravox.calls.create()
    ultravox_emulator.calls.add_tool(call.call_id, "look_up", {"timeout": "2.5s"})
    (tool,) = await ultravox.calls.tools(call.call_id)
    assert (tool.name, tool.tool_id) == ("look_up", None)
    assert tool.definition is not None
    assert tool.definition.timeout == timedelta(seconds=2.5)
    assert last_request(ultravox_emulator) == ("GET", f"/api/calls/{call.call_id}/tools", [], None)


async def test_the_stages_of_a_call_are_listed_and_fetched(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    call = await ultravox.calls.create()
    (listed,) = [one async for one in ultravox.calls.stages.list(call.call_id, page_size=1)]
    assert last_request(ultravox_emulator) == ("GET", f"/api/calls/{call.call_id}/stages", [("pageSize", "1")], None)
    stage_id = listed.call_stage_id
    assert await ultravox.calls.stages.get(call.call_id, stage_id) == listed
    assert last_request(ultravox_emulator) == ("GET", f"/api/calls/{call.call_id}/stages/{stage_id}", [], None)


async def test_the_messages_of_a_stage_are_listed(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    call = await ultravox.calls.create()
    ultravox_emulator.calls.say(call.call_id, "MESSAGE_ROLE_USER", "Hi")
    stage_id = ultravox_emulator.calls.begin_stage(call.call_id)
    ultravox_emulator.calls.say(call.call_id, "MESSAGE_ROLE_USER", "Bye")
    found = [one.text async for one in ultravox.calls.stages.messages(call.call_id, stage_id, page_size=1)]
    assert found == ["Bye"]
    assert last_request(ultravox_emulator)[1:3] == (
        f"/api/calls/{call.call_id}/stages/{stage_id}/messages",
        [("pageSize", "1")],
    )


async def test_the_tools_of_a_stage_are_a_list(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    call = await ultravox.calls.create()
    (stage,) = [one async for one in ultravox.calls.stages.list(call.call_id)]
    ultravox_emulator.calls.add_tool(call.call_id, "look_up")
    assert [tool.name for tool in await ultravox.calls.stages.tools(call.call_id, stage.call_stage_id)] == ["look_up"]
    assert last_request(ultravox_emulator)[1] == f"/api/calls/{call.call_id}/stages/{stage.call_stage_id}/tools"


MESSAGES: list[tuple[Any, dict[str, Any]]] = [
    (UserTextMessage("Hi", urgency="later"), {"type": "user_text_message", "text": "Hi", "urgency": "later"}),
    (
        ForcedAgentMessage(tool_calls=[ForcedToolCall("1", "hangUp", {"some_key": 1})], uninterruptible=True),
        {
            "type": "forced_agent_message",
            "toolCalls": [{"id": "1", "name": "hangUp", "arguments": {"some_key": 1}}],
            "uninterruptible": True,
        },
    ),
    ({"type": "new_kind", "someKey": None}, {"type": "new_kind", "someKey": None}),
]


@pytest.mark.parametrize(("message", "expected"), MESSAGES)
async def test_a_data_message_is_sent(
    ultravox: AsyncUltravox,
    ultravox_emulator: Emulator,
    message: Any,  # noqa: ANN401 - of any class
    expected: dict[str, Any],
) -> None:
    call = await ultravox.calls.create()
    await ultravox.calls.send_data_message(call.call_id, message)
    assert last_request(ultravox_emulator) == ("POST", f"/api/calls/{call.call_id}/send_data_message", [], expected)


async def test_a_data_message_that_is_no_json_is_refused(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    with pytest.raises(InvalidRequestError, match="cannot be encoded"):
        await ultravox.calls.send_data_message(OTHER, {"type": "x", "text": object()})
    assert ultravox_emulator.received == 0


@pytest.mark.parametrize("message", [None, "Goodbye."])
async def test_hanging_up_ends_a_call(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, message: str | None
) -> None:
    call = await ultravox.calls.create()
    ultravox_emulator.calls.join(call.call_id)
    await ultravox.calls.hang_up(call.call_id, message)
    said = {} if message is None else {"message": message}
    assert last_request(ultravox_emulator)[3] == {"type": "hang_up", **said}
    ended = await ultravox.calls.get(call.call_id)
    assert ended.joined is not None
    assert ended.ended is not None
    assert ended.end_reason == "hangup"


async def test_hanging_up_a_call_that_has_ended_is_an_error(ultravox: AsyncUltravox) -> None:
    call = await ultravox.calls.create()
    await ultravox.calls.hang_up(call.call_id)
    with pytest.raises(UnprocessableEntityError):
        await ultravox.calls.hang_up(call.call_id)


async def test_a_transcript_is_all_pages_of_all_stages(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    call = await ultravox.calls.create()
    for number in range(5):
        if number == 3:
            ultravox_emulator.calls.begin_stage(call.call_id)
        ultravox_emulator.calls.say(call.call_id, "MESSAGE_ROLE_USER", f"{number}")
    ultravox_emulator.clear()
    assert [message.text for message in await ultravox.calls.transcript(call.call_id)] == ["0", "1", "2", "3", "4"]
    assert [request.path for request in ultravox_emulator.requests] == [f"/api/calls/{call.call_id}/messages"] * 3
    assert ultravox_emulator.requests[0].query["mode"] == "in_call"


async def test_a_call_that_does_not_exist_is_not_found(ultravox: AsyncUltravox) -> None:
    for send in (
        ultravox.calls.get(OTHER),
        ultravox.calls.delete(OTHER),
        ultravox.calls.tools(OTHER),
        ultravox.calls.hang_up(OTHER),
        ultravox.calls.transcript(OTHER),
    ):
        with pytest.raises(NotFoundError):
            await send
