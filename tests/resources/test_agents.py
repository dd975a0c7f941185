from collections.abc import Callable, Coroutine
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

import pytest

from tests.resources.emulated import last_request
from ultravox_async import AsyncUltravox, BadRequestError, InvalidRequestError, NotFoundError
from ultravox_async.testing import Emulator
from ultravox_async.types.agents import Agent, AgentDailyUsage, CallTemplate
from ultravox_async.types.scheduled_batches import NewScheduledCall
from ultravox_async.types.shared.media import CallMedium
from ultravox_async.types.shared.tools import SelectedTool, ToolOverrides

OTHER = "9b2f6e2a-4c1d-4f6e-9a57-0f4a1c2d3e4f"
SECRET = "canary-of-a-shared-secret"
Sent: TypeAlias = Callable[[AsyncUltravox], Coroutine[Any, Any, object]]


@pytest.fixture
def ultravox_emulator_settings() -> dict[str, object]:
    return {"max_page_size": 2}


@pytest.fixture
async def agent(ultravox: AsyncUltravox) -> Agent:
    return await ultravox.agents.create(name="helper", call_template=CallTemplate(system_prompt="Be kind."))


def creating(**fields: Any) -> Sent:  # noqa: ANN401 - the wrong types too
    return lambda ultravox: ultravox.agents.create(**fields)


def updating(**changes: Any) -> Sent:  # noqa: ANN401 - likewise
    return lambda ultravox: ultravox.agents.update(OTHER, **changes)


def calling(**fields: Any) -> Sent:  # noqa: ANN401 - likewise
    return lambda ultravox: ultravox.agents.create_call(OTHER, **fields)


def scheduling(**fields: Any) -> Sent:  # noqa: ANN401 - likewise
    return lambda ultravox: ultravox.agents.scheduled_batches.create(OTHER, **fields)


def rescheduling(**changes: Any) -> Sent:  # noqa: ANN401 - likewise
    return lambda ultravox: ultravox.agents.scheduled_batches.update(OTHER, OTHER, **changes)


async def test_the_resources_say_what_they_offer(ultravox: AsyncUltravox) -> None:
    assert repr(ultravox.agents).endswith(
        ": calls, create, create_call, delete, get, get_many, list, scheduled_batches, telephony_xml, update, usage>"
    )
    assert repr(ultravox.agents.scheduled_batches).endswith(
        ": create, created_calls, delete, get, list, scheduled_calls, update>"
    )


async def test_an_agent_is_created(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    template = CallTemplate(
        system_prompt="You talk to {{name}}.",
        temperature=0.5,
        medium=CallMedium.twilio(),
        max_duration=timedelta(minutes=1),
        selected_tools=[SelectedTool.by_name("hangUp")],
        context_schema={"some_key": {"type": "string"}},
        shared_secrets=[SECRET],
    )
    agent = await ultravox.agents.create(name="helper", call_template=template)
    assert last_request(ultravox_emulator) == (
        "POST",
        "/api/agents",
        [],
        {
            "name": "helper",
            "callTemplate": {
                "systemPrompt": "You talk to {{name}}.",
                "temperature": 0.5,
                "medium": {"twilio": {}},
                "maxDuration": "60s",
                "selectedTools": [{"toolName": "hangUp"}],
                "contextSchema": {"some_key": {"type": "string"}},
                "sharedSecrets": [SECRET],
            },
        },
    )
    assert agent.call_template is not None
    assert agent.call_template.shared_secrets is None
    assert agent.call_template.context_schema == {"some_key": {"type": "string"}}


async def test_an_agent_is_fetched(ultravox: AsyncUltravox, ultravox_emulator: Emulator, agent: Agent) -> None:
    assert await ultravox.agents.get(agent.agent_id) == agent
    assert last_request(ultravox_emulator) == ("GET", f"/api/agents/{agent.agent_id}", [], None)


async def test_many_agents_are_fetched(ultravox: AsyncUltravox, agent: Agent) -> None:
    result = await ultravox.agents.get_many([agent.agent_id, OTHER])
    assert result.found == {agent.agent_id: agent}
    assert isinstance(result.failed[OTHER], NotFoundError)


async def test_agents_are_listed_over_all_pages(ultravox: AsyncUltravox) -> None:
    names = [f"agent-{number}" for number in range(5)]
    for name in names:
        await ultravox.agents.create(name=name)
    assert [agent.name async for agent in ultravox.agents.list()] == names


async def test_agents_are_listed_with_filters(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    assert [agent async for agent in ultravox.agents.list(search="help", sort="-created", page_size=7)] == []
    query = [("search", "help"), ("sort", "-created"), ("pageSize", "7")]
    assert last_request(ultravox_emulator) == ("GET", "/api/agents", query, None)


async def test_update_sends_only_what_it_is_given(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, agent: Agent
) -> None:
    changed = await ultravox.agents.update(agent.agent_id, name="other")
    assert last_request(ultravox_emulator) == ("PATCH", f"/api/agents/{agent.agent_id}", [], {"name": "other"})
    assert (changed.name, changed.call_template) == ("other", agent.call_template)


async def test_a_new_template_takes_the_place_of_the_old_one(ultravox: AsyncUltravox) -> None:
    agent = await ultravox.agents.create(
        name="helper", call_template=CallTemplate(system_prompt="Old", temperature=0.2)
    )
    changed = await ultravox.agents.update(agent.agent_id, call_template=CallTemplate(system_prompt="New"))
    assert changed.call_template is not None
    assert (changed.call_template.system_prompt, changed.call_template.temperature) == ("New", None)


async def test_a_value_that_the_schema_does_not_list_is_refused_by_the_emulator_alone(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    with pytest.raises(BadRequestError, match=r'"nonsense" is not a valid choice') as caught:
        await ultravox.agents.create(name="helper", call_template=CallTemplate(initial_output_medium="nonsense"))
    assert [*caught.value.field_errors] == ["callTemplate.initialOutputMedium"]
    assert ultravox_emulator.counts == {400: 1}


async def test_a_template_can_be_set_to_null(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, agent: Agent
) -> None:
    changed = await ultravox.agents.update(agent.agent_id, call_template=None)
    assert last_request(ultravox_emulator)[3] == {"callTemplate": None}
    assert changed.call_template is None


async def test_an_agent_is_deleted(ultravox: AsyncUltravox, ultravox_emulator: Emulator, agent: Agent) -> None:
    await ultravox.agents.delete(agent.agent_id)
    assert last_request(ultravox_emulator) == ("DELETE", f"/api/agents/{agent.agent_id}", [], None)
    with pytest.raises(NotFoundError):
        await ultravox.agents.get(agent.agent_id)


async def test_a_call_of_an_agent_is_started(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, agent: Agent
) -> None:
    call = await ultravox.agents.create_call(
        agent.agent_id,
        throttle="slow",
        template_context={"customer_name": "Bob", "nested": {"some_key": None}},
        metadata={"campaign_name": "x"},
        medium=CallMedium.plivo(),
        join_timeout=timedelta(seconds=1.5),
        tool_overrides=ToolOverrides(remove_all=True),
        shared_secrets=[SECRET],
    )
    assert last_request(ultravox_emulator) == (
        "POST",
        f"/api/agents/{agent.agent_id}/calls",
        [("throttle", "slow")],
        {
            "templateContext": {"customer_name": "Bob", "nested": {"some_key": None}},
            "metadata": {"campaign_name": "x"},
            "medium": {"plivo": {}},
            "joinTimeout": "1.5s",
            "toolOverrides": {"removeAll": True},
            "sharedSecrets": [SECRET],
        },
    )
    assert call.agent_id == agent.agent_id
    assert call.agent is not None
    assert call.agent.name == "helper"
    assert call.system_prompt == "Be kind."


async def test_the_calls_of_an_agent_are_listed(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, agent: Agent
) -> None:
    await ultravox.calls.create()
    ids = [(await ultravox.agents.create_call(agent.agent_id)).call_id for _ in range(2)]
    assert [call.call_id async for call in ultravox.agents.calls(agent.agent_id, page_size=2)] == ids
    assert last_request(ultravox_emulator) == ("GET", f"/api/agents/{agent.agent_id}/calls", [("pageSize", "2")], None)


async def test_an_agent_counts_its_calls(ultravox: AsyncUltravox, agent: Agent) -> None:
    await ultravox.agents.create_call(agent.agent_id)
    statistics = (await ultravox.agents.get(agent.agent_id)).statistics
    assert statistics is not None
    assert statistics.calls == 1


async def test_the_use_of_agents_is_summed_up_by_day(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, agent: Agent
) -> None:
    await ultravox.agents.create(name="unused")
    await ultravox.agents.create_call(agent.agent_id)
    await ultravox.agents.create_call(agent.agent_id, metadata={"a": "b"})
    (usage,) = await ultravox.agents.usage(agent_ids=[agent.agent_id], duration_min=timedelta(0), metadata={"a": "b"})
    assert usage.agent.agent_id == agent.agent_id
    assert usage.usage == [AgentDailyUsage(date(2026, 1, 1), 0.0, 1)]
    query = [("agentIds", agent.agent_id), ("durationMin", "0s"), ("metadata.a", "b")]
    assert last_request(ultravox_emulator) == ("GET", "/api/agents/usage", query, None)


async def test_calls_are_scheduled(ultravox: AsyncUltravox, ultravox_emulator: Emulator, agent: Agent) -> None:
    batch = await ultravox.agents.scheduled_batches.create(
        agent.agent_id,
        calls=[
            NewScheduledCall(CallMedium.twilio(), {"some_key": "1"}, {"other_key": [None]}, {"last_key": 0}),
            NewScheduledCall(),
        ],
        window_start=datetime(2026, 7, 2, 10, tzinfo=UTC),
        window_end=None,
        webhook_url="https://example.com/",
        webhook_secret=SECRET,
    )
    calls: list[dict[str, object]] = [
        {
            "medium": {"twilio": {}},
            "metadata": {"some_key": "1"},
            "templateContext": {"other_key": [None]},
            "experimentalSettings": {"last_key": 0},
        },
        {},
    ]
    assert last_request(ultravox_emulator) == (
        "POST",
        f"/api/agents/{agent.agent_id}/scheduled_batches",
        [],
        {
            "calls": calls,
            "windowStart": "2026-07-02T10:00:00+00:00",
            "webhookUrl": "https://example.com/",
            "webhookSecret": SECRET,
        },
    )
    assert (batch.total_count, batch.completed_count, batch.paused) == (2, 0, False)
    assert batch.window_start == datetime(2026, 7, 2, 10, tzinfo=UTC)
    assert batch.webhook_secret == SECRET
    assert SECRET not in repr(batch)
    assert "webhookSecret" not in batch.to_dict()


async def test_a_batch_without_a_secret_gets_one(ultravox: AsyncUltravox, agent: Agent) -> None:
    calls = [NewScheduledCall()]
    create = ultravox.agents.scheduled_batches.create
    assert (await create(agent.agent_id, calls=calls, webhook_url="https://example.com/")).webhook_secret
    assert (await create(agent.agent_id, calls=calls)).webhook_secret is None


async def test_a_batch_is_listed_fetched_changed_and_deleted(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, agent: Agent
) -> None:
    batches = ultravox.agents.scheduled_batches
    path = f"/api/agents/{agent.agent_id}/scheduled_batches"
    made = await batches.create(agent.agent_id, calls=[NewScheduledCall()])
    assert [one async for one in batches.list(agent.agent_id, page_size=1)] == [made]
    assert last_request(ultravox_emulator) == ("GET", path, [("pageSize", "1")], None)
    assert await batches.get(agent.agent_id, made.batch_id) == made
    assert last_request(ultravox_emulator) == ("GET", f"{path}/{made.batch_id}", [], None)
    changed = await batches.update(agent.agent_id, made.batch_id, paused=True, window_end=None)
    assert last_request(ultravox_emulator) == (
        "PATCH",
        f"{path}/{made.batch_id}",
        [],
        {"paused": True, "windowEnd": None},
    )
    assert changed.paused
    await batches.delete(agent.agent_id, made.batch_id)
    assert last_request(ultravox_emulator) == ("DELETE", f"{path}/{made.batch_id}", [], None)
    assert [one async for one in batches.list(agent.agent_id)] == []


async def test_the_calls_of_a_batch_are_listed(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, agent: Agent
) -> None:
    batches = ultravox.agents.scheduled_batches
    calls = [NewScheduledCall(metadata={"number": f"{number}"}) for number in range(3)]
    made = await batches.create(agent.agent_id, calls=calls)
    path = f"/api/agents/{agent.agent_id}/scheduled_batches/{made.batch_id}"
    found = [one async for one in batches.scheduled_calls(agent.agent_id, made.batch_id)]
    assert [(one.batch_id, one.status, one.metadata) for one in found] == [
        (made.batch_id, "FUTURE", {"number": f"{number}"}) for number in range(3)
    ]
    expired = batches.scheduled_calls(agent.agent_id, made.batch_id, status="EXPIRED", page_size=9)
    assert [one async for one in expired] == []
    query = [("status", "EXPIRED"), ("pageSize", "9")]
    assert last_request(ultravox_emulator) == ("GET", f"{path}/scheduled_calls", query, None)
    assert [one async for one in batches.created_calls(agent.agent_id, made.batch_id, page_size=9)] == []
    assert last_request(ultravox_emulator) == ("GET", f"{path}/created_calls", [("pageSize", "9")], None)


async def test_a_batch_belongs_to_its_agent(ultravox: AsyncUltravox, agent: Agent) -> None:
    other = await ultravox.agents.create(name="other")
    made = await ultravox.agents.scheduled_batches.create(agent.agent_id, calls=[NewScheduledCall()])
    with pytest.raises(NotFoundError, match="No such scheduled batch"):
        await ultravox.agents.scheduled_batches.get(other.agent_id, made.batch_id)


@pytest.mark.parametrize(
    ("send", "message"),
    [
        (creating(name="x" * 65), "name: takes at most 64 characters, not 65"),
        (creating(call_template=CallTemplate(temperature=2)), "call_template.temperature: takes a number from 0 to 1"),
        (creating(call_template=CallTemplate(medium=CallMedium())), "call_template.medium: takes a CallMedium with"),
        (creating(call_template={}), "call_template: takes a CallTemplate, not dict"),
        (updating(), "changes: takes at least one of name, call_template"),
        (updating(name=None), "name: takes a string"),
        (calling(throttle=""), "throttle: takes at least 1"),
        (calling(metadata={"a": 1}), "metadata.a: takes a string"),
        (scheduling(calls=[]), "calls: takes at least 1 item, not 0"),
        (scheduling(calls=[NewScheduledCall(CallMedium())]), r"calls\[0\].medium: takes a CallMedium with exactly one"),
        (scheduling(calls=[NewScheduledCall()], webhook_url="x"), "webhook_url: takes an absolute http or https URL"),
        (scheduling(calls=[NewScheduledCall()], webhook_secret="x" * 121), "webhook_secret: takes at most 120"),
        (scheduling(calls=[NewScheduledCall()], window_end=datetime(2026, 7, 2)), "window_end: takes a datetime with"),  # noqa: DTZ001 - what is refused
        (rescheduling(), "changes: takes at least one of calls"),
    ],
)
async def test_what_exceeds_a_limit_is_refused(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, send: Sent, message: str
) -> None:
    with pytest.raises(InvalidRequestError, match=message):
        await send(ultravox)
    assert ultravox_emulator.received == 0


@pytest.mark.parametrize("send", [creating(volume=1), calling(agent_name="x"), scheduling(), scheduling(calls=[], x=1)])
async def test_a_wrong_argument_is_a_type_error(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, send: Sent
) -> None:
    with pytest.raises(TypeError, match="argument"):
        await send(ultravox)
    assert ultravox_emulator.received == 0


async def test_an_agent_that_does_not_exist_is_not_found(ultravox: AsyncUltravox) -> None:
    for send in (
        ultravox.agents.get(OTHER),
        ultravox.agents.update(OTHER, name="x"),
        ultravox.agents.delete(OTHER),
        ultravox.agents.create_call(OTHER),
        ultravox.agents.scheduled_batches.get(OTHER, OTHER),
        ultravox.agents.scheduled_batches.create(OTHER, calls=[NewScheduledCall()]),
    ):
        with pytest.raises(NotFoundError, match="No such agent"):
            await send
