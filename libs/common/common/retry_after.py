"""How long a vendor asks to be left alone: the header `Retry-After` (RFC 9110, 10.2.3)."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(hours=1)
"""Longer than this nobody is left alone, whatever is asked for."""


def retry_after(text: str | None, now: datetime | None = None) -> timedelta | None:
    """The wait that *text* asks for, in seconds or until a date, from nothing to an hour; None where it cannot be read."""
    if not text:
        return None
    try:
        if text.strip().isdecimal():
            return timedelta(seconds=min(int(text[:20]), LONGEST.total_seconds()))
        wait = parsedate_to_datetime(text) - (now or datetime.now(UTC))
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(wait, timedelta()), LONGEST)
