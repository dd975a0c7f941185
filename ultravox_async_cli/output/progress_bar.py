"""A progress bar on standard error, for work that consists of many equal parts."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from ultravox_async_cli.output.progress import Show


class _Rate(ProgressColumn):
    """The rate, and the time that is left if it stays the same.

    Both follow from the whole time so far. The columns of rich for that follow from the last steps, and a page of a
    listing is a thousand of them at once.
    """

    def render(self, task: Task) -> Text:
        """Return the number of parts a second, and minutes and seconds."""
        if not task.elapsed or not task.completed:
            return Text("0/s, -:-- left")
        rate = task.completed / task.elapsed
        minutes, seconds = divmod(round((task.remaining or 0) / rate), 60)
        return Text(f"{rate:,.0f}/s, {minutes}:{seconds:02} left")


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
        _Rate(Column(no_wrap=True)),
    )
    console = Console(file=stderr, highlight=False)
    with Progress(*columns, console=console, transient=True, expand=True) as progress:
        task = progress.add_task("", total=total, failed=0)
        yield lambda done, failed: progress.update(task, completed=done, failed=failed)
