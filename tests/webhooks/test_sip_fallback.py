"""What a SIP fallback handler is asked, and what it can answer."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.webhooks.signing import AGENT_ID, INVITE, NOW, SECRET, signed
from ultravox_async import ConfigurationError, DecodeError, InvalidRequestError, WebhookVerificationError
from ultravox_async.types import CallMedium, FirstSpeakerSettings, IncomingSipCall, SipIncoming
from ultravox_async.webhooks import SipFallbackResponse, unwrap_fallback

BODY = json.dumps(INVITE).encode()


def call_in(body: bytes) -> IncomingSipCall:
    return unwrap_fallback(body, signed(body), SECRET, now=NOW)


def test_a_request_that_is_signed_is_its_incoming_call() -> None:
    assert call_in(BODY) == IncomingSipCall(
        caller_id="+4930123456",
        from_display_name="Alice",
        from_uri="sip:+4930123456@pbx.example.com",
        to_uri="sip:sales@abc.sip.example.com",
        sip_headers={"X-Tenant": "acme"},
    )


@pytest.mark.parametrize(
    "body", [b"{}", b'{"callerId": null, "fromDisplayName": null, "fromUri": null, "toUri": null, "sipHeaders": {}}']
)
def test_nothing_of_an_incoming_call_needs_to_be_known(body: bytes) -> None:
    assert call_in(body) == IncomingSipCall()


def test_a_request_that_is_not_signed_is_refused() -> None:
    with pytest.raises(WebhookVerificationError, match="signature"):
        unwrap_fallback(b"{}", signed(BODY), SECRET, now=NOW)


def test_an_old_request_is_refused() -> None:
    late = NOW + timedelta(minutes=6)
    with pytest.raises(WebhookVerificationError, match="timestamp"):
        unwrap_fallback(BODY, signed(BODY), SECRET, now=late)
    assert unwrap_fallback(BODY, signed(BODY), SECRET, timedelta(minutes=6), late) == call_in(BODY)


def test_an_empty_secret_is_refused_loudly() -> None:
    with pytest.raises(ConfigurationError):
        unwrap_fallback(BODY, signed(BODY), "")


def test_a_call_that_is_not_what_the_api_documents_is_a_decode_error() -> None:
    with pytest.raises(DecodeError, match="callerId: expected a string, got 5"):
        call_in(b'{"callerId": 5}')


def answered(response: SipFallbackResponse) -> Any:  # noqa: ANN401 - JSON
    return json.loads(response.to_json())


def test_a_call_is_started_with_an_agent() -> None:
    response = SipFallbackResponse.start_agent_call(
        agent_id=AGENT_ID,
        template_context={"customer_name": "Bob"},
        max_duration=timedelta(minutes=5),
        medium=CallMedium.sip(incoming=SipIncoming()),
        shared_secrets=["data-secret-0123456789"],
    )
    assert answered(response) == {
        "startAgentCall": {
            "agentId": AGENT_ID,
            "templateContext": {"customer_name": "Bob"},
            "maxDuration": "300s",
            "medium": {"sip": {"incoming": {}}},
            "sharedSecrets": ["data-secret-0123456789"],
        }
    }


def test_a_call_is_started_without_an_agent() -> None:
    response = SipFallbackResponse.start_call(
        system_prompt="You are kind.", temperature=0.5, first_speaker_settings=FirstSpeakerSettings.user()
    )
    assert answered(response) == {
        "startCall": {"systemPrompt": "You are kind.", "temperature": 0.5, "firstSpeakerSettings": {"user": {}}}
    }


def test_a_call_that_is_started_without_anything_is_not_the_same_as_none() -> None:
    assert answered(SipFallbackResponse.start_call()) == {"startCall": {}}


def test_a_call_is_rejected() -> None:
    assert answered(SipFallbackResponse.reject(code=486, message="No tenant")) == {
        "reject": {"sipRejectCode": 486, "message": "No tenant"}
    }


def test_without_a_code_the_api_says_which_one_a_rejection_has() -> None:
    assert answered(SipFallbackResponse.reject()) == {"reject": {}}


@pytest.mark.parametrize("code", [400, 699])
def test_a_code_within_the_limits_is_sent(code: int) -> None:
    assert answered(SipFallbackResponse.reject(code=code)) == {"reject": {"sipRejectCode": code}}


@pytest.mark.parametrize("code", [399, 700, 200, -1])
def test_a_code_beyond_the_limits_is_refused(code: int) -> None:
    with pytest.raises(InvalidRequestError, match="code: takes a whole number from 400 to 699"):
        SipFallbackResponse.reject(code=code)


@pytest.mark.parametrize(
    ("make", "fields", "field"),
    [
        (SipFallbackResponse.reject, {"code": "486"}, "code"),
        (SipFallbackResponse.reject, {"message": 5}, "message"),
        (SipFallbackResponse.start_call, {"temperature": 1.1}, "temperature"),
        (SipFallbackResponse.start_agent_call, {"agent_id": "an-agent"}, "agent_id"),
        (SipFallbackResponse.start_agent_call, {"agent_id": AGENT_ID, "medium": CallMedium()}, "medium"),
    ],
)
def test_a_field_that_exceeds_its_limit_is_refused(make: Any, fields: dict[str, Any], field: str) -> None:  # noqa: ANN401 - three constructors
    with pytest.raises(InvalidRequestError) as caught:
        make(**fields)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("make", "fields"),
    [
        (SipFallbackResponse.reject, {"status": 486}),
        (SipFallbackResponse.start_agent_call, {"template_context": {}}),
        # In a URL, and not in an answer.
        (SipFallbackResponse.start_agent_call, {"agent_id": AGENT_ID, "throttle": "t"}),
        (SipFallbackResponse.start_call, {"prior_call_id": AGENT_ID}),
    ],
)
def test_a_field_that_does_not_exist_or_is_missing_is_a_type_error(make: Any, fields: dict[str, Any]) -> None:  # noqa: ANN401 - three constructors
    with pytest.raises(TypeError, match="keyword argument"):
        make(**fields)


def test_its_repr_says_what_it_does_and_shows_no_field() -> None:
    response = SipFallbackResponse.start_call(shared_secrets=["data-secret-0123456789"])
    assert repr(response) == "<SipFallbackResponse startCall>"
