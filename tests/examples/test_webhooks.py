import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from types import ModuleType
from typing import Any, TypeAlias

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from tests.examples.example_scripts import ended, line_with, lines_of, loaded, running
from tests.webhooks.signing import CALL_ID, INVITE, OTHER_SECRET, SECRET, event_body, signed, signed_now
from ultravox_async.testing import webhook_headers

NAME = "webhooks"
ENDED = event_body("call.ended")

Service: TypeAlias = TestClient[web.Request, web.Application]


@pytest.fixture
def example() -> ModuleType:
    return loaded(NAME)


@pytest.fixture
async def service(example: ModuleType) -> AsyncIterator[Service]:
    async with TestClient(TestServer(example.make_app([OTHER_SECRET, SECRET]))) as service:
        yield service


async def status_of(service: Service, body: bytes = ENDED, headers: dict[str, str] | None = None) -> int:
    async with service.post("/webhooks", data=body, headers=headers or signed_now(body)) as response:
        return response.status


@pytest.mark.parametrize("name", ["call.started", "call.joined", "call.ended", "call.billed", "call.novelty"])
async def test_each_event_is_received(service: Service, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert await status_of(service, event_body(name)) == 204
    assert capsys.readouterr().out.startswith(name)


async def test_an_event_that_is_delivered_again_is_not_handled_again(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [await status_of(service) for _ in range(3)] == [204, 204, 204]
    assert capsys.readouterr().out.count(CALL_ID) == 1


async def test_an_event_that_could_not_be_handled_is_handled_when_it_comes_again(
    example: ModuleType, service: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(_event: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr(example, "handle", fail)
        assert await status_of(service) == 500
    assert await status_of(service) == 204
    assert CALL_ID in capsys.readouterr().out


async def test_an_event_that_is_being_handled_has_to_come_again(
    example: ModuleType, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, may_end = asyncio.Event(), asyncio.Event()

    async def take_long(_event: object) -> None:
        began.set()
        await may_end.wait()

    monkeypatch.setattr(example, "handle", take_long)
    first = asyncio.create_task(status_of(service))
    await began.wait()
    assert await status_of(service) == 503
    may_end.set()
    assert await first == 204
    assert await status_of(service) == 204


async def test_a_request_that_is_not_signed_is_refused(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = [{"X": "nothing"}, signed(ENDED), signed_now(b"something else")]
    assert [await status_of(service, headers=headers) for headers in wrong] == [401, 401, 401]
    assert CALL_ID not in capsys.readouterr().out


async def test_a_body_that_is_not_compressed_as_it_says_is_a_400(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {**signed_now(ENDED), "Content-Encoding": "gzip"}
    assert [await status_of(service, headers=each) for each in (headers, None)] == [400, 204]
    assert "Traceback" not in caplog.text


async def test_an_event_that_cannot_be_read_has_to_come_again(
    service: Service, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert await status_of(service, b'{"event": "call.ended"}') == 500
    assert capsys.readouterr().out.startswith("cannot read an event: ")
    assert "Traceback" not in caplog.text


async def answer_to(service: Service, **fields: Any) -> Any:  # noqa: ANN401 - JSON
    content = json.dumps({**INVITE, **fields}).encode()
    async with service.post("/sip-fallback", data=content, headers=signed_now(content)) as response:
        assert response.status == 200
        return await response.json()


async def test_a_call_for_somebody_who_exists_is_started(service: Service) -> None:
    assert await answer_to(service) == {
        "startCall": {"systemPrompt": "You sell bicycles.", "metadata": {"called": "sales"}}
    }


@pytest.mark.parametrize("called", ["sip:nobody@example.com", "sip:@example.com", None])
async def test_any_other_call_is_rejected(service: Service, called: str | None) -> None:
    answer = await answer_to(service, toUri=called)
    assert answer["reject"]["sipRejectCode"] == 404


async def test_it_plays_a_call_and_serves_until_it_is_told_to_stop() -> None:
    async with running(NAME, "--port", "0") as process:
        seen: list[str] = []
        async for line in lines_of(process):
            seen.append(line)
            if line.startswith("call.billed"):
                break
        process.send_signal(signal.SIGTERM)
        code, _, stderr = await ended(process)
    assert (code, stderr) == (0, "")
    assert "and hears 404 nobody is called nobody" in seen
    assert "and hears 200" in seen
    events = [line.split()[0] for line in seen if line.startswith("call.")]
    assert events == ["call.started", "call.joined", "call.ended", "call.billed"]


async def test_it_goes_on_when_nobody_reads_what_it_says() -> None:
    reading, writing = os.pipe()
    async with running(NAME, "--port", "0", stdout=writing, ULTRAVOX_WEBHOOK_SECRETS="one") as process:
        os.close(writing)
        with os.fdopen(reading) as stdout:
            found = re.search(r"http://[0-9.:]+", await asyncio.to_thread(stdout.readline))
            assert await asyncio.to_thread(stdout.readline) == "(Press CTRL+C to quit)\n"
        assert found is not None
        async with aiohttp.ClientSession() as http:
            for name in ("call.joined", "call.ended"):
                body = event_body(name)
                headers = webhook_headers(body, ["one"])
                async with http.post(f"{found[0]}/webhooks", data=body, headers=headers) as response:
                    assert response.status == 204
        process.send_signal(signal.SIGINT)
        code, _, stderr = await ended(process)
    assert (code, stderr) == (0, "")


async def test_with_secrets_it_waits_for_ultravox() -> None:
    async with running(NAME, "--port", "0", ULTRAVOX_WEBHOOK_SECRETS="one,two") as process:
        found = re.search(r"http://[0-9.:]+", await line_with("Running on", process))
        assert found is not None
        async with aiohttp.ClientSession() as http:
            headers = webhook_headers(ENDED, ["two"])
            async with http.post(f"{found[0]}/webhooks", data=ENDED, headers=headers) as response:
                assert response.status == 204
        assert CALL_ID in await line_with("call.ended", process)
        process.send_signal(signal.SIGINT)
        code, _, stderr = await ended(process)
    assert (code, stderr) == (0, "")


@pytest.mark.parametrize("secrets", ["", "one,", ","])
def test_an_empty_secret_is_one_line_and_exit_code_2(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], secrets: str
) -> None:
    monkeypatch.setenv("ULTRAVOX_WEBHOOK_SECRETS", secrets)
    assert example.main(["--port", "0"]) == 2
    stderr = capsys.readouterr().err
    assert stderr.startswith("error: secrets takes a secret")
    assert stderr.count("\n") == 1
