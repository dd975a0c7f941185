"""What is decoded from the bodies that the schema allows, and from those that are damaged at one place."""

import json
from datetime import date, datetime, timedelta
from typing import cast

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.bodies import Place, Shape, bodies, into, members_of, places, root_of
from tests.contract.classes import classes_of
from tests.contract.document import needs_schema
from tests.contract.schemas import PAGE, SCHEMAS
from ultravox_async import DecodeError, Page
from ultravox_async._wire.converter import decode
from ultravox_async._wire.names import wire_name
from ultravox_async.types._object import WireObject

pytestmark = needs_schema

NAMES = [name for name, found in SCHEMAS.items() if found is PAGE or classes_of(name)]

# Two or three objects with dozens of fields are large for hypothesis, and not slow.
some_examples = settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@attrs.frozen
class Context:
    origin: str = "GET /api/x"
    content_type: str = "application/json"

    def redacted(self, text: str) -> str:
        return text


def decoded(body: object, root: Shape) -> object:
    return decode(json.dumps(body).encode(), into(root), Context())


def plain(value: object) -> object:
    if isinstance(value, Page):
        page = cast("Page[object]", value)
        return {wire_name(one.name): plain(getattr(page, one.name)) for one in attrs.fields(Page)}
    if isinstance(value, list):
        return [plain(one) for one in cast("list[object]", value)]
    return value.to_dict(sensitive=True) if isinstance(value, WireObject) else value


def exact(value: object) -> str:
    """Return a form in which values of different types are different: 1 is neither true nor 1.0."""
    return json.dumps(value, sort_keys=True, indent=1)


def test_all_schemas_that_a_class_stands_for_are_looked_at() -> None:
    pages = [name for name in NAMES if SCHEMAS[name] is PAGE]
    fields = [member for name in NAMES for member in members_of(root_of(name))]
    assert (len(NAMES), len(pages), len(fields)) == (140, 20, 640)


@pytest.mark.parametrize("name", NAMES)
@some_examples
@given(data=st.data())
def test_whatever_is_left_out_or_unknown_all_that_a_body_gives_is_decoded(name: str, data: st.DataObject) -> None:
    # A timestamp, a duration and a number have several spellings: they are compared in that of `to_dict`.
    made = data.draw(bodies(root_of(name)))
    # The page of invoices has no such field in the schema, and None here.
    shown = {"total": None, **made.shown} if SCHEMAS[name] is PAGE else made.shown
    assert exact(plain(decoded(made.sent, root_of(name)))) == exact(shown)


MISSING = object()
JSON_VALUES: dict[type, list[object]] = {
    str: ["", "x", "1", "true", "null"],
    bool: [True, False],
    int: [0, 1, -7],
    float: [1.0, 0.5, 1e300],
    list: [[], [None], ["x"], [{}]],
    dict: [{}, {"": None}, {"x": "x"}],
}
ACCEPTED: dict[type, set[type]] = {float: {int, float}, datetime: set(), date: set(), timedelta: set()}
"""The types in JSON of what has another type here; no string in `JSON_VALUES` is a timestamp or the like."""
MALFORMED: dict[type, list[object]] = {
    datetime: [
        "2026-07-02T10:00:00",
        "2026-07-02T10:00:00.123456",
        "2026-07-02",
        "2026-07-02T10:00:00+24:00",
        "10:00Z",
    ],
    date: ["2026-02-30", "2026-07", "02.07.2026", "2026-07-02T10:00:00Z", "2026-07-02 "],
    timedelta: [
        "90",
        "s",
        "-s",
        "+1s",
        " 1s",
        "1 s",
        "1s\n",
        "1.s",
        ".5s",
        "1e3s",
        "1m",
        "1.0000000001s",
        "1,5s",
        "٣s",
    ],
    int: [2**64, 1e30],
}


def damages(place: Place) -> list[object]:
    """Return what makes a body invalid at a place; nothing where any JSON value is allowed."""
    kind = dict if place.shape.is_object else place.shape.kind
    if kind is object:
        return []
    accepted = ACCEPTED.get(kind, {kind})
    wrong = [value for type_, values in JSON_VALUES.items() if type_ not in accepted for value in values]
    null = [] if place.shape.is_nullable else [None]
    return [*wrong, *MALFORMED.get(kind, []), *null, *([MISSING] if place.is_required else [])]


@pytest.mark.parametrize("name", NAMES)
@some_examples
@given(data=st.data())
def test_a_body_that_is_damaged_at_one_place_is_refused_with_its_path(name: str, data: st.DataObject) -> None:
    holder = {"body": data.draw(bodies(root_of(name))).sent}
    found = places(root_of(name), holder, "body", "", required=False)
    place = data.draw(st.sampled_from([one for one in found if damages(one)]))
    damage = data.draw(st.sampled_from(damages(place)))
    if damage is MISSING:
        del place.holder[place.key]
    else:
        place.holder[place.key] = damage
    with pytest.raises(DecodeError) as caught:
        decoded(holder["body"], root_of(name))
    assert caught.value.path == place.path
