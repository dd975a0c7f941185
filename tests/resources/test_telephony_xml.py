from typing import cast

import pytest

from tests.wire import HANG_UP, Wire, answer, client_of, in_turn, shown
from ultravox_async import APIConnectionError, BadRequestError, InvalidRequestError

AGENT = "9b2f6e2a-4c1d-4f6e-9a57-0f4a1c2d3e4f"
XML = '<?xml version="1.0"?><Response><Connect><Stream url="wss://voice.example.com/ü"/></Connect></Response>'
SAID = answer(body=XML.encode(), headers={"Content-Type": "text/xml"})


async def test_the_xml_for_a_provider_is_text() -> None:
    async with Wire(in_turn(SAID)) as api, client_of(api.base_url) as ultravox:
        assert await ultravox.agents.telephony_xml(AGENT) == XML
    request = api.received[0]
    assert (request.method, request.target) == ("POST", f"/api/agents/{AGENT}/telephony_xml")
    assert request.headers["accept"] == "text/xml"


async def test_what_the_provider_has_sent_is_passed_on_as_a_form() -> None:
    async with Wire(in_turn(SAID)) as api, client_of(api.base_url) as ultravox:
        await ultravox.agents.telephony_xml(AGENT, {"CallSid": "CA1", "From": "+49 30&1"})
    assert api.received[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert api.received[0].body == b"CallSid=CA1&From=%2B49+30%261"


async def test_a_call_that_may_have_been_created_is_not_created_again() -> None:
    async with Wire(in_turn(HANG_UP)) as api, client_of(api.base_url) as ultravox:
        with pytest.raises(APIConnectionError):
            await ultravox.agents.telephony_xml(AGENT)
    assert len(api.received) == 1


async def test_what_cannot_be_a_form_is_refused_before_anything_is_sent() -> None:
    async with Wire(in_turn(SAID)) as api, client_of(api.base_url) as ultravox:
        with pytest.raises(InvalidRequestError, match="parameters"):
            await ultravox.agents.telephony_xml(AGENT, cast("dict[str, str]", ["CallSid"]))
    assert api.received == []


async def test_an_error_shows_no_token_of_the_provider() -> None:
    refusal = answer(400, {"detail": "canary-token is wrong"})
    async with Wire(in_turn(refusal)) as api, client_of(api.base_url) as ultravox:
        with pytest.raises(BadRequestError) as caught:
            await ultravox.agents.telephony_xml(AGENT, {"CallToken": "canary-token"})
    assert "canary-token" not in shown(caught.value)
