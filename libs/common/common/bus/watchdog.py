"""Watchdog behind `/livez`: the time of a loop's last progress, and whether that is too long ago."""

import time


class Watchdog:
    """Watchdog of one loop. Its times are monotonic."""

    def __init__(self, limit_seconds: float) -> None:
        self.limit_seconds = limit_seconds
        """Seconds without progress after which the loop counts as stuck."""
        self._progress_at = time.monotonic()

    def mark_progress(self) -> None:
        """Note that the loop made progress now."""
        self._progress_at = time.monotonic()

    @property
    def is_overdue(self) -> bool:
        """Whether the loop has made no progress for longer than the limit."""
        return self.was_overdue_at(time.monotonic())

    def was_overdue_at(self, now: float) -> bool:
        """Return whether the loop was overdue at the monotonic time *now*."""
        return now - self._progress_at > self.limit_seconds
