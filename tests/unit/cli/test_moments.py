"""Points in time for the clock, by date and by words."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.shell.errors import UsageError
from cli.shell.moments import parse_clock_time
from common.calendar.business_date import BUSINESS_ZONE
from common.calendar.holidays import is_business_day

THANKSGIVING_EVE = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)  # a Wednesday, 07:00 in Los Angeles


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("next feeding day 05:59", "2026-11-27T05:59-08:00"),
        ("Next-Feeding-Day  5:59", "2026-11-27T05:59-08:00"),
        ("feeding day 08:00", "2026-11-25T08:00-08:00"),
        ("next weekday 05:59", "2026-11-26T05:59-08:00"),
        ("next-weekday 05:59", "2026-11-26T05:59-08:00"),
        ("today 05:59", "2026-11-25T05:59-08:00"),
        ("tomorrow at 05:59:30", "2026-11-26T05:59:30-08:00"),
        ("monday 05:59", "2026-11-30T05:59-08:00"),
        ("next wednesday 06:00", "2026-12-02T06:00-08:00"),
        ("2026-12-01 05:59", "2026-12-01T05:59-08:00"),
        ("2026-12-01T13:59Z", "2026-12-01T05:59-08:00"),
    ],
)
def test_words_count_from_the_clock(text: str, expected: str) -> None:
    assert parse_clock_time(text, THANKSGIVING_EVE) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    "text", ["", "soon", "next feeding day", "monday 24:00", "05:59", "2026-02-30 05:00", "next year 05:00", "٣ 05:59"]
)
def test_text_that_is_no_moment_is_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_clock_time(text, THANKSGIVING_EVE)
    assert "next feeding day" in refused.value.advice


@given(
    st.integers(0, 14 * 366 * 24 * 60).map(
        lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    )
)
def test_the_next_feeding_day_is_soon_and_one_on_which_leads_are_fed(now: datetime) -> None:
    found = parse_clock_time("next feeding day 05:59", now)
    assert now < found < now + timedelta(days=7)
    local = found.astimezone(BUSINESS_ZONE)
    assert (local.hour, local.minute) == (5, 59)
    assert is_business_day(local.date())
