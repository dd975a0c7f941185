"""Which tools a call or an agent of the emulator can select."""

from typing import Any

import aiohttp
import pytest

from ultravox_async.testing import Emulator

NOBODY = "9b2f6e2a-4c1d-4f6e-9a57-0f4a1c2d3e4f"
Selected = list[dict[str, Any]]


async def sent(api: aiohttp.ClientSession, path: str, body: object, method: str = "POST") -> tuple[int, Any]:
    async with api.request(method, path, json=body) as response:
        return response.status, await response.json()


async def tool(api: aiohttp.ClientSession, name: str) -> str:
    status, made = await sent(api, "/api/tools", {"name": name, "definition": {"modelToolName": name, "client": {}}})
    assert status == 201
    return str(made["toolId"])


async def test_tools_that_exist_are_selected_by_id_or_name(api: aiohttp.ClientSession) -> None:
    tool_id = await tool(api, "look_up")
    selected: Selected = [
        {"toolId": tool_id},
        {"toolId": tool_id.upper(), "nameOverride": "other"},
        {"toolName": "look_up", "nameOverride": "third"},
        {"temporaryTool": {"modelToolName": "fourth", "client": {}}},
    ]
    assert (await sent(api, "/api/calls", {"selectedTools": selected}))[0] == 201


@pytest.mark.parametrize(
    "name", ["queryCorpus", "leaveVoicemail", "hangUp", "playDtmfSounds", "coldTransfer", "warmTransfer"]
)
async def test_built_in_tools_are_selected_by_name(api: aiohttp.ClientSession, name: str) -> None:
    assert (await sent(api, "/api/calls", {"selectedTools": [{"toolName": name}]}))[0] == 201
    # One of the account's own may have the same name.
    await tool(api, name)
    assert (await sent(api, "/api/calls", {"selectedTools": [{"toolName": name}]}))[0] == 201


@pytest.mark.parametrize(
    ("selected", "errors"),
    [
        ({"toolId": NOBODY}, {"toolId": [f'Invalid pk "{NOBODY}" - object does not exist.']}),
        ({"toolName": "look_down"}, {"toolName": ["Object with name=look_down does not exist."]}),
        ({"toolName": "twice"}, {"toolName": ["Several tools have this name."]}),
    ],
)
async def test_other_tools_are_refused_wherever_they_are_selected(
    emulator: Emulator, api: aiohttp.ClientSession, selected: dict[str, Any], errors: dict[str, Any]
) -> None:
    for name in ("look_up", "twice", "twice"):
        await tool(api, name)
    tools: Selected = [{"toolName": "hangUp"}, {"toolName": "look_up"}, selected]
    refused = {"2": errors}
    _, agent = await sent(api, "/api/agents", {"name": "a"})
    path = f"/api/agents/{agent['agentId']}"
    template = {"callTemplate": {"selectedTools": tools}}
    answers = [
        await sent(api, "/api/calls", {"selectedTools": tools}),
        await sent(api, "/api/agents", {"name": "b", **template}),
        await sent(api, path, template, "PATCH"),
        await sent(api, f"{path}/calls", {"toolOverrides": {"add": tools}}),
    ]
    assert answers == [
        (400, {"selectedTools": refused}),
        (400, {"callTemplate": {"selectedTools": refused}}),
        (400, {"callTemplate": {"selectedTools": refused}}),
        (400, {"toolOverrides": {"add": refused}}),
    ]
    with pytest.raises(ValueError, match="selectedTools"):
        emulator.calls.create({"selectedTools": tools})


async def test_a_call_can_be_started_although_a_tool_of_its_agent_was_deleted(api: aiohttp.ClientSession) -> None:
    tool_id = await tool(api, "look_up")
    template = {"selectedTools": [{"toolId": tool_id}]}
    _, agent = await sent(api, "/api/agents", {"name": "a", "callTemplate": template})
    async with api.delete(f"/api/tools/{tool_id}") as response:
        assert response.status == 204
    assert (await sent(api, f"/api/agents/{agent['agentId']}/calls", {}))[0] == 201
