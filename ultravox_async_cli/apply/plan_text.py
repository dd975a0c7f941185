"""Shows a plan: as lines for people, or as rows for programs. No part of it is a password."""

import argparse
from collections.abc import Iterator
from typing import Any

from ultravox_async_cli.apply.plan import Creation, Deletion, Plan, Step, Update
from ultravox_async_cli.apply.registrations_file import OptionalFields
from ultravox_async_cli.output.colors import write_line
from ultravox_async_cli.output.printing import show
from ultravox_async_cli.terminal import Terminal


def show_plan(terminal: Terminal, args: argparse.Namespace, plan: Plan) -> None:
    """Print the steps of a plan. Its lines are never cut, however narrow the terminal is."""
    lines = described(plan, args)
    if args.output in {None, "table"}:
        for step, line in zip(plan.steps, lines, strict=True):
            sign = "+" if isinstance(step, Creation) else "-" if isinstance(step, Deletion) else "~"
            write_line(terminal, sign, f" {_line(line)}")
        return
    show(terminal, args, lines)


def described(plan: Plan, args: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the steps of a plan with the names of the API."""
    return [_row(step, has_source=args.password is not None) for step in plan.steps]


def _row(step: Step, *, has_source: bool) -> dict[str, Any]:
    """Return a step with the names of the API.

    Args:
        step: The step.
        has_source: Whether a password that is not in the file comes from elsewhere.
    """
    subject = step.registration if isinstance(step, Deletion) else step.row
    registration = None if isinstance(step, Creation) else step.registration
    sets_password = isinstance(step, Creation) or (isinstance(step, Update) and step.sets_password)
    has_password = has_source or (not isinstance(step, Deletion) and step.row.password is not None)
    before = {} if registration is None else registration.to_dict()
    return {
        "action": _action(step),
        "line": None if isinstance(step, Deletion) else step.row.line,
        "username": subject.username,
        "proxy": subject.proxy,
        "registrationId": None if registration is None else registration.registration_id,
        "changes": {
            name: {"from": before.get(name), "to": value} for name, value in _fields(step) if value != before.get(name)
        },
        "setsPassword": sets_password,
        "lacksPassword": sets_password and not has_password,
    }


def _action(step: Step) -> str:
    if isinstance(step, Creation):
        return "create"
    return "delete" if isinstance(step, Deletion) else "update"


def _fields(step: Step) -> Iterator[tuple[str, str | None]]:
    """Yield the names and the new values of the fields that a step sets, besides username, proxy and password."""
    fields = OptionalFields()
    if isinstance(step, Creation):
        fields = step.row.optional
    elif isinstance(step, Update):
        fields = step.changes
    if "outbound_proxy" in fields:
        yield "outboundProxy", fields["outbound_proxy"]
    if "auth_user" in fields:
        yield "authUser", fields["auth_user"]


def _line(row: dict[str, Any]) -> str:
    place = row["registrationId"] if row["line"] is None else f"line {row['line']}"
    changes = [f"{name}: {_text(change['from'], change['to'])}" for name, change in row["changes"].items()]
    password = [f"password: {'missing' if row['lacksPassword'] else 'set'}"] if row["setsPassword"] else []
    return "  ".join([row["action"], f"{row['username']} at {row['proxy']}", *changes, *password, f"({place})"])


def _text(before: str | None, after: str | None) -> str:
    return f"{'null' if before is None else before} → {'null' if after is None else after}"
