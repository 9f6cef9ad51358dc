"""Due times and statuses of jobs: pure functions, by the broker's business calendar (docs/architecture.md#jobs)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from common.calendar.business_date import BUSINESS_ZONE, business_date
from common.jobs.queries import JobState

EVERY_DAY = frozenset(range(7))
WEEKDAYS = frozenset(range(5))

JOB_LEASE_SECONDS = 60.0
"""A daily job without a heartbeat for this long is taken over; `pipeline.claim_job` has the same number."""
OVERDUE_GRACE = timedelta(minutes=15)
"""A daily job that has not succeeded this long after it was due is overdue, which raises an alert."""
MAX_SILENCE_SECONDS = 120.0
"""A repeated job is overdue after three intervals and this long without a heartbeat. Runs are counted and written together."""


@dataclass(frozen=True, slots=True)
class JobSchedule:
    """Schedule of a daily job: due once for each local date of *days* (Monday is 0), at *at* or until *window* later."""

    at: time
    window: timedelta = timedelta(hours=6)
    days: Collection[int] = EVERY_DAY

    def window_start(self, day: date) -> datetime:
        """Return when the job is due on *day*, in UTC. A skipped hour means the next one, a repeated hour the first one."""
        return datetime.combine(day, self.at, BUSINESS_ZONE).astimezone(UTC)

    def window_end(self, day: date) -> datetime:
        """Return when the window of *day* ends, in UTC."""
        return self.window_start(day) + self.window

    def due_date(self, now: datetime) -> date | None:
        """Return the local date for which the job is due at *now*, or None."""
        day = self.last_due_date(now)
        return day if day is not None and now < self.window_end(day) else None

    def last_due_date(self, now: datetime) -> date | None:
        """Return the last local date for which the job was due; None if it is never due."""
        today = business_date(now)
        days = (today - timedelta(days=back) for back in range(8))
        return next((day for day in days if day.weekday() in self.days and self.window_start(day) <= now), None)

    def next_due_time(self, now: datetime) -> datetime | None:
        """Return when the job is due next, in UTC; None if it is never due."""
        today = business_date(now)
        days = (today + timedelta(days=ahead) for ahead in range(8))
        return next(
            (self.window_start(day) for day in days if day.weekday() in self.days and self.window_start(day) > now),
            None,
        )


class JobStatus(StrEnum):
    """Status of a job."""

    SUCCEEDED = "succeeded"
    """The last due run succeeded."""
    RUNNING = "running"
    WAITING = "waiting"
    """The job has not been due since it was first declared, or it is due and starts within minutes."""
    FAILED = "failed"
    """The last run failed; a daily job is retried in its window."""
    OVERDUE = "overdue"
    """A daily job is late in its window, or runs beyond it; a repeated job has no recent heartbeat."""
    MISSED = "missed"
    """The window ended without a successful run."""

    @property
    def late(self) -> bool:
        """Whether the job is late: overdue or missed."""
        return self in (JobStatus.OVERDUE, JobStatus.MISSED)


def schedule_of_job(state: JobState) -> JobSchedule | None:
    """Return the schedule of a job; None for a repeated job."""
    if state.local_time is None or state.weekdays is None or state.window_minutes is None:
        return None
    days = frozenset(day - 1 for day in state.weekdays)
    return JobSchedule(state.local_time, timedelta(minutes=state.window_minutes), days)


def job_status(state: JobState, now: datetime) -> JobStatus:
    """Return the status of a job at *now*."""
    schedule = schedule_of_job(state)
    return _status_of_repeated(state) if schedule is None else _status_of_daily(state, schedule, now)


def _status_of_repeated(state: JobState) -> JobStatus:
    if state.silent_seconds > 3 * (state.every_seconds or 0) + MAX_SILENCE_SECONDS:
        return JobStatus.OVERDUE
    if state.local_date is None:
        return JobStatus.WAITING
    return JobStatus.SUCCEEDED if state.outcome == "ok" else JobStatus.FAILED


def _status_of_daily(state: JobState, schedule: JobSchedule, now: datetime) -> JobStatus:
    day = schedule.last_due_date(now)
    if day is None or (state.local_date is None and schedule.window_end(day) <= state.known_since):
        return JobStatus.WAITING
    has_run = state.local_date is not None and state.local_date >= day
    is_open = now < schedule.window_end(day)
    if has_run and state.outcome == "ok":
        return JobStatus.SUCCEEDED
    if has_run and state.finished_at is None and state.silent_seconds < JOB_LEASE_SECONDS:
        return JobStatus.RUNNING if is_open else JobStatus.OVERDUE
    if not is_open:
        return JobStatus.MISSED
    if has_run and state.outcome == "failed":
        return JobStatus.FAILED
    return JobStatus.OVERDUE if now >= schedule.window_start(day) + OVERDUE_GRACE else JobStatus.WAITING
