"""The clock of the business: its zone, its date, and when that ends (design §7)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

BUSINESS_ZONE = ZoneInfo("America/Los_Angeles")
"""The zone of the broker's business calendar."""


def business_date(now: datetime) -> date:
    """The date of *now* in the business calendar."""
    return now.astimezone(BUSINESS_ZONE).date()


def next_business_midnight(now: datetime) -> datetime:
    """When the business date after that of *now* begins, in UTC: daily limits start again then."""
    return datetime.combine(business_date(now) + timedelta(days=1), time(), BUSINESS_ZONE).astimezone(UTC)
