"""The handler for aiohttp.web answers in time, whatever happens in it."""

import asyncio
import gc
import io
import json
import logging
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from tests.conftest import Clock
from tests.webhooks.signing import INVITE, OTHER_SECRET, SECRET, signed, signed_now
from ultravox_async import ConfigurationError
from ultravox_async.types import IncomingSipCall
from ultravox_async.webhooks import SipFallbackResponse
from ultravox_async.webhooks.aiohttp import SipFallbackHandler

BODY = json.dumps(INVITE).encode()
OTHERWISE = SipFallbackResponse.reject(code=480, message="Try again")
REJECTED = json.loads(OTHERWISE.to_json())

Decide = Callable[[web.Request, IncomingSipCall], Awaitable[SipFallbackResponse]]


async def accept(_request: web.Request, call: IncomingSipCall) -> SipFallbackResponse:
    return SipFallbackResponse.start_call(system_prompt=f"Greet {call.from_display_name}.")


@asynccontextmanager
async def serving(decide: Decide, **settings: Any) -> AsyncGenerator[TestClient[web.Request, web.Application], None]:  # noqa: ANN401 - those of the handler
    handler = SipFallbackHandler(decide, SECRET, otherwise=OTHERWISE, **settings)
    app = web.Application()
    app.router.add_post("/", handler.handle)
    async with TestClient(TestServer(app)) as client:
        yield client


async def answer_of(decide: Decide, body: bytes = BODY, **settings: Any) -> Any:  # noqa: ANN401 - JSON; the settings of the handler
    async with serving(decide, **settings) as client, client.post("/", data=body, headers=signed_now(body)) as response:
        assert (response.status, response.content_type) == (200, "application/json")
        return await response.json()


async def test_a_decision_is_the_answer() -> None:
    assert await answer_of(accept) == {"startCall": {"systemPrompt": "Greet Alice."}}


async def test_the_decision_can_use_the_application() -> None:
    key = web.AppKey("prompt", str)

    async def decide(request: web.Request, _call: IncomingSipCall) -> SipFallbackResponse:
        return SipFallbackResponse.start_call(system_prompt=request.app[key])

    handler = SipFallbackHandler(decide, [OTHER_SECRET, SECRET], otherwise=OTHERWISE)
    app = web.Application()
    app[key] = "Greet."
    app.router.add_post("/", handler.handle)
    async with (
        TestClient(TestServer(app)) as client,
        client.post("/", data=BODY, headers=signed_now(BODY)) as response,
    ):
        assert await response.json() == {"startCall": {"systemPrompt": "Greet."}}


async def test_without_a_decision_in_time_the_answer_is_the_other_one_and_the_log_says_so(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    cancelled = asyncio.Event()

    async def wait_forever(_request: web.Request, _call: IncomingSipCall) -> SipFallbackResponse:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    before = clock.ahead
    assert await answer_of(wait_forever) == REJECTED
    assert 0 < clock.ahead - before < 5.0
    assert "did not decide within 4 s" in caplog.text
    await cancelled.wait()


async def test_another_deadline_can_be_chosen(clock: Clock) -> None:
    async def decide_after_two_seconds(request: web.Request, call: IncomingSipCall) -> SipFallbackResponse:
        await asyncio.sleep(2.0)
        return await accept(request, call)

    assert "startCall" in await answer_of(decide_after_two_seconds, deadline=3.0)
    assert await answer_of(decide_after_two_seconds, deadline=1.0) == REJECTED
    assert clock.ahead > 0


async def test_a_decision_that_does_not_let_itself_be_cancelled_is_not_waited_for(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    goes_on, ended = asyncio.Event(), asyncio.Event()

    async def stay(_request: web.Request, _call: IncomingSipCall) -> SipFallbackResponse:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await goes_on.wait()
        try:
            raise RuntimeError("too late")
        finally:
            ended.set()

    async with serving(stay) as client:
        async with client.post("/", data=BODY, headers=signed_now(BODY)) as response:
            assert await response.json() == REJECTED
        assert clock.ahead < 5.0
        goes_on.set()
        await ended.wait()
        await asyncio.sleep(0)
    assert "failed after its answer was sent" in caplog.text
    assert "too late" in caplog.text


async def test_a_decision_that_comes_too_late_is_forgotten(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    late: list[weakref.ref[asyncio.Task[Any]]] = []

    async def shield(request: web.Request, call: IncomingSipCall) -> SipFallbackResponse:
        late.extend(weakref.ref(task) for task in [asyncio.current_task()] if task is not None)
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return await accept(request, call)

    async with serving(shield) as client:
        async with client.post("/", data=BODY, headers=signed_now(BODY)) as response:
            assert await response.json() == REJECTED
        gc.collect()
        assert [task() for task in late] == [None]
    assert clock.ahead > 0
    assert "failed" not in caplog.text


async def fail(_request: web.Request, _call: IncomingSipCall) -> SipFallbackResponse:
    raise RuntimeError("the database is gone")


async def respond_by_itself(_request: web.Request, _call: IncomingSipCall) -> SipFallbackResponse:
    raise web.HTTPNotFound


async def be_cancelled(_request: web.Request, _call: IncomingSipCall) -> SipFallbackResponse:
    raise asyncio.CancelledError


async def forget(_request: web.Request, _call: IncomingSipCall) -> Any:  # noqa: ANN401 - the wrong type
    return None


def no_coroutine(_request: web.Request, _call: IncomingSipCall) -> Any:  # noqa: ANN401 - the wrong type
    return OTHERWISE


@pytest.mark.parametrize(
    ("decide", "reason"),
    [
        (fail, "the database is gone"),
        (respond_by_itself, "HTTPNotFound"),
        (be_cancelled, "was cancelled from within"),
        (forget, "a decision is a SipFallbackResponse, not NoneType"),
        (no_coroutine, "TypeError"),
    ],
)
async def test_if_a_decision_fails_the_answer_is_the_other_one_and_the_log_says_why(
    decide: Decide, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert await answer_of(decide) == REJECTED
    assert reason in caplog.text
    assert {(record.name, record.levelno) for record in caplog.records if record.name != "aiohttp.access"} == {
        ("ultravox_async.webhooks", logging.ERROR)
    }


async def test_a_call_that_cannot_be_read_gets_the_other_answer(caplog: pytest.LogCaptureFixture) -> None:
    assert await answer_of(accept, b'{"callerId": 5}') == REJECTED
    assert "callerId: expected a string" in caplog.text


async def test_a_request_that_is_not_signed_is_a_401_that_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(fail) as client, client.post("/", data=b"{}", headers=signed_now(BODY)) as response:
        assert (response.status, await response.read()) == (401, b"")
    assert "refused a request to the SIP fallback handler: signature: none of the signatures" in caplog.text


async def test_an_old_request_is_a_401_unless_it_is_tolerated() -> None:
    async with serving(accept) as client, client.post("/", data=BODY, headers=signed(BODY)) as response:
        assert (response.status, await response.read()) == (401, b"")


async def test_a_body_that_is_not_compressed_as_it_says_is_a_400(caplog: pytest.LogCaptureFixture) -> None:
    headers = {**signed_now(BODY), "Content-Encoding": "gzip"}
    async with serving(accept) as client, client.post("/", data=BODY, headers=headers) as response:
        assert (response.status, await response.read()) == (400, b"")
        async with client.post("/", data=BODY, headers=signed_now(BODY)) as next_response:
            assert next_response.status == 200
    assert "not encoded as its headers say" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_body_that_is_too_large_to_be_read_is_a_413() -> None:
    body = b" " * (1024 * 1024) + BODY
    headers = signed_now(body)
    async with serving(accept) as client, client.post("/", data=io.BytesIO(body), headers=headers) as response:
        assert response.status == 413


async def test_a_body_that_does_not_arrive_in_time_is_a_408(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    async with serving(accept) as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhalf")
        status = await reader.readline()
        writer.close()
        await writer.wait_closed()
    assert status == b"HTTP/1.1 408 Request Timeout\r\n"
    assert 0 < clock.ahead < 5.0
    assert "did not arrive within 4 s" in caplog.text


async def test_if_the_caller_hangs_up_the_decision_is_cancelled() -> None:
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def wait_forever(_request: web.Request, _call: IncomingSipCall) -> SipFallbackResponse:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    handler = SipFallbackHandler(wait_forever, SECRET, otherwise=OTHERWISE)
    app = web.Application()
    app.router.add_post("/", handler.handle)
    async with TestClient(TestServer(app, handler_cancellation=True)) as client:
        asking = asyncio.create_task(client.post("/", data=BODY, headers=signed_now(BODY)))
        await began.wait()
        asking.cancel()
        await cancelled.wait()


@pytest.mark.parametrize("secrets", ["", [], ["", SECRET]])
def test_a_handler_without_a_secret_is_refused_when_it_is_made(secrets: Any) -> None:  # noqa: ANN401 - the wrong types too
    with pytest.raises(ConfigurationError, match="secrets"):
        SipFallbackHandler(accept, secrets, otherwise=OTHERWISE)


def test_an_answer_of_another_type_is_refused_when_the_handler_is_made() -> None:
    answer: Any = {"reject": {"code": 480}}
    with pytest.raises(ConfigurationError, match="otherwise takes a SipFallbackResponse, not dict"):
        SipFallbackHandler(accept, SECRET, otherwise=answer)


@pytest.mark.parametrize(
    "setting",
    [
        {"deadline": 0.0},
        {"deadline": 5.0},
        {"deadline": float("nan")},
        {"deadline": "4"},
        {"deadline": True},
        {"tolerance": 300},
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_kept_is_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(setting))):
        SipFallbackHandler(accept, SECRET, otherwise=OTHERWISE, **setting)
