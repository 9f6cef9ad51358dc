"""Due times and statuses of jobs: pure functions, by the broker's business calendar (docs/architecture.md#jobs)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from common.business_time import BUSINESS_ZONE, business_date

EVERY_DAY = frozenset(range(7))
WEEKDAYS = frozenset(range(5))

LEASE_SECONDS = 60.0
"""A daily job without a heartbeat for this long is taken over; `pipeline.claim_job` has the same number."""
GRACE = timedelta(minutes=15)
"""A daily job that has not succeeded this long after it was due is overdue, which raises an alert."""
QUIET_SECONDS = 120.0
"""A repeated job is overdue after three intervals and this long without a note, because notes are collected."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Schedule of a daily job: due once for each local date of *days* (Monday is 0), at *at* or until *window* later."""

    at: time
    window: timedelta = timedelta(hours=6)
    days: Collection[int] = EVERY_DAY

    def starts(self, day: date) -> datetime:
        """Return when the job is due on *day*, in UTC. A skipped hour means the next one, a repeated hour the first one."""
        return datetime.combine(day, self.at, BUSINESS_ZONE).astimezone(UTC)

    def ends(self, day: date) -> datetime:
        """Return when the window of *day* ends, in UTC."""
        return self.starts(day) + self.window

    def due(self, now: datetime) -> date | None:
        """Return the local date for which the job is due at *now*, or None."""
        day = self.last(now)
        return day if day is not None and now < self.ends(day) else None

    def last(self, now: datetime) -> date | None:
        """Return the last local date for which the job was due; None if it is never due."""
        today = business_date(now)
        days = (today - timedelta(days=back) for back in range(8))
        return next((day for day in days if day.weekday() in self.days and self.starts(day) <= now), None)

    def next(self, now: datetime) -> datetime | None:
        """Return when the job is due next, in UTC; None if it is never due."""
        today = business_date(now)
        days = (today + timedelta(days=ahead) for ahead in range(8))
        return next((self.starts(day) for day in days if day.weekday() in self.days and self.starts(day) > now), None)


class Standing(StrEnum):
    """Status of a job."""

    WELL = "well"
    """The last due run succeeded."""
    RUNNING = "running"
    WAITING = "waiting"
    """The job has not been due since it was first declared, or it is due and starts within minutes."""
    FAILED = "failed"
    """The last run failed; a daily job is retried in its window."""
    OVERDUE = "overdue"
    """A daily job is late in its window, or runs beyond it; a repeated job has no recent notes."""
    MISSED = "missed"
    """The window ended without a successful run."""

    @property
    def late(self) -> bool:
        """Whether the job is late: overdue or missed."""
        return self in (Standing.OVERDUE, Standing.MISSED)


def schedule_of(state: Mapping[str, Any]) -> Schedule | None:
    """Return the schedule of a row of `pipeline.job_states`; None for a repeated job."""
    if state["local_time"] is None:
        return None
    days = frozenset(day - 1 for day in state["weekdays"])
    return Schedule(state["local_time"], timedelta(minutes=state["window_minutes"]), days)


def standing(state: Mapping[str, Any], now: datetime) -> Standing:
    """Return the status at *now* of the job of a row of `pipeline.job_states`."""
    schedule = schedule_of(state)
    return _status_of_repeated(state) if schedule is None else _status_of_daily(state, schedule, now)


def _status_of_repeated(state: Mapping[str, Any]) -> Standing:
    if state["silent_seconds"] > 3 * state["every_seconds"] + QUIET_SECONDS:
        return Standing.OVERDUE
    if state["local_date"] is None:
        return Standing.WAITING
    return Standing.WELL if state["outcome"] == "ok" else Standing.FAILED


def _status_of_daily(state: Mapping[str, Any], schedule: Schedule, now: datetime) -> Standing:
    day = schedule.last(now)
    if day is None or (state["local_date"] is None and schedule.ends(day) <= state["known_since"]):
        return Standing.WAITING
    has_run = state["local_date"] is not None and state["local_date"] >= day
    is_open = now < schedule.ends(day)
    if has_run and state["outcome"] == "ok":
        return Standing.WELL
    if has_run and state["finished_at"] is None and state["silent_seconds"] < LEASE_SECONDS:
        return Standing.RUNNING if is_open else Standing.OVERDUE
    if not is_open:
        return Standing.MISSED
    if has_run and state["outcome"] == "failed":
        return Standing.FAILED
    return Standing.OVERDUE if now >= schedule.starts(day) + GRACE else Standing.WAITING
