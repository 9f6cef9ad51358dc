"""When a daily job is due: once each local date, by the broker's business calendar; and how a job stands."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.business_time import BUSINESS_ZONE
from common.schedules import WEEKDAYS, Schedule, Standing, standing

FEED = Schedule(time(6), timedelta(hours=3), WEEKDAYS)
SKIPPED = date(2026, 3, 8)
"""There is no 02:30 on this day."""
REPEATED = date(2026, 11, 1)
"""01:30 comes twice on this day."""


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
    assert FEED.next(local(2026, 11, 20, 6)) == local(2026, 11, 23, 6)
    assert FEED.last(local(2026, 11, 22, 6)) == date(2026, 11, 20)


def test_the_hour_is_local_on_both_sides_of_a_clock_change() -> None:
    assert FEED.due(datetime(2026, 3, 6, 14, 0, tzinfo=UTC)) == date(2026, 3, 6)
    assert FEED.due(datetime(2026, 3, 9, 13, 0, tzinfo=UTC)) == date(2026, 3, 9)
    assert FEED.due(datetime(2026, 11, 2, 13, 30, tzinfo=UTC)) is None


def test_an_hour_that_clocks_skip_is_the_one_after() -> None:
    night = Schedule(time(2, 30), timedelta(minutes=15))
    assert night.starts(SKIPPED) == local(2026, 3, 8, 3, 30)
    assert night.due(local(2026, 3, 8, 3, 40)) == SKIPPED


def test_an_hour_that_comes_twice_is_the_first_and_stays_due_in_the_second() -> None:
    night = Schedule(time(1, 30), timedelta(hours=6))
    assert night.starts(REPEATED) == datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
    assert night.due(datetime(2026, 11, 1, 9, 10, tzinfo=UTC)) == REPEATED


def test_a_window_may_go_past_midnight() -> None:
    late = Schedule(time(23), timedelta(hours=3))
    assert late.due(local(2026, 11, 21, 1)) == date(2026, 11, 20)
    assert late.due(local(2026, 11, 21, 2)) is None


schedules = st.builds(
    Schedule,
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.integers(1, 24 * 60).map(lambda minutes: timedelta(minutes=minutes)),
    st.frozensets(st.integers(0, 6), min_size=1),
)
changes = [date(year, month, day) for year in range(2024, 2036) for month in (3, 11) for day in range(1, 15)]
days = st.one_of(st.sampled_from(changes), st.dates(date(2024, 1, 1), date(2036, 1, 1)))


@given(schedules, days)
def test_every_date_of_every_year_has_one_stretch_in_which_the_job_is_due_for_it(schedule: Schedule, day: date) -> None:
    start = schedule.starts(day)
    assert start.astimezone(BUSINESS_ZONE).date() == day
    wanted = day if day.weekday() in schedule.days else None
    if wanted is None:
        assert schedule.due(start) != day
        return
    assert schedule.due(start) == day
    assert schedule.last(start) == day
    assert schedule.due(start - timedelta(seconds=1)) != day
    assert schedule.due(schedule.ends(day)) != day
    assert schedule.next(start - timedelta(seconds=1)) == start


@given(schedules, days, st.integers(1, 15))
def test_whoever_looks_every_few_minutes_runs_it_once_for_each_date(
    schedule: Schedule, first: date, minutes: int
) -> None:
    """Three days, looked at every few minutes; its windows are longer than that."""
    schedule = Schedule(schedule.at, max(schedule.window, timedelta(minutes=minutes)), schedule.days)
    now, ran = schedule.starts(first), []
    until = schedule.starts(first + timedelta(days=3))
    while now < until:
        day = schedule.due(now)
        if day is not None and day not in ran:
            ran.append(day)
        now += timedelta(minutes=minutes)
    expected = [first + timedelta(days=ahead) for ahead in range(3)]
    assert [day for day in ran if day >= first] == [day for day in expected if day.weekday() in schedule.days]


@given(
    schedules,
    st.integers(0, 365 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)),
)
def test_what_is_due_was_due_last_and_is_not_due_next(schedule: Schedule, now: datetime) -> None:
    last, following = schedule.last(now), schedule.next(now)
    assert last is not None and following is not None
    assert schedule.starts(last) <= now < following
    assert schedule.due(now) in (None, last)


MORNING = local(2026, 11, 20, 6)


def row(**fields: Any) -> dict[str, Any]:
    never: dict[str, Any] = {
        "local_time": time(6),
        "weekdays": [1, 2, 3, 4, 5],
        "window_minutes": 180,
        "every_seconds": None,
        "known_since": MORNING - timedelta(days=30),
        "local_date": None,
        "finished_at": None,
        "outcome": None,
        "silent_seconds": 10_000.0,
    }
    return never | fields


TODAY = {"local_date": MORNING.date(), "finished_at": MORNING}
THURSDAY = {"local_date": date(2026, 11, 19), "finished_at": MORNING, "outcome": "ok"}


@pytest.mark.parametrize(
    ("minutes", "fields", "expected"),
    [
        (-1, THURSDAY, Standing.WELL),
        (1, THURSDAY, Standing.WAITING),
        (16, THURSDAY, Standing.OVERDUE),
        (181, THURSDAY, Standing.MISSED),
        (60, TODAY | {"outcome": "ok"}, Standing.WELL),
        (60, TODAY | {"outcome": "failed"}, Standing.FAILED),
        (181, TODAY | {"outcome": "failed"}, Standing.MISSED),
        (60, TODAY | {"finished_at": None, "silent_seconds": 5.0}, Standing.RUNNING),
        (181, TODAY | {"finished_at": None, "silent_seconds": 5.0}, Standing.OVERDUE),
        (60, TODAY | {"finished_at": None, "silent_seconds": 90.0}, Standing.OVERDUE),
        (2 * 24 * 60, TODAY | {"outcome": "ok"}, Standing.WELL),
        (2 * 24 * 60, THURSDAY, Standing.MISSED),
        (600, {"known_since": MORNING + timedelta(hours=4)}, Standing.WAITING),
        (600, {}, Standing.MISSED),
        (600, {"weekdays": []}, Standing.WAITING),
    ],
)
def test_how_a_daily_job_stands(minutes: int, fields: dict[str, Any], expected: Standing) -> None:
    assert standing(row(**fields), MORNING + timedelta(minutes=minutes)) is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"silent_seconds": 100.0}, Standing.WAITING),
        ({"silent_seconds": 140.0}, Standing.OVERDUE),
        ({**TODAY, "outcome": "ok", "silent_seconds": 20.0}, Standing.WELL),
        ({**TODAY, "outcome": "failed", "silent_seconds": 20.0}, Standing.FAILED),
        ({**TODAY, "outcome": "ok", "silent_seconds": 140.0}, Standing.OVERDUE),
    ],
)
def test_how_a_repeated_job_stands(fields: dict[str, Any], expected: Standing) -> None:
    assert standing(row(local_time=None, every_seconds=5.0, **fields), MORNING) is expected
