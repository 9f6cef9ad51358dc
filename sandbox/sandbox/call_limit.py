"""Rate limiter of a vendor, counted in fixed clock windows as vendors do."""

import time


class CallLimit:
    """A limit of *max_units* in each clock window of *window_seconds*."""

    def __init__(self, max_units: int, window_seconds: int) -> None:
        self._max_units = max_units
        self._window_seconds = window_seconds
        self._window = 0
        self._used_units = 0

    def acquire_units(self, units: int = 1) -> bool:
        """Use *units* of the current window. Return False, and use none, if fewer are left."""
        window = int(time.time()) // self._window_seconds
        if window != self._window:
            self._window, self._used_units = window, 0
        if self._used_units + units > self._max_units:
            return False
        self._used_units += units
        return True

    def restore_units(self) -> None:
        """Make all units of the current window available again."""
        self._used_units = 0
