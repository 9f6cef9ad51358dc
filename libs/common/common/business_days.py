"""Days on which business is done: weekdays and public holidays, in the business's own time zone (design §7)."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays

BUSINESS_ZONE = ZoneInfo("America/Los_Angeles")
"""The zone of the broker's business calendar."""

_SATURDAY = 5


def business_date(now: datetime) -> date:
    """The date of *now* in the business calendar."""
    return now.astimezone(BUSINESS_ZONE).date()


def next_business_midnight(now: datetime) -> datetime:
    """When the business date after that of *now* begins, in UTC: daily limits start again then."""
    return datetime.combine(business_date(now) + timedelta(days=1), time(), BUSINESS_ZONE).astimezone(UTC)


def is_federal_holiday(day: date) -> bool:
    """Whether *day* is a federal holiday, or the day on which one is observed (5 U.S.C. 6103)."""
    return day in _holidays(None, day.year)


def is_public_holiday(day: date, state: str) -> bool:
    """Whether *day* is a federal holiday or one of *state*, by its two letters; days of observance count too."""
    return is_federal_holiday(day) or day in _holidays(state, day.year)


def is_business_day(day: date) -> bool:
    """Whether *day* is a weekday and no federal holiday."""
    return day.weekday() < _SATURDAY and not is_federal_holiday(day)


def next_business_day(day: date) -> date:
    """The first business day after *day*."""
    day += timedelta(days=1)
    while not is_business_day(day):
        day += timedelta(days=1)
    return day


@lru_cache(maxsize=512)
def _holidays(state: str | None, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("US", subdiv=state, years=year))
