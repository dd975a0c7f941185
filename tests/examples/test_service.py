import asyncio
import re
import signal
import socket
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from functools import partial
from types import ModuleType
from typing import Any, TypeAlias

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from tests.examples.example_scripts import ended, line_with, loaded, running
from ultravox_async import AsyncUltravox, RetryPolicy, UltravoxError
from ultravox_async.testing import DropConnection, Emulator, Fault, Respond

NAME = "service"

Service: TypeAlias = TestClient[web.Request, web.Application]


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return loaded(NAME)


@pytest.fixture
async def account() -> AsyncIterator[Emulator]:
    async with Emulator(registrations=5, requests_per_second=None) as emulator:
        yield emulator


@pytest.fixture
def client(account: Emulator) -> Callable[[], AsyncUltravox]:
    return lambda: AsyncUltravox(
        account.api_key, base_url=account.base_url, retry=RetryPolicy(max_attempts=1, max_delay=0.1)
    )


@pytest.fixture
async def service(example: ModuleType, client: Callable[[], AsyncUltravox]) -> AsyncIterator[Service]:
    async with TestClient(TestServer(example.make_app(client))) as service:
        yield service


async def body_of(service: Service, path: str) -> Any:  # noqa: ANN401 - JSON of any shape
    async with service.get(path) as response:
        return await response.json()


async def test_a_registration_is_answered_as_json(service: Service, account: Emulator) -> None:
    registration_id = account.registration_ids[1]
    async with service.get(f"/registrations/{registration_id}") as response:
        body = await response.json()
    assert response.status == 200
    assert datetime.fromisoformat(body.pop("created")).utcoffset() == timedelta(0)
    assert body == {
        "registration_id": registration_id,
        "username": "user-000001",
        "proxy": "sip-1.example.com",
        "outbound_proxy": None,
        "auth_user": None,
        "successful": True,
    }


async def test_prometheus_gets_the_attempts_by_template_and_outcome(example: ModuleType, account: Emulator) -> None:
    def client() -> AsyncUltravox:
        return AsyncUltravox(account.api_key, base_url=account.base_url, observers=[example.METRICS])

    async with TestClient(TestServer(example.make_app(client))) as service:
        await body_of(service, f"/registrations/{account.registration_ids[0]}")
        await body_of(service, "/registrations/nobody")
        async with service.get("/metrics") as response:
            lines = (await response.text()).splitlines()
    template = "/api/sip/registrations/{registration_id}"
    for outcome in ("200", "404"):
        labels = f'method="GET",outcome="{outcome}",template="{template}"'
        assert f"ultravox_attempt_seconds_count{{{labels}}} 1.0" in lines


async def test_an_unknown_id_is_a_404(service: Service) -> None:
    async with service.get("/registrations/nobody") as response:
        assert response.status == 404
        assert "No such registration" in (await response.json())["error"]


async def test_an_invalid_id_is_a_400(service: Service, account: Emulator) -> None:
    async with service.get("/registrations/%00") as response:
        assert (response.status, account.received) == (400, 0)


@pytest.mark.parametrize(("upstream", "told"), [({"Retry-After": "7"}, "7"), ({}, "1")])
async def test_a_rate_limit_is_a_503_that_says_when_to_come_back(
    service: Service, account: Emulator, upstream: dict[str, str], told: str
) -> None:
    account.inject(Respond(429, upstream))
    async with service.get("/registrations/any") as response:
        assert (response.status, response.headers["Retry-After"]) == (503, told)


@pytest.mark.parametrize("fault", [Respond(500), Respond(401), Respond(200, body=b"[]"), DropConnection()])
async def test_any_other_failure_of_the_api_is_a_502(service: Service, account: Emulator, fault: Fault) -> None:
    account.inject(fault)
    async with service.get("/registrations/any") as response:
        assert response.status == 502


async def test_several_ids_are_answered_at_once(service: Service, account: Emulator) -> None:
    body = await body_of(service, f"/registrations?ids={','.join(account.registration_ids)}")
    names = [body["found"][registration_id]["username"] for registration_id in account.registration_ids]
    assert names == [f"user-{number:06d}" for number in range(5)]


async def test_one_id_that_fails_does_not_affect_the_others(service: Service, account: Emulator) -> None:
    body = await body_of(service, f"/registrations?ids={account.registration_ids[0]},nobody")
    assert list(body["found"]) == account.registration_ids[:1]
    assert body["failed"] == {"nobody": "404 Not Found: GET /api/sip/registrations/nobody: No such registration"}


@pytest.mark.parametrize("query", ["", "?ids=", "?ids=,"])
async def test_a_request_without_ids_is_a_400(service: Service, query: str) -> None:
    async with service.get(f"/registrations{query}") as response:
        assert response.status == 400


async def test_it_is_healthy_while_the_api_is_not(service: Service, account: Emulator) -> None:
    account.inject(Respond(500))
    async with service.get("/healthz") as response:
        assert (response.status, await response.json()) == (200, {"status": "ok"})


async def test_all_requests_share_one_client(
    example: ModuleType, account: Emulator, client: Callable[[], AsyncUltravox]
) -> None:
    opened: list[AsyncUltravox] = []

    def counted() -> AsyncUltravox:
        opened.append(client())
        return opened[-1]

    async with TestClient(TestServer(example.make_app(counted))) as service:
        await asyncio.gather(*(body_of(service, f"/registrations/{one}") for one in account.registration_ids))
    assert (len(opened), account.counts[200]) == (1, 5)


async def test_the_client_is_closed_with_the_service(example: ModuleType, client: Callable[[], AsyncUltravox]) -> None:
    ultravox = client()
    async with TestClient(TestServer(example.make_app(lambda: ultravox))) as service:
        await body_of(service, "/registrations/nobody")
    with pytest.raises(UltravoxError, match="closed"):
        await ultravox.sip.registrations.get("nobody")


async def test_a_request_that_was_not_sent_yet_is_ended_when_the_service_is_told_to_stop(
    example: ModuleType, account: Emulator, client: Callable[[], AsyncUltravox]
) -> None:
    app: web.Application = example.make_app(client)
    asked, may_go_on = asyncio.Event(), asyncio.Event()

    async def ask_twice(request: web.Request) -> web.Response:
        registrations = request.app[example.ULTRAVOX].sip.registrations
        await registrations.get(account.registration_ids[0])
        asked.set()
        await may_go_on.wait()
        await registrations.get(account.registration_ids[1])
        return web.Response()

    async def go_on(_app: web.Application) -> None:
        may_go_on.set()

    app.router.add_get("/twice", ask_twice)
    app.on_shutdown.append(go_on)  # after the service's own; without that the second request would be answered
    async with TestClient(TestServer(app)) as service:
        asking = asyncio.create_task(service.get("/twice"))
        await asked.wait()
        await service.server.close()
        assert (await asking).status == 503
    assert account.received == 1


async def test_by_default_it_uses_the_account_of_the_environment(
    example: ModuleType, account: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ULTRAVOX_API_KEY", account.api_key)
    monkeypatch.setenv("ULTRAVOX_BASE_URL", account.base_url)
    async with TestClient(TestServer(example.make_app())) as service:
        body = await body_of(service, f"/registrations/{account.registration_ids[4]}")
    assert body["username"] == "user-000004"


async def test_the_urls_that_it_says_to_try_are_answered(
    example: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    app = example.make_app(partial(example.emulated_account, "http://service"))
    async with TestClient(TestServer(app)) as service:
        urls = [line.split("'")[1] for line in capsys.readouterr().out.splitlines() if "curl" in line]
        assert len(urls) == 2
        for url in urls:
            async with service.get(url.removeprefix("http://service")) as response:
                assert response.status == 200


async def test_it_serves_until_sigterm() -> None:
    async with running(NAME, "--port", "0") as process:
        await line_with("Running on http://127.0.0.1:", process)
        process.send_signal(signal.SIGTERM)
        code, _, stderr = await ended(process)
    assert (code, stderr) == (0, "")


async def test_with_a_key_it_uses_the_api_until_ctrl_c(account: Emulator) -> None:
    async with running(NAME, "--port", "0", account=account) as process, aiohttp.ClientSession() as browser:
        found = re.search(r"http://[0-9.:]+", await line_with("Running on", process))
        assert found is not None
        async with browser.get(f"{found[0]}/registrations/{account.registration_ids[2]}") as response:
            assert (await response.json())["username"] == "user-000002"
        process.send_signal(signal.SIGINT)
        code, _, stderr = await ended(process)
    assert (code, stderr) == (0, "")


def test_an_invalid_key_is_one_line_and_exit_code_2(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ULTRAVOX_API_KEY", "with a space")
    assert example.main(["--port", "0"]) == 2
    stderr = capsys.readouterr().err
    assert stderr.startswith("error: the API key must be a string")
    assert stderr.count("\n") == 1


def test_a_port_that_is_taken_is_one_line_and_exit_code_2(
    example: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert example.main(["--port", str(other.getsockname()[1])]) == 2
    stderr = capsys.readouterr().err
    assert stderr.startswith("error: ")
    assert stderr.count("\n") == 1
