"""A command that is written by hand."""

import argparse
from collections.abc import Callable, Sequence

import attrs

from ultravox_async_cli.terminal import Terminal


@attrs.frozen
class Command:
    """What ``ultravox api``, ``ultravox doctor`` and others consist of; a module has one as ``COMMAND``."""

    summary: str
    """One line for the help."""

    add_arguments: Callable[[argparse.ArgumentParser], None]
    """Adds its arguments to a parser. What all commands take is added elsewhere."""

    run: Callable[[Terminal, argparse.Namespace], int]
    """Runs it and returns its exit code. It may raise CommandError, UltravoxError, OSError and KeyboardInterrupt."""

    examples: tuple[str, ...]
    """Lines for a shell."""

    fields: Sequence[str] = ()
    """The fields of its results, as far as they are known."""
