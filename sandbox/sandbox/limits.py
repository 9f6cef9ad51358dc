"""A vendor's rate limit, counted as vendors do: so many in each clock second or minute."""

import time


class Limit:
    """At most *most* in each *seconds*."""

    def __init__(self, most: int, seconds: int) -> None:
        self._most = most
        self._seconds = seconds
        self._window = 0
        self._used = 0

    def take(self, units: int = 1) -> bool:
        """Use *units*; False, and none used, when they are not left."""
        window = int(time.time()) // self._seconds
        if window != self._window:
            self._window, self._used = window, 0
        if self._used + units > self._most:
            return False
        self._used += units
        return True

    def clear(self) -> None:
        """Give everything back."""
        self._used = 0
