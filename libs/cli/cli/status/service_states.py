"""State of each service: its heartbeats in the database, its backlogs, and its readiness where it runs on this machine."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cli.diagnostics import Matter, StatusSection
from cli.shell.durations import format_age
from cli.status.outbox import OutboxBacklog
from common.jobs.queries import JobState
from common.jobs.schedule import JobStatus, job_status

OUTBOX_PATIENCE_SECONDS = 300
"""Age from which a waiting event needs a person: the relay publishes within seconds."""
_COLUMNS = {"service": "service", "state": "state", "heartbeat": "heartbeat", "lag": "lag", "outbox": "outbox"}
_READINESS_COLUMN = {"not_ready": "not ready here because"}
_SOURCE = "state by heartbeats in PostgreSQL, lag by Kafka"
_SOURCE_HERE = "state by the health endpoint of this machine, lag by Kafka"


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """Facts about all services. A part is None where its source did not answer."""

    jobs: Sequence[JobState] | None
    lag: Mapping[str, int] | None
    outboxes: Mapping[str, OutboxBacklog] | None
    readiness: Mapping[str, Sequence[str]]


def describe_services(services: Iterable[str], facts: ServiceFacts, now: datetime) -> StatusSection:
    """Return the section of *services*. A service counts as running by its heartbeats, wherever it runs."""
    rows, matters = [], list[Matter]()
    for service in services:
        heartbeat = _latest_heartbeat(service, facts.jobs or ())
        state = _state_of(heartbeat, now) if facts.jobs is not None else _state_here(facts.readiness.get(service))
        outbox = facts.outboxes.get(service) if facts.outboxes is not None else None
        rows.append(
            {
                "service": service,
                "state": state,
                "heartbeat": f"{format_age(heartbeat.silent_seconds)} ago" if heartbeat else None,
                "lag": facts.lag.get(service) if facts.lag is not None else None,
                "outbox": outbox.waiting if outbox else None,
                "not_ready": list(facts.readiness.get(service, ())),
            }
        )
        matters += _find_matters(service, state, heartbeat, outbox)
    if rows and all(row["state"] == "never started" for row in rows):
        matters.append(Matter("no service has ever run on this database", "start them: `equity run all`"))
    columns = _COLUMNS | (_READINESS_COLUMN if any(facts.readiness.values()) else {})
    source = _SOURCE_HERE if facts.jobs is None else _SOURCE
    return StatusSection("services", rows, columns, "none is installed here", matters, source)


def find_silent_services(services: Iterable[str], jobs: Sequence[JobState], now: datetime) -> frozenset[str]:
    """Return the services whose heartbeats have stopped."""
    return frozenset(name for name in services if _state_of(_latest_heartbeat(name, jobs), now) == "silent")


def _latest_heartbeat(service: str, jobs: Sequence[JobState]) -> JobState | None:
    """Return the repeated job of *service* that ran last; None where it has declared none."""
    repeated = [job for job in jobs if job.every_seconds is not None and job.job.partition(".")[0] == service]
    return min(repeated, key=lambda job: job.silent_seconds, default=None)


def _state_of(heartbeat: JobState | None, now: datetime) -> str:
    if heartbeat is None:
        return "never started"
    return "silent" if job_status(heartbeat, now) is JobStatus.OVERDUE else "running"


def _state_here(reasons: Sequence[str] | None) -> str:
    """Return the state without a database: only what runs on this machine can be seen."""
    return "unknown" if reasons is None else "running"


def _find_matters(
    service: str, state: str, heartbeat: JobState | None, outbox: OutboxBacklog | None
) -> Iterable[Matter]:
    if state == "silent" and heartbeat:
        yield Matter(
            f"{service} has had no heartbeat for {format_age(heartbeat.silent_seconds)}",
            f"start it (`equity run {service}`); docs/runbooks/jobs.md#a-service-is-silent",
        )
    if outbox and outbox.oldest_seconds > OUTBOX_PATIENCE_SECONDS:
        yield Matter(
            f"events of {service} that wait for Kafka: {outbox.waiting:,}, the oldest for {format_age(outbox.oldest_seconds)}",
            f"`equity doctor`: does Kafka answer, and does {service} run?",
        )
