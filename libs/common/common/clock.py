"""What time it is: the machine's time, or one that starts where a setting says, for tests and demonstrations."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The machine's time."""
    return datetime.now(UTC)


def starting_at(start: datetime | None) -> Clock:
    """A clock that shows *start* now and goes on from there; the machine's own for None."""
    if start is None:
        return utc_now
    ahead = start - utc_now()
    return lambda: utc_now() + ahead
