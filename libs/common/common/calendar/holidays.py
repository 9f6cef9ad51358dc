"""Business days: weekdays without federal holidays, by the library `holidays`.

The library takes a second to load. Code that needs only the clock imports `common.calendar.business_date`.
"""

from datetime import date, timedelta
from functools import lru_cache

from holidays.countries.united_states import UnitedStates

_SATURDAY = 5


def is_federal_holiday(day: date) -> bool:
    """Return whether *day* is a federal holiday, or the day on which one is observed (5 U.S.C. 6103)."""
    return day in _holidays(None, day.year)


def is_public_holiday(day: date, state: str) -> bool:
    """Return whether *day* is a holiday, federal or of *state* (its two letters); days of observance count too."""
    return is_federal_holiday(day) or day in _holidays(state, day.year)


def is_business_day(day: date) -> bool:
    """Return whether *day* is a weekday and no federal holiday."""
    return day.weekday() < _SATURDAY and not is_federal_holiday(day)


def next_business_day(day: date) -> date:
    """Return the first business day after *day*."""
    day += timedelta(days=1)
    while not is_business_day(day):
        day += timedelta(days=1)
    return day


@lru_cache(maxsize=512)
def _holidays(state: str | None, year: int) -> frozenset[date]:
    days = UnitedStates(subdiv=state, years=year)  # type: ignore[no-untyped-call]  # the library has types, but not for this class
    return frozenset(days)
