"""What is checked before a request is sent is what the schema says."""

from collections.abc import Iterator

import attrs
import pytest

from tests.contract.classes import Place, allows_none, implemented, places
from tests.contract.document import Json, body_of, needs_schema, owner_of
from tests.contract.exceptions import (
    FORMATS,
    LIMITS,
    NEEDED_HERE,
    NULLABLE_IN_A_REQUEST,
    OPTIONAL_HERE,
)
from tests.contract.methods import methods, sample, sent_by
from ultravox_async import InvalidRequestError
from ultravox_async._wire.rules import Rule
from ultravox_async.types._markers import HTTP_URL, IPV4_CIDR, UUID

pytestmark = needs_schema

FORMATS_OF_THE_SCHEMA = {"ipv4-cidr": IPV4_CIDR, "uuid": UUID, "uri": HTTP_URL}


def limits_here(rule: Rule) -> tuple[object, ...]:
    return rule.min_length, rule.max_length, rule.at_least, rule.at_most


def limits_of(declared: Json) -> tuple[object, ...]:
    fewest = declared.get("minLength", declared.get("minItems", 0))
    most = declared.get("maxLength", declared.get("maxItems"))
    return fewest, most, declared.get("minimum"), declared.get("maximum")


def test_each_value_has_the_limits_of_the_schema() -> None:
    assert {place.where for place in places() if limits_here(place.rule) != limits_of(place.declared)} == set(LIMITS)


def test_each_text_has_the_format_of_the_schema() -> None:
    texts = [place for place in places() if place.rule.kind is str]
    assert {
        place.where
        for place in texts
        if place.rule.format != FORMATS_OF_THE_SCHEMA.get(place.declared.get("format", ""))
    } == set(FORMATS)


def fields() -> list[Place]:
    return [place for place in places() if place.hint is not None]


def test_each_field_may_be_null_where_the_schema_says_so() -> None:
    # In a query and in a nested object, None is never sent: it stands for what is left out.
    different = {
        place.where
        for place in fields()
        if len(place.path) == 1
        and not place.rule.in_query
        and allows_none(place.hint) != place.declared.get("nullable", False)
    }
    assert different == set(NULLABLE_IN_A_REQUEST)


def test_each_field_is_required_where_the_schema_says_so() -> None:
    needed: set[str] = set()
    optional: set[str] = set()
    required = {f"{owner}.{name}" for owner, names in required_in_requests() for name in names}
    for place in fields():
        if not place.rule.in_query and not place.is_change and place.field.required != (place.where in required):
            (needed if place.field.required else optional).add(place.where)
    assert needed == set(NEEDED_HERE)
    assert optional == set(OPTIONAL_HERE)


def required_in_requests() -> Iterator[tuple[str, list[str]]]:
    for operation, _ in implemented():
        body = body_of(operation) or {}
        if not operation.startswith("PATCH"):
            yield owner_of(body), body.get("required", [])
    for place in places():
        if attrs.has(place.rule.kind):
            yield owner_of(place.declared), place.declared.get("required", [])


async def test_a_method_needs_each_of_its_required_fields_and_no_other() -> None:
    patches = {method.name for operation, method in implemented() if operation.startswith("PATCH")}
    for name, method in methods().items():
        required = {field: value for field, value in method.all_fields().items() if method.fields[field].required}
        chosen = {field: value for field, value in method.all_fields().items() if field in method.alternatives}
        if name not in patches:  # which are refused without a field
            assert len(await sent_by(name, required | chosen)) == 1
        for field in required:
            with pytest.raises(TypeError, match=field):
                await sent_by(name, {other: value for other, value in required.items() if other != field})


def test_no_field_of_a_patch_is_required() -> None:
    assert {place.where for place in places() if place.is_change and place.field.required} == set()


@attrs.frozen
class Limit:
    """A limit, with the values on both sides of it."""

    place: Place
    allowed: object
    refused: object


def limits() -> Iterator[Limit]:
    for place in places():
        rule = place.rule
        if rule.max_length is not None:
            yield Limit(place, sized(rule, rule.max_length), sized(rule, rule.max_length + 1))
        if rule.min_length:
            yield Limit(place, sized(rule, rule.min_length), sized(rule, rule.min_length - 1))
        if rule.at_most is not None:
            yield Limit(place, rule.kind(rule.at_most), rule.kind(rule.at_most) + 1)
        if rule.at_least is not None:
            yield Limit(place, rule.kind(rule.at_least), rule.kind(rule.at_least) - 1)


def sized(rule: Rule, length: int) -> object:
    if rule.kind is str:
        return str(sample(rule))[:length].ljust(length, "x")
    assert rule.items is not None
    return [sample(rule.items)] * length if rule.kind is list else dict.fromkeys(map(str, range(length)), "x")


async def test_each_limit_is_checked_before_anything_is_sent() -> None:
    for limit in limits():
        method = limit.place.method
        assert len(await sent_by(method.name, method.all_fields(limit.place.path, limit.allowed))) == 1
        with pytest.raises(InvalidRequestError):
            await sent_by(method.name, method.all_fields(limit.place.path, limit.refused))


async def test_a_text_without_its_format_is_refused() -> None:
    for place in places():
        if place.rule.format:
            with pytest.raises(InvalidRequestError, match=place.rule.format.description):
                await sent_by(place.method.name, place.method.all_fields(place.path, "not / it"))


def test_the_places_in_requests_for_sip_are_looked_at() -> None:
    owners = ("SipRegistration.", "SipConfig.", "AgentAllowance.", "FallbackHandler.")
    found = {place.where: place for place in places() if place.where.startswith(owners)}
    rules = [place.rule for place in found.values()]
    assert len(rules) == 16
    assert len([rule for rule in rules if rule.max_length is not None]) == 8
    assert len([rule for rule in rules if rule.format]) == 3
    assert len([rule for rule in rules if rule.sensitive]) == 2
