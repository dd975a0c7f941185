"""The emulator tells webhooks of the life of its calls."""

import asyncio
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.conftest import Clock
from ultravox_async import AsyncUltravox, BadRequestError
from ultravox_async.testing import Emulator, data_connection_headers, webhook_headers
from ultravox_async.testing._threaded import threaded_emulator
from ultravox_async.webhooks import CallEnded, Event, unwrap, verify_data_connection

SECRET = "wh-secret-0123456789"
ALL_EVENTS = ["call.started", "call.joined", "call.ended", "call.billed"]


@attrs.define(eq=False)
class Receiver:
    """A webhook that verifies what it gets, and answers with the next of these statuses, or the last one."""

    secrets: list[str] = attrs.field(factory=lambda: [SECRET])
    statuses: list[int] = attrs.field(factory=lambda: [204])
    events: list[Event] = attrs.field(factory=list[Event])
    requests: list[web.Request] = attrs.field(factory=list[web.Request])
    arrived: asyncio.Event = attrs.field(factory=asyncio.Event)
    hold: asyncio.Event | None = None
    """Answers only once this is set."""

    async def handle(self, request: web.Request) -> web.Response:
        self.requests.append(request)
        self.events.append(unwrap(await request.read(), request.headers, self.secrets))
        self.arrived.set()
        if self.hold is not None:
            await self.hold.wait()
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status in range(300, 400) else {})

    @property
    def names(self) -> list[str]:
        return [event.event for event in self.events]


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def url(receiver: Receiver) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/hook", receiver.handle)
    async with TestServer(app) as server:
        yield str(server.make_url("/hook"))


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[AsyncUltravox]:
    async with AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as client:
        yield client


async def test_a_webhook_is_told_of_the_life_of_a_call(
    emulator: Emulator, client: AsyncUltravox, receiver: Receiver, url: str
) -> None:
    await client.webhooks.create(url=url, events=ALL_EVENTS, secrets=[SECRET])
    call = await client.calls.create()
    for step in (emulator.calls.join, emulator.calls.end, emulator.calls.bill):
        await emulator.webhooks.until_idle()
        step(call.call_id)
    await emulator.webhooks.until_idle()
    assert receiver.names == ALL_EVENTS
    ended = receiver.events[2]
    assert isinstance(ended, CallEnded)
    assert (ended.call.call_id, ended.call.end_reason) == (call.call_id, "hangup")
    assert ended.call.billing_status == "BILLING_STATUS_PENDING"


async def test_it_is_a_post_of_json(emulator: Emulator, client: AsyncUltravox, receiver: Receiver, url: str) -> None:
    await client.webhooks.create(url=url, events=["call.started"], secrets=[SECRET])
    await client.calls.create()
    await emulator.webhooks.until_idle()
    assert (receiver.requests[0].method, receiver.requests[0].content_type) == ("POST", "application/json")


async def test_what_happens_again_is_told_once(
    emulator: Emulator, client: AsyncUltravox, receiver: Receiver, url: str
) -> None:
    await client.webhooks.create(url=url, events=ALL_EVENTS, secrets=[SECRET])
    call = await client.calls.create()
    for _ in range(2):
        emulator.calls.bill(call.call_id)
    await emulator.webhooks.until_idle()
    # It was never joined.
    assert sorted(receiver.names) == ["call.billed", "call.ended", "call.started"]


async def test_a_hang_up_ends_a_call(emulator: Emulator, client: AsyncUltravox, receiver: Receiver, url: str) -> None:
    await client.webhooks.create(url=url, events=["call.ended"], secrets=[SECRET])
    call = await client.calls.create()
    await client.calls.hang_up(call.call_id)
    await emulator.webhooks.until_idle()
    assert receiver.names == ["call.ended"]


@pytest.mark.usefixtures("clock")
async def test_a_call_that_goes_on_as_it_is_read_tells_of_that_too(receiver: Receiver, url: str) -> None:
    async with (
        Emulator(registrations=0, reads_per_call_state=1) as emulator,
        AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as client,
    ):
        await client.webhooks.create(url=url, events=ALL_EVENTS, secrets=[SECRET])
        call = await client.calls.create()
        await client.calls.wait(call.call_id, until="billed", timeout=20.0)
        await emulator.webhooks.until_idle()
    assert sorted(receiver.names) == sorted(ALL_EVENTS)


async def test_a_webhook_is_told_only_what_it_asked_for(
    emulator: Emulator, client: AsyncUltravox, receiver: Receiver, url: str
) -> None:
    agent = await client.agents.create(name="a")
    await client.webhooks.create(url=url, events=["call.ended"], secrets=[SECRET], agent_id=agent.agent_id)
    for call in (await client.calls.create(), await client.agents.create_call(agent.agent_id)):
        emulator.calls.bill(call.call_id)
    await emulator.webhooks.until_idle()
    assert receiver.names == ["call.ended"]
    assert isinstance(receiver.events[0], CallEnded)
    assert receiver.events[0].call.agent_id == agent.agent_id


@pytest.mark.parametrize("secret", ["one", "two"])
async def test_each_of_its_secrets_signs(
    emulator: Emulator, client: AsyncUltravox, receiver: Receiver, url: str, secret: str
) -> None:
    receiver.secrets = [secret]
    await client.webhooks.create(url=url, events=["call.started"], secrets=["one", "two"])
    await client.calls.create()
    await emulator.webhooks.until_idle()
    assert receiver.names == ["call.started"]


async def test_the_secret_that_the_server_made_signs(
    emulator: Emulator, client: AsyncUltravox, receiver: Receiver, url: str
) -> None:
    receiver.secrets = (await client.webhooks.create(url=url, events=["call.started"])).secrets or []
    await client.calls.create()
    await emulator.webhooks.until_idle()
    assert receiver.names == ["call.started"]


async def test_what_is_accepted_is_not_repeated(
    emulator: Emulator, client: AsyncUltravox, receiver: Receiver, url: str
) -> None:
    receiver.statuses = [302]
    await client.webhooks.create(url=url, events=["call.started"], secrets=[SECRET])
    await client.calls.create()
    await emulator.webhooks.until_idle()
    emulator.webhooks.advance(100_000.0)
    await emulator.webhooks.until_idle()
    (delivery,) = emulator.webhooks.deliveries
    assert (len(receiver.events), delivery.statuses) == (1, [302])
    assert delivery.is_accepted


async def test_what_fails_is_repeated_after_thirty_seconds(
    emulator: Emulator, client: AsyncUltravox, receiver: Receiver, url: str
) -> None:
    receiver.statuses = [503, 204]
    await client.webhooks.create(url=url, events=["call.started"], secrets=[SECRET])
    await client.calls.create()
    await emulator.webhooks.until_idle()
    (delivery,) = emulator.webhooks.deliveries
    assert (delivery.statuses, delivery.is_accepted, delivery.is_given_up) == ([503], False, False)
    emulator.webhooks.advance(15.0)
    await emulator.webhooks.until_idle()
    assert delivery.statuses == [503]
    emulator.webhooks.advance(15.0)
    await emulator.webhooks.until_idle()
    assert delivery.statuses == [503, 204]
    assert receiver.events[0].idempotency_key == receiver.events[1].idempotency_key
    assert delivery.is_accepted


async def test_each_pause_is_twice_as_long_and_after_ten_repetitions_it_is_given_up(
    emulator: Emulator, client: AsyncUltravox, receiver: Receiver, url: str
) -> None:
    receiver.statuses = [500]
    await client.webhooks.create(url=url, events=["call.started"], secrets=[SECRET])
    await client.calls.create()
    (delivery,) = emulator.webhooks.deliveries
    for repetition in range(10):
        await emulator.webhooks.until_idle()
        assert (len(delivery.statuses), delivery.is_given_up) == (1 + repetition, False)
        # Within the first half of the pause nothing happens.
        emulator.webhooks.advance(15.0 * 2**repetition)
        await emulator.webhooks.until_idle()
        assert len(delivery.statuses) == 1 + repetition
        emulator.webhooks.advance(15.0 * 2**repetition)
    await emulator.webhooks.until_idle()
    assert delivery.statuses == [500] * 11
    assert delivery.is_given_up
    emulator.webhooks.advance(1e9)
    await emulator.webhooks.until_idle()
    assert len(delivery.statuses) == 11


async def test_it_is_repeated_by_itself_too(clock: Clock, receiver: Receiver, url: str) -> None:
    receiver.statuses = [503, 204]
    async with Emulator(registrations=0) as emulator:
        async with AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as client:
            await client.webhooks.create(url=url, events=["call.started"], secrets=[SECRET])
            await client.calls.create()
        await emulator.webhooks.until_idle()
        receiver.arrived.clear()
        before = clock.ahead
        await receiver.arrived.wait()
        await emulator.webhooks.until_idle()
    assert 0 < clock.ahead - before < 40.0
    (delivery,) = emulator.webhooks.deliveries
    assert (delivery.statuses, delivery.errors) == ([503, 204], [None, None])


async def test_an_event_that_the_api_does_not_have_is_refused(client: AsyncUltravox) -> None:
    with pytest.raises(BadRequestError, match=r'"call\.endd" is not a valid choice') as caught:
        await client.webhooks.create(url="http://127.0.0.1:1/", events=["call.started", "call.endd"])
    assert [*caught.value.field_errors] == ["events.1"]
    webhook = await client.webhooks.create(url="http://127.0.0.1:1/", events=["call.started"])
    with pytest.raises(BadRequestError):
        await client.webhooks.update(webhook.webhook_id, events=["call"])


async def test_no_response_counts_as_a_failure_and_the_delivery_says_why(
    emulator: Emulator, client: AsyncUltravox
) -> None:
    await client.webhooks.create(url="http://127.0.0.1:1/", events=["call.started"])
    await client.calls.create()
    await emulator.webhooks.until_idle()
    (delivery,) = emulator.webhooks.deliveries
    assert delivery.statuses == [None]
    assert "Cannot connect to host 127.0.0.1:1" in str(delivery.errors[0])


async def test_a_response_that_takes_too_long_counts_as_a_failure(
    clock: Clock, emulator: Emulator, client: AsyncUltravox, receiver: Receiver, url: str
) -> None:
    receiver.hold = asyncio.Event()
    await client.webhooks.create(url=url, events=["call.started"], secrets=[SECRET])
    await client.calls.create()
    await emulator.webhooks.until_idle()
    (delivery,) = emulator.webhooks.deliveries
    assert (delivery.statuses, delivery.errors) == ([None], ["no response within 15 s"])
    assert clock.ahead > 0
    receiver.hold.set()


async def test_what_a_stop_interrupts_is_delivered_after_the_next_start(
    emulator: Emulator, client: AsyncUltravox, receiver: Receiver, url: str
) -> None:
    receiver.hold = asyncio.Event()
    await client.webhooks.create(url=url, events=["call.started"], secrets=[SECRET])
    await client.calls.create()
    await receiver.arrived.wait()
    await emulator.stop()
    (delivery,) = emulator.webhooks.deliveries
    assert delivery.statuses == []
    receiver.hold.set()
    await emulator.start()
    await emulator.webhooks.until_idle()
    assert delivery.statuses == [204]


async def test_what_happens_while_it_is_stopped_is_delivered_after_the_next_start(
    emulator: Emulator, client: AsyncUltravox, receiver: Receiver, url: str
) -> None:
    await client.webhooks.create(url=url, events=["call.joined", "call.ended"], secrets=[SECRET])
    call = await client.calls.create()
    emulator.calls.join(call.call_id)
    await emulator.stop()  # before the delivery that was just scheduled has begun
    emulator.calls.end(call.call_id)
    await emulator.start()
    await emulator.webhooks.until_idle()
    assert sorted(receiver.names) == ["call.ended", "call.joined"]


async def test_after_a_stop_nothing_is_sent(emulator: Emulator, client: AsyncUltravox, url: str) -> None:
    await client.webhooks.create(url=url, events=["call.joined"], secrets=[SECRET])
    call = await client.calls.create()
    tasks = asyncio.all_tasks()
    emulator.calls.join(call.call_id)
    await emulator.stop()
    # What was scheduled before the stop has its turn now.
    await asyncio.sleep(0)
    assert asyncio.all_tasks() <= tasks
    assert [delivery.statuses for delivery in emulator.webhooks.deliveries] == [[]]


async def test_without_a_start_its_clock_cannot_be_moved() -> None:
    emulator = Emulator(registrations=0)
    with pytest.raises(RuntimeError, match="has to be started"):
        emulator.webhooks.advance(1.0)
    with pytest.raises(RuntimeError, match="has to be started"):
        await emulator.webhooks.until_idle()


async def test_an_emulator_in_another_thread_delivers_too(receiver: Receiver, url: str) -> None:
    with threaded_emulator(registrations=0) as emulator:
        async with AsyncUltravox(emulator.api_key, base_url=emulator.base_url) as client:
            await client.webhooks.create(url=url, events=["call.started", "call.joined"], secrets=[SECRET])
            call = await client.calls.create()
        other = threading.Thread(target=emulator.calls.join, args=[call.call_id])
        other.start()
        await asyncio.to_thread(other.join)
        await emulator.webhooks.until_idle()
    assert sorted(receiver.names) == ["call.joined", "call.started"]


@pytest.mark.parametrize("age", [None, timedelta(minutes=4)])
def test_a_test_can_sign_requests_itself(age: timedelta | None) -> None:
    body, at = b'{"event": "call.novelty"}', None if age is None else datetime.now(UTC) - age
    assert unwrap(body, webhook_headers(body, [SECRET], at), SECRET).event == "call.novelty"
    assert verify_data_connection(data_connection_headers("call", ["other", SECRET], at), SECRET) == "call"
