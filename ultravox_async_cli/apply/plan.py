"""What has to be done so that an account has the registrations of a file: compared without sending anything."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import attrs

from ultravox_async import SipRegistration
from ultravox_async_cli.apply.registrations_file import OptionalFields, Row
from ultravox_async_cli.errors import CommandError
from ultravox_async_cli.output.problems import first_lines


@attrs.frozen
class Creation:
    """A row that no registration matches."""

    row: Row


@attrs.frozen
class Update:
    """A registration that differs from its row, or whose password is set."""

    row: Row
    registration: SipRegistration

    changes: OptionalFields
    """The fields that differ, as the row has them."""

    sets_password: bool = False
    """Whether the password is sent, too."""


@attrs.frozen
class Deletion:
    """A registration that matches no row."""

    registration: SipRegistration


Step: TypeAlias = Creation | Update | Deletion


@attrs.frozen
class Plan:
    """The steps that make an account match a file."""

    creations: Sequence[Creation]
    updates: Sequence[Update]
    deletions: Sequence[Deletion]

    unchanged: int
    """The number of registrations that are as their rows say."""

    unmatched: int
    """The number of registrations that match no row, and that stay."""

    @property
    def steps(self) -> list[Step]:
        """All steps, in the order in which they are shown."""
        return [*self.creations, *self.updates, *self.deletions]

    @property
    def rows_with_passwords(self) -> list[Row]:
        """The rows whose passwords are sent."""
        updates = (update.row for update in self.updates if update.sets_password)
        return [*(creation.row for creation in self.creations), *updates]


def plan_of(rows: Iterable[Row], registrations: Iterable[SipRegistration], *, prune: bool, set_passwords: bool) -> Plan:
    """Compare rows with registrations, which match if they have the same username and proxy.

    Args:
        rows: The rows of the file.
        registrations: All registrations of the account.
        prune: Whether to delete the registrations that match no row.
        set_passwords: Whether to set the passwords of all registrations that match a row: they cannot be read back.

    Raises:
        CommandError: A row matches two registrations. Or there are no rows, and `prune` would delete everything.
    """
    rows = list(rows)
    if prune and not rows:
        raise CommandError("the file has no rows; nothing is pruned with an empty file")
    left = _by_identity(registrations)
    matches = [(row, left.pop((row.username, row.proxy), [])) for row in rows]
    _check_unambiguous(matches)
    creations = [Creation(row) for row, found in matches if not found]
    compared = [Update(row, one, _differences(row, one), set_passwords) for row, found in matches for one in found]
    updates = [update for update in compared if update.changes or update.sets_password]
    extra = [Deletion(one) for found in left.values() for one in found]
    return Plan(
        creations,
        updates,
        deletions=extra if prune else [],
        unchanged=len(compared) - len(updates),
        unmatched=0 if prune else len(extra),
    )


def _by_identity(registrations: Iterable[SipRegistration]) -> dict[tuple[str, str], list[SipRegistration]]:
    # A listing that changes while its pages are read can have a registration twice.
    distinct = {one.registration_id: one for one in registrations}
    found: dict[tuple[str, str], list[SipRegistration]] = {}
    for one in distinct.values():
        found.setdefault((one.username, one.proxy), []).append(one)
    return found


def _check_unambiguous(matches: Iterable[tuple[Row, Sequence[SipRegistration]]]) -> None:
    problems = [
        f"line {row.line}: matches {len(found)} registrations: {', '.join(one.registration_id for one in found)}"
        for row, found in matches
        if len(found) > 1
    ]
    if problems:
        remedy = "keep one of them and delete the others: ultravox sip registrations delete ID"
        raise CommandError("\n".join([*first_lines(problems), remedy]))


def _differences(row: Row, registration: SipRegistration) -> OptionalFields:
    changes = OptionalFields()
    # One by one, because type checkers know the keys of a TypedDict by their literals only.
    if "outbound_proxy" in row.optional and row.optional["outbound_proxy"] != registration.outbound_proxy:
        changes["outbound_proxy"] = row.optional["outbound_proxy"]
    if "auth_user" in row.optional and row.optional["auth_user"] != registration.auth_user:
        changes["auth_user"] = row.optional["auth_user"]
    return changes
