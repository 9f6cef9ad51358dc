"""State and schedule of jobs in words, for `equity jobs` and `equity status`."""

from datetime import datetime, timedelta
from typing import Any

from cli.shell.output import to_fields
from common.calendar.business_date import BUSINESS_ZONE
from common.jobs.queries import JobState
from common.jobs.schedule import JobSchedule, JobStatus, job_status, schedule_of_job

LATE_STATUSES = frozenset({JobStatus.FAILED, JobStatus.OVERDUE, JobStatus.MISSED})
"""Statuses of `equity jobs list --late`."""
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def describe_job(state: JobState, now: datetime) -> dict[str, Any]:
    """Return the fields of a job with its schedule and state in words."""
    schedule = schedule_of_job(state)
    status = job_status(state, now)
    due = schedule.next_due_time(now) if schedule else None
    return to_fields(state) | {
        "when": _describe_schedule(state),
        "next_due_at": due,
        "next": format_local(due),
        "last": format_local(state.finished_at or state.started_at),
        "status": str(status),
        "note": _describe_state(state, status, now),
    }


def _describe_state(state: JobState, status: JobStatus, now: datetime) -> str:
    """Return the state of a job in words: what is late, since when, and what happens next."""
    schedule = schedule_of_job(state)
    match status:
        case JobStatus.SUCCEEDED:
            return ""
        case JobStatus.WAITING:
            return "not due yet"
        case JobStatus.RUNNING:
            return f"running on {state.host} since {format_local(state.started_at)}"
    why = f" ({state.detail})" if state.detail else ""
    problem = (
        _describe_repeated_problem(state, status, why)
        if schedule is None
        else _describe_daily_problem(state, schedule, now, why)
    )
    good = f"succeeded last {format_local(state.last_success_at)}" if state.last_success_at else "never succeeded"
    return f"{problem}; {good}"


def _describe_repeated_problem(state: JobState, status: JobStatus, why: str) -> str:
    if status is JobStatus.FAILED:
        return f"failed{why}, is tried again"
    return f"overdue: no heartbeat for {timedelta(seconds=round(state.silent_seconds))}; is the service up?"


def _describe_daily_problem(state: JobState, schedule: JobSchedule, now: datetime, why: str) -> str:
    day = schedule.last_due_date(now)
    if day is None or now >= schedule.window_end(day):
        return f"missed on {day}{why}"
    until = f"is tried until {format_local(schedule.window_end(day))}"
    if state.local_date == day and state.failures:
        return f"failed {state.failures} times{why}, {until}"
    return f"overdue since {format_local(schedule.window_start(day))}, {until}"


def format_local(at: datetime | None) -> str:
    """Return *at* in Los Angeles, to the minute; empty for None."""
    return f"{at.astimezone(BUSINESS_ZONE):%Y-%m-%d %H:%M}" if at else ""


def _describe_schedule(state: JobState) -> str:
    schedule = schedule_of_job(state)
    if schedule is None:
        return f"every {state.every_seconds:g} s"
    days = [_WEEKDAYS[day] for day in sorted(schedule.days)]
    named = "daily" if len(days) == len(_WEEKDAYS) else f"{days[0]} to {days[-1]}" if days else "never"
    return f"{schedule.at:%H:%M} {named}, until {schedule.window.total_seconds() / 3600:g} h later"
