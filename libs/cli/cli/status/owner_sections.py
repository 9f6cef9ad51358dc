"""Sections about all services that are read as the owner: jobs, vendors and migrations."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from cli.diagnostics import Matter, StatusSection
from cli.job_descriptions import LATE_STATUSES, describe_job
from cli.shell.durations import format_age
from cli.status.queries import UnavailableVendor
from common.calendar.clock import utc_now
from common.jobs.queries import JobState
from common.vendors.policy import DEFAULT_FAILURE_THRESHOLD
from schema.migrate import MigrationState

NEXT_JOBS_SHOWN = 3
LONG_OUTAGE = timedelta(minutes=15)
"""Outage after which the alert `VendorDown` fires."""
_JOB_COLUMNS = {"job": "job", "next": "next due", "last": "last run", "note": "state"}
_VENDOR_COLUMNS = {"vendor": "vendor", "state": "state", "last_failure": "last failure", "backoff": "tried again in",
                   "last_success_at": "last success"}  # fmt: skip
_JOB_PAGES = {"feeder.feed": "docs/runbooks/feed-missed.md", "feeder.refresh": "docs/runbooks/manual-refresh.md"}
_VENDOR_PAGE = "docs/runbooks/provider-outage.md"


def describe_jobs(states: Sequence[JobState], silent_services: Collection[str], now: datetime) -> StatusSection:
    """Return the late jobs, and the daily ones that are due next.

    The repeated jobs of a silent service are all late for one reason, which the section of services reports.
    """
    jobs = [describe_job(state, now) for state in states]
    late = [
        job
        for job in jobs
        if job["status"] in LATE_STATUSES
        and not (job["every_seconds"] is not None and job["job"].partition(".")[0] in silent_services)
    ]
    coming = sorted((job for job in jobs if job["next_due_at"] and job not in late), key=lambda job: job["next_due_at"])
    matters = [Matter(f"{job['job']}: {job['note']}", _advise_about_job(job["job"])) for job in late]
    return StatusSection("jobs", [*late, *coming[:NEXT_JOBS_SHOWN]], _JOB_COLUMNS, "none is declared yet", matters)


def _advise_about_job(job: str) -> str:
    return f"`equity jobs history {job}`; {_JOB_PAGES.get(job, 'docs/runbooks/jobs.md')}"


def describe_vendors(unavailable: Sequence[UnavailableVendor]) -> StatusSection:
    """Return the vendors that deny access or back off. A short backoff ends without a person."""
    rows = [_describe_vendor(vendor) for vendor in unavailable]
    matters = [
        Matter(f"{vendor.vendor} {_name_vendor_state(vendor)} ({vendor.last_failure})", _VENDOR_PAGE)
        for vendor in unavailable
        if vendor.access_denied or _is_down_for_long(vendor)
    ]
    return StatusSection("vendors", rows, _VENDOR_COLUMNS, "all available, or not called yet", matters)


def _describe_vendor(vendor: UnavailableVendor) -> dict[str, Any]:
    remaining = (vendor.backoff_until - utc_now()).total_seconds() if vendor.backoff_until else 0
    return {
        "vendor": vendor.vendor,
        "state": _name_vendor_state(vendor),
        "last_failure": vendor.last_failure,
        "backoff": format_age(remaining) if vendor.is_backing_off else "the next call",
        "last_success_at": vendor.last_success_at,
    }


def _name_vendor_state(vendor: UnavailableVendor) -> str:
    if vendor.access_denied:
        return "denies access"
    return "is down" if vendor.failures >= DEFAULT_FAILURE_THRESHOLD else "backs off"


def _is_down_for_long(vendor: UnavailableVendor) -> bool:
    succeeded = vendor.last_success_at
    is_recent = succeeded is not None and succeeded > utc_now() - LONG_OUTAGE
    return vendor.failures >= DEFAULT_FAILURE_THRESHOLD and not is_recent


def describe_migrations(states: Sequence[MigrationState]) -> StatusSection:
    """Return the migrations that wait."""
    waiting = [{"migration": state.id} for state in states if not state.applied]
    matters = [Matter(f"migrations that wait: {len(waiting)}", "`equity db migrate`")] if waiting else []
    return StatusSection("migrations", waiting, {"migration": "migration"}, f"all {len(states)} applied", matters)
