import asyncio
import json
import signal
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

import httpx
import pytest

from tests.conftest import Clock
from tests.examples.example_scripts import loaded, until
from tests.webhooks.signing import CALL_ID, INVITE, OTHER_SECRET, SECRET, event_body, signed_now
from ultravox_async import AsyncUltravox, ConfigurationError, RetryPolicy, UltravoxError
from ultravox_async.testing import Emulator, Respond

ENDED = event_body("call.ended")
INVITED = json.dumps(INVITE).encode()


@pytest.fixture
def example() -> ModuleType:
    return loaded("fastapi_service")


@pytest.fixture
async def account() -> AsyncIterator[Emulator]:
    async with Emulator(registrations=5, requests_per_second=None) as emulator:
        yield emulator


@pytest.fixture
def client(account: Emulator) -> AsyncUltravox:
    return AsyncUltravox(account.api_key, base_url=account.base_url, retry=RetryPolicy(max_attempts=1))


@asynccontextmanager
async def serving(app: Any) -> AsyncGenerator[httpx.AsyncClient, None]:  # noqa: ANN401 - FastAPI
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://x") as browser:
        yield browser


@pytest.fixture
async def service(example: ModuleType, client: AsyncUltravox) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(example.make_app(lambda: client, [OTHER_SECRET, SECRET])) as browser:
        yield browser


async def post(
    service: httpx.AsyncClient, path: str, body: bytes, headers: dict[str, str] | None = None
) -> httpx.Response:
    return await service.post(path, content=body, headers=headers or signed_now(body))


async def test_a_registration_has_the_names_of_the_api(service: httpx.AsyncClient, account: Emulator) -> None:
    response = await service.get(f"/registrations/{account.registration_ids[1]}")
    assert response.status_code == 200
    assert response.json()["registrationId"] == account.registration_ids[1]
    assert response.json()["outboundProxy"] is None


async def test_registrations_are_listed(service: httpx.AsyncClient, account: Emulator) -> None:
    found = (await service.get("/registrations")).json()
    assert sorted(one["registrationId"] for one in found) == sorted(account.registration_ids)


async def test_the_responses_are_documented(service: httpx.AsyncClient) -> None:
    document = (await service.get("/openapi.json")).json()
    assert "outboundProxy" in document["components"]["schemas"]["SipRegistration"]["properties"]


@pytest.mark.parametrize(("path", "status"), [("/registrations/nobody", 404), ("/registrations/%00", 400)])
async def test_a_wrong_id_is_an_error_of_the_client(service: httpx.AsyncClient, path: str, status: int) -> None:
    response = await service.get(path)
    assert (response.status_code, list(response.json())) == (status, ["error"])


async def test_any_other_failure_of_the_api_is_a_502(service: httpx.AsyncClient, account: Emulator) -> None:
    account.inject(Respond(500))
    assert (await service.get("/registrations/any")).status_code == 502


async def test_the_client_is_closed_with_the_service(example: ModuleType, client: AsyncUltravox) -> None:
    async with serving(example.make_app(lambda: client, [SECRET])):
        assert not client.closed
    with pytest.raises(UltravoxError, match="closed"):
        await client.sip.registrations.get("any")


async def test_a_sigterm_ends_what_waits_while_the_server_still_waits_for_open_requests(
    example: ModuleType, client: AsyncUltravox
) -> None:
    received: list[int] = []
    handled_before = signal.signal(signal.SIGTERM, lambda number, _frame: received.append(number))
    try:
        async with serving(example.make_app(lambda: client, [SECRET])) as browser:
            signal.raise_signal(signal.SIGTERM)
            await until(lambda: client.closed)
            assert (await browser.get("/registrations/any")).status_code == 503
        assert received == [signal.SIGTERM]
        signal.raise_signal(signal.SIGTERM)  # the handler of the server is back
    finally:
        signal.signal(signal.SIGTERM, handled_before)
    assert received == [signal.SIGTERM] * 2


async def test_without_a_key_it_uses_an_emulated_account(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ULTRAVOX_API_KEY", raising=False)
    monkeypatch.setenv("ULTRAVOX_WEBHOOK_SECRETS", SECRET)
    async with serving(example.make_app()) as browser:
        assert len((await browser.get("/registrations")).json()) == 100
        assert (await post(browser, "/webhooks", ENDED)).status_code == 204


async def test_with_a_key_it_uses_the_api(
    example: ModuleType, account: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ULTRAVOX_API_KEY", account.api_key)
    monkeypatch.setenv("ULTRAVOX_BASE_URL", account.base_url)
    async with serving(example.make_app(secrets=[SECRET])) as browser:
        assert len((await browser.get("/registrations")).json()) == 5


async def test_an_event_is_handled_once(service: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert [(await post(service, "/webhooks", ENDED)).status_code for _ in range(2)] == [204, 204]
    assert caplog.text.count(f"call {CALL_ID} has ended") == 1


async def test_an_event_that_could_not_be_handled_is_handled_when_it_comes_again(
    example: ModuleType, service: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    handled: list[object] = []

    async def fail_once(event: object) -> None:
        handled.append(event)
        if len(handled) == 1:
            raise RuntimeError

    monkeypatch.setattr(example, "handle", fail_once)
    assert [(await post(service, "/webhooks", ENDED)).status_code for _ in range(3)] == [500, 204, 204]
    assert len(handled) == 2


async def test_an_event_that_cannot_be_read_has_to_come_again(
    service: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = await post(service, "/webhooks", b'{"event": "call.ended"}')
    assert (response.status_code, response.content) == (500, b"")
    assert "cannot read an event: " in caplog.text


async def test_an_event_that_is_being_handled_has_to_come_again(
    example: ModuleType, service: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, may_end = asyncio.Event(), asyncio.Event()

    async def take_long(_event: object) -> None:
        began.set()
        await may_end.wait()

    monkeypatch.setattr(example, "handle", take_long)
    first = asyncio.create_task(post(service, "/webhooks", ENDED))
    await began.wait()
    assert (await post(service, "/webhooks", ENDED)).status_code == 503
    may_end.set()
    assert (await first).status_code == 204


@pytest.mark.parametrize("path", ["/webhooks", "/sip-fallback"])
async def test_a_request_that_is_not_signed_is_a_401_that_says_nothing(service: httpx.AsyncClient, path: str) -> None:
    response = await post(service, path, ENDED, signed_now(INVITED))
    assert (response.status_code, response.content) == (401, b"")


async def test_an_incoming_call_is_answered(service: httpx.AsyncClient) -> None:
    response = await post(service, "/sip-fallback", INVITED)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    assert response.json() == {"startCall": {"systemPrompt": "You sell bicycles."}}
    assert (await post(service, "/sip-fallback", b"{}")).json()["reject"]["sipRejectCode"] == 404


async def test_an_incoming_call_is_rejected_if_nothing_can_be_decided(
    example: ModuleType, service: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_call: object) -> None:
        raise RuntimeError("the database is gone")

    monkeypatch.setattr(example, "decide", fail)
    assert (await post(service, "/sip-fallback", INVITED)).json()["reject"]["sipRejectCode"] == 480
    assert "the database is gone" in caplog.text


async def test_an_incoming_call_is_rejected_if_nothing_is_decided_in_time(
    example: ModuleType, service: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    async def hang(_call: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(example, "decide", hang)
    assert (await post(service, "/sip-fallback", INVITED)).json()["reject"]["sipRejectCode"] == 480
    assert 0 < clock.ahead < 5.0


async def test_a_decision_that_does_not_let_itself_be_cancelled_is_not_waited_for(
    example: ModuleType, service: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    may_end = asyncio.Event()

    async def stay(_call: object) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await may_end.wait()

    monkeypatch.setattr(example, "decide", stay)
    async with asyncio.timeout(100):
        assert (await post(service, "/sip-fallback", INVITED)).json()["reject"]["sipRejectCode"] == 480
    may_end.set()
    await asyncio.wait(example.deciding)
    assert 0 < clock.ahead < 5.0


@pytest.mark.parametrize("body", [b"[]", b'{"toUri": 5}'])
async def test_an_incoming_call_that_cannot_be_read_is_rejected(
    service: httpx.AsyncClient, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    response = await post(service, "/sip-fallback", body)
    assert (response.status_code, response.json()["reject"]["sipRejectCode"]) == (200, 480)
    assert "DecodeError" in caplog.text


@pytest.mark.parametrize("secrets", ["", "one,", ","])
def test_without_a_secret_it_does_not_start(example: ModuleType, monkeypatch: pytest.MonkeyPatch, secrets: str) -> None:
    monkeypatch.setenv("ULTRAVOX_WEBHOOK_SECRETS", secrets)
    with pytest.raises(ConfigurationError):
        example.make_app()
    with pytest.raises(ConfigurationError):
        example.make_app(secrets=[])
