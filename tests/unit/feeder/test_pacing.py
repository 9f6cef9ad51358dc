"""On which days and at which hours leads are fed."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from common.business_time import BUSINESS_ZONE
from feeder.pacing import FeedCalendar, in_window

days = st.dates(date(2025, 1, 1), date(2035, 12, 31))
SIX_HOURS = timedelta(hours=6)


def test_federal_holidays_and_the_days_they_are_observed_on_rest() -> None:
    for day in (date(2026, 11, 26), date(2026, 6, 19), date(2027, 7, 5), date(2026, 7, 3), date(2026, 10, 12)):
        assert not FeedCalendar().feeds_on(day)
        assert FeedCalendar(on_holidays=True).feeds_on(day)
    assert FeedCalendar().feeds_on(date(2026, 11, 27))


@given(days, st.sets(st.integers(1, 7)), st.booleans(), st.sets(days, max_size=3))
def test_no_calendar_feeds_on_a_weekend_or_a_day_off(
    day: date, weekdays: set[int], on_holidays: bool, off: set[date]
) -> None:
    feeds = FeedCalendar(weekdays, on_holidays, off).feeds_on(day)
    assert not feeds or (day.weekday() < 5 and day.isoweekday() in weekdays and day not in off)


def test_the_window_opens_at_six_local_time_on_both_sides_of_a_clock_change() -> None:
    for utc, opens in (
        (datetime(2026, 3, 6, 14, 0, tzinfo=UTC), True),  # Friday, PST
        (datetime(2026, 3, 6, 13, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 9, 13, 0, tzinfo=UTC), True),  # Monday, PDT
        (datetime(2026, 3, 9, 12, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 2, 13, 59, tzinfo=UTC), False),  # Monday, PST again
        (datetime(2026, 11, 2, 14, 0, tzinfo=UTC), True),
    ):
        assert in_window(utc, SIX_HOURS) is opens


@given(st.integers(0, 366 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)))
def test_the_window_is_the_local_hours_from_six_to_noon(now: datetime) -> None:
    assert in_window(now, SIX_HOURS) is (6 <= now.astimezone(BUSINESS_ZONE).hour < 12)
