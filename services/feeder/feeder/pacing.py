"""When leads are fed: from 06:00 on a broker's feed days, until the window ends (design §7)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from common.business_days import is_federal_holiday
from common.business_time import BUSINESS_ZONE

FEED_AT = time(6)
"""Local time of Los Angeles at which the feed begins."""

_WEEKDAYS = range(1, 6)


@dataclass(frozen=True, slots=True)
class FeedCalendar:
    """One broker's days. *weekdays* are ISO numbers: 1 is Monday."""

    weekdays: Collection[int] = _WEEKDAYS
    on_holidays: bool = False
    days_off: Collection[date] = ()

    def feeds_on(self, day: date) -> bool:
        """Whether leads are fed on *day*: never on a Saturday or Sunday, whatever a broker says."""
        if day.isoweekday() not in _WEEKDAYS or day.isoweekday() not in self.weekdays or day in self.days_off:
            return False
        return self.on_holidays or not is_federal_holiday(day)


def in_window(now: datetime, window: timedelta) -> bool:
    """Whether *now* lies within *window* after 06:00 of its local date."""
    local = now.astimezone(BUSINESS_ZONE)
    opens = datetime.combine(local.date(), FEED_AT, BUSINESS_ZONE)
    return opens <= local < opens + window
