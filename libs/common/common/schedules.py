"""When jobs are due, and how they stand: pure, by the broker's business calendar (design §7)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from common.business_time import BUSINESS_ZONE, business_date

EVERY_DAY = frozenset(range(7))
WEEKDAYS = frozenset(range(5))

LEASE_SECONDS = 60.0
"""A daily job whose process gave no sign of life for so long is taken over; `pipeline.claim_job` says the same."""
GRACE = timedelta(minutes=15)
"""A daily job may end well so long after it was due before somebody is told."""
QUIET_SECONDS = 120.0
"""A repeated job may say nothing for three rounds and so long besides: notes are collected."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Due once each local date of *days* (Monday is 0), at *at* and, if that was missed, until *window* later."""

    at: time
    window: timedelta = timedelta(hours=6)
    days: Collection[int] = EVERY_DAY

    def starts(self, day: date) -> datetime:
        """When it falls due on *day*, in UTC. An hour that clocks skip is the one after; of one that comes twice, the first."""
        return datetime.combine(day, self.at, BUSINESS_ZONE).astimezone(UTC)

    def ends(self, day: date) -> datetime:
        """When the window of *day* closes, in UTC."""
        return self.starts(day) + self.window

    def due(self, now: datetime) -> date | None:
        """The local date that it is due for at *now*, or None."""
        day = self.last(now)
        return day if day is not None and now < self.ends(day) else None

    def last(self, now: datetime) -> date | None:
        """The local date for which it fell due last; None when it never does."""
        today = business_date(now)
        days = (today - timedelta(days=back) for back in range(8))
        return next((day for day in days if day.weekday() in self.days and self.starts(day) <= now), None)

    def next(self, now: datetime) -> datetime | None:
        """When it falls due next, in UTC; None when it never does."""
        today = business_date(now)
        days = (today + timedelta(days=ahead) for ahead in range(8))
        return next((self.starts(day) for day in days if day.weekday() in self.days and self.starts(day) > now), None)


class Standing(StrEnum):
    """How a job stands."""

    WELL = "well"
    RUNNING = "running"
    WAITING = "waiting"
    """It was not due yet since it was first declared, or is taken up any moment now."""
    FAILED = "failed"
    """It failed last; a daily one is tried again in its window."""
    OVERDUE = "overdue"
    """A daily one is late in its window, or runs past it; a repeated one gives no sign of life."""
    MISSED = "missed"
    """Its window closed without a run that went well."""

    @property
    def late(self) -> bool:
        """Whether what it should have done is not done."""
        return self in (Standing.OVERDUE, Standing.MISSED)


def schedule_of(state: Mapping[str, Any]) -> Schedule | None:
    """The schedule of a row of `pipeline.job_states`; None for a repeated job."""
    if state["local_time"] is None:
        return None
    days = frozenset(day - 1 for day in state["weekdays"])
    return Schedule(state["local_time"], timedelta(minutes=state["window_minutes"]), days)


def standing(state: Mapping[str, Any], now: datetime) -> Standing:
    """How the job of a row of `pipeline.job_states` stands at *now*."""
    schedule = schedule_of(state)
    return _repeated(state) if schedule is None else _daily(state, schedule, now)


def _repeated(state: Mapping[str, Any]) -> Standing:
    if state["silent_seconds"] > 3 * state["every_seconds"] + QUIET_SECONDS:
        return Standing.OVERDUE
    if state["local_date"] is None:
        return Standing.WAITING
    return Standing.WELL if state["outcome"] == "ok" else Standing.FAILED


def _daily(state: Mapping[str, Any], schedule: Schedule, now: datetime) -> Standing:
    day = schedule.last(now)
    if day is None or (state["local_date"] is None and schedule.ends(day) <= state["known_since"]):
        return Standing.WAITING
    ran = state["local_date"] is not None and state["local_date"] >= day
    open_ = now < schedule.ends(day)
    if ran and state["outcome"] == "ok":
        return Standing.WELL
    if ran and state["finished_at"] is None and state["silent_seconds"] < LEASE_SECONDS:
        return Standing.RUNNING if open_ else Standing.OVERDUE
    if not open_:
        return Standing.MISSED
    if ran and state["outcome"] == "failed":
        return Standing.FAILED
    return Standing.OVERDUE if now >= schedule.starts(day) + GRACE else Standing.WAITING
