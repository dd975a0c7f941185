"""No error about what Ultravox sends shows a secret, an expected signature, or what is in the body."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from tests.security.canaries import PASSWORD, texts_of, texts_of_object, traces
from tests.webhooks.signing import AGENT_ID, NOW, TIMESTAMP, digest
from ultravox_async import ConfigurationError, DecodeError, InvalidRequestError, WebhookVerificationError
from ultravox_async.types import IncomingSipCall
from ultravox_async.webhooks import SipFallbackResponse, unwrap, unwrap_fallback, verify_data_connection
from ultravox_async.webhooks.aiohttp import SipFallbackHandler

SIGNATURE_HEADER = "X-Ultravox-Webhook-Signature"
TIMESTAMP_HEADER = "X-Ultravox-Webhook-Timestamp"


def event(**call: Any) -> bytes:  # noqa: ANN401 - JSON
    """Return the body of an event, in which the join URL is a secret."""
    return json.dumps({"event": "call.ended", "call": {"joinUrl": PASSWORD, **call}}).encode()


def headers_for(body: bytes, **more: str) -> dict[str, str]:
    return {TIMESTAMP_HEADER: TIMESTAMP, SIGNATURE_HEADER: digest(body, TIMESTAMP, PASSWORD), **more}


BODY = event(callId="1", created=TIMESTAMP)
GOOD = headers_for(BODY, Cookie=PASSWORD)
WRONG: list[tuple[bytes, Any, Any, type[Exception]]] = [
    (BODY, {**GOOD, SIGNATURE_HEADER: "0" * 64}, PASSWORD, WebhookVerificationError),
    (BODY, {**GOOD, TIMESTAMP_HEADER: "2026-07-02T09:00:00Z"}, PASSWORD, WebhookVerificationError),
    (BODY, {**GOOD, TIMESTAMP_HEADER: "now"}, PASSWORD, WebhookVerificationError),
    (BODY, {"Cookie": PASSWORD}, PASSWORD, WebhookVerificationError),
    (BODY, [*GOOD.items(), *GOOD.items()], PASSWORD, WebhookVerificationError),
    (BODY, GOOD, [PASSWORD, ""], ConfigurationError),
    (BODY, GOOD, [PASSWORD, 5], ConfigurationError),
    (BODY, [(PASSWORD,)], PASSWORD, TypeError),
    (BODY, PASSWORD, PASSWORD, TypeError),
]


@pytest.mark.parametrize("check", [unwrap, unwrap_fallback])
@pytest.mark.parametrize(("body", "headers", "secrets", "kind"), WRONG)
def test_a_request_that_is_refused_shows_no_secret(
    check: Callable[..., object],
    body: bytes,
    headers: Any,  # noqa: ANN401 - the wrong types too
    secrets: Any,  # noqa: ANN401 - as above
    kind: type[Exception],
) -> None:
    with pytest.raises(kind) as caught:
        check(body, headers, secrets, now=NOW)
    assert traces(*texts_of(caught.value)) == []


@pytest.mark.parametrize("body", [PASSWORD.encode(), event(), event(callId="1", created=5), event(callId=[PASSWORD])])
def test_a_signed_body_that_cannot_be_decoded_shows_no_secret(body: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        unwrap(body, headers_for(body), PASSWORD, now=NOW)
    assert traces(*texts_of(caught.value)) == []


@pytest.mark.parametrize("body", [PASSWORD, {"joinUrl": PASSWORD}])
def test_a_body_of_the_wrong_type_is_not_shown(body: Any) -> None:  # noqa: ANN401 - the wrong types
    with pytest.raises(TypeError) as caught:
        unwrap(body, GOOD, PASSWORD, now=NOW)
    assert traces(*texts_of(caught.value)) == []


@pytest.mark.parametrize("setting", [{"tolerance": timedelta(-1)}, {"now": 5}])
def test_a_wrong_setting_shows_no_secret(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        unwrap(BODY, GOOD, PASSWORD, **setting)
    assert traces(*texts_of(caught.value)) == []


def test_no_error_shows_the_signature_that_was_expected() -> None:
    with pytest.raises(WebhookVerificationError) as caught:
        unwrap(BODY, {**GOOD, SIGNATURE_HEADER: "0" * 64}, PASSWORD, now=NOW)
    expected = digest(BODY, TIMESTAMP, PASSWORD)
    assert [text for text in texts_of(caught.value) if expected[:12] in text] == []


def test_a_handshake_that_is_refused_shows_no_secret() -> None:
    headers = {
        "X-Ultravox-Call-ID": "1",
        "X-Ultravox-Signature-Timestamp": TIMESTAMP,
        "X-Ultravox-Signature": "0",
        "Authorization": PASSWORD,
    }
    with pytest.raises(WebhookVerificationError) as caught:
        verify_data_connection(headers, [PASSWORD], now=NOW)
    assert traces(*texts_of(caught.value)) == []


@pytest.mark.parametrize("fields", [{"temperature": 2.0}, {"shared_secrets": [5, PASSWORD]}])
def test_an_answer_that_is_refused_shows_no_secret(fields: dict[str, Any]) -> None:
    secret: dict[str, Any] = {"shared_secrets": [PASSWORD]}
    with pytest.raises(InvalidRequestError) as caught:
        SipFallbackResponse.start_call(**{**secret, **fields})
    assert traces(*texts_of(caught.value)) == []


def test_an_answer_with_an_unknown_field_shows_no_secret() -> None:
    fields: dict[str, Any] = {"agent_id": AGENT_ID, "misspelt": PASSWORD}
    with pytest.raises(TypeError) as caught:
        SipFallbackResponse.start_agent_call(**fields)
    assert traces(*texts_of(caught.value)) == []


def test_an_answer_itself_shows_no_secret() -> None:
    assert traces(repr(SipFallbackResponse.start_call(shared_secrets=[PASSWORD]))) == []


OTHERWISE = SipFallbackResponse.reject(code=480)


async def decide(_request: web.Request, _call: IncomingSipCall) -> SipFallbackResponse:
    return OTHERWISE


def test_a_handler_shows_no_secret() -> None:
    assert traces(*texts_of_object(SipFallbackHandler(decide, [PASSWORD], otherwise=OTHERWISE))) == []


def test_a_handler_that_is_refused_shows_no_secret() -> None:
    with pytest.raises(ConfigurationError) as caught:
        SipFallbackHandler(decide, [PASSWORD], otherwise=OTHERWISE, deadline=9.0)
    assert traces(*texts_of(caught.value)) == []


async def test_neither_the_answer_to_a_forged_request_nor_the_log_shows_a_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    handler = SipFallbackHandler(decide, [PASSWORD], otherwise=OTHERWISE)
    app = web.Application()
    app.router.add_post("/", handler.handle)
    headers = {TIMESTAMP_HEADER: TIMESTAMP, SIGNATURE_HEADER: "0" * 64}
    async with TestClient(TestServer(app)) as client, client.post("/", data=BODY, headers=headers) as response:
        assert (response.status, await response.read()) == (401, b"")
        assert traces(str(response.headers)) == []
    assert [record.name for record in caplog.records if record.levelno == logging.WARNING] == [
        "ultravox_async.webhooks"
    ]
    assert traces(caplog.text) == []
