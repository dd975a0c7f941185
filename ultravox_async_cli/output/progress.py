"""Progress of work that consists of many equal parts: a bar if a person looks at it, nothing otherwise."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

from ultravox_async_cli.loading import load
from ultravox_async_cli.terminal import Terminal

Show: TypeAlias = Callable[[int, int], None]
"""Shows how many parts are done, and how many of these have failed."""


def progress(terminal: Terminal, total: int) -> AbstractContextManager[Show]:
    """Show a progress bar if standard error is a terminal, and if rich is installed, which draws it."""
    if not terminal.stderr.isatty():
        return no_progress()
    try:
        module = load("output.progress_bar")
    except ModuleNotFoundError:
        return no_progress()
    bar: AbstractContextManager[Show] = module.progress_bar(terminal.stderr, total)
    return bar


@contextmanager
def no_progress() -> Generator[Show]:
    """Show nothing."""
    yield lambda _done, _failed: None
