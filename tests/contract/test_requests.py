"""What is checked before a request is sent is what the schema says."""

from collections.abc import Iterator

import attrs
import pytest

from tests.contract.classes import Place, implemented, places
from tests.contract.document import needs_schema, the_document
from tests.contract.methods import methods, sample, sent_by
from ultravox_async import InvalidRequestError
from ultravox_async._wire.rules import Rule

pytestmark = needs_schema


async def test_a_method_needs_each_of_its_required_fields_and_no_other() -> None:
    patches = {method.name for operation, method in implemented(the_document()) if operation.startswith("PATCH")}
    for name, method in methods().items():
        required = {field: value for field, value in method.all_fields().items() if method.fields[field].required}
        chosen = {field: value for field, value in method.all_fields().items() if field in method.alternatives}
        if name not in patches:  # which are refused without a field
            assert len(await sent_by(name, required | chosen)) == 1
        for field in required:
            with pytest.raises(TypeError, match=field):
                await sent_by(name, {other: value for other, value in required.items() if other != field})


@attrs.frozen
class Limit:
    """A limit, with the values on both sides of it."""

    place: Place
    allowed: object
    refused: object


def limits() -> Iterator[Limit]:
    for place in places(the_document()):
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
    for place in places(the_document()):
        if place.rule.format:
            with pytest.raises(InvalidRequestError, match=place.rule.format.description):
                await sent_by(place.method.name, place.method.all_fields(place.path, "not / it"))


def test_the_places_in_requests_for_sip_are_looked_at() -> None:
    owners = ("SipRegistration.", "SipConfig.", "AgentAllowance.", "FallbackHandler.")
    found = {place.where: place for place in places(the_document()) if place.where.startswith(owners)}
    rules = [place.rule for place in found.values()]
    assert len(rules) == 16
    assert len([rule for rule in rules if rule.max_length is not None]) == 8
    assert len([rule for rule in rules if rule.format]) == 3
    assert len([rule for rule in rules if rule.sensitive]) == 2
