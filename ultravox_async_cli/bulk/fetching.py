"""`get` with many ids: fetched concurrently, with a progress bar, and with a file of those that are left."""

import argparse
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, aclosing
from typing import Any, Final, TypeAlias

import attrs

from ultravox_async import AsyncUltravox, InvalidRequestError, Sweep, UltravoxError
from ultravox_async_cli import event_loop
from ultravox_async_cli.bulk.id_lists import RemainingIds, is_list, read_ids
from ultravox_async_cli.contact import NoContactError
from ultravox_async_cli.errors import CommandError, ExitCode
from ultravox_async_cli.failures import exit_code_of, exit_code_of_several
from ultravox_async_cli.output.printing import Rows
from ultravox_async_cli.output.problems import first_lines
from ultravox_async_cli.output.progress import Show, no_progress, progress
from ultravox_async_cli.settings import open_client
from ultravox_async_cli.stop_signals import stop_signals, unstoppable
from ultravox_async_cli.terminal import Terminal

GetMany: TypeAlias = Callable[[AsyncUltravox, Sequence[str]], Sweep[Any]]
"""Calls the `get_many` of a resource with ids."""

_STREAMED: Final = "jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of a `get` with many ids that `get_many` does not have."""
    parser.add_argument(
        "--failed",
        metavar="FILE",
        help="write the ids that failed or were not reached to FILE, an id a line; it may be the FILE of @FILE",
    )


def is_bulk(args: argparse.Namespace) -> bool:
    """Return whether the arguments are a list of ids, and not one id."""
    return len(args.ids) > 1 or args.failed is not None or is_list(args.ids[0])


@attrs.define
class Tally:
    """What has become of the ids so far."""

    ids: Sequence[str]

    found: dict[str, Any] = attrs.field(factory=dict[str, Any])
    """The values by id, as they will be printed; None for those that are printed already."""

    failed: dict[str, UltravoxError] = attrs.field(factory=dict[str, UltravoxError])
    are_written: bool = True
    """Whether the values that were found are on standard output. If not, their ids are left too."""

    _started: float = attrs.field(factory=time.monotonic)

    @property
    def left(self) -> list[str]:
        """The ids whose values are not on standard output, in the order in which they were given."""
        return [key for key in self.ids if key not in self.found or not self.are_written]

    @property
    def exit_code(self) -> ExitCode:
        """The exit code, if nothing interrupted it."""
        if self.failed and len(self.ids) == 1:
            return exit_code_of(*self.failed.values())  # as without a list
        return exit_code_of_several(self.failed.values())

    def summary(self) -> str:
        """Return the numbers, on one line."""
        seconds = time.monotonic() - self._started
        not_reached = len(self.ids) - len(self.found) - len(self.failed)
        missing = [f"{not_reached:,} not reached"] if not_reached else []
        missing += [] if self.are_written else ["not all of them written"]
        return ", ".join([f"{len(self.found):,} fetched", f"{len(self.failed):,} failed", *missing, f"{seconds:.1f} s"])


def run(
    terminal: Terminal, args: argparse.Namespace, words: Sequence[str], get_many: GetMany, fields: Sequence[str]
) -> int:
    """Fetch many ids, print their values, and say which are left.

    With jsonl, values are printed as they arrive; with any other format, in the order of the ids, at the end.

    Args:
        terminal: Where it reads and writes.
        args: Where the ids that are left go, and what is said of the client and of the output.
        words: Ids, ``@FILE`` for those in a file, and ``-`` for those on standard input.
        get_many: What fetches them.
        fields: The names of the fields of the values.

    Returns:
        The exit code: 0, 1 if an id failed, 3 if the key was refused for one, that of a single id if there is only
            one, 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP.

    Raises:
        CommandError: A list of ids cannot be read, the file for those that are left cannot be written, or there is no
            connection to the server.
        UltravoxError: The client cannot be used at all.
    """
    tally = Tally(read_ids(words, terminal.stdin.buffer))
    remaining = None if args.failed is None else RemainingIds(args.failed)
    ending: KeyboardInterrupt | NoContactError | OSError | None = None
    with stop_signals() as stop:
        try:
            ending = _fetch_and_print(terminal, args, get_many, tally, fields)
        except (KeyboardInterrupt, OSError) as error:
            ending = error
        # First of all, because a terminal that was closed takes no report.
        with unstoppable():
            problem = None if remaining is None else _problem_with(remaining, tally)
        _report(terminal, tally, None if problem else args.failed)
    if isinstance(ending, NoContactError | OSError):
        raise ending
    if problem is not None:
        raise problem
    return tally.exit_code if ending is None else stop.exit_code


def _fetch_and_print(
    terminal: Terminal, args: argparse.Namespace, get_many: GetMany, tally: Tally, fields: Sequence[str]
) -> KeyboardInterrupt | NoContactError | None:
    """Fetch the ids and print their values; return what has ended the fetching too early.

    Raises:
        KeyboardInterrupt: It was interrupted while it printed.
        OSError: Standard output takes nothing more.
    """
    ending: KeyboardInterrupt | NoContactError | None = None
    is_stream = args.output == _STREAMED
    # Until the last one is written, nobody knows how much of it has left the buffers.
    tally.are_written = is_stream
    with Rows(terminal, args, fields) as output:
        try:
            event_loop.run(_fetch(terminal, args, get_many, tally, output))
        except (KeyboardInterrupt, NoContactError) as error:
            ending = error
        if not is_stream:
            output.write_formatted(tally.found[key] for key in tally.ids if key in tally.found)
    tally.are_written = True
    return ending


def _problem_with(remaining: RemainingIds, tally: Tally) -> CommandError | None:
    """Write the file of those that are left, and return what is wrong with that: it must not hide what has failed."""
    try:
        remaining.write(tally.left)
    except CommandError as error:
        return CommandError(f"{error}; it should have the {_left_in(tally)}", ExitCode.FAILED)
    return None


async def _fetch(terminal: Terminal, args: argparse.Namespace, get_many: GetMany, tally: Tally, output: Rows) -> None:
    """Fetch the ids; print their values as they arrive, or format them: after Ctrl-C, there is no time for that."""
    async with (
        open_client(terminal, args) as ultravox,
        # Closed here, and not when it is garbage-collected: Ctrl-C ends all requests at once.
        aclosing(aiter(get_many(ultravox, tally.ids))) as outcomes,
    ):
        with _progress(terminal, args, len(tally.ids)) as show:
            async for outcome in outcomes:
                if outcome.error is not None:
                    tally.failed[outcome.key] = outcome.error
                elif args.output == _STREAMED:
                    output.write(outcome.value)
                    tally.found[outcome.key] = None
                else:
                    tally.found[outcome.key] = output.formatted(outcome.value)
                show(len(tally.found) + len(tally.failed), len(tally.failed))


def _progress(terminal: Terminal, args: argparse.Namespace, total: int) -> AbstractContextManager[Show]:
    # A bar would be among the lines that arrive on the same terminal.
    has_lines = args.output == _STREAMED and terminal.stdout.isatty()
    return no_progress() if has_lines else progress(terminal, total)


def _report(terminal: Terminal, tally: Tally, failed: str | None) -> None:
    errors = [f"{_shown(key)}: {_text_of(error)}" for key, error in tally.failed.items()]
    for line in first_lines(errors):
        terminal.note(line)
    if tally.left or terminal.stderr.isatty():
        terminal.note(tally.summary())
    if tally.left and failed is not None:
        terminal.note(f"{failed} has the {_left_in(tally)}")


def _left_in(tally: Tally) -> str:
    number = len(tally.left)
    return f"{number:,} {'id that is' if number == 1 else 'ids that are'} left"


def _text_of(error: UltravoxError) -> str:
    return error.problem if isinstance(error, InvalidRequestError) else str(error)


def _shown(key: str) -> str:
    return key if key.isprintable() else repr(key)
