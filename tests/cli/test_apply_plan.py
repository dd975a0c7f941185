from datetime import UTC, datetime
from typing import Unpack

import pytest

from ultravox_async import SipRegistration
from ultravox_async_cli.apply.plan import Creation, Deletion, Plan, Update, plan_of
from ultravox_async_cli.apply.registrations_file import OptionalFields, Row
from ultravox_async_cli.errors import CommandError


def row(username: str, line: int = 2, **optional: Unpack[OptionalFields]) -> Row:
    return Row(line, username, "sip.example.com", optional)


def registration(username: str, key: str = "1", **optional: Unpack[OptionalFields]) -> SipRegistration:
    return SipRegistration(key, datetime.now(UTC), username, "sip.example.com", **optional)


def plan(
    rows: list[Row], registrations: list[SipRegistration], *, prune: bool = False, set_passwords: bool = False
) -> Plan:
    return plan_of(rows, registrations, prune=prune, set_passwords=set_passwords)


def test_a_row_without_a_registration_is_a_creation() -> None:
    ann = row("ann")
    assert plan([ann], [registration("bob")]).steps == [Creation(ann)]


def test_a_registration_of_another_proxy_is_another_one() -> None:
    ann = Row(2, "ann", "other.example.com", OptionalFields())
    assert plan([ann], [registration("ann")]).steps == [Creation(ann)]


def test_an_update_has_the_fields_that_differ_and_no_others() -> None:
    ann, found = (
        row("ann", outbound_proxy="new", auth_user="a"),
        registration("ann", outbound_proxy="old", auth_user="a"),
    )
    assert plan([ann], [found]).steps == [Update(ann, found, {"outbound_proxy": "new"})]


def test_an_empty_cell_clears_a_field() -> None:
    ann, found = row("ann", outbound_proxy=None, auth_user=None), registration("ann", outbound_proxy="o", auth_user="a")
    assert plan([ann], [found]).steps == [Update(ann, found, {"outbound_proxy": None, "auth_user": None})]


def test_a_column_that_is_absent_leaves_its_field_alone() -> None:
    found = plan([row("ann")], [registration("ann", outbound_proxy="old", auth_user="a")])
    assert (found.steps, found.unchanged) == ([], 1)


def test_passwords_are_set_if_that_is_wanted_since_nobody_knows_whether_they_differ() -> None:
    ann, found = row("ann"), registration("ann")
    assert plan([ann], [found], set_passwords=True).steps == [Update(ann, found, {}, sets_password=True)]


def test_a_registration_that_is_not_in_the_file_stays() -> None:
    found = plan([row("ann")], [registration("ann"), registration("bob", "2")])
    assert (found.steps, found.unmatched) == ([], 1)


def test_a_registration_that_is_not_in_the_file_is_pruned() -> None:
    bob = registration("bob", "2")
    found = plan([row("ann")], [registration("ann"), bob], prune=True)
    assert (found.steps, found.unmatched) == ([Deletion(bob)], 0)


def test_two_registrations_that_match_one_row_are_refused() -> None:
    with pytest.raises(CommandError, match=r"^line 7: matches 2 registrations: 1, 2\nkeep one of them .* delete ID$"):
        plan([row("ann", line=7)], [registration("ann", "1"), registration("ann", "2")])


def test_two_registrations_with_the_same_name_that_match_no_row_are_pruned() -> None:
    twins = [registration("bob", "1"), registration("bob", "2")]
    assert plan([row("ann")], twins, prune=True).deletions == [Deletion(one) for one in twins]


def test_a_registration_that_two_pages_of_the_listing_have_is_one() -> None:
    assert plan([row("ann")], [registration("ann"), registration("ann")]).unchanged == 1


def test_an_empty_file_never_prunes() -> None:
    with pytest.raises(CommandError, match="nothing is pruned"):
        plan([], [registration("ann")], prune=True)


def test_an_empty_file_changes_nothing() -> None:
    assert plan([], [registration("ann")]).steps == []


def test_the_rows_whose_passwords_are_sent_are_new_or_told_to() -> None:
    ann, bob = row("ann"), row("bob")
    assert plan([ann, bob], [registration("bob")]).rows_with_passwords == [ann]
    assert plan([ann, bob], [registration("bob")], set_passwords=True).rows_with_passwords == [ann, bob]
