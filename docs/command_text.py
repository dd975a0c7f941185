"""A description of the command line, as reStructuredText: all commands, as they describe themselves."""

from collections.abc import Iterator, Sequence

from docs.package_text import indented
from ultravox_async_cli.command import Command
from ultravox_async_cli.dispatch import all_commands, parser_of
from ultravox_async_cli.index import COMMANDS
from ultravox_async_cli.operations.tree import specimen

_WIDTH = 80


def commands_text() -> str:
    """Describe all commands: those that are written by hand with their options, the others with an example."""
    commands = {tuple(words): command for words, command in all_commands(specimen())}
    by_hand = {words: command for words, command in commands.items() if words in COMMANDS}
    derived = {words: command for words, command in commands.items() if words not in COMMANDS}
    lines = [*_title("Written by hand")]
    for words, command in sorted(by_hand.items()):
        lines += _described(words, command, "text", parser_of(words, command, _WIDTH).format_help())
    for resource in sorted({words[0] for words in derived}):
        lines += _title(f"``ultravox {resource}``")
        for words, command in derived.items():
            if words[0] == resource:
                lines += _described(words, command, "sh", "\n".join(command.examples))
    return "\n".join(lines)


def _title(title: str) -> Iterator[str]:
    yield from ("", title, "-" * len(title), "")


def _described(words: Sequence[str], command: Command, language: str, block: str) -> Iterator[str]:
    yield f"``ultravox {' '.join(words)}``"
    yield from (f"   {command.summary.rstrip('.')}.", "", f"   .. code-block:: {language}", "", indented(block, 2), "")
