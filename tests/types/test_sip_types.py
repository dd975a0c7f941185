from datetime import UTC, datetime
from typing import get_type_hints

import attrs
import pytest

from ultravox_async import (
    AgentAllowance,
    FallbackHandler,
    SipConfig,
    SipConfigChanges,
    SipRegistration,
    SipRegistrationChanges,
)
from ultravox_async._wire.rules import fields_of
from ultravox_async.types._markers import UUID, Sensitive
from ultravox_async.types.sip import NewSipRegistration

CREATED = datetime(2026, 7, 2, tzinfo=UTC)


def test_optional_fields_of_a_registration_are_none() -> None:
    registration = SipRegistration("r1", CREATED, "alice", "sip.example.com")
    assert (registration.outbound_proxy, registration.auth_user, registration.successful) == (None, None, None)


def test_a_registration_has_no_password() -> None:
    assert "password" not in {field.name for field in attrs.fields(SipRegistration)}


def test_registrations_are_equal_by_their_fields() -> None:
    registration = SipRegistration("r1", CREATED, "alice", "sip.example.com")
    assert registration == SipRegistration("r1", CREATED, "alice", "sip.example.com")
    assert registration != SipRegistration("r2", CREATED, "alice", "sip.example.com")


def test_a_misspelt_attribute_cannot_be_set() -> None:
    registration = SipRegistration("r1", CREATED, "alice", "sip.example.com")
    with pytest.raises(AttributeError):
        registration.outboundProxy = "x"  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue] - it is the point


def test_optional_fields_of_a_configuration_are_empty() -> None:
    assert SipConfig("x.example.com") == SipConfig("x.example.com", [], [], allow_all_agents=False)
    assert SipConfig("x.example.com").fallback_handler is None


def test_two_configurations_share_no_list() -> None:
    one, other = SipConfig("x.example.com"), SipConfig("x.example.com")
    one.allowed_cidr_ranges.append("203.0.113.0/24")
    one.allowed_agents.append(AgentAllowance("a"))
    assert (other.allowed_cidr_ranges, other.allowed_agents) == ([], [])


def test_the_secrets_of_a_fallback_handler_are_not_in_a_repr() -> None:
    config = SipConfig("x.example.com", fallback_handler=FallbackHandler("https://example.com/", ["hunter2"]))
    assert "https://example.com/" in repr(config)
    assert "hunter2" not in repr(config)


def test_every_change_may_be_omitted() -> None:
    assert SipRegistrationChanges.__required_keys__ == SipConfigChanges.__required_keys__ == frozenset()
    assert SipRegistrationChanges.__optional_keys__
    assert SipConfigChanges.__optional_keys__


def test_a_registration_is_created_from_what_can_be_changed() -> None:
    assert get_type_hints(NewSipRegistration) == get_type_hints(SipRegistrationChanges)
    assert NewSipRegistration.__required_keys__ == {"username", "password", "proxy"}


def test_a_field_has_the_same_annotation_wherever_it_is_sent() -> None:
    created, changed = fields_of(NewSipRegistration), fields_of(SipRegistrationChanges)
    assert {name: field.rule for name, field in created.items()} == {
        name: field.rule for name, field in changed.items()
    }


def test_a_marker_shows_its_name() -> None:
    assert repr(Sensitive) == "Sensitive"
    assert repr(UUID) == "Format(description='a UUID')"


def test_a_registration_is_changed_by_the_names_that_it_is_read_by() -> None:
    read = {field.name for field in attrs.fields(SipRegistration)}
    assert set(get_type_hints(SipRegistrationChanges)) - read == {"password"}
    assert read - set(get_type_hints(SipRegistrationChanges)) == {"registration_id", "created", "successful"}


def test_a_configuration_is_changed_by_the_names_that_it_is_read_by() -> None:
    read = {field.name for field in attrs.fields(SipConfig)}
    assert read - {"domain"} == set(get_type_hints(SipConfigChanges))
