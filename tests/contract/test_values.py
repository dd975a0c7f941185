"""The types of values, in requests and in responses."""

from tests.contract.classes import places, received
from tests.contract.document import needs_schema, the_document

pytestmark = needs_schema


def test_a_sensitive_value_is_sensitive_in_requests_and_in_responses() -> None:
    document = the_document()
    in_requests = {place.where for place in places(document) if place.hint is not None and place.rule.sensitive}
    both = [one for one in received(document) if one.where in in_requests]
    assert [one.where for one in both if not one.rule.sensitive] == []
    assert both
