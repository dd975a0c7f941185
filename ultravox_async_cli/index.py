"""The names of all commands at the top, for ``ultravox --help``, which must not import the package.

What is below them is derived from the package, and so is their help. A test compares `RESOURCES` with it.
"""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from ultravox_async_cli.errors import CommandError
from ultravox_async_cli.terminal import as_shown

RESOURCES: Final[Mapping[str, str]] = {
    "accounts": "The account that the key belongs to",
    "agents": "The agents of the account",
    "api-keys": "The API keys of the user",
    "call-throttles": "The call throttles of the account",
    "calls": "The calls of the account",
    "corpora": "The corpora of the account",
    "deleted-calls": "What is left of deleted calls",
    "models": "The models that can be chosen for a call",
    "schema": "The schema of the API",
    "sip": "SIP registrations, and the SIP configuration of the account",
    "telephony": "The configurations of telephony providers",
    "tools": "The tools that the account can use",
    "voices": "The voices that the account can use",
    "webhooks": "The webhooks of the account",
}
"""The resources of the client."""

COMMANDS: Final[Mapping[tuple[str, ...], tuple[str, str]]] = {
    ("api",): ("api", "Send any request to the API"),
    ("completion",): ("completion", "Print what lets a shell complete commands and options"),
    ("doctor",): ("doctor.command", "Check the key, the connection and the clock"),
    ("emulator",): ("emulator", "Serve an emulated account, for trials without a real one"),
    ("sip", "registrations", "apply"): ("apply.command", "Make the registrations of the account those of a CSV file"),
}
"""The commands that are written by hand: their modules, and their summaries."""

WITH_VALUE: Final = ("--profile", "--output", "--fields")
"""The options of all commands that are followed by a value."""

HELP: Final = frozenset({"-h", "--help"})
"""The options that ask for help."""

GENERAL_OPTIONS: Final = ("-h", "--help", "-V", "--version", *WITH_VALUE, "--show-secrets")
"""The options that may stand before the command."""

_GENERAL: Final = """\
options:
  -h, --help            show this and exit; every command has it, with examples
  -V, --version         show the version and exit
  --profile NAME        a profile of the configuration file, instead of ULTRAVOX_API_KEY
  --output LAYOUT       table, json, jsonl, csv or yaml (default: table on a terminal, json elsewhere)
  --fields A,B          only these fields of results
  --show-secrets        print secrets; by default, they are hidden

A value is read from a file if it is @FILE, and from standard input if it is @-; @@ stands for an @ at its beginning.
A secret is never taken from the command line, but from a prompt (ask), a file (@FILE) or a variable (env:NAME).
The configuration file is ~/.config/ultravox/config.toml: [profiles.NAME] with api_key = "…", for its owner only.

exit codes: 0; 1 something failed; 2 usage; 3 authentication; 4 not found; 130 interrupted"""


def root_help() -> str:
    """Return the help of the command itself."""
    by_hand = {words[0]: summary for words, (_, summary) in COMMANDS.items() if len(words) == 1}
    usage = "usage: ultravox [options] COMMAND\n\nThe Ultravox API, from a terminal."
    return f"{usage}\n\nresources:\n{listed(RESOURCES)}\n\nothers:\n{listed(by_hand)}\n\n{_GENERAL}\n"


def listed(summaries: Mapping[str, str]) -> str:
    """Return a line for each command, with its summary."""
    longest = max(map(len, summaries))
    return "\n".join(f"  {name:{longest}}  {summary}" for name, summary in summaries.items())


def by_hand_below(words: tuple[str, ...]) -> dict[str, str]:
    """Return the commands written by hand in a group, with their summaries."""
    return {path[-1]: summary for path, (_, summary) in COMMANDS.items() if path[:-1] == words}


def unknown(words: tuple[str, ...], word: str, known: Iterable[str]) -> CommandError:
    """Return the error for a command that does not exist, with the one that is probably meant."""
    similar = difflib.get_close_matches(word, list(known), n=1)
    hint = f"did you mean {similar[0]}?" if similar else f"see {' '.join(('ultravox', *words))} --help"
    return CommandError(f"there is no command {' '.join((*words, as_shown(word)))}; {hint}")


def unknown_option(option: str, known: Iterable[str], command: str) -> CommandError:
    """Return the error for an option that does not exist, with the one that is probably meant."""
    if not option.startswith("--"):
        option = option[:2]  # what follows may be a secret, as in -psecret
    similar = difflib.get_close_matches(option, sorted(known), n=1)
    hint = f"did you mean {similar[0]}?" if similar else f"see {command} --help"
    return CommandError(f"there is no option {as_shown(option)}; {hint}")


def options_before(words: Sequence[str]) -> Sequence[str]:
    """Return the options before the command, with their values."""
    start = 0
    while start < len(words) and words[start].startswith("-"):
        start += 2 if words[start] in WITH_VALUE else 1
    return words[:start]
