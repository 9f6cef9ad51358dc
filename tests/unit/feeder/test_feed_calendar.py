"""Feed calendar: days and hours of the feed."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from common.calendar.business_date import BUSINESS_ZONE
from common.calendar.holidays import is_federal_holiday
from feeder.daily_feed.feed_calendar import FeedCalendar, is_in_feed_window

days = st.dates(date(2025, 1, 1), date(2035, 12, 31))
SIX_HOURS = timedelta(hours=6)
HOLIDAYS = [date(2026, 11, 26), date(2026, 6, 19), date(2027, 7, 5), date(2026, 7, 3), date(2026, 10, 12)]


def test_federal_holidays_and_the_days_they_are_observed_on_are_no_feed_days() -> None:
    for day in HOLIDAYS:
        assert not FeedCalendar().is_feed_day(day)
        assert FeedCalendar(on_holidays=True).is_feed_day(day)
    assert FeedCalendar().is_feed_day(date(2026, 11, 27))


def test_a_weekend_is_no_feed_day_even_if_the_broker_lists_it() -> None:
    every_day = FeedCalendar(range(1, 8), on_holidays=True)
    assert [every_day.is_feed_day(date(2026, 11, 16 + ahead)) for ahead in range(7)] == [True] * 5 + [False] * 2


@given(st.one_of(days, st.sampled_from(HOLIDAYS)), st.sets(st.integers(1, 7)), st.booleans(), st.booleans())
def test_feed_days_are_the_brokers_weekdays_except_holidays_and_days_off(
    day: date, weekdays: set[int], on_holidays: bool, off: bool
) -> None:
    feeds = FeedCalendar(weekdays, on_holidays, [day] if off else []).is_feed_day(day)
    wanted = day.weekday() < 5 and day.isoweekday() in weekdays and not off
    assert feeds is (wanted and (on_holidays or not is_federal_holiday(day)))


def test_the_window_opens_at_six_local_time_on_both_sides_of_a_clock_change() -> None:
    for utc, opens in (
        (datetime(2026, 3, 6, 14, 0, tzinfo=UTC), True),  # Friday, PST
        (datetime(2026, 3, 6, 13, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 9, 13, 0, tzinfo=UTC), True),  # Monday, PDT
        (datetime(2026, 3, 9, 12, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 2, 13, 59, tzinfo=UTC), False),  # Monday, PST again
        (datetime(2026, 11, 2, 14, 0, tzinfo=UTC), True),
    ):
        assert is_in_feed_window(utc, SIX_HOURS) is opens


def test_the_window_ends_with_its_last_moment() -> None:
    noon = datetime(2026, 11, 16, 20, 0, tzinfo=UTC)
    assert is_in_feed_window(noon - timedelta(microseconds=1), SIX_HOURS)
    assert not is_in_feed_window(noon, SIX_HOURS)


@given(st.integers(0, 366 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)))
def test_the_window_is_the_local_hours_from_six_to_noon(now: datetime) -> None:
    assert is_in_feed_window(now, SIX_HOURS) is (6 <= now.astimezone(BUSINESS_ZONE).hour < 12)
