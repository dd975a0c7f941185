"""The classes have what the schema says of responses."""

import attrs

from tests.contract.classes import allows_none, received, received_classes_of
from tests.contract.document import needs_schema, properties_of, schemas
from tests.contract.exceptions import (
    DEFAULTS,
    NOT_ON_THE_CLASS,
    ON_THE_CLASS_UNDECLARED,
    REQUIRED_ON_THE_CLASS,
)
from tests.contract.schemas import SCHEMAS
from ultravox_async._wire.rules import fields_of

pytestmark = needs_schema


def test_each_property_that_is_not_write_only_is_a_field() -> None:
    missing: set[str] = set()
    undeclared: set[str] = set()
    for name in SCHEMAS:
        for cls in received_classes_of(name):
            fields = {field.wire for field in fields_of(cls).values()}
            properties = properties_of(schemas()[name])
            shown = {wire for wire, declared in properties.items() if not declared.get("writeOnly")}
            missing |= {f"{name}.{wire}" for wire in shown - fields}
            undeclared |= {f"{name}.{wire}" for wire in fields - shown}
    assert missing == set(NOT_ON_THE_CLASS)
    assert undeclared == set(ON_THE_CLASS_UNDECLARED)


def test_no_field_is_required_that_the_schema_does_not_require() -> None:
    found = {one.where for one in received() if one.field.default is attrs.NOTHING and not one.is_required}
    assert found == set(REQUIRED_ON_THE_CLASS)


def test_a_field_is_none_where_its_property_is_null_or_absent() -> None:
    different: set[str] = set()
    for one in received():
        may_be_none = allows_none(one.hint) and one.field.default is None
        may_be_empty = one.rule.kind in {list, dict} and isinstance(one.field.default, attrs.Factory)  # type: ignore[arg-type]  # a class at run time # pyright: ignore[reportArgumentType]
        is_required = one.field.default is attrs.NOTHING
        if one.declared.get("nullable"):
            fits = may_be_none or (is_required and allows_none(one.hint))
        else:
            fits = may_be_none or may_be_empty or (is_required and not allows_none(one.hint))
        different |= set() if fits else {one.where}
    assert different == set(DEFAULTS)


def test_what_is_sensitive_is_in_no_repr() -> None:
    assert {one.where for one in received() if one.rule.sensitive and one.field.repr} == set()


def test_the_properties_of_sip_are_looked_at() -> None:
    owners = [one.where.partition(".")[0] for one in received()]
    sip = ("SipRegistration", "SipConfig", "AgentAllowance", "FallbackHandler")
    assert {name: owners.count(name) for name in sip} == {
        "SipRegistration": 7,
        "SipConfig": 5,
        "AgentAllowance": 2,
        "FallbackHandler": 2,
    }
