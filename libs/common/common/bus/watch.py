"""The watchdog behind `/livez`: when something last moved on, and whether that is too long ago."""

import time


class Watch:
    """Watches one loop."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        """Seconds without a move that are too many."""
        self._moved_at = time.monotonic()

    def moved(self) -> None:
        """It moved on now."""
        self._moved_at = time.monotonic()

    @property
    def overdue(self) -> bool:
        """Whether it has not moved on for too long."""
        return self.overdue_at(time.monotonic())

    def overdue_at(self, now: float) -> bool:
        """Whether it was overdue at the monotonic time *now*."""
        return now - self._moved_at > self.limit
