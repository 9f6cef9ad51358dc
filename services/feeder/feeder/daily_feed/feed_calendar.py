"""Feed calendar: on which days and at which hours leads are fed (docs/feeding.md, Calendar)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from common.calendar.business_date import BUSINESS_ZONE
from common.calendar.holidays import is_federal_holiday

FEED_START_TIME = time(6)
"""Local time in Los Angeles at which the feed starts."""

_WORKDAYS = range(1, 6)


@dataclass(frozen=True, slots=True)
class FeedCalendar:
    """One broker's feed days. *weekdays* are ISO numbers: 1 is Monday."""

    weekdays: Collection[int] = _WORKDAYS
    on_holidays: bool = False
    days_off: Collection[date] = ()

    def is_feed_day(self, day: date) -> bool:
        """Return whether leads are fed on *day*. It is never a Saturday or Sunday, even if *weekdays* contains them."""
        if day.isoweekday() not in _WORKDAYS or day.isoweekday() not in self.weekdays or day in self.days_off:
            return False
        return self.on_holidays or not is_federal_holiday(day)


def is_in_feed_window(now: datetime, window: timedelta) -> bool:
    """Return whether *now* lies within *window* after 06:00 of its local date."""
    local = now.astimezone(BUSINESS_ZONE)
    opens_at = datetime.combine(local.date(), FEED_START_TIME, BUSINESS_ZONE)
    return opens_at <= local < opens_at + window
