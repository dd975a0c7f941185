"""The emulator takes incoming SIP calls, and asks the fallback handler about those that no agent gets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.conftest import Clock
from ultravox_async import AgentAllowance, AsyncUltravox, FallbackHandler
from ultravox_async.testing import Emulator, SipCallOutcome
from ultravox_async.testing._threaded import threaded_emulator
from ultravox_async.types import CallMedium, CallTemplate, IncomingSipCall
from ultravox_async.webhooks import SipFallbackResponse, unwrap_fallback

SECRET = "wh-secret-0123456789"
CALLED = "sip:sales@abc.sip.example.com"
NOBODY = "0c7e9d3b-15f2-4a8e-8d61-6b2f3a4c5d6e"


@attrs.define(eq=False)
class Handler:
    """A fallback handler that verifies what it is asked."""

    answer: Callable[[], Awaitable[web.Response]]
    calls: list[IncomingSipCall] = attrs.field(factory=list[IncomingSipCall])

    async def handle(self, request: web.Request) -> web.Response:
        self.calls.append(unwrap_fallback(await request.read(), request.headers, SECRET))
        return await self.answer()

    def respond(self, response: SipFallbackResponse) -> None:
        self.respond_with(response.to_json())

    def respond_with(self, text: str, status: int = 200) -> None:
        async def answer() -> web.Response:
            return web.Response(text=text, status=status)

        self.answer = answer


async def hang() -> web.Response:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.fixture
def handler() -> Handler:
    return Handler(hang)


@pytest.fixture
async def url(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/sip", handler.handle)
    async with TestServer(app, handler_cancellation=True) as server:
        yield str(server.make_url("/sip"))


@pytest.fixture
async def client(emulator: Emulator, url: str) -> AsyncIterator[AsyncUltravox]:
    async with AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as client:
        await client.sip.update_config(fallback_handler=FallbackHandler(url, [SECRET]))
        yield client


@pytest.mark.usefixtures("client")
async def test_the_handler_is_asked_about_the_call(emulator: Emulator, handler: Handler) -> None:
    handler.respond(SipFallbackResponse.reject())
    await emulator.call_in(
        CALLED, from_uri="sip:+4930@pbx.example.com", display_name="Alice", headers={"X-Tenant": "acme"}
    )
    assert handler.calls == [
        IncomingSipCall("+4930", "Alice", "sip:+4930@pbx.example.com", CALLED, {"X-Tenant": "acme"})
    ]


async def test_an_agent_gets_the_call(emulator: Emulator, client: AsyncUltravox, handler: Handler) -> None:
    agent = await client.agents.create(name="a", call_template=CallTemplate(system_prompt="Greet.", model="m"))
    handler.respond(
        SipFallbackResponse.start_agent_call(
            agent_id=agent.agent_id, max_duration=timedelta(minutes=5), metadata={"tenant": "acme"}
        )
    )
    outcome = await emulator.call_in(CALLED, from_uri="sip:+4930@pbx.example.com", display_name="Alice")
    assert (outcome.status, outcome.reason) == (200, "")
    call = await client.calls.get(str(outcome.call_id))
    assert (call.agent_id, call.system_prompt, call.model) == (agent.agent_id, "Greet.", "m")
    assert call.max_duration == timedelta(minutes=5)
    assert call.metadata == {
        "tenant": "acme",
        "ultravox.sip.caller_id": "+4930",
        "ultravox.sip.from_display_name": "Alice",
        "ultravox.sip.from_uri": "sip:+4930@pbx.example.com",
    }
    assert call.request_context["ultravox"]["sip"]["caller_id"] == "+4930"


async def test_a_call_is_started_without_an_agent_and_its_medium_is_always_sip(
    emulator: Emulator, client: AsyncUltravox, handler: Handler
) -> None:
    handler.respond(SipFallbackResponse.start_call(system_prompt="Greet.", medium=CallMedium.twilio()))
    outcome = await emulator.call_in(CALLED)
    call = await client.calls.get(str(outcome.call_id))
    assert (call.agent_id, call.system_prompt, call.join_url) == (None, "Greet.", None)
    assert call.medium is not None
    assert call.medium.sip is not None
    assert "ultravox.sip.from_display_name" not in call.metadata


async def test_webhooks_are_told_of_such_a_call(emulator: Emulator, client: AsyncUltravox, handler: Handler) -> None:
    await client.webhooks.create(url="http://127.0.0.1:1/", events=["call.started"])
    handler.respond(SipFallbackResponse.start_call())
    outcome = await emulator.call_in(CALLED)
    await emulator.webhooks.until_idle()
    assert [delivery.call_id for delivery in emulator.webhooks.deliveries] == [outcome.call_id]


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (SipFallbackResponse.reject(code=486, message="No such tenant"), SipCallOutcome(486, None, "No such tenant")),
        (SipFallbackResponse.reject(), SipCallOutcome(603)),
    ],
)
async def test_a_rejection_reaches_the_caller(
    emulator: Emulator, client: AsyncUltravox, handler: Handler, response: SipFallbackResponse, outcome: SipCallOutcome
) -> None:
    handler.respond(response)
    assert await emulator.call_in(CALLED) == outcome
    assert [call async for call in client.calls.list()] == []


async def test_without_an_answer_within_five_seconds_the_caller_gets_a_504(
    clock: Clock, emulator: Emulator, client: AsyncUltravox, handler: Handler
) -> None:
    before = clock.ahead
    outcome = await emulator.call_in(CALLED)
    assert outcome == SipCallOutcome(504, None, "the fallback handler took more than 5 s")
    assert 0 < clock.ahead - before < 6.0
    assert [call async for call in client.calls.list()] == []
    assert len(handler.calls) == 1


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("status", [204, 302, 400, 401, 500])
async def test_a_status_that_is_no_success_or_has_no_answer_is_a_502(
    emulator: Emulator, handler: Handler, status: int
) -> None:
    handler.respond_with("", status)
    assert (await emulator.call_in(CALLED)).status == 502


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nonsense", "not JSON"),
        ("[]", "JSON object"),
        ("{}", "exactly one variant, not 0"),
        ('{"reject": {}, "startCall": {}}', "exactly one variant, not 2"),
        ('{"reject": null}', "Expected an object"),
        ('{"reject": {"sipRejectCode": 200}}', "within 400 and 699"),
        ('{"startCall": {"temperature": 2}}', "within 0 and 1"),
        ('{"startCall": {"selectedTools": [{"toolName": "x"}]}}', "name=x does not exist"),
        ('{"startAgentCall": {}}', "This field is required"),
        (f'{{"startAgentCall": {{"agentId": "{NOBODY}"}}}}', "no such agent"),
    ],
)
async def test_an_answer_that_makes_no_sense_is_a_502(
    emulator: Emulator, client: AsyncUltravox, handler: Handler, text: str, reason: str
) -> None:
    handler.respond_with(text)
    outcome = await emulator.call_in(CALLED)
    assert (outcome.status, outcome.call_id) == (502, None)
    assert reason in outcome.reason
    assert [call async for call in client.calls.list()] == []


async def test_a_handler_that_is_not_reached_is_a_502(emulator: Emulator, client: AsyncUltravox) -> None:
    await client.sip.update_config(fallback_handler=FallbackHandler("http://127.0.0.1:1/"))
    outcome = await emulator.call_in(CALLED)
    assert (outcome.status, outcome.reason) == (502, "the fallback handler is not reached: ClientConnectorError")


async def test_without_a_handler_the_call_is_not_found(emulator: Emulator, client: AsyncUltravox) -> None:
    await client.sip.update_config(fallback_handler=None)
    assert (await emulator.call_in(CALLED)).status == 404


async def test_an_agent_that_is_allowed_gets_the_call_and_the_handler_is_not_asked(
    emulator: Emulator, client: AsyncUltravox, handler: Handler
) -> None:
    first, second = [await client.agents.create(name=name) for name in ("first", "second")]
    await client.sip.update_config(
        allowed_agents=[AgentAllowance(first.agent_id), AgentAllowance(second.agent_id, "^sales$")]
    )
    for user, agent in (("sales", second), (f"agent_{first.agent_id}", first)):
        outcome = await emulator.call_in(f"sip:{user}@abc.sip.example.com")
        assert (await client.calls.get(str(outcome.call_id))).agent_id == agent.agent_id
    assert handler.calls == []


async def test_any_agent_can_be_called_if_all_are_allowed(
    emulator: Emulator, client: AsyncUltravox, handler: Handler
) -> None:
    agent = await client.agents.create(name="a")
    handler.respond(SipFallbackResponse.reject(code=480))
    await client.sip.update_config(allow_all_agents=True)
    outcome = await emulator.call_in(f"sip:agent_{agent.agent_id}@abc.sip.example.com")
    assert (await client.calls.get(str(outcome.call_id))).agent_id == agent.agent_id
    assert (await emulator.call_in(CALLED)).status == 480


async def test_without_a_start_nobody_can_call() -> None:
    with pytest.raises(RuntimeError, match="has to be started"):
        await Emulator(registrations=0).call_in(CALLED)


async def test_an_emulator_in_another_thread_can_be_called_too(handler: Handler, url: str) -> None:
    handler.respond(SipFallbackResponse.reject(code=480))
    with threaded_emulator(registrations=0) as emulator:
        async with AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as client:
            await client.sip.update_config(fallback_handler=FallbackHandler(url, [SECRET]))
        assert (await emulator.call_in(CALLED)).status == 480
