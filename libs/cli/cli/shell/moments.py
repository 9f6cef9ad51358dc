"""Points in time as a user writes them for the clock: a date and time, or words such as `next feeding day 05:59`."""

import re
from datetime import UTC, datetime, time, timedelta

from cli.shell.errors import UsageError
from common.calendar.business_date import BUSINESS_ZONE

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FRIDAY = 5
_SEARCHED_DAYS = 30
"""Days within which every kind of day occurs."""
_WORDS = re.compile(
    rf"(?:(?:the )?next )?(today|tomorrow|day|feeding day|weekday|{'|'.join(_WEEKDAYS)})(?: at)? (\d{{1,2}}):(\d{{2}})(?::(\d{{2}}))?"
)
ADVICE = (
    'Write "next feeding day 05:59", "tomorrow 05:59", "monday 05:59", a date such as "2027-03-01 05:59" (all in Los Angeles), '
    "or 2027-03-01T13:59Z."
)


def parse_clock_time(text: str, now: datetime) -> datetime:
    """Return the moment *text*, in UTC; words count from *now*, the time of the clock.

    A feeding day is Monday to Friday and no federal holiday. That is the feed's calendar for a broker with default settings.
    Raises UsageError for any other text.
    """
    words = " ".join(text.replace("-", " ").split()).casefold()
    try:
        if found := _WORDS.fullmatch(words):
            at = time(int(found[2]), int(found[3]), int(found[4] or 0))
            return _find_day(found[1], at, now).astimezone(UTC)
        given = datetime.fromisoformat(text.strip())
        return (given if given.tzinfo else given.replace(tzinfo=BUSINESS_ZONE)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{text!r} is no moment.", ADVICE) from error


def _find_day(kind: str, at: time, now: datetime) -> datetime:
    """Return the first day of this *kind* whose time *at* is later than *now*; there is only one `today` and `tomorrow`."""
    local = now.astimezone(BUSINESS_ZONE)
    if kind in ("today", "tomorrow"):
        return datetime.combine(local.date() + timedelta(days=kind == "tomorrow"), at, BUSINESS_ZONE)
    coming = (
        datetime.combine(local.date() + timedelta(days=ahead), at, BUSINESS_ZONE) for ahead in range(_SEARCHED_DAYS)
    )
    return next(moment for moment in coming if moment > local and _is_day_of_kind(kind, moment))


def _is_day_of_kind(kind: str, moment: datetime) -> bool:
    match kind:
        case "day":
            return True
        case "weekday":
            return moment.isoweekday() <= _FRIDAY
        case "feeding day":
            from common.calendar.holidays import is_business_day  # noqa: PLC0415 - its calendar takes a second to load

            return is_business_day(moment.date())
        case _:
            return _WEEKDAYS[moment.weekday()] == kind
