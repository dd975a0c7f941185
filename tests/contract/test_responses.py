"""The classes have what the schema says of responses."""

from tests.contract.classes import received
from tests.contract.document import needs_schema, the_document

pytestmark = needs_schema


def test_what_is_sensitive_is_in_no_repr() -> None:
    assert {one.where for one in received(the_document()) if one.rule.sensitive and one.field.repr} == set()


def test_the_properties_of_sip_are_looked_at() -> None:
    owners = [one.where.partition(".")[0] for one in received(the_document())]
    sip = ("SipRegistration", "SipConfig", "AgentAllowance", "FallbackHandler")
    assert {name: owners.count(name) for name in sip} == {
        "SipRegistration": 7,
        "SipConfig": 5,
        "AgentAllowance": 2,
        "FallbackHandler": 2,
    }
