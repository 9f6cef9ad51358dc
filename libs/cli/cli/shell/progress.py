"""Progress on stderr: bars on a terminal, a line for each tenth into a file or a pipe."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from cli.shell.output import new_console


class ProgressBar:
    """One bar. Without a terminal it prints a line for each tenth."""

    def __init__(self, progress: Progress, label: str, total: int) -> None:
        self._progress = progress
        self._label = label
        self._total = total
        self._done = 0
        self._printed_tenth = -1
        self._task: TaskID = progress.add_task(label, total=total or None)

    def advance_by(self, amount: int) -> None:
        """Show that *amount* more is done."""
        self.advance_to(self._done + amount)

    def advance_to(self, done: int, total: int | None = None) -> None:
        """Show that *done* of all is done; give *total* once it is known."""
        if total is not None and total != self._total:
            self._total = total
            self._progress.update(self._task, total=total)
        self._done = done
        self._progress.update(self._task, completed=done)
        tenth = 10 * done // self._total if self._total else 0
        if self._progress.disable and tenth > self._printed_tenth and done:
            self._printed_tenth = tenth
            self._progress.console.print(f"{self._label}: {min(tenth, 10) * 10} %")


@contextmanager
def show_byte_progress(label: str, total: int) -> Iterator[ProgressBar]:
    """Show a bar that counts bytes, while the block runs."""
    with _new_progress(DownloadColumn()) as progress:
        yield ProgressBar(progress, label, total)


@contextmanager
def show_row_progress(label: str) -> Iterator[ProgressBar]:
    """Show a bar that counts rows, while the block runs. Their total may become known later."""
    with _new_progress(MofNCompleteColumn()) as progress:
        yield ProgressBar(progress, label, 0)


def _new_progress(counts: DownloadColumn | MofNCompleteColumn) -> Progress:
    out: Console = new_console(stderr=True)
    return Progress(
        TextColumn("{task.description:<10}"),
        BarColumn(),
        counts,
        TimeElapsedColumn(),
        console=out,
        disable=not out.is_terminal,
    )
