from typing import Any

import pytest
from aioresponses import aioresponses

from tests.resources.sending import last_body, last_query, last_request
from tests.wire import KEY, shown
from ultravox_async import AsyncUltravox, InvalidRequestError, NotFoundError
from ultravox_async.testing import Emulator
from ultravox_async.types import Webhook, WebhookFailure

AGENT = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
SECRET = "canary-webhook-secret-41"
URL = "https://example.com/hook"
SENT: dict[str, Any] = {
    "webhookId": "some-id",
    "created": "2026-07-02T10:00:00Z",
    "url": URL,
}


async def created(ultravox: AsyncUltravox, **fields: Any) -> Webhook:  # noqa: ANN401 - of several types
    wanted: dict[str, Any] = {"url": URL, "events": ["call.ended"], **fields}
    return await ultravox.webhooks.create(**wanted)


async def test_a_webhook_is_created_and_fetched(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await created(ultravox, secrets=[SECRET], agent_id=AGENT)
    assert last_request(ultravox_emulator) == ("POST", "/api/webhooks")
    assert last_body(ultravox_emulator) == {
        "url": URL,
        "events": ["call.ended"],
        "secrets": [SECRET],
        "agentId": AGENT,
    }
    got = await ultravox.webhooks.get(made.webhook_id)
    assert last_request(ultravox_emulator) == ("GET", f"/api/webhooks/{made.webhook_id}")
    assert got == made
    assert (got.secrets, got.agent_id, got.status, got.recent_failures) == ([SECRET], AGENT, "normal", [])


async def test_none_is_left_out_when_a_webhook_is_created(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await created(ultravox, agent_id=None)
    assert last_body(ultravox_emulator) == {"url": URL, "events": ["call.ended"]}
    assert made.secrets is not None
    assert len(made.secrets) == 1


async def test_update_sends_only_the_fields_that_it_is_given(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator
) -> None:
    made = await created(ultravox, secrets=[SECRET], agent_id=AGENT)
    changed = await ultravox.webhooks.update(made.webhook_id, agent_id=None)
    assert last_request(ultravox_emulator) == ("PATCH", f"/api/webhooks/{made.webhook_id}")
    assert last_body(ultravox_emulator) == {"agentId": None}
    assert (changed.agent_id, changed.secrets) == (None, [SECRET])


async def test_replace_gives_omitted_fields_their_default(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await created(ultravox, secrets=[SECRET], agent_id=AGENT)
    replaced = await ultravox.webhooks.replace(made.webhook_id, url="https://example.com/other", events=["call.joined"])
    assert last_request(ultravox_emulator) == ("PUT", f"/api/webhooks/{made.webhook_id}")
    assert (replaced.url, replaced.events, replaced.agent_id) == ("https://example.com/other", ["call.joined"], None)
    assert replaced.secrets != [SECRET]


async def test_a_deleted_webhook_is_not_found(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = await created(ultravox)
    await ultravox.webhooks.delete(made.webhook_id)
    assert last_request(ultravox_emulator) == ("DELETE", f"/api/webhooks/{made.webhook_id}")
    with pytest.raises(NotFoundError, match="No such webhook"):
        await ultravox.webhooks.get(made.webhook_id)


async def test_webhooks_are_listed_by_their_agent(ultravox: AsyncUltravox, ultravox_emulator: Emulator) -> None:
    made = [await created(ultravox, agent_id=agent_id) for agent_id in (None, AGENT, None)]
    assert [one async for one in ultravox.webhooks.list(page_size=2)] == made
    assert [one async for one in ultravox.webhooks.list(agent_id=AGENT, page_size=5)] == [made[1]]
    assert last_query(ultravox_emulator) == [("agentId", AGENT), ("pageSize", "5")]


async def test_many_webhooks_are_fetched(ultravox: AsyncUltravox) -> None:
    made = [await created(ultravox) for _ in range(3)]
    found = await ultravox.webhooks.get_many([one.webhook_id for one in made])
    assert found.found == {one.webhook_id: one for one in made}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "example.com"),
        ("url", f"https://example.com/{'x' * 200}"),
        ("events", "call.ended"),
        ("secrets", []),
        ("secrets", [SECRET] * 11),
        ("secrets", [SECRET * 10]),
        ("agent_id", "no-uuid"),
    ],
)
async def test_a_field_beyond_its_limit_is_refused_before_sending(
    ultravox: AsyncUltravox, ultravox_emulator: Emulator, field: str, value: object
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await created(ultravox, **{field: value})
    assert caught.value.field.startswith(field)
    assert ultravox_emulator.received == 0


async def test_the_secrets_are_in_no_repr_dict_or_error(ultravox: AsyncUltravox) -> None:
    made = await created(ultravox, secrets=[SECRET])
    assert SECRET not in repr(made)
    assert SECRET not in str(made.to_dict())
    assert made.to_dict(sensitive=True)["secrets"] == [SECRET]
    with pytest.raises(InvalidRequestError) as caught:
        await created(ultravox, secrets=[SECRET], url="wrong")
    assert SECRET not in shown(caught.value)


NOTHING: dict[str, Any] = {}
DECODED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (NOTHING, NOTHING),
    ({"agentId": None, "lastStatusChange": None, "status": None, "secrets": None}, NOTHING),
    ({"newlyInvented": {"a": 1}}, NOTHING),
    ({"status": "asleep", "events": ["call.dreamt"]}, {"status": "asleep", "events": ["call.dreamt"]}),
    ({"recentFailures": [NOTHING]}, {"recent_failures": [WebhookFailure()]}),
]


@pytest.mark.parametrize(("more", "expected"), DECODED)
async def test_a_webhook_decodes_with_fields_absent_null_or_new(
    ultravox_responses: aioresponses, more: dict[str, Any], expected: dict[str, Any]
) -> None:
    ultravox_responses.get(  # pyright: ignore[reportUnknownMemberType] - partly typed in aioresponses
        "https://api.ultravox.ai/api/webhooks/some-id", payload={**SENT, **more}
    )
    async with AsyncUltravox(KEY) as ultravox:
        got = await ultravox.webhooks.get("some-id")
    assert got == Webhook(webhook_id="some-id", created=got.created, url=URL, **expected)
