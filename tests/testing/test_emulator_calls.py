"""What calls and agents do in the emulator beyond being stored."""

from typing import Any

import aiohttp
import pytest

from ultravox_async.testing import Emulator


async def created(api: aiohttp.ClientSession, path: str = "/api/calls", **fields: object) -> dict[str, Any]:
    async with api.post(path, json=fields) as response:
        assert response.status == 201
        answer: dict[str, Any] = await response.json()
        return answer


async def test_a_call_has_a_url_to_join_and_what_the_server_decides(api: aiohttp.ClientSession) -> None:
    call = await created(api)
    assert call["joinUrl"].startswith(f"wss://voice.example.com/calls/{call['callId']}?token=")
    assert (call["model"], call["joinTimeout"], call["billingStatus"]) == (
        "ultravox-v0.7",
        "30s",
        "BILLING_STATUS_PENDING",
    )
    assert (call["joined"], call["ended"], call["endReason"]) == (None, None, None)


async def test_a_request_and_an_answer_have_other_names_for_the_same(api: aiohttp.ClientSession) -> None:
    connection = {"websocketUrl": "wss://example.com/", "headers": {"X-Some": "secret"}}
    call = await created(api, dataConnection=connection, retentionPolicy="CALL_RETENTION_POLICY_AUTO_DELETE")
    assert call["dataConnectionConfig"] == connection
    assert call["retentionPolicy"] == "auto_delete"
    assert "dataConnection" not in call


async def test_shared_secrets_are_in_no_answer(api: aiohttp.ClientSession) -> None:
    call = await created(api, sharedSecrets=["a-secret"])
    agent = await created(api, "/api/agents", name="a", callTemplate={"sharedSecrets": ["a-secret"]})
    assert "sharedSecrets" not in call
    assert agent["callTemplate"] == {}


async def test_a_call_lives(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    call_id = (await created(api))["callId"]
    emulator.calls.join(call_id)
    emulator.calls.end(call_id, "agent_hangup")
    emulator.calls.bill(call_id)
    async with api.get(f"/api/calls/{call_id}") as response:
        call = await response.json()
    assert call["created"] < call["joined"] < call["ended"]
    assert (call["endReason"], call["billedDuration"], call["billingStatus"]) == (
        "agent_hangup",
        "30s",
        "BILLING_STATUS_BILLED",
    )


async def test_a_call_that_nobody_joins_ends_unjoined(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    call_id = (await created(api))["callId"]
    emulator.calls.end(call_id)
    emulator.calls.bill(call_id)
    async with api.get(f"/api/calls/{call_id}") as response:
        call = await response.json()
    assert (call["endReason"], call["billedDuration"]) == ("unjoined", "0s")


async def test_a_call_cannot_be_deleted_before_it_is_billed(emulator: Emulator, api: aiohttp.ClientSession) -> None:
    call_id = (await created(api))["callId"]
    async with api.delete(f"/api/calls/{call_id}") as response:
        assert (response.status, await response.json()) == (425, {"detail": "The call is not billed yet."})
    emulator.calls.bill(call_id)
    async with api.delete(f"/api/calls/{call_id}") as response:
        assert response.status == 204


@pytest.mark.parametrize("message", [{}, {"type": 1}])
async def test_a_data_message_needs_a_type(api: aiohttp.ClientSession, message: dict[str, object]) -> None:
    call_id = (await created(api))["callId"]
    async with api.post(f"/api/calls/{call_id}/send_data_message", json=message) as response:
        assert (response.status, await response.json()) == (400, {"type": ["This field is required."]})


async def test_the_ids_of_calls_depend_on_the_seed_alone(api: aiohttp.ClientSession) -> None:
    call = await created(api)
    async with (
        Emulator(registrations=1) as other,
        aiohttp.ClientSession(other.base_url, headers={"X-API-Key": other.api_key}) as same,
    ):
        assert await created(same) == call
