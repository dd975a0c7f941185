"""`ultravox completion`: scripts that let a shell complete commands and options.

The scripts ask the command itself what there is, so they are never older than it.
"""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ultravox_async_cli.command import Command
from ultravox_async_cli.errors import CommandError, ExitCode, HelpRequested
from ultravox_async_cli.index import COMMANDS, RESOURCES
from ultravox_async_cli.loading import load
from ultravox_async_cli.terminal import Terminal

_BASH: Final = """\
# eval "$(ultravox completion bash)", for example in ~/.bashrc
_ultravox() {
    local IFS=$'\\n'
    COMPREPLY=($(ultravox completion words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _ultravox ultravox
"""

_ZSH: Final = """\
#compdef ultravox
# eval "$(ultravox completion zsh)", for example in ~/.zshrc, below compinit
_ultravox() {
    local -a found
    found=(${(f)"$(ultravox completion words "${(@)words[2,CURRENT]}" 2>/dev/null)"})
    if (( $#found )); then compadd -a found; else _files; fi
}
compdef _ultravox ultravox
"""

_FISH: Final = """\
# ultravox completion fish | source, for example in ~/.config/fish/config.fish
complete -c ultravox -a '(ultravox completion words (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
"""

_SCRIPTS: Final[Mapping[str, str]] = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
_ASKED_BY_SCRIPTS: Final = "words"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=[*_SCRIPTS, _ASKED_BY_SCRIPTS], help="bash, zsh or fish")
    parser.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def _run(terminal: Terminal, options: argparse.Namespace) -> int:
    if options.shell == _ASKED_BY_SCRIPTS:
        terminal.stdout.writelines(f"{word}\n" for word in completions(options.words or [""]))
    else:
        terminal.stdout.write(_SCRIPTS[options.shell])
    return ExitCode.OK


def completions(words: Sequence[str]) -> Sequence[str]:
    """Return what the last word can become, which may be empty so far; nothing if it is anything, such as a file."""
    *before, last = words
    return sorted(word for word in _candidates(before, is_option=last.startswith("-")) if word.startswith(last))


def _candidates(before: Sequence[str], *, is_option: bool) -> Iterable[str]:
    if not before:
        return [*RESOURCES, *(path[0] for path in COMMANDS if len(path) == 1)]
    dispatch = load("dispatch")
    try:
        path, command = dispatch.find(before)
    except HelpRequested as request:
        return request.commands
    except CommandError:
        return []
    options: Mapping[str, argparse.Action] = dispatch.parser_of(path, command, width=80).options
    if before[-1] in options and options[before[-1]].nargs != 0:
        return options[before[-1]].choices or []
    return options if is_option else []


COMMAND = Command(
    "Print what lets a shell complete commands and options.",
    _add_arguments,
    _run,
    ('eval "$(ultravox completion bash)"', "ultravox completion fish | source"),
)
