"""The types of values, in requests and in responses."""

from tests.contract.classes import item_of, kinds_of, literals_in, places, received, values_of
from tests.contract.document import Json, needs_schema
from tests.contract.exceptions import ENUMERATIONS, KINDS, SENSITIVE
from ultravox_async._wire.rules import Rule

pytestmark = needs_schema


def fits(rule: Rule, declared: Json) -> bool:
    """Return whether a value, with the items in it, has the type of the schema."""
    item = item_of(declared)
    return rule.kind in kinds_of(declared) and (item is None or rule.items is None or fits(rule.items, item))


def test_each_value_has_the_type_of_the_schema() -> None:
    in_requests = {place.where for place in places() if not fits(place.rule, place.declared)}
    in_responses = {one.where for one in received() if not fits(one.rule, one.declared)}
    assert in_requests | in_responses == set(KINDS)


def test_each_enumeration_has_the_values_of_the_schema() -> None:
    # Those of an item are in the annotation of its list.
    fields = [(place.where, place.hint, place.declared) for place in places() if place.hint is not None]
    fields += [(one.where, one.hint, one.declared) for one in received()]
    assert {where for where, hint, declared in fields if literals_in(hint) != values_of(declared)} == set(ENUMERATIONS)


def test_what_is_write_only_is_sensitive_and_the_rest_is_listed_with_its_reason() -> None:
    fields = [(place.where, place.rule, place.declared) for place in places() if place.hint is not None]
    fields += [(one.where, one.rule, one.declared) for one in received()]
    different = {where for where, rule, declared in fields if rule.sensitive != declared.get("writeOnly", False)}
    assert different == set(SENSITIVE)


def test_a_sensitive_value_is_sensitive_in_requests_and_in_responses() -> None:
    in_requests = {place.where for place in places() if place.hint is not None and place.rule.sensitive}
    in_responses = {one.where for one in received()}
    assert {one.where for one in received() if one.where in in_requests and not one.rule.sensitive} == set()
    assert in_requests & in_responses
