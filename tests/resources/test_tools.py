import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest
from aioresponses import aioresponses

from tests.wire import KEY, PASSWORD, shown
from ultravox_async import AsyncUltravox, BadRequestError, InvalidRequestError, NotFoundError
from ultravox_async.testing import Emulator
from ultravox_async.types import (
    Call,
    ClientToolDetails,
    DynamicParameter,
    HttpToolDetails,
    Tool,
    ToolDefinition,
    ToolHistory,
)

LOOK_UP = ToolDefinition(
    "look_up",
    "Looks it up",
    dynamic_parameters=[DynamicParameter("q", "PARAMETER_LOCATION_QUERY", {"type": "string"}, required=True)],
    timeout=timedelta(seconds=5),
    http=HttpToolDetails("https://example.com/", "GET"),
)
LOOK_UP_ON_THE_WIRE = {
    "modelToolName": "look_up",
    "description": "Looks it up",
    "dynamicParameters": [
        {"name": "q", "location": "PARAMETER_LOCATION_QUERY", "schema": {"type": "string"}, "required": True}
    ],
    "timeout": "5s",
    "http": {"baseUrlPattern": "https://example.com/", "httpMethod": "GET"},
}
JOIN_URL = "wss://voice.example.com/canary-join-url"
CREATED = "2026-07-02T10:00:00Z"
Operation: TypeAlias = Callable[[AsyncUltravox], Coroutine[Any, Any, object]]


def sent(emulator: Emulator) -> tuple[str, str, object]:
    request = emulator.requests[-1]
    return request.method, request.path, json.loads(request.body) if request.body else None


def creating(**fields: Any) -> Operation:  # noqa: ANN401 - the wrong types too
    wanted: dict[str, Any] = {"name": "look up", "definition": LOOK_UP, **fields}
    return lambda ultravox: ultravox.tools.create(**wanted)


async def test_the_resource_says_what_it_offers() -> None:
    async with AsyncUltravox(KEY, base_url="https://api.example.com") as ultravox:
        assert repr(ultravox.tools) == (
            "<Tools at https://api.example.com: create, delete, get, get_many, history, import_openapi, list, replace, "
            "test>"
        )


async def test_a_tool_is_created(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.tools.create(name="look up", definition=LOOK_UP)
    assert sent(ultravox_emulator) == ("POST", "/api/tools", {"name": "look up", "definition": LOOK_UP_ON_THE_WIRE})
    assert (made.name, made.definition, made.ownership) == ("look up", LOOK_UP, "private")
    assert made.created.tzinfo is not None


async def test_a_tool_of_the_client_is_created_with_an_empty_object(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    definition = ToolDefinition("look_up", client=ClientToolDetails())
    made = await ultravox.tools.create(name="look up", definition=definition)
    body: object = {"name": "look up", "definition": {"modelToolName": "look_up", "client": {}}}
    assert sent(ultravox_emulator) == ("POST", "/api/tools", body)
    assert made.definition == definition


async def test_a_tool_is_fetched(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.tools.create(name="look up", definition=LOOK_UP)
    assert await ultravox.tools.get(made.tool_id) == made
    assert sent(ultravox_emulator) == ("GET", f"/api/tools/{made.tool_id}", None)


async def test_many_tools_are_fetched(ultravox: AsyncUltravox) -> None:
    made = [await ultravox.tools.create(name=f"look up {number}", definition=LOOK_UP) for number in range(3)]
    result = await ultravox.tools.get_many([tool.tool_id for tool in made] + ["missing"])
    assert result.found == {tool.tool_id: tool for tool in made}
    assert list(result.failed) == ["missing"]


async def test_tools_are_listed_with_filters(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.tools.create(name="look up", definition=LOOK_UP)
    listing = ultravox.tools.list(ownership="private", search="look", sort_order="alphabetic", page_size=10)
    assert [tool async for tool in listing] == [made]
    assert dict(ultravox_emulator.requests[-1].query) == {
        "ownership": "private",
        "search": "look",
        "sortOrder": "alphabetic",
        "pageSize": "10",
    }


async def test_a_tool_is_replaced(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.tools.create(name="look up", definition=LOOK_UP)
    definition = ToolDefinition("find", client=ClientToolDetails())
    replaced = await ultravox.tools.replace(made.tool_id, name="find", definition=definition)
    body: object = {"name": "find", "definition": {"modelToolName": "find", "client": {}}}
    assert sent(ultravox_emulator) == ("PUT", f"/api/tools/{made.tool_id}", body)
    assert (replaced.tool_id, replaced.name, replaced.definition) == (made.tool_id, "find", definition)


async def test_a_tool_is_deleted(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.tools.create(name="look up", definition=LOOK_UP)
    await ultravox.tools.delete(made.tool_id)
    assert sent(ultravox_emulator) == ("DELETE", f"/api/tools/{made.tool_id}", None)
    with pytest.raises(NotFoundError, match="No such tool"):
        await ultravox.tools.get(made.tool_id)


async def test_a_tool_is_executed_with_its_parameters_as_they_are(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    made = await ultravox.tools.create(name="look up", definition=LOOK_UP)
    parameters = {"some_key": [1, None], "nested": {"other_key": True}}
    response = await ultravox.tools.test(made.tool_id, parameters)
    assert sent(ultravox_emulator) == ("POST", f"/api/tools/{made.tool_id}/test", parameters)
    assert (response.status, response.json()) == (200, parameters)


async def test_a_tool_is_executed_without_parameters(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.tools.create(name="look up", definition=LOOK_UP)
    await ultravox.tools.test(made.tool_id)
    assert sent(ultravox_emulator) == ("POST", f"/api/tools/{made.tool_id}/test", {})


async def test_a_tool_may_return_something_else_than_json(ultravox_responses: aioresponses) -> None:
    ultravox_responses.post(  # pyright: ignore[reportUnknownMemberType] - partly typed in aioresponses
        "https://api.ultravox.ai/api/tools/t1/test", body=b"It is noon.", content_type="text/plain"
    )
    async with AsyncUltravox(KEY) as ultravox:
        response = await ultravox.tools.test("t1", {})
    assert (response.headers["Content-Type"], response.body) == ("text/plain", b"It is noon.")


async def test_the_parameters_of_a_tool_are_not_in_an_error(ultravox: AsyncUltravox) -> None:
    with pytest.raises(NotFoundError) as missing:
        await ultravox.tools.test("missing", {"api_key": PASSWORD})
    with pytest.raises(InvalidRequestError) as invalid:
        await ultravox.tools.test("..", {"anything": PASSWORD})
    assert "tools.py" in shown(missing.value)
    assert PASSWORD not in shown(missing.value)
    assert PASSWORD not in shown(invalid.value)


async def test_parameters_that_json_has_no_form_for_are_refused(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    with pytest.raises(InvalidRequestError, match="body"):
        await ultravox.tools.test("t1", {"x": object()})
    with pytest.raises(InvalidRequestError, match="tool_id"):
        await ultravox.tools.test("..")
    assert ultravox_emulator.received == 0


async def test_the_history_of_a_tool_is_empty_at_first(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await ultravox.tools.create(name="look up", definition=LOOK_UP)
    assert [entry async for entry in ultravox.tools.history(made.tool_id, page_size=5)] == []
    assert sent(ultravox_emulator) == ("GET", f"/api/tools/{made.tool_id}/history", None)
    assert dict(ultravox_emulator.requests[-1].query) == {"pageSize": "5"}


async def test_the_history_of_a_tool_has_its_calls(ultravox_responses: aioresponses) -> None:
    calls: list[object] = [
        {"call": {"callId": "c1", "created": CREATED, "joinUrl": JOIN_URL}, "errorCount": 2, "new": 1},
        {"call": {"callId": "c2", "created": CREATED}, "errorCount": None},
    ]
    ultravox_responses.get(  # pyright: ignore[reportUnknownMemberType] - as above
        "https://api.ultravox.ai/api/tools/t1/history", payload={"results": calls, "next": None, "total": None}
    )
    async with AsyncUltravox(KEY) as ultravox:
        first, second = [entry async for entry in ultravox.tools.history("t1")]
    created = datetime.fromisoformat(CREATED)
    assert first == ToolHistory(Call("c1", created, join_url=JOIN_URL), 2)
    assert second == ToolHistory(Call("c2", created))
    assert JOIN_URL not in repr(first)
    assert JOIN_URL not in first.to_json()


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (creating(name="x" * 41), "name: takes at most 40 characters, not 41"),
        (creating(definition=ToolDefinition("look_up")), "exactly one of http, client, data_connection, not with 0"),
        (creating(definition=ToolDefinition("look up", client=ClientToolDetails())), r"definition\.model_tool_name"),
        (
            creating(definition=ToolDefinition(client=ClientToolDetails(), timeout=timedelta(seconds=-1))),
            r"definition\.timeout: takes a timedelta of zero or more",
        ),
        (creating(definition=None), "definition"),
    ],
)
async def test_what_exceeds_a_limit_is_refused_before_it_is_sent(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, call: Operation, problem: str
) -> None:
    with pytest.raises(InvalidRequestError, match=problem):
        await call(ultravox)
    assert ultravox_emulator.received == 0


@pytest.mark.parametrize("call", [creating(tool_id="t1"), creating(created="now"), creating(ownership="public")])
async def test_a_field_that_only_the_api_sets_is_refused(ultravox: AsyncUltravox, call: Operation) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        await call(ultravox)


async def test_an_empty_search_is_refused(ultravox: AsyncUltravox) -> None:
    with pytest.raises(InvalidRequestError, match="search"):
        ultravox.tools.list(search="")


async def test_the_emulator_refuses_a_name_that_the_model_cannot_use(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    definition: dict[str, object] = {"modelToolName": "look up", "client": {}, "http": {}}
    made = await ultravox.tools.create(name="look up", definition=LOOK_UP)
    with pytest.raises(BadRequestError) as two:
        await ultravox.request("POST", "/api/tools", json={"name": "x", "definition": definition})
    del definition["http"]
    with pytest.raises(BadRequestError) as name:
        await ultravox.request("PUT", f"/api/tools/{made.tool_id}", json={"name": "x", "definition": definition})
    assert "Exactly one of these fields is required." in str(two.value)
    assert "does not match the required pattern" in str(name.value)
    assert ultravox_emulator.received == 3


@pytest.mark.parametrize("extra", [{}, {"definition": None, "ownership": None, "mood": {"a": 1}}])
async def test_a_tool_of_which_little_is_known_is_decoded(
    ultravox_responses: aioresponses, extra: dict[str, object]
) -> None:
    ultravox_responses.get(  # pyright: ignore[reportUnknownMemberType] - as above
        "https://api.ultravox.ai/api/tools/t1",
        payload={"toolId": "t1", "name": "look up", "created": "2026-07-02T10:00:00Z", **extra},
    )
    async with AsyncUltravox(KEY) as ultravox:
        got = await ultravox.tools.get("t1")
    assert got == Tool("t1", "look up", datetime(2026, 7, 2, 10, tzinfo=UTC))


async def test_values_that_are_new_to_this_package_survive(ultravox_responses: aioresponses) -> None:
    ultravox_responses.get(  # pyright: ignore[reportUnknownMemberType] - as above
        "https://api.ultravox.ai/api/tools/t1",
        payload={
            "toolId": "t1",
            "name": "look up",
            "created": "2026-07-02T10:00:00Z",
            "ownership": "shared",
            "definition": {"mcp": {}, "defaultReaction": "AGENT_REACTION_SINGS"},
        },
    )
    async with AsyncUltravox(KEY) as ultravox:
        got = await ultravox.tools.get("t1")
    assert got.ownership == "shared"
    assert got.definition == ToolDefinition(default_reaction="AGENT_REACTION_SINGS")
