"""Calling hours by state, checked against every clock that the person may live by.

Federal law allows 8:00 to 21:00 at the called party's location (47 CFR 64.1200(c)(1), 16 CFR 310.4(c)). Many states are
stricter. Our default hours lie inside the hours of all states except those in `_STRICTER_STATES`. So there are few rows, and a
state that tightens its law is seldom missed (ADR 12). As of November 2026.
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from common.calendar.holidays import is_public_holiday
from common.compliance.time_zones import TimeZonePlace

MAX_CALLS_IN_24_HOURS = 3
"""Calls to one person in any 24 hours: Fla. Stat. 501.616(6)(b), 15 O.S. 775C.4 and Maryland's law; here in every state."""

_SATURDAY, _SUNDAY = 5, 6
_SEARCH_HORIZON = timedelta(days=14)


class CallingWindow(NamedTuple):
    """Local hours in which calls may start, *opens* included and *closes* excluded."""

    opens: time
    closes: time


class CallingWeek(NamedTuple):
    """Windows of a week. Sundays and public holidays have none: AL, LA, MS, PA, RI and UT forbid one or the other."""

    weekdays: CallingWindow
    saturday: CallingWindow


_DEFAULT_WEEK = CallingWeek(CallingWindow(time(9), time(20)), CallingWindow(time(9), time(20)))
_STRICTER_STATES = {
    "KY": CallingWeek(CallingWindow(time(10), time(20)), CallingWindow(time(10), time(20))),  # KRS 367.46955: from 10
    "PA": CallingWeek(
        CallingWindow(time(9), time(20)), CallingWindow(time(9), time(12))
    ),  # published tables end Saturdays at noon
    "RI": CallingWeek(
        CallingWindow(time(9), time(18)), CallingWindow(time(10), time(17))
    ),  # R.I. Gen. Laws 5-61-2(2), 5-61-3.6
}


@lru_cache(maxsize=4_096)
def calling_window(state: str, day: date) -> CallingWindow | None:
    """Return the hours of *day* in which people in *state* may be called, by their own clock. None on a day without calls."""
    if day.weekday() == _SUNDAY or is_public_holiday(day, state):
        return None
    week = _STRICTER_STATES.get(state, _DEFAULT_WEEK)
    return week.saturday if day.weekday() == _SATURDAY else week.weekdays


def next_calling_time(places: Collection[TimeZonePlace], at: datetime) -> datetime | None:
    """Return the first moment, *at* or later, that lies in the calling hours of all *places*, in UTC.

    It equals *at* exactly when a call is allowed at once. Return None if *places* is empty, because a person whose place is
    unknown is never called, or if no such moment comes within two weeks. Raise ValueError for a time without a zone.
    """
    if at.tzinfo is None:
        raise ValueError("The time has no zone. Give it in UTC.")
    moment: datetime | None = at.astimezone(UTC)
    latest = at + _SEARCH_HORIZON
    while moment is not None and places and moment < latest:
        openings = [_next_opening(place, moment) for place in places]
        later = None if None in openings else max(opening for opening in openings if opening)
        if later == moment:
            return moment
        moment = later
    return None


def _next_opening(place: TimeZonePlace, at: datetime) -> datetime | None:
    """Return the first moment from *at* on in the window of one place. None for a time zone that this machine does not know."""
    try:
        zone = ZoneInfo(place.zone)
    except ZoneInfoNotFoundError:
        return None
    today = at.astimezone(zone).date()
    for days_ahead in range(_SEARCH_HORIZON.days):
        day = today + timedelta(days=days_ahead)
        window = calling_window(place.state, day)
        if window and at < datetime.combine(day, window.closes, zone).astimezone(UTC):
            return max(at, datetime.combine(day, window.opens, zone).astimezone(UTC))
    return None
