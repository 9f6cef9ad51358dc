"""When a daily job is due: once each local date, by the broker's business calendar."""

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from common.business_time import BUSINESS_ZONE
from common.jobs import WEEKDAYS, DailyJob


async def _nothing() -> None:
    return None


FEED = DailyJob("feeder.feed", time(6), _nothing, timedelta(hours=3), WEEKDAYS)


def local(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BUSINESS_ZONE)


def test_a_job_is_due_from_its_hour_until_its_window_ends() -> None:
    assert FEED.due(local(2026, 11, 20, 5, 59)) is None
    assert FEED.due(local(2026, 11, 20, 6)) == date(2026, 11, 20)
    assert FEED.due(local(2026, 11, 20, 8, 59)) == date(2026, 11, 20)
    assert FEED.due(local(2026, 11, 20, 9)) is None


def test_a_weekday_job_rests_on_the_weekend() -> None:
    assert FEED.due(local(2026, 11, 21, 7)) is None
    assert FEED.due(local(2026, 11, 23, 7)) == date(2026, 11, 23)


def test_the_hour_is_local_on_both_sides_of_a_clock_change() -> None:
    assert FEED.due(datetime(2026, 3, 6, 14, 0, tzinfo=UTC)) == date(2026, 3, 6)
    assert FEED.due(datetime(2026, 3, 9, 13, 0, tzinfo=UTC)) == date(2026, 3, 9)
    assert FEED.due(datetime(2026, 11, 2, 13, 30, tzinfo=UTC)) is None


@given(st.integers(0, 365 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)))
def test_the_date_it_is_due_for_is_the_local_one(now: datetime) -> None:
    assert FEED.due(now) in (None, now.astimezone(BUSINESS_ZONE).date())
