"""Progress on stderr: bars on a terminal, a line now and then where it is a file or a pipe."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cli.output import console


class Bar:
    """One bar. Without a terminal it says each tenth in a line."""

    def __init__(self, progress: Progress, label: str, total: int) -> None:
        self._progress = progress
        self._label = label
        self._total = total
        self._done = 0
        self._said = -1
        self._task: TaskID = progress.add_task(label, total=total or None)

    def advance(self, amount: int) -> None:
        """*amount* more is done."""
        self.reach(self._done + amount)

    def reach(self, done: int, total: int | None = None) -> None:
        """*done* of all is done; *total* when that has become known."""
        if total is not None and total != self._total:
            self._total = total
            self._progress.update(self._task, total=total)
        self._done = done
        self._progress.update(self._task, completed=done)
        tenth = 10 * done // self._total if self._total else 0
        if self._progress.disable and tenth > self._said and done:
            self._said = tenth
            self._progress.console.print(f"{self._label}: {min(tenth, 10) * 10} %")


@contextmanager
def of_bytes(label: str, total: int) -> Iterator[Bar]:
    """A bar that counts bytes."""
    with _progress(DownloadColumn()) as progress:
        yield Bar(progress, label, total)


@contextmanager
def of_rows(label: str) -> Iterator[Bar]:
    """A bar that counts rows, of a number that becomes known on the way."""
    with _progress(MofNCompleteColumn()) as progress:
        yield Bar(progress, label, 0)


def _progress(counted: DownloadColumn | MofNCompleteColumn) -> Progress:
    out: Console = console(stderr=True)
    return Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(),
        counted,
        TimeElapsedColumn(),
        console=out,
        disable=not out.is_terminal,
    )
