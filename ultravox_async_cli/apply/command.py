"""`ultravox sip registrations apply`: makes the SIP registrations of an account match a CSV file."""

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Final

from ultravox_async import SipRegistration
from ultravox_async_cli import event_loop
from ultravox_async_cli.apply.plan import Creation, Deletion, Plan, Step, Update, plan_of
from ultravox_async_cli.apply.plan_text import described, show_plan
from ultravox_async_cli.apply.registrations_file import Password, Row, read_rows
from ultravox_async_cli.apply.steps import Execution, Results
from ultravox_async_cli.command import Command
from ultravox_async_cli.errors import CommandError, ExitCode
from ultravox_async_cli.failures import exit_code_of_several
from ultravox_async_cli.operations.parsers import add_output, add_profile, count
from ultravox_async_cli.operations.secret_values import SOURCES, secret_from
from ultravox_async_cli.output.problems import first_lines
from ultravox_async_cli.output.progress import progress
from ultravox_async_cli.settings import open_client
from ultravox_async_cli.stop_signals import stop_signals
from ultravox_async_cli.terminal import Terminal

_ASK: Final = "ask"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file",
        metavar="FILE.csv",
        help="UTF-8, with the columns username and proxy, and optionally outboundProxy, authUser and password; an "
        "empty cell is null, and a column that is absent leaves its field alone; - is standard input",
    )
    parser.add_argument("--prune", action="store_true", help="delete the registrations that are not in the file")
    parser.add_argument(
        "--set-passwords",
        action="store_true",
        help="also send the passwords of registrations that exist: they cannot be read back and compared",
    )
    parser.add_argument(
        "--password", metavar="SOURCE", help=f"where passwords come from that are not in the file: {SOURCES}"
    )
    parser.add_argument("--dry-run", action="store_true", help="show the plan, and change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask; needed where nobody can answer")
    parser.add_argument(
        "--concurrency", type=count, default=50, metavar="N", help="requests in flight (default: %(default)s)"
    )
    add_output(parser, "the plan as text")
    add_profile(parser)


def _run(terminal: Terminal, args: argparse.Namespace) -> int:
    shared = None if args.password in {None, _ASK} else Password(secret_from(args.password, "password", terminal))
    wanted = read_rows(args.file, terminal.stdin.buffer)
    found = event_loop.run(_registrations(terminal, args))
    plan = plan_of(wanted, found, prune=args.prune, set_passwords=args.set_passwords)
    show_plan(terminal, args, plan)
    terminal.note(_summary(plan))
    sent = {row.line for row in plan.rows_with_passwords}
    if any(row.password is not None and row.line not in sent for row in wanted):
        terminal.note("passwords of registrations that exist are not compared; --set-passwords sends them")
    problem = _missing_passwords(plan, args)
    if problem and args.dry_run:
        terminal.note(problem)
    elif problem:
        raise CommandError(problem)
    if args.dry_run or not plan.steps:
        return ExitCode.OK
    if not args.yes and not terminal.stdin.isatty():
        raise CommandError("nobody can be asked here; --yes carries out the plan")
    asked_for = 0 if shared is not None else sum(row.password is None for row in plan.rows_with_passwords)
    if asked_for and not args.yes:
        # What is typed at the question below can be seen.
        terminal.note(f"{asked_for:,} {'password is' if asked_for == 1 else 'passwords are'} asked for after a yes.")
    if not args.yes and not terminal.ask("Carry out this plan?"):
        terminal.note("Nothing was changed.")
        return ExitCode.FAILED
    passwords = _passwords(terminal, plan, shared)
    if not args.yes:
        _check_unchanged(terminal, args, wanted, plan)
    return _carried_out(terminal, args, plan, passwords)


async def _registrations(terminal: Terminal, args: argparse.Namespace) -> list[SipRegistration]:
    """Return all registrations of the account.

    Raises:
        CommandError: The listing has fewer than it says that there are. What it lacks would be created a second time,
            or what the file has under another name would be deleted.
    """
    found: list[SipRegistration] = []
    total: int | None = None
    async with (
        open_client(terminal, args) as ultravox,
        aclosing(ultravox.sip.registrations.list(page_size=1000).pages()) as pages,
    ):
        async for page in pages:
            found += page.results
            total = page.total
    distinct = len({one.registration_id for one in found})
    if total is not None and distinct < total:
        raise CommandError(
            f"the listing has {distinct:,} of {total:,} registrations; nothing was changed: run the command again",
            ExitCode.FAILED,
        )
    return found


def _check_unchanged(terminal: Terminal, args: argparse.Namespace, wanted: Sequence[Row], plan: Plan) -> None:
    """Check that what was agreed to is still what has to be done, because a person may take minutes to answer.

    Raises:
        CommandError: The account has changed meanwhile.
    """
    found = event_loop.run(_registrations(terminal, args))
    latest = plan_of(wanted, found, prune=args.prune, set_passwords=args.set_passwords)
    if described(latest, args) != described(plan, args):
        raise CommandError(
            "the account has changed since the plan was shown; nothing was sent: run the command again",
            ExitCode.FAILED,
        )


def _summary(plan: Plan) -> str:
    numbers = [
        (len(plan.creations), "to create (+)"),
        (len(plan.updates), "to update (~)"),
        (len(plan.deletions), "to delete (-)"),
        (plan.unchanged, "unchanged (=)"),
    ]
    parts = [f"{number:,} {what}" for number, what in numbers]
    kept = [f"{plan.unmatched:,} not in the file, which stay without --prune"] if plan.unmatched else []
    return ", ".join(parts + kept)


def _missing_passwords(plan: Plan, args: argparse.Namespace) -> str:
    """Return the rows that need a password and have none, as lines for people; empty if there are none."""
    missing = [row for row in plan.rows_with_passwords if row.password is None]
    if not missing or args.password is not None:
        return ""
    problems = [f"{args.file}: line {row.line}: has no password" for row in missing]
    return "\n".join([*first_lines(problems), f"add a column password, or --password {SOURCES}"])


def _passwords(terminal: Terminal, plan: Plan, shared: Password | None) -> Mapping[int, Password]:
    """Return the passwords that are sent, by the lines of their rows.

    Args:
        terminal: Where they are asked for, row by row, if nothing else has them.
        plan: What is to be done.
        shared: The password of the rows that have none in the file; None to ask.
    """
    found: dict[int, Password] = {}
    for row in plan.rows_with_passwords:
        what = f"password of {row.username} at {row.proxy}"
        found[row.line] = row.password or shared or Password(terminal.ask_secret(what))
    return found


def _carried_out(
    terminal: Terminal, args: argparse.Namespace, plan: Plan, passwords: Mapping[int, Password]
) -> ExitCode:
    results = Results()
    interrupted = False
    with stop_signals() as stop:
        try:
            event_loop.run(_carry_out(terminal, args, plan, passwords, results))
        except KeyboardInterrupt:
            interrupted = True
        _report(terminal, args, plan, results)
    if interrupted:
        return stop.exit_code
    return exit_code_of_several(error for _, error in results.failed)


async def _carry_out(
    terminal: Terminal, args: argparse.Namespace, plan: Plan, passwords: Mapping[int, Password], results: Results
) -> None:
    async with open_client(terminal, args) as ultravox:
        with progress(terminal, len(plan.steps)) as show:

            def note_result() -> None:
                failed = len(results.failed)
                show(len(results.done) + failed, failed)

            await Execution(ultravox, passwords, results, note_result).carry_out(plan, args.concurrency)


def _report(terminal: Terminal, args: argparse.Namespace, plan: Plan, results: Results) -> None:
    for line in first_lines([f"{_name(step)}: {error}" for step, error in results.failed]):
        terminal.note(line)
    counts = Counter(type(step) for step in results.done)
    parts = [f"{counts[Creation]:,} created, {counts[Update]:,} updated, {counts[Deletion]:,} deleted"]
    in_flight = results.sent - len(results.done) - len(results.failed)
    not_reached = len(plan.steps) - results.sent
    parts += [f"{len(results.failed):,} failed"] if results.failed else []
    parts += [f"{in_flight:,} in flight, which may be done or not"] if in_flight else []
    parts += [f"{not_reached:,} not reached"] if not_reached else []
    terminal.note(", ".join(parts))
    if results.failed or in_flight or not_reached:
        # A password that was set cannot be told from one that was not.
        where = "begins with these passwords again" if args.set_passwords else "goes on from here"
        terminal.note(f"The same command {where}.")


def _name(step: Step) -> str:
    if isinstance(step, Deletion):
        return f"deleting {step.registration.registration_id}"
    return f"line {step.row.line}, {step.row.username}"


COMMAND: Final = Command(
    summary="Make the SIP registrations of the account match a CSV file.",
    add_arguments=_add_arguments,
    run=_run,
    examples=(
        "ultravox sip registrations apply registrations.csv --dry-run",
        "ultravox sip registrations apply registrations.csv --prune --password env:SIP_PASSWORD --yes",
    ),
)
