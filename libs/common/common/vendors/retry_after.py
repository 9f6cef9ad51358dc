"""Parser of the header `Retry-After`, by which a vendor asks for a backoff (RFC 9110, 10.2.3)."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MAX_RETRY_AFTER = timedelta(hours=1)
"""Longest backoff that is granted, whatever the vendor asks for."""


def parse_retry_after(text: str | None, now: datetime | None = None) -> timedelta | None:
    """Return the wait that *text* asks for, in seconds or until a date, of at most MAX_RETRY_AFTER. None if it cannot be read."""
    if not text:
        return None
    try:
        if text.strip().isdecimal():
            return timedelta(seconds=min(int(text[:20]), MAX_RETRY_AFTER.total_seconds()))
        wait = parsedate_to_datetime(text) - (now or datetime.now(UTC))
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(wait, timedelta()), MAX_RETRY_AFTER)
