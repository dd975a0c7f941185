"""What the body of a request to a webhook becomes."""

import copy
import json
import pickle
from datetime import UTC, datetime
from typing import Any

import pydantic
import pytest

from tests.webhooks.signing import CALL, CALL_ID, event_body, signed, unwrapped
from ultravox_async import DecodeError
from ultravox_async.types import Call
from ultravox_async.webhooks import CallBilled, CallEnded, CallJoined, CallStarted, Event, UnknownEvent

JOIN_URL = "wss://voice.example.com/calls/1?token=secret"
CLASSES = {
    "call.started": CallStarted,
    "call.joined": CallJoined,
    "call.ended": CallEnded,
    "call.billed": CallBilled,
}


def event_of(body: bytes) -> Event:
    return unwrapped(body, signed(body))


def ended(**more: Any) -> Event:  # noqa: ANN401 - JSON
    return event_of(event_body(call={**CALL, **more}))


@pytest.mark.parametrize(("name", "cls"), CLASSES.items())
def test_each_event_has_a_class_with_the_call(name: str, cls: type) -> None:
    event = event_of(event_body(name))
    assert type(event) is cls
    assert event.event == name
    assert event.call == Call(CALL_ID, datetime(2026, 7, 2, 9, 59, tzinfo=UTC), end_reason="hangup")


@pytest.mark.parametrize("name", CLASSES)
def test_the_key_of_an_event_is_its_name_and_the_id_of_the_call(name: str) -> None:
    assert event_of(event_body(name)).idempotency_key == f"{name}:{CALL_ID}"


def test_deliveries_of_one_event_have_the_same_key_whatever_else_is_in_them() -> None:
    assert ended(summary="one").idempotency_key == ended(summary="two").idempotency_key


def test_a_call_that_is_not_what_the_api_documents_is_a_decode_error_that_says_where() -> None:
    with pytest.raises(DecodeError, match=r"CallEnded.from_dict: call.created: expected an ISO 8601 timestamp"):
        ended(created="yesterday")


def test_an_event_without_its_call_is_a_decode_error() -> None:
    body = b'{"event": "call.ended"}'
    with pytest.raises(DecodeError, match="call: expected a value"):
        event_of(body)


def test_fields_that_are_new_are_ignored() -> None:
    assert isinstance(ended(novelty=[1]), CallEnded)


def test_an_event_becomes_the_json_that_it_was_without_secrets_and_comes_back() -> None:
    event = ended(joinUrl=JOIN_URL)
    assert isinstance(event, CallEnded)
    assert json.loads(event.to_json())["event"] == "call.ended"
    assert "voice.example.com" not in event.to_json()
    assert CallEnded.from_dict(json.loads(event.to_json())) == ended()


def test_an_event_cannot_pass_for_another_one() -> None:
    assert CallEnded.from_dict({"event": "call.billed", "call": CALL}).event == "call.ended"


def test_an_event_is_a_type_of_pydantic() -> None:
    event = ended()
    adapter = pydantic.TypeAdapter(CallEnded)
    assert adapter.validate_json(adapter.dump_json(event)) == event  # type: ignore[arg-type]  # it is one


def test_an_event_is_copied_and_pickled() -> None:
    event = ended(joinUrl=JOIN_URL)
    assert copy.deepcopy(event) == pickle.loads(pickle.dumps(event)) == event  # noqa: S301 - made here


def test_no_repr_shows_the_join_url() -> None:
    novelty = event_of(event_body("call.novelty", {**CALL, "joinUrl": JOIN_URL}))
    assert "voice.example.com" not in repr(ended(joinUrl=JOIN_URL)) + repr(novelty)


def test_an_event_that_nobody_knows_yet_has_its_json() -> None:
    event = event_of(event_body("call.novelty"))
    assert isinstance(event, UnknownEvent)
    assert (event.event, event.call) == ("call.novelty", CALL)
    assert event.data == {"event": "call.novelty", "call": CALL}


def test_an_event_that_nobody_knows_yet_may_be_about_no_call() -> None:
    event = event_of(b'{"event": "account.novelty", "account": 1}')
    assert isinstance(event, UnknownEvent)
    assert (event.call, event.data["account"]) == (None, 1)


def test_deliveries_of_an_event_that_nobody_knows_yet_have_the_same_key_if_they_are_the_same() -> None:
    novelty = event_body("call.novelty")
    assert event_of(novelty).idempotency_key == event_of(novelty).idempotency_key
    # It may be something that happens to a call again and again.
    other = event_of(event_body("call.novelty", {**CALL, "times": 2}))
    assert event_of(novelty).idempotency_key != other.idempotency_key


def test_a_key_is_short_and_printable() -> None:
    key = event_of(event_body("call.novelty", {**CALL, "long": "x" * 10_000})).idempotency_key
    assert key.startswith("call.novelty:")
    assert len(key) < 100
    assert key.isascii()
    assert key.isprintable()
