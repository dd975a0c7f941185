from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal, NotRequired, TypedDict, cast

import attrs
import pytest
from annotated_types import Ge, Interval, Le, MaxLen, MinLen, Predicate

from ultravox_async._wire.rules import Rule, fields_of
from ultravox_async.types._markers import (
    HTTP_URL,
    IPV4_CIDR,
    UUID,
    Alternative,
    ExactlyOne,
    InQuery,
    Marker,
    Sensitive,
    WireName,
)


@attrs.define
class Inner:
    text: str | None = None


def shape_of(annotation: object) -> type:
    return attrs.make_class("Shape", {"field": attrs.field(type=cast("type", annotation))})


def rule_of(annotation: object) -> Rule:
    return fields_of(shape_of(annotation))["field"].rule


@pytest.mark.parametrize("kind", [str, bool, int, float, datetime, date, time, timedelta, Inner])
def test_a_scalar_or_an_object_is_its_own_kind(kind: type) -> None:
    assert rule_of(kind) == Rule(kind)


@pytest.mark.parametrize(
    ("annotation", "rule"),
    [
        (list[int], Rule(list, items=Rule(int))),
        (Sequence[str], Rule(list, items=Rule(str))),
        (dict[str, int], Rule(dict, items=Rule(int))),
        (Mapping[str, list[bool]], Rule(dict, items=Rule(list, items=Rule(bool)))),
        (dict[str, Any], Rule(dict, items=Rule(object, nullable=True))),
        (list[str | None], Rule(list, items=Rule(str, nullable=True))),
        (list[Annotated[str, MaxLen(5)]], Rule(list, items=Rule(str, max_length=5))),
        (Mapping[str, Annotated[float, Ge(0)]], Rule(dict, items=Rule(float, at_least=0))),
        (list[Inner], Rule(list, items=Rule(Inner))),
    ],
)
def test_a_container_has_a_rule_for_its_items(annotation: object, rule: Rule) -> None:
    assert rule_of(annotation) == rule


@pytest.mark.parametrize(
    "annotation",
    [
        Literal["a", "b"] | str,  # noqa: PYI051 - it is the point
        str | Literal["a", "b"],  # noqa: PYI051 - as above
    ],
)
def test_an_open_enum_is_a_string_with_known_values(annotation: object) -> None:
    assert rule_of(annotation) == Rule(str, known=frozenset({"a", "b"}))


@pytest.mark.parametrize(
    ("annotation", "rule"),
    [
        (Annotated[str, MaxLen(5)], Rule(str, max_length=5)),
        (Annotated[str, MinLen(2), MaxLen(5)], Rule(str, min_length=2, max_length=5)),
        (Annotated[list[str], MinLen(2)], Rule(list, items=Rule(str), min_length=2)),
        (Annotated[dict[str, str], MaxLen(2)], Rule(dict, items=Rule(str), max_length=2)),
        (Annotated[int, Ge(1)], Rule(int, at_least=1)),
        (Annotated[float, Le(1.5)], Rule(float, at_most=1.5)),
        (Annotated[float, Interval(ge=0, le=1)], Rule(float, at_least=0, at_most=1)),
        (Annotated[int, Interval(le=1)], Rule(int, at_most=1)),
        (Annotated[str, UUID], Rule(str, format=UUID)),
        (Annotated[str, HTTP_URL, MaxLen(200)], Rule(str, format=HTTP_URL, max_length=200)),
        (Annotated[str, IPV4_CIDR], Rule(str, format=IPV4_CIDR)),
        (Annotated[str, Sensitive], Rule(str, sensitive=True)),
        (Annotated[bool, InQuery], Rule(bool, in_query=True)),
        (Annotated[str, WireName("snake_name")], Rule(str, wire_name="snake_name")),
        (Annotated[Inner, ExactlyOne], Rule(Inner, exactly_one=True)),
        (Annotated[Inner, Alternative()], Rule(Inner, alternative=Alternative(required=True))),
        (Annotated[Annotated[str, Sensitive], MaxLen(5)], Rule(str, sensitive=True, max_length=5)),
    ],
)
def test_each_marker_is_part_of_the_rule(annotation: object, rule: Rule) -> None:
    assert rule_of(annotation) == rule


@pytest.mark.parametrize(
    "annotation",
    [
        bytes,
        bytearray,
        complex,
        set[str],
        tuple[str, ...],
        str | bool,
        str | int | None,
        Literal["a"],
        type[str],
        list,
        dict,
    ],
)
def test_a_type_that_nothing_checks_is_a_type_error(annotation: object) -> None:
    with pytest.raises(TypeError, match="no check is implemented for"):
        rule_of(annotation)


@pytest.mark.parametrize(
    "annotation",
    [
        Annotated[str, Ge(5)],
        Annotated[str, Le(5)],
        Annotated[list[int], Interval(ge=0)],
        Annotated[timedelta, Ge(timedelta(0))],
        Annotated[int, Interval(gt=0)],
        Annotated[int, Interval(ge=0, lt=5)],
        Annotated[int, MaxLen(5)],
        Annotated[bool, Ge(0)],
        Annotated[datetime, MinLen(5)],
        Annotated[list[str], UUID],
        Annotated[str, "a note"],
        Annotated[str, Predicate(str.islower)],
        Annotated[str, Marker("Novelty")],
        Annotated[str, Sensitive, 5],
    ],
)
def test_a_marker_that_nothing_checks_is_a_type_error(annotation: object) -> None:
    with pytest.raises(TypeError, match="no check is implemented for"):
        rule_of(annotation)


class Request(TypedDict):
    some_name: str
    from_: NotRequired[str | None]
    other_name: NotRequired[Annotated[str, WireName("other_name")] | None]
    anything: NotRequired[Any]


def test_a_field_has_the_name_of_the_wire() -> None:
    assert [field.wire for field in fields_of(Request).values()] == ["someName", "from", "other_name", "anything"]


def test_a_field_of_a_typeddict_is_null_where_it_may_be_none() -> None:
    nullable = {name: field.rule.nullable for name, field in fields_of(Request).items()}
    assert nullable == {"some_name": False, "from_": True, "other_name": True, "anything": True}


def test_an_attrs_class_is_read_in_the_order_of_its_fields() -> None:
    @attrs.define
    class Outer:
        needed: Annotated[int, Ge(1)]
        inner: Inner | None = None
        anything: Any = None

    read = {name: (field.rule, field.required) for name, field in fields_of(Outer).items()}
    assert read == {
        "needed": (Rule(int, at_least=1), True),
        "inner": (Rule(Inner), False),
        "anything": (Rule(object), False),
    }
