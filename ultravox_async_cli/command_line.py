"""Runs a command line. This module imports little, so that ``ultravox --help`` is quick."""

import os
from collections.abc import Sequence
from typing import Final

from ultravox_async_cli.errors import CommandError, ExitCode, HelpRequested
from ultravox_async_cli.index import GENERAL_OPTIONS, HELP, options_before, root_help, unknown_option
from ultravox_async_cli.loading import load
from ultravox_async_cli.terminal import Terminal, discard

_VERSION: Final = {"-V", "--version"}


def run(words: Sequence[str]) -> int:
    """Run a command.

    Args:
        words: The words of the command line, without the name of the program.

    Returns:
        The exit code; see `ExitCode`.
    """
    terminal = Terminal.of_process(os.environ)
    try:
        code = _run(terminal, words)
        terminal.stdout.flush()
    except CommandError as error:
        terminal.note(f"error: {error}")
        return error.exit_code
    except BrokenPipeError:
        discard(terminal.stdout)
        return ExitCode.BROKEN_PIPE
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except OSError as error:
        terminal.note(f"error: {error}")
        return ExitCode.FAILED
    return code


def _run(terminal: Terminal, words: Sequence[str]) -> int:
    before, words = _split(words)
    if words:
        try:
            code: int = load("dispatch").run(terminal, words, before)
        except HelpRequested as request:
            terminal.write(str(request))
            return ExitCode.OK
        return code
    if _VERSION & {*before}:
        terminal.write(f"ultravox-async {load('versions').installed()}")
        return ExitCode.OK
    if before and not HELP & {*before}:
        raise CommandError("there is no command; see ultravox --help")
    terminal.write(root_help())
    return ExitCode.OK


def _split(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the options before the command, and the rest.

    Raises:
        CommandError: An option is none of those that all commands have: nobody knows whether it has a value.
    """
    before = options_before(words)
    for word in before:
        option = word.partition("=")[0]
        if word.startswith("-") and option not in GENERAL_OPTIONS:
            raise unknown_option(option, GENERAL_OPTIONS, "ultravox")
    return before, words[len(before) :]
