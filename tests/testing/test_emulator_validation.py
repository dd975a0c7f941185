"""What the emulator says of a body that is wrong, for each kind of value."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, TypedDict

import attrs
import pytest
from annotated_types import Ge, Interval, Le, MaxLen, MinLen

from ultravox_async.testing._validation import Invalid, check_fields
from ultravox_async.testing._wire import Json
from ultravox_async.types._markers import HTTP_URL, IPV4_CIDR, UUID, ExactlyOne, Format
from ultravox_async.types.accounts import InvoiceStatus


@attrs.define
class Choice:
    by_name: str | None = None
    by_id: Annotated[str, UUID] | None = None


class Form(TypedDict, total=False):
    text: Annotated[str, MinLen(2), MaxLen(3)]
    texts: Annotated[Sequence[str], MinLen(1), MaxLen(2)]
    truth: bool
    count: Annotated[int, Interval(ge=1, le=5)]
    at_least_one: Annotated[float, Ge(1)]
    at_most_one: Annotated[float, Le(1)]
    some_moment: datetime
    day: date
    hour: time
    duration: timedelta
    duration_or_none: timedelta | None
    labels: dict[str, str]
    url: Annotated[str, HTTP_URL]
    range: Annotated[str, IPV4_CIDR]
    key: Annotated[str, UUID]
    code: Annotated[str, Format("four digits", lambda text: len(text) == 4 and text.isdigit())]
    status: InvoiceStatus
    statuses: list[Annotated[InvoiceStatus, MinLen(1)] | None]
    choice: Annotated[Choice, ExactlyOne]
    choices: list[Annotated[Choice, ExactlyOne]]
    by_key: Mapping[str, Annotated[Choice, ExactlyOne]]
    anything: Any


def errors(sent: dict[str, Json]) -> Json:
    with pytest.raises(Invalid) as caught:
        check_fields(Form, sent)
    return caught.value.errors


VALID: list[dict[str, Json]] = [
    {"text": "abc", "texts": ["a"], "truth": False, "count": 5, "atLeastOne": 1},
    {"someMoment": "2026-07-02T10:00:00Z", "day": "2026-07-02", "hour": "10:30:00"},
    {"duration": "90s", "durationOrNone": None},
    {"durationOrNone": "00:01:30"},
    {"labels": {"some_key": "a"}},
    {"url": "https://example.com", "range": "203.0.113.0/24", "key": "9b2f6e2a-4c1d-4f6e-9a57-0f4a1c2d3e4f"},
    {"choice": {"byName": "a"}, "choices": [{"byName": "a"}], "byKey": {"a": {"byName": "b"}}},
    {"anything": {"some_key": [None, {"a": 1}]}},
    {"code": "1234"},
    {"status": "paid", "statuses": ["unpaid", None]},
]


@pytest.mark.parametrize("sent", VALID)
def test_what_is_valid_is_stored_as_it_was_sent(sent: dict[str, Json]) -> None:
    assert check_fields(Form, sent) == sent


def test_what_the_shape_does_not_have_is_dropped() -> None:
    sent: dict[str, Json] = {"truth": True, "formId": "x", "choices": [{"byName": "a", "formId": "x"}]}
    assert check_fields(Form, sent) == {"truth": True, "choices": [{"byName": "a"}]}


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("text", 5, "Not a valid string."),
        ("text", None, "This field may not be null."),
        ("text", "a", "Ensure this field has at least 2 characters."),
        ("text", "abcd", "Ensure this field has no more than 3 characters."),
        ("text", "ab\ud800", "Not a valid string."),
        ("texts", "a", "Expected a list of items."),
        ("texts", [], "Ensure this field has at least 1 elements."),
        ("texts", ["a"] * 3, "Ensure this field has no more than 2 elements."),
        ("truth", 1, "Must be a valid boolean."),
        ("count", "1", "A valid integer is required."),
        ("count", 6, "Ensure this value is within 1 and 5."),
        ("atLeastOne", "1", "A valid number is required."),
        ("atLeastOne", 0.5, "Ensure this value is greater than or equal to 1."),
        ("atMostOne", 1.5, "Ensure this value is less than or equal to 1."),
        ("someMoment", "yesterday", "Datetime has wrong format."),
        ("someMoment", "2026-07-02T10:00:00", "Datetime has wrong format."),
        ("someMoment", 5, "Datetime has wrong format."),
        ("day", "2026-13-02", "Date has wrong format."),
        ("hour", "25:00", "Time has wrong format."),
        ("duration", "5m", "Duration has wrong format."),
        ("duration", "-5s", "Ensure this value is greater than or equal to 0."),
        ("duration", 5, "Duration has wrong format."),
        ("labels", ["a"], "Expected a dictionary of items."),
        ("url", "example.com", "Enter a valid URL."),
        ("range", "203.0.113.0", "Not an IPv4 range in CIDR notation."),
        ("key", "x", "Must be a valid UUID."),
        ("code", "x", "This value does not match the required pattern."),
        ("status", "lost", '"lost" is not a valid choice.'),
        ("status", 5, "Not a valid string."),
        ("choice", "a", "Expected an object."),
        ("choice", {}, "Exactly one of these fields is required."),
        ("choice", {"byName": "a", "byId": "b"}, "Exactly one of these fields is required."),
    ],
)
def test_what_is_wrong_is_said_of_its_field(field: str, value: Json, sentence: str) -> None:
    assert errors({field: value}) == {field: [sentence]}


def test_what_is_wrong_in_an_object_is_said_of_its_place() -> None:
    sent: dict[str, Json] = {
        "statuses": ["paid", "lost"],
        "choices": [{"byName": "a"}, {"byId": "b"}],
        "byKey": {"a": {"byName": 5}},
    }
    assert errors(sent) == {
        "statuses": {"1": ['"lost" is not a valid choice.']},
        "choices": {"1": {"byId": ["Must be a valid UUID."]}},
        "byKey": {"a": {"byName": ["Not a valid string."]}},
    }
