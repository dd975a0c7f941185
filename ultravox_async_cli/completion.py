"""`ultravox completion`: scripts that let a shell complete commands and options.

The scripts ask the command itself what there is, so they are never older than it.
"""

import argparse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from ultravox_async_cli.command import Command
from ultravox_async_cli.errors import CommandError, ExitCode, HelpRequested
from ultravox_async_cli.index import COMMANDS, GENERAL_OPTIONS, RESOURCES, options_before
from ultravox_async_cli.loading import load
from ultravox_async_cli.operations.parsers import OpenChoices, Parser
from ultravox_async_cli.output.layouts import FORMATS
from ultravox_async_cli.terminal import Terminal, as_shown

_BASH: Final = """\
# eval "$(ultravox completion bash)", for example in ~/.bashrc
_ultravox() {
    local line=${COMP_LINE:0:COMP_POINT} last quote='' typed found IFS=' '
    read -ra typed <<< "${line//$'\\n'/ }"
    [[ $line == *' ' ]] && typed+=('')
    last=${typed[${#typed[@]} - 1]}
    [[ $last == [\\"\\']* ]] && quote=${last:0:1} last=${last:1}
    typed[${#typed[@]} - 1]=$last
    COMPREPLY=()
    while IFS= read -r found; do
        # Bash replaces what it passes here, which may be the end of the word only, as behind a =.
        found=${found#"${last%"$2"}"}
        # Nothing in the name of a file or of a profile may be a command once it is on the line.
        if [[ -z $quote ]]; then printf -v found %q "$found"
        elif [[ $found == *[\\$\\`\\"\\'\\\\!]* ]]; then continue
        fi
        COMPREPLY+=("$found")
    done < <(ultravox completion words "${typed[@]:1}" 2>/dev/null)
    [[ ${COMPREPLY[0]-} == */ ]] && compopt -o nospace 2>/dev/null
}
complete -o default -F _ultravox ultravox
"""

_ZSH: Final = """\
#compdef ultravox
# eval "$(ultravox completion zsh)", for example in ~/.zshrc, below compinit
_ultravox() {
    local -a found
    # The words before, and what is before the cursor, both without their quotation marks.
    found=(${(f)"$(ultravox completion words "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)"})
    if (( ! $#found )); then _files; return; fi
    compadd -- ${found:#*/}
    compadd -S '' -- ${(M)found:#*/}
}
compdef _ultravox ultravox
"""

_FISH: Final = """\
# ultravox completion fish | source, for example in ~/.config/fish/config.fish
function __ultravox_complete
    # Without the quotation mark that a word begins with, which fish adds again.
    set -l last (commandline -ct | string trim --left --chars '"\\'')
    set -l found (ultravox completion words (commandline -opc)[2..] "$last" 2>/dev/null)
    if set -q found[1]
        printf '%s\\n' $found
    else
        __fish_complete_path "$last"
    end
end
complete -c ultravox -f -a '(__ultravox_complete)'
"""

_SHELLS: Final = "bash, zsh or fish"
_SCRIPTS: Final[Mapping[str, str]] = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
_ASKED_BY_SCRIPTS: Final = "words"


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=OpenChoices(_SCRIPTS), help=_SHELLS)
    words = parser.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    words.required = False  # as with Python 3.12


def _run(terminal: Terminal, options: argparse.Namespace) -> int:
    if options.shell == _ASKED_BY_SCRIPTS:
        terminal.stdout.writelines(f"{word}\n" for word in completions(terminal, options.words or [""]))
    elif options.shell not in _SCRIPTS:
        raise CommandError(f"SHELL takes {_SHELLS}, not {as_shown(options.shell)}")
    else:
        terminal.stdout.write(_SCRIPTS[options.shell])
    return ExitCode.OK


def completions(terminal: Terminal, words: Sequence[str]) -> Sequence[str]:
    """Return what the last word can become, which may be empty so far; nothing if it is anything, such as a file."""
    *before, last = words
    option, equals, value = last.partition("=")
    if equals and option.startswith("--"):
        return [f"{option}={found}" for found in completions(terminal, [*before, option, value])]
    if last.startswith("@"):
        candidates: Iterable[str] = _files(last[1:])
    elif before and before[-1] == "--profile":
        candidates = load("settings").profiles(terminal.environ)
    else:
        candidates = _candidates(before, last)
    # A name that could be taken for two, or that a terminal would act on, is left out.
    return sorted(word for word in candidates if word.startswith(last) and word.isprintable())


def _files(start: str) -> Iterator[str]:
    folder = start[: start.rfind("/") + 1]
    with suppress(OSError):
        for path in Path(folder or ".").iterdir():
            yield f"@{folder}{path.name}{'/' if path.is_dir() else ''}"


def _candidates(before: Sequence[str], last: str) -> Iterable[str]:
    if before and before[-1] == "--output":
        return FORMATS
    words = before[len(options_before(before)) :]
    if not words:
        return GENERAL_OPTIONS if last.startswith("-") else _at_the_top()
    dispatch = load("dispatch")
    try:
        path, command = dispatch.find(words)
    except HelpRequested as request:
        return request.commands
    except CommandError:
        return []
    if words[-1] == "--fields":
        chosen = last[: last.rfind(",") + 1]
        return [f"{chosen}{name}" for name in command.fields]
    return _after(dispatch.parser_of(path, command, width=80), words[len(path) :], last)


def _after(parser: Parser, words: Sequence[str], last: str) -> Iterable[str]:
    """Return what can follow a command and what was typed behind it."""
    option = parser.options.get(words[-1]) if words else None
    if option is not None and option.nargs != 0:
        return option.choices or []
    if last.startswith("-"):
        return parser.options
    first = [] if words else parser.arguments[:1]
    return [choice for argument in first for choice in argument.choices or []]


def _at_the_top() -> Sequence[str]:
    return [*RESOURCES, *(path[0] for path in COMMANDS if len(path) == 1)]


COMMAND = Command(
    "Print what lets a shell complete commands and options.",
    _add_arguments,
    _run,
    ('eval "$(ultravox completion bash)"', "ultravox completion fish | source"),
)
