"""Business days: weekdays and holidays in the time zone of the business."""

from datetime import UTC, date, datetime

import pytest

from common.calendar.business_date import business_date, next_business_midnight
from common.calendar.holidays import is_business_day, is_federal_holiday, is_public_holiday, next_business_day


def test_the_business_date_is_the_date_of_the_west_coast() -> None:
    assert business_date(datetime(2026, 11, 21, 7, 59, tzinfo=UTC)) == date(2026, 11, 20)
    assert business_date(datetime(2026, 11, 21, 8, 0, tzinfo=UTC)) == date(2026, 11, 21)


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 1, 1), date(2026, 1, 19), date(2026, 2, 16), date(2026, 5, 25), date(2026, 6, 19), date(2026, 7, 4),
        date(2026, 9, 7), date(2026, 10, 12), date(2026, 11, 11), date(2026, 11, 26), date(2026, 12, 25),
    ],
)  # fmt: skip
def test_each_federal_holiday_of_2026_is_no_business_day(day: date) -> None:
    assert is_federal_holiday(day)
    assert not is_business_day(day)


def test_a_holiday_on_a_weekend_is_observed_on_the_nearest_weekday() -> None:
    assert is_federal_holiday(date(2026, 7, 3))
    assert is_federal_holiday(date(2027, 7, 5))
    assert is_federal_holiday(date(2021, 12, 31))  # for the New Year of another year


def test_a_state_has_its_own_holidays_and_the_federal_ones() -> None:
    mardi_gras = date(2026, 2, 17)
    assert is_public_holiday(mardi_gras, "LA")
    assert not is_public_holiday(mardi_gras, "FL")
    assert is_public_holiday(date(2026, 12, 25), "FL")
    assert is_public_holiday(date(2026, 10, 12), "TX")  # federal, although Texas does not observe it


@pytest.mark.parametrize(
    ("day", "following"),
    [
        (date(2026, 11, 19), date(2026, 11, 20)),
        (date(2026, 11, 20), date(2026, 11, 23)),  # Friday to Monday
        (date(2026, 11, 25), date(2026, 11, 27)),  # over Thanksgiving
        (date(2026, 7, 2), date(2026, 7, 6)),  # over a weekend with a holiday before it
    ],
)
def test_the_next_business_day_skips_weekends_and_holidays(day: date, following: date) -> None:
    assert next_business_day(day) == following


@pytest.mark.parametrize(
    ("now", "midnight"),
    [
        (datetime(2026, 11, 20, 20, tzinfo=UTC), datetime(2026, 11, 21, 8, tzinfo=UTC)),
        (
            datetime(2026, 3, 8, 20, tzinfo=UTC),
            datetime(2026, 3, 9, 7, tzinfo=UTC),
        ),  # 23 hours after the previous midnight
        (datetime(2026, 11, 1, 20, tzinfo=UTC), datetime(2026, 11, 2, 8, tzinfo=UTC)),
    ],
)
def test_a_business_date_ends_at_local_midnight_in_every_season(now: datetime, midnight: datetime) -> None:
    assert next_business_midnight(now) == midnight
