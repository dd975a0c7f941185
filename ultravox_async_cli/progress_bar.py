"""A progress bar on standard error, for work that consists of many equal parts."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from ultravox_async_cli.progress import Show


class _Rate(ProgressColumn):
    """The present rate."""

    def render(self, task: Task) -> Text:
        """Return the number of parts a second, in the last half a minute."""
        return Text("" if task.speed is None else f"{task.speed:,.0f}/s")


@contextmanager
def progress_bar(stderr: TextIO, total: int) -> Generator[Show]:
    """Show a bar with what is done, what has failed, the rate and the time that is left; it is gone at the end.

    The context yields a function that takes how many parts are done, and how many of these have failed. A thread
    redraws the bar ten times a second, so that the time goes on while nothing else happens, and in the width that the
    terminal has at that moment.
    """
    columns = (
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[failed]:,} failed"),
        _Rate(),
        TimeRemainingColumn(),
    )
    # Standard output is not redirected: what is printed there goes to a pipe, or comes after the bar.
    console = Console(file=stderr, highlight=False)
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, expand=True) as progress:
        task = progress.add_task("", total=total, failed=0)
        yield lambda done, failed: progress.update(task, completed=done, failed=failed)
