"""Parser of past days, as files and JSON write them. It returns None for a value that is no day, is ambiguous, or is a placeholder.

- Year first (`2019-03-07`, `2019/3/7`, `20190307`, `2019-Mar-07`) and named months (`7-Mar-19`, `March 7th, 2019`) have a single reading.
- With slashes the month goes first, as in the United States. A cell that can only begin with the day (`13/05/2019`) does.
- With dots or dashes both orders are in use: `7.3.2019` is read only if both orders give the same day, or one gives none.
- Five digits are a spreadsheet's serial number of the 1900 date system, from 1927 on; a fraction is no day.

The parser takes anything that JSON can contain and never raises.
"""

import re
from contextlib import suppress
from datetime import date, timedelta
from functools import lru_cache

from common.pii.contact_values import plain_characters
from common.records.values.text import as_text

_MAX_TEXT_LENGTH = 60
_EARLIEST_YEAR = 1900
"""A home that was last sold before this year has no living owner."""
_LAST_YEAR_OF_2000S = 40
_TWO_DIGITS = 2
_SERIAL_ZERO = date(1899, 12, 30)
_EARLIEST_SERIAL = 10_000

_PLACEHOLDER_DAYS = frozenset(
    {
        date(1900, 1, 1), date(1900, 1, 2), date(1901, 1, 1), date(1904, 1, 1), date(1904, 1, 2), date(1969, 12, 31),
        date(1970, 1, 1), date(1970, 1, 2),
    }
)  # fmt: skip
"""Day zero of databases, spreadsheets and operating systems, and its neighbours in other time zones."""

_TIME = re.compile(
    r"(?:t|\s+)[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.:][0-9]+)?)?\s*(?:[ap]\.?m\.?)?\s*(?:z|utc|gmt|[+-][0-9]{2}:?[0-9]{2})?"
)
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})")
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:\.0+)?")
_SERIAL = re.compile(r"([0-9]{5})(?:\.0+)?")
_WEEKDAY = re.compile(r"(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun)(?:day|nesday|sday|rsday|urday)?\.?,?\s+")
_DAY_NAME_YEAR = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?[-/\s.]*(?:of\s+)?([a-z]+)[-/\s.,]+([0-9]{4}|[0-9]{2})")
_NAME_DAY_YEAR = re.compile(r"([a-z]+)[-/\s.]*([0-9]{1,2})(?:st|nd|rd|th)?(?:[-/,.]\s*|\s+)([0-9]{4}|[0-9]{2})")
_YEAR_NAME_DAY = re.compile(r"([0-9]{4})[-/\s.,]*([a-z]+)[-/\s.]*([0-9]{1,2})")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH_OF = {name[:3]: number for number, name in enumerate(_MONTHS, 1)} | {
    name: number for number, name in enumerate(_MONTHS, 1)
}
_MONTH_OF["sept"] = 9


def parse_past_date(value: object, today: date) -> date | None:
    """Return the only day up to *today* that *value* can mean, or None."""
    text = value if type(value) is str else as_text(value)
    found = _read_day(text) if len(text) <= _MAX_TEXT_LENGTH else None
    if isinstance(found, int):
        found = _SERIAL_ZERO + timedelta(found) if found <= (today - _SERIAL_ZERO).days else None
    if found is None or not found.year >= _EARLIEST_YEAR or found > today or found in _PLACEHOLDER_DAYS:
        return None
    return found


@lru_cache(maxsize=8_192)
def _read_day(text: str) -> date | int | None:
    """Return the day that *text* names, or its serial number in a spreadsheet."""
    if found := _ISO.fullmatch(text):
        return _build_day(found[1], found[2], found[3])
    text = plain_characters(text).replace("\xa0", " ").strip().lower()
    if time := _TIME.search(text):
        text = text[: time.start()] if not text[time.end() :] else ""
    if found := _SERIAL.fullmatch(text):
        serial = int(found[1])
        return serial if serial >= _EARLIEST_SERIAL else None
    if found := _COMPACT.fullmatch(text):
        return _build_day(found[1], found[2], found[3])
    if found := _YEAR_FIRST.fullmatch(text):
        return _build_day(found[1], found[3], found[4])
    return _read_year_last(text) or _read_named_month(text)


def _read_year_last(text: str) -> date | None:
    found = _YEAR_LAST.fullmatch(text)
    if found is None:
        return None
    one, mark, other, year = found.groups()
    month_first = _build_day(year, one, other)
    day_first = _build_day(year, other, one) if len(year) > _TWO_DIGITS else None
    if mark == "/" or day_first is None or month_first == day_first:
        return (month_first or day_first) if mark == "/" or len(year) > _TWO_DIGITS else None
    return day_first if month_first is None else None


def _read_named_month(text: str) -> date | None:
    text = _WEEKDAY.sub("", text, count=1) if text[:1].isalpha() else text
    if found := _DAY_NAME_YEAR.fullmatch(text):
        day, name, year = found.groups()
    elif found := _NAME_DAY_YEAR.fullmatch(text):
        name, day, year = found.groups()
    elif found := _YEAR_NAME_DAY.fullmatch(text):
        year, name, day = found.groups()
    else:
        return None
    month = _MONTH_OF.get(name)
    return _build_day(year, str(month), day) if month else None


def _build_day(year: str, month: str, day: str) -> date | None:
    full = int(year)
    if len(year) == _TWO_DIGITS:
        full += 2000 if full <= _LAST_YEAR_OF_2000S else 1900
    with suppress(ValueError):
        return date(full, int(month), int(day))
    return None
