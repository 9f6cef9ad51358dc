"""What time it is: the machine's time, or one that a file moves while services run, for tests and demonstrations.

The file (setting CLOCK_FILE) holds one point in time with its zone, such as `2026-11-23T05:29:00-08:00`: what the clock
showed when the file was written. From there it goes on with the machine. Without the file, or with an empty one, it is the
machine's time. What follows this clock and what does not: docs/runbooks/moving-the-clock.md.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

log = structlog.get_logger()

Clock = Callable[[], datetime]

FARTHEST = timedelta(days=3_660)
"""Further from the machine's time a point in time is taken for a mistake."""


class ClockFileError(ValueError):
    """A clock file says no point in time."""

    def __init__(self, file: Path, problem: str) -> None:
        super().__init__(f"the clock file {file} {problem}")


def utc_now() -> datetime:
    """The machine's time."""
    return datetime.now(UTC)


class MovableClock:
    """The clock of a file. A file that cannot be understood is logged once, and the machine's time holds."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: object = None
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        """The time that the clock shows; one look at the file's date, no reading, as long as nobody moved it."""
        if (found := _version(self._file)) != self._seen:
            self._seen, self._ahead = found, self._read()
        return utc_now() + self._ahead

    def _read(self) -> timedelta:
        try:
            return ahead(self._file)
        except ClockFileError as error:
            log.error("clock_not_moved", problem=str(error), advice="`equity clock set` or `equity clock reset`")  # noqa: TRY400 - the sentence says it
            return timedelta()


def clock_of(file: Path | None) -> Clock:
    """The clock that *file* moves; the machine's for None."""
    return MovableClock(file) if file else utc_now


def ahead(file: Path) -> timedelta:
    """How far the clock of *file* is ahead of the machine's time. Raises ClockFileError."""
    try:
        with file.open("rb") as opened:
            written = datetime.fromtimestamp(os.fstat(opened.fileno()).st_mtime, UTC)
            text = opened.read(100).decode().strip()
        shown = datetime.fromisoformat(text) if text else written
    except FileNotFoundError:
        return timedelta()
    except OSError as error:
        raise ClockFileError(file, f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ClockFileError(file, "holds no point in time like 2026-11-23T05:29:00-08:00") from error
    if shown.tzinfo is None:
        raise ClockFileError(file, "holds a point in time without its zone; write 2026-11-23T05:29:00-08:00")
    if abs(shown - written) > FARTHEST:
        raise ClockFileError(file, "is more than ten years away from the machine's time")
    return shown - written


def move(file: Path, moment: datetime) -> None:
    """Let the clock of *file* show *moment* now and go on from there. Raises OSError where it cannot be written."""
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    unfinished.write_text(f"{moment.isoformat()}\n")
    unfinished.replace(file)


def _version(file: Path) -> object:
    try:
        found = file.stat()
    except OSError as error:
        return error.errno
    return found.st_mtime_ns, found.st_ino, found.st_size
