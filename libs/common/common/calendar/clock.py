"""Business clock: the machine's time, or a time that a file sets while services run, for tests and demonstrations.

The file (setting CLOCK_FILE) holds one point in time with its zone, such as `2026-11-23T05:29:00-08:00`. The clock showed
that time when the file was written, and has advanced with the machine since. Without the file, or with an empty one, the
clock shows the machine's time. docs/runbooks/moving-the-clock.md lists the jobs and rules that use this clock.
"""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

log = structlog.get_logger()

Clock = Callable[[], datetime]

MAX_CLOCK_OFFSET = timedelta(days=3_660)
"""Largest distance from the machine's time; a point in time beyond it counts as a mistake."""


class ClockFileError(ValueError):
    """Clock file that holds no valid point in time."""

    def __init__(self, file: Path, problem: str) -> None:
        super().__init__(f"the clock file {file} {problem}")


def utc_now() -> datetime:
    """Return the machine's time in UTC."""
    return datetime.now(UTC)


class MovableClock:
    """Clock that a file sets. A file that cannot be read is logged once, and the machine's time is used."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._version: object = None
        self._offset = timedelta()

    def __call__(self) -> datetime:
        """Return the time that the clock shows. The file is read only if its modification time changed."""
        if (version := _version_of(self._file)) != self._version:
            self._version, self._offset = version, self._read_offset()
        return utc_now() + self._offset

    def _read_offset(self) -> timedelta:
        try:
            return clock_offset(self._file)
        except ClockFileError as error:
            log.error("clock_not_moved", problem=str(error), advice="`equity clock set` or `equity clock reset`")  # noqa: TRY400 - the problem is in the text
            return timedelta()


def clock_from_file(file: Path | None) -> Clock:
    """Return the clock that *file* sets, or the machine's clock for None."""
    return MovableClock(file) if file else utc_now


def clock_offset(file: Path) -> timedelta:
    """Return how far the clock of *file* is ahead of the machine's time. Raises ClockFileError."""
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
    if abs(shown - written) > MAX_CLOCK_OFFSET:
        raise ClockFileError(file, "is more than ten years away from the machine's time")
    return shown - written


def move_clock(file: Path, moment: datetime) -> None:
    """Set the clock of *file* to *moment*; it advances from there. Raises OSError if the file cannot be written."""
    unfinished = file.with_name(f"{file.name}.{os.getpid()}")
    unfinished.write_text(f"{moment.isoformat()}\n")
    unfinished.replace(file)


def _version_of(file: Path) -> object:
    try:
        status = file.stat()
    except OSError as error:
        return error.errno
    return status.st_mtime_ns, status.st_ino, status.st_size
