"""What a person at the terminal sees. Answers go to standard output, everything else to standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)

Report = Callable[[str, int, int], None]
"""How long work tells where it is: what it does now, how many are done, of how many."""


def complain(message: str) -> None:
    """Say what went wrong."""
    err.print("[bold red]error:[/] ", end="")
    err.print(message, markup=False)


@contextmanager
def progress_bar() -> Iterator[Report]:
    """A bar for work in steps. Where nobody watches, one line for each step."""
    if not err.is_terminal:
        yield _plain_report()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("Starting", total=None)

        def report(step: str, done: int, total: int) -> None:
            progress.update(task, description=step, completed=done, total=total)

        yield report


def _plain_report() -> Report:
    last = ""

    def report(step: str, _done: int, _total: int) -> None:
        nonlocal last
        if step != last:
            err.print(step, markup=False)
            last = step

    return report
