"""`ultravox doctor`: finds out why something does not work, also when nothing works."""

import argparse
from collections.abc import Iterator, Sequence
from typing import Final

import attrs
from yarl import URL

from ultravox_async import ConfigurationError
from ultravox_async_cli import event_loop
from ultravox_async_cli.command import Command
from ultravox_async_cli.doctor.answer import ask, judged
from ultravox_async_cli.doctor.connection import check_connection
from ultravox_async_cli.doctor.diagnosis import Check, check_key, check_url, problem_with, proxies, versions
from ultravox_async_cli.errors import CommandError, ExitCode
from ultravox_async_cli.operations.parsers import add_output, add_profile
from ultravox_async_cli.output.colors import write_line
from ultravox_async_cli.output.printing import Rows
from ultravox_async_cli.settings import PUBLIC_API, Credentials, credentials
from ultravox_async_cli.terminal import Terminal

_ABOUT_THE_KEY: Final = frozenset({"key", "key accepted"})
_COLUMNS: Final = (6, 14)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_output(parser, "lines of text")
    add_profile(parser)


def _run(terminal: Terminal, args: argparse.Namespace) -> int:
    checks = _checks(terminal, args)
    found = _written(terminal, checks) if args.output in {None, "table"} else _as_rows(terminal, args, checks)
    failed = {check.check for check in found if check.status == "fail"}
    if failed & _ABOUT_THE_KEY:
        return ExitCode.AUTHENTICATION
    return ExitCode.FAILED if failed else ExitCode.OK


def _written(terminal: Terminal, checks: Iterator[Check]) -> Sequence[Check]:
    """Write a line for each check as soon as it is over: some take seconds."""
    found: list[Check] = []
    for check in checks:
        found.append(check)
        first, second = _COLUMNS
        write_line(terminal, check.status, f"{'':{first - len(check.status)}}{check.check:{second}}{check.detail}")
        if check.remedy:
            terminal.write(f"{'':{first + second}}{check.remedy}")
    return found


def _as_rows(terminal: Terminal, args: argparse.Namespace, checks: Iterator[Check]) -> Sequence[Check]:
    found: list[Check] = []
    with Rows(terminal, args, [field.name for field in attrs.fields(Check)]) as rows:
        for check in checks:
            found.append(check)
            rows.write(attrs.asdict(check))
    return found


def _checks(terminal: Terminal, args: argparse.Namespace) -> Iterator[Check]:
    """Yield the checks, each of which is done when the next one is asked for."""
    yield versions()
    yield proxies(terminal.environ)
    found = _credentials(terminal, args)
    key = check_key(found)
    yield key
    if isinstance(found, CommandError) and args.profile is not None:
        return  # the profile would have said where requests go
    url = _base_url(found, terminal)
    yield check_url(url)
    if isinstance(url, ConfigurationError):
        return
    is_reachable = True
    for check in check_connection(URL(url)):
        is_reachable = check.status != "fail"
        yield check
    # The key is not sent over a connection that is not secure.
    if is_reachable and isinstance(found, Credentials) and key.status == "ok":
        yield from judged(event_loop.run(ask(found)))


def _credentials(terminal: Terminal, args: argparse.Namespace) -> Credentials | CommandError:
    try:
        return credentials(args, terminal.environ)
    except CommandError as error:
        return error


def _base_url(found: Credentials | CommandError, terminal: Terminal) -> str | ConfigurationError:
    """Return the base URL that a client would use, or why it refuses it."""
    without_key = terminal.environ.get("ULTRAVOX_BASE_URL") or PUBLIC_API
    url = found.base_url if isinstance(found, Credentials) else without_key
    problem = problem_with("any-key", url)
    return url if problem is None else problem


COMMAND: Final = Command(
    summary="Check the key, the connection and the clock, and say what to do about what is wrong.",
    add_arguments=_add_arguments,
    run=_run,
    examples=("ultravox doctor", "ultravox doctor --output json"),
)
