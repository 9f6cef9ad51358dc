"""Calling hours, checked against every clock that the person may live by.

The hours of each state are the rules of the kind `calling_hours` in `rules.yaml`. Our own rule for all states lies inside nearly
all of the others, so a state that tightens its law is seldom missed (ADR 12).
"""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from common.calendar.holidays import is_public_holiday
from common.compliance.legal_rules import legal_rules
from common.compliance.rule_kinds import CallingWindow, intersect_windows
from common.compliance.time_zones import TimeZonePlace

_SATURDAY, _SUNDAY = 5, 6
_SEARCH_HORIZON = timedelta(days=14)


@lru_cache(maxsize=4_096)
def calling_window(state: str, day: date) -> CallingWindow | None:
    """Return the hours of *day* in which people in *state* may be called, by their own clock. None on a day without calls."""
    week = legal_rules().law_of(state, day).calling_week
    window = {_SATURDAY: week.saturday, _SUNDAY: week.sunday}.get(day.weekday(), week.weekdays)
    return intersect_windows(window, week.holidays) if is_public_holiday(day, state) else window


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
