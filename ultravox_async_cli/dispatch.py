"""Finds the command that is meant, parses its options, and runs it."""

from collections.abc import Iterator, Mapping, Sequence

from ultravox_async import AsyncUltravox, UltravoxError
from ultravox_async_cli.command import Command
from ultravox_async_cli.ctrl_c import interruptible
from ultravox_async_cli.errors import CommandError, ExitCode, HelpRequested
from ultravox_async_cli.failures import exit_code_of, text_of
from ultravox_async_cli.index import COMMANDS, HELP, RESOURCES, by_hand_below, listed, unknown
from ultravox_async_cli.loading import load
from ultravox_async_cli.operations.operation import command_of
from ultravox_async_cli.operations.parsers import Parser
from ultravox_async_cli.operations.tree import Group, all_groups, group_at, specimen
from ultravox_async_cli.terminal import Terminal


def run(terminal: Terminal, words: Sequence[str], before: Sequence[str]) -> int:
    """Run a command and return its exit code.

    Args:
        terminal: Where it reads and writes.
        words: The words of the command line, from the command on.
        before: The options before the command, which are those of the command too.

    Raises:
        HelpRequested: Help was asked for.
        CommandError: The command line is wrong, or the command cannot go on.
    """
    path, command = find(words)
    parser = parser_of(path, command, terminal.width)
    options = parser.parse_args([*before, *words[len(path) :]])
    try:
        with interruptible():
            return command.run(terminal, options)
    except UltravoxError as error:
        terminal.note(f"error: {text_of(error, parser.options)}")
        return exit_code_of(error)
    except RecursionError:
        raise CommandError("there is JSON that is nested too deep to be read or printed", ExitCode.FAILED) from None


def parser_of(path: Sequence[str], command: Command, width: int) -> Parser:
    """Return the parser for a command."""
    parser = Parser(" ".join(("ultravox", *path)), command.summary, command.examples, width)
    command.add_arguments(parser)
    return parser


def find(words: Sequence[str]) -> tuple[Sequence[str], Command]:
    """Return the words that are a command, and the command.

    Raises:
        HelpRequested: The words are those of a group.
        CommandError: There is no such command.
    """
    for length in range(len(words), 0, -1):
        path = tuple(words[:length])
        if path in COMMANDS:
            return path, _by_hand(path)
    group = group_at(specimen(), words[0])
    if group is None:
        raise unknown((), words[0], [*RESOURCES, *by_hand_below(())])
    for word in words[1:]:
        if word in group.operations:
            operation = group.operations[word]
            return operation.words, command_of(operation)
        if word.startswith("-"):
            if not HELP & {*words}:
                raise CommandError(f"options come first or last: ultravox {' '.join(group.words)} COMMAND [options]")
            break
        if word not in group.groups:
            raise unknown(group.words, word, [*group.operations, *group.groups, *by_hand_below(group.words)])
        group = group.groups[word]
    summaries = _summaries_in(group)
    raise HelpRequested(_help_of(group, summaries), summaries)


def all_commands(client: AsyncUltravox) -> Iterator[tuple[Sequence[str], Command]]:
    """Yield all commands, with what is typed for each."""
    for path in COMMANDS:
        yield path, _by_hand(path)
    for group in all_groups(client):
        for operation in group.walk():
            yield operation.words, command_of(operation)


def _by_hand(path: tuple[str, ...]) -> Command:
    command: Command = load(COMMANDS[path][0]).COMMAND
    return command


def _summaries_in(group: Group) -> Mapping[str, str]:
    below = {name: f"{found.summary} …" for name, found in group.groups.items()}
    return below | {name: one.summary for name, one in group.operations.items()} | by_hand_below(group.words)


def _help_of(group: Group, summaries: Mapping[str, str]) -> str:
    words = " ".join(("ultravox", *group.words))
    return f"usage: {words} COMMAND [options]\n\n{group.summary}.\n\ncommands:\n{listed(summaries)}\n"
