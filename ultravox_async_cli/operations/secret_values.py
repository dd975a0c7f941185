"""Secrets that people hand in. They never stand on the command line, where other users of the machine can read them."""

from typing import Final

from ultravox_async_cli.errors import CommandError
from ultravox_async_cli.operations.text_files import read_text, shown
from ultravox_async_cli.terminal import Terminal

SOURCES: Final = "ask, @FILE, @- or env:NAME"
"""What a secret can be taken from."""


def secret_from(source: str, what: str, terminal: Terminal) -> str:
    """Return a secret.

    Args:
        source: ``ask`` for a prompt, ``@FILE`` for the content of a file, ``@-`` for standard input, or ``env:NAME``
            for a variable of the environment. A line break at the end is not part of the secret.
        what: What it is called, for example ``password``.
        terminal: Where it is asked for.

    Raises:
        CommandError: The source is none of these, which may mean that it is the secret itself: it is not shown. Or
            there is no such file or variable, or it is empty.
    """
    if source == "ask":
        return terminal.ask_secret(what)
    if source.startswith("@"):
        secret = read_text(source[1:], terminal.stdin.buffer).removesuffix("\n")
        return _not_empty(secret, f"the {what} in {shown(source[1:])} is empty")
    if source.startswith("env:"):
        # The name is not shown: after env:$NAME, where the shell has put the value in its place, it is the secret.
        return _not_empty(terminal.environ.get(source[4:], ""), f"the variable for the {what} is not set, or empty")
    raise CommandError(f"the {what} is a secret, and not taken from the command line: use {SOURCES}")


def _not_empty(secret: str, problem: str) -> str:
    if not secret:
        raise CommandError(problem)
    return secret
