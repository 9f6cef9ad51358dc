"""Due times of daily jobs, once for each local date of the business calendar, and statuses of jobs."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.calendar.business_date import BUSINESS_ZONE
from common.jobs.queries import JobState
from common.jobs.schedule import WEEKDAYS, JobSchedule, JobStatus, job_status

FEED = JobSchedule(time(6), timedelta(hours=3), WEEKDAYS)
DAY_WITH_SKIPPED_HOUR = date(2026, 3, 8)
"""This day has no 02:30."""
DAY_WITH_REPEATED_HOUR = date(2026, 11, 1)
"""This day has 01:30 twice."""


def local(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BUSINESS_ZONE)


def test_a_job_is_due_from_its_hour_until_its_window_ends() -> None:
    assert FEED.due_date(local(2026, 11, 20, 5, 59)) is None
    assert FEED.due_date(local(2026, 11, 20, 6)) == date(2026, 11, 20)
    assert FEED.due_date(local(2026, 11, 20, 8, 59)) == date(2026, 11, 20)
    assert FEED.due_date(local(2026, 11, 20, 9)) is None


def test_a_weekday_job_is_not_due_on_the_weekend() -> None:
    assert FEED.due_date(local(2026, 11, 21, 7)) is None
    assert FEED.due_date(local(2026, 11, 23, 7)) == date(2026, 11, 23)
    assert FEED.next_due_time(local(2026, 11, 20, 6)) == local(2026, 11, 23, 6)
    assert FEED.last_due_date(local(2026, 11, 22, 6)) == date(2026, 11, 20)


def test_the_due_hour_is_local_before_and_after_a_clock_change() -> None:
    assert FEED.due_date(datetime(2026, 3, 6, 14, 0, tzinfo=UTC)) == date(2026, 3, 6)
    assert FEED.due_date(datetime(2026, 3, 9, 13, 0, tzinfo=UTC)) == date(2026, 3, 9)
    assert FEED.due_date(datetime(2026, 11, 2, 13, 30, tzinfo=UTC)) is None


def test_an_hour_that_the_clock_change_skips_means_the_next_hour() -> None:
    night = JobSchedule(time(2, 30), timedelta(minutes=15))
    assert night.window_start(DAY_WITH_SKIPPED_HOUR) == local(2026, 3, 8, 3, 30)
    assert night.due_date(local(2026, 3, 8, 3, 40)) == DAY_WITH_SKIPPED_HOUR


def test_a_repeated_hour_means_the_first_one_and_the_job_stays_due_in_the_second() -> None:
    night = JobSchedule(time(1, 30), timedelta(hours=6))
    assert night.window_start(DAY_WITH_REPEATED_HOUR) == datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
    assert night.due_date(datetime(2026, 11, 1, 9, 10, tzinfo=UTC)) == DAY_WITH_REPEATED_HOUR


def test_a_window_may_end_after_midnight() -> None:
    late = JobSchedule(time(23), timedelta(hours=3))
    assert late.due_date(local(2026, 11, 21, 1)) == date(2026, 11, 20)
    assert late.due_date(local(2026, 11, 21, 2)) is None


schedules = st.builds(
    JobSchedule,
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.integers(1, 24 * 60).map(lambda minutes: timedelta(minutes=minutes)),
    st.frozensets(st.integers(0, 6), min_size=1),
)
changes = [date(year, month, day) for year in range(2024, 2036) for month in (3, 11) for day in range(1, 15)]
days = st.one_of(st.sampled_from(changes), st.dates(date(2024, 1, 1), date(2036, 1, 1)))


@given(schedules, days)
def test_a_job_is_due_in_one_interval_for_every_date_of_every_year(schedule: JobSchedule, day: date) -> None:
    start = schedule.window_start(day)
    assert start.astimezone(BUSINESS_ZONE).date() == day
    if day.weekday() not in schedule.days:
        assert schedule.due_date(start) != day
        return
    assert schedule.due_date(start) == day
    assert schedule.last_due_date(start) == day
    assert schedule.due_date(start - timedelta(seconds=1)) != day
    assert schedule.due_date(schedule.window_end(day)) != day
    assert schedule.next_due_time(start - timedelta(seconds=1)) == start


@given(schedules, days, st.integers(1, 15))
def test_a_check_every_few_minutes_runs_the_job_once_for_each_date(
    schedule: JobSchedule, first: date, minutes: int
) -> None:
    """Checks for three days, every few minutes, with windows that are longer than that."""
    schedule = JobSchedule(schedule.at, max(schedule.window, timedelta(minutes=minutes)), schedule.days)
    now, ran = schedule.window_start(first), []
    until = schedule.window_start(first + timedelta(days=3))
    while now < until:
        day = schedule.due_date(now)
        if day is not None and day not in ran:
            ran.append(day)
        now += timedelta(minutes=minutes)
    expected = [first + timedelta(days=ahead) for ahead in range(3)]
    assert [day for day in ran if day >= first] == [day for day in expected if day.weekday() in schedule.days]


@given(
    schedules,
    st.integers(0, 365 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)),
)
def test_now_is_between_the_last_and_the_next_due_time(schedule: JobSchedule, now: datetime) -> None:
    last, following = schedule.last_due_date(now), schedule.next_due_time(now)
    assert last is not None and following is not None
    assert schedule.window_start(last) <= now < following
    assert schedule.due_date(now) in (None, last)


MORNING = local(2026, 11, 20, 6)


def row(**fields: Any) -> JobState:
    never: dict[str, Any] = {
        "job": "feeder.feed",
        "local_time": time(6),
        "weekdays": [1, 2, 3, 4, 5],
        "window_minutes": 180,
        "every_seconds": None,
        "known_since": MORNING - timedelta(days=30),
        "local_date": None,
        "host": None,
        "started_at": None,
        "detail": None,
        "runs": None,
        "failures": None,
        "last_success_at": None,
        "finished_at": None,
        "outcome": None,
        "silent_seconds": 10_000.0,
    }
    return JobState(**never | fields)


RAN_TODAY = {"local_date": MORNING.date(), "finished_at": MORNING}
RAN_THURSDAY = {"local_date": date(2026, 11, 19), "finished_at": MORNING, "outcome": "ok"}


@pytest.mark.parametrize(
    ("minutes", "fields", "expected"),
    [
        (-1, RAN_THURSDAY, JobStatus.SUCCEEDED),
        (1, RAN_THURSDAY, JobStatus.WAITING),
        (16, RAN_THURSDAY, JobStatus.OVERDUE),
        (181, RAN_THURSDAY, JobStatus.MISSED),
        (60, RAN_TODAY | {"outcome": "ok"}, JobStatus.SUCCEEDED),
        (60, RAN_TODAY | {"outcome": "failed"}, JobStatus.FAILED),
        (181, RAN_TODAY | {"outcome": "failed"}, JobStatus.MISSED),
        (60, RAN_TODAY | {"finished_at": None, "silent_seconds": 5.0}, JobStatus.RUNNING),
        (181, RAN_TODAY | {"finished_at": None, "silent_seconds": 5.0}, JobStatus.OVERDUE),
        (60, RAN_TODAY | {"finished_at": None, "silent_seconds": 90.0}, JobStatus.OVERDUE),
        (2 * 24 * 60, RAN_TODAY | {"outcome": "ok"}, JobStatus.SUCCEEDED),
        (2 * 24 * 60, RAN_THURSDAY, JobStatus.MISSED),
        (600, {"known_since": MORNING + timedelta(hours=4)}, JobStatus.WAITING),
        (600, {}, JobStatus.MISSED),
        (600, {"weekdays": []}, JobStatus.WAITING),
    ],
)
def test_a_daily_job_has_its_status(minutes: int, fields: dict[str, Any], expected: JobStatus) -> None:
    assert job_status(row(**fields), MORNING + timedelta(minutes=minutes)) is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"silent_seconds": 100.0}, JobStatus.WAITING),
        ({"silent_seconds": 140.0}, JobStatus.OVERDUE),
        ({**RAN_TODAY, "outcome": "ok", "silent_seconds": 20.0}, JobStatus.SUCCEEDED),
        ({**RAN_TODAY, "outcome": "failed", "silent_seconds": 20.0}, JobStatus.FAILED),
        ({**RAN_TODAY, "outcome": "ok", "silent_seconds": 140.0}, JobStatus.OVERDUE),
    ],
)
def test_a_repeated_job_has_its_status(fields: dict[str, Any], expected: JobStatus) -> None:
    assert job_status(row(local_time=None, every_seconds=5.0, **fields), MORNING) is expected
