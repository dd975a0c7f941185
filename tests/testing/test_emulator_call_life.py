"""What happens to calls in the emulator, and what is left of them."""

import io
import threading
import wave
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from ultravox_async.testing import EmulatedCalls, Emulator

SIP = {"sip": {"outgoing": {"to": "sip:a@example.com", "from": "b", "username": "u", "password": "made-up"}}}


async def created(api: aiohttp.ClientSession, path: str = "/api/calls", **fields: object) -> dict[str, Any]:
    async with api.post(path, json=fields) as response:
        assert response.status == 201
        answer: dict[str, Any] = await response.json()
        return answer


async def got(api: aiohttp.ClientSession, path: str, status: int = 200) -> Any:  # noqa: ANN401 - JSON
    async with api.get(path) as response:
        assert response.status == status
        return await response.json()


async def listed(api: aiohttp.ClientSession, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await got(api, path))["results"]
    return found


async def downloaded(api: aiohttp.ClientSession, path: str) -> bytes:
    async with api.get(path, allow_redirects=False) as response:
        assert response.status == 302
        url = response.headers["Location"]
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        assert response.status == 200
        return await response.read()


def seconds_of(audio: bytes) -> float:
    with wave.open(io.BytesIO(audio)) as file:
        return float(file.getnframes() / file.getframerate())


async def test_a_call_goes_on_by_itself_as_it_is_read() -> None:
    async with (
        Emulator(registrations=0, reads_per_call_state=2) as emulator,
        aiohttp.ClientSession(emulator.base_url, headers={"X-API-Key": emulator.api_key}) as api,
    ):
        path = f"/api/calls/{(await created(api))['callId']}"
        seen = [await got(api, path) for _ in range(9)]
    states = [
        ("joined" if call["joined"] else "created", call["endReason"], call["billingStatus"].rpartition("_")[2])
        for call in seen
    ]
    assert states == [
        ("created", None, "PENDING"),
        ("created", None, "PENDING"),
        ("joined", None, "PENDING"),
        ("joined", None, "PENDING"),
        ("joined", "hangup", "PENDING"),
        ("joined", "hangup", "PENDING"),
        *[("joined", "hangup", "BILLED")] * 3,
    ]


async def test_a_state_has_to_be_read_at_least_once() -> None:
    with pytest.raises(ValueError, match="reads_per_call_state"):
        Emulator(reads_per_call_state=0)


async def test_a_command_that_comes_too_late_changes_nothing(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    call_id = (await created(api))["callId"]
    emulator.calls.bill(call_id)
    before = await got(api, f"/api/calls/{call_id}")
    emulator.calls.join(call_id)
    emulator.calls.end(call_id, "timeout")
    assert await got(api, f"/api/calls/{call_id}") == before
    assert before["billingStatus"] == "BILLING_STATUS_FREE_ZERO_EFFECTIVE_DURATION"


@pytest.mark.parametrize("duration", [timedelta(microseconds=-1), timedelta(hours=75), timedelta.max])
async def test_a_call_that_cannot_have_a_recording_of_its_length_is_refused(
    emulator: Emulator, api: aiohttp.ClientSession, duration: timedelta
) -> None:
    call_id = (await created(api))["callId"]
    emulator.calls.join(call_id)
    with pytest.raises(ValueError, match="a call takes from 0 seconds to 268435, not"):
        emulator.calls.end(call_id, duration=duration)
    assert (await got(api, f"/api/calls/{call_id}"))["ended"] is None


async def test_the_longest_call_has_a_recording(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    call_id = (await created(api, recordingEnabled=True))["callId"]
    emulator.calls.join(call_id)
    emulator.calls.end(call_id, duration=timedelta(seconds=268_435))
    async with api.get(f"/api/calls/{call_id}/recording", allow_redirects=False) as response:
        assert response.status == 302
    file = emulator.storage.file(f"recordings/{call_id}.wav")
    assert (file.size, file.read(4, 4)) == (44 + 268_435 * 16_000, (36 + 268_435 * 16_000).to_bytes(4, "little"))


@pytest.mark.parametrize(
    "timespan", [{"start": "0s", "end": "268436s"}, {"start": "5s", "end": "0s"}, {"start": "5s"}, {}]
)
async def test_a_message_with_a_timespan_that_no_clip_can_have_has_no_clip(
    api: aiohttp.ClientSession, timespan: object
) -> None:
    said = {"role": "MESSAGE_ROLE_USER", "text": "Hi", "timespan": timespan}
    call = await created(api, recordingEnabled=True, initialMessages=[said])
    (message,) = await listed(api, f"/api/calls/{call['callId']}/messages")
    await got(api, f"/api/calls/{call['callId']}/stages/{message['callStageId']}/messages/0/audio", 404)


async def test_a_call_can_be_created_without_a_request(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    call_id = emulator.calls.create({"recordingEnabled": True, "systemPrompt": "Be brief."})
    call = await got(api, f"/api/calls/{call_id}")
    assert (call["recordingEnabled"], call["systemPrompt"], call["ended"]) == (True, "Be brief.", None)
    assert (await got(api, f"/api/calls/{emulator.calls.create()}"))["recordingEnabled"] is False


@pytest.mark.parametrize("fields", [{"temperature": 2}, {"systemPrompt": 1}, {"maxDuration": "x"}])
async def test_a_call_that_a_request_could_not_create_is_refused(
    emulator: Emulator, api: aiohttp.ClientSession, fields: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=f"no such call can be created: .*{next(iter(fields))}"):
        emulator.calls.create(fields)
    assert await listed(api, "/api/calls") == []


COMMANDS: list[Callable[[EmulatedCalls], object]] = [
    lambda calls: calls.join("x"),
    lambda calls: calls.end("x"),
    lambda calls: calls.bill("x"),
    lambda calls: calls.say("x", "MESSAGE_ROLE_USER", "Hi"),
    lambda calls: calls.begin_stage("x"),
    lambda calls: calls.add_event("x", "y"),
    lambda calls: calls.add_tool("x", "y"),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_for_an_unknown_call_is_a_key_error(command: Callable[[EmulatedCalls], object]) -> None:
    with pytest.raises(KeyError, match="x"):
        command(Emulator().calls)


async def test_commands_may_come_from_any_thread(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    call_id = (await created(api))["callId"]

    def talk() -> None:
        for _ in range(50):
            emulator.calls.say(call_id, "MESSAGE_ROLE_USER", "Hi")

    threads = [threading.Thread(target=talk) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    messages = await listed(api, f"/api/calls/{call_id}/messages?pageSize=500")
    assert [message["callStageMessageIndex"] for message in messages] == list(range(200))


async def test_the_messages_of_a_call_are_in_its_stages(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    initial = [{"role": "MESSAGE_ROLE_AGENT", "text": "Welcome"}]
    call_id = (await created(api, initialMessages=initial, systemPrompt="Be brief."))["callId"]
    path = f"/api/calls/{call_id}"
    emulator.calls.say(call_id, "MESSAGE_ROLE_USER", "Hi")
    stage_id = emulator.calls.begin_stage(call_id, {"systemPrompt": "Be kind."})
    assert emulator.calls.say(call_id, "MESSAGE_ROLE_AGENT", "Bye", "MESSAGE_MEDIUM_TEXT") == 1
    first, last = await listed(api, f"{path}/stages")
    assert (first["systemPrompt"], last["systemPrompt"], last["callStageId"]) == ("Be brief.", "Be kind.", stage_id)
    assert await got(api, f"{path}/stages/{stage_id}") == last
    texts = {
        query: [message["text"] for message in await listed(api, f"{path}/{query}")]
        for query in ("messages", "messages?mode=last_stage", "messages?mode=in_call", f"stages/{stage_id}/messages")
    }
    assert texts == {
        "messages": ["Welcome", "Bye"],
        "messages?mode=last_stage": ["Welcome", "Bye"],
        "messages?mode=in_call": ["Hi", "Bye"],
        f"stages/{stage_id}/messages": ["Welcome", "Bye"],
    }
    bye = (await listed(api, f"{path}/messages"))[1]
    assert bye == {
        **dict.fromkeys(bye),
        "role": "MESSAGE_ROLE_AGENT",
        "text": "Bye",
        "medium": "MESSAGE_MEDIUM_TEXT",
        "callStageId": stage_id,
        "callStageMessageIndex": 1,
        "timespan": {"start": "2s", "end": "3.5s"},
        "wallClockTimespan": {"start": "2s", "end": "3.5s"},
    }


async def test_data_messages_are_part_of_the_conversation(api: aiohttp.ClientSession) -> None:
    call_id = (await created(api))["callId"]
    for message in (
        {"type": "user_text_message", "text": "Hi"},
        {"type": "forced_agent_message", "content": "Hello"},
        {"type": "new_kind"},
    ):
        async with api.post(f"/api/calls/{call_id}/send_data_message", json=message) as response:
            assert response.status == 204
    messages = await listed(api, f"/api/calls/{call_id}/messages")
    assert [(message["role"], message["text"]) for message in messages] == [
        ("MESSAGE_ROLE_USER", "Hi"),
        ("MESSAGE_ROLE_AGENT", "Hello"),
    ]


async def test_a_call_has_the_tools_that_it_was_created_with(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    tool = await created(api, "/api/tools", name="look_up", definition={"modelToolName": "look_up", "client": {}})
    selected: list[dict[str, Any]] = [
        {"toolName": "hangUp"},
        {"toolId": tool["toolId"], "nameOverride": "renamed"},
        {"temporaryTool": {"modelToolName": "look_up", "requirements": {}, "client": {}, "description": "Looks"}},
    ]
    call_id = (await created(api, selectedTools=selected))["callId"]
    emulator.calls.add_tool(call_id, "added", {"timeout": "2s"})
    tools = await got(api, f"/api/calls/{call_id}/tools")
    assert [(tool["name"], tool["definition"]) for tool in tools] == [
        ("hangUp", {}),
        ("renamed", {}),
        ("look_up", {"client": {}, "description": "Looks"}),
        ("added", {"timeout": "2s"}),
    ]
    (stage,) = await listed(api, f"/api/calls/{call_id}/stages")
    assert await got(api, f"/api/calls/{call_id}/stages/{stage['callStageId']}/tools") == tools


async def test_a_call_over_sip_has_the_details_of_its_end_and_no_url_to_join(
    emulator: Emulator, api: aiohttp.ClientSession
) -> None:
    call = await created(api, medium=SIP)
    assert (call["joinUrl"], call["sipDetails"]) == (None, {"billedDuration": None, "terminationReason": None})
    assert (await created(api))["sipDetails"] is None
    emulator.calls.join(call["callId"])
    emulator.calls.end(call["callId"], duration=timedelta(seconds=6))
    emulator.calls.bill(call["callId"])
    details = (await got(api, f"/api/calls/{call['callId']}"))["sipDetails"]
    assert details == {"billedDuration": "6s", "terminationReason": "SIP_TERMINATION_NORMAL"}


async def test_a_recording_is_as_long_as_the_call(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    call_id = (await created(api, recordingEnabled=True))["callId"]
    path = f"/api/calls/{call_id}/recording"
    assert await got(api, path, 404) == {"detail": "The call has no recording"}
    emulator.calls.join(call_id)
    emulator.calls.end(call_id, duration=timedelta(seconds=2.5))
    assert seconds_of(await downloaded(api, path)) == 2.5
    assert await downloaded(api, path) == await downloaded(api, path)


async def test_a_call_that_is_not_recorded_has_no_recording(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    call_id = (await created(api))["callId"]
    emulator.calls.join(call_id)
    emulator.calls.end(call_id)
    await got(api, f"/api/calls/{call_id}/recording", 404)


async def test_sip_logs_are_there_when_the_call_has_ended(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    call_id = (await created(api, medium=SIP))["callId"]
    path = f"/api/calls/{call_id}/sip_logs"
    assert await got(api, path, 425) == {"detail": "The call has not ended yet."}
    emulator.calls.end(call_id)
    assert call_id.encode() in await downloaded(api, path)
    other = (await created(api))["callId"]
    assert await got(api, f"/api/calls/{other}/sip_logs", 404) == {"detail": "The call has no SIP logs"}


async def test_a_message_of_a_recorded_call_has_audio(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    initial = [{"role": "MESSAGE_ROLE_AGENT", "text": "Welcome"}]
    for is_recorded in (True, False):
        call_id = (await created(api, recordingEnabled=is_recorded, initialMessages=initial))["callId"]
        assert emulator.calls.say(call_id, "MESSAGE_ROLE_USER", "Hi") == 1
        (stage,) = await listed(api, f"/api/calls/{call_id}/stages")
        path = f"/api/calls/{call_id}/stages/{stage['callStageId']}/messages"
        for index in ("0", "2", "x"):
            assert await got(api, f"{path}/{index}/audio", 404) == {"detail": "The message has no audio"}
        if is_recorded:
            assert seconds_of(await downloaded(api, f"{path}/1/audio")) == 1.5
        else:
            await got(api, f"{path}/1/audio", 404)


async def test_a_deleted_call_leaves_a_tombstone(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    call = await created(api, recordingEnabled=True)
    path = f"/api/calls/{call['callId']}"
    emulator.calls.join(call["callId"])
    emulator.calls.bill(call["callId"])
    async with api.delete(path) as response:
        assert response.status == 204
    for gone in (path, f"{path}/messages", f"{path}/tools", f"{path}/stages", f"{path}/recording"):
        await got(api, gone, 404)
    (tombstone,) = await listed(api, "/api/deleted_calls")
    assert tombstone == await got(api, f"/api/deleted_calls/{call['callId']}")
    assert tombstone["created"] == call["created"] < tombstone["joined"] < tombstone["ended"]
    assert tombstone["ended"] < tombstone["deletionTime"]
    assert (tombstone["endReason"], tombstone["recordingEnabled"], tombstone["hadSummary"]) == ("hangup", True, True)
    assert tombstone["accountId"] == (await got(api, "/api/accounts/me"))["accountId"]


async def test_the_secrets_that_the_api_returns_are_returned(api: aiohttp.ClientSession) -> None:
    tool = {"toolName": "hangUp", "authTokens": {"key": "s-token"}}
    connection = {"websocketUrl": "wss://example.com/", "headers": {"X": "s-header"}}
    voice = {"generic": {"url": "https://example.com/", "headers": {"X": "s-voice"}}}
    ended = {"url": "https://example.com/", "secrets": ["s-callback"]}
    call = await created(api, medium=SIP, dataConnection=connection, externalVoice=voice, callbacks={"ended": ended})
    agent = await created(api, "/api/agents", name="a", callTemplate={"selectedTools": [tool]})
    webhook = await created(api, "/api/webhooks", url="https://example.com/", events=["call.ended"], secrets=["s-hook"])
    shown = f"{call} {agent} {webhook}"
    secrets = {"made-up", "s-token", "s-header", "s-voice", "s-callback", "s-hook"}
    assert {secret for secret in secrets if secret in shown} == secrets
