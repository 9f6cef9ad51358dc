"""Business calendar: its time zone, its date, and the end of that date (docs/feeding.md#calendar)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

BUSINESS_ZONE = ZoneInfo("America/Los_Angeles")
"""Time zone of the broker's business calendar."""


def business_date(now: datetime) -> date:
    """Return the date of *now* in the business calendar."""
    return now.astimezone(BUSINESS_ZONE).date()


def next_business_midnight(now: datetime) -> datetime:
    """Return when the business date after that of *now* begins, in UTC. Daily limits start again then."""
    return datetime.combine(business_date(now) + timedelta(days=1), time(), BUSINESS_ZONE).astimezone(UTC)
