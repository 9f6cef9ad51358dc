"""Scheduled work of the recorder: metrics of dead letters, partitions made ahead, and the deletion of old data.

The recorder deletes its old data, and the old data of tables that no other service may delete from.
"""

from collections.abc import Awaitable, Callable

import structlog

from common import telemetry
from common.bus.failures import error_code
from common.database import Connection, Database
from recorder import queries
from recorder.settings import RecorderSettings

log = structlog.get_logger()

DECISION_BATCH_SIZE = 10_000
INVARIANT_HOURS = 26
"""Hours that one check reads: a day, and a margin for checks that were missed."""
INVARIANTS = (
    "contact_without_decision",
    "contact_after_opt_out",
    "consent_without_text",
    "consent_chain_broken",
    "reply_without_route",
    "reply_with_answers",
)
"""Names in `pipeline.broken_invariants`."""
JOB_RUN_RETENTION_DAYS = 400
"""A year of job runs, for comparison."""


class RecorderJobs:
    """Jobs of the recorder service."""

    def __init__(self, database: Database, settings: RecorderSettings) -> None:
        self._database = database
        self._settings = settings

    async def measure_dead_letters(self) -> None:
        """Set the metrics of open dead letters and of events that Kafka rejected for good: their number and age."""
        async with self._database.connection() as connection:
            letters = await queries.count_open_dead_letters(connection)
            rejected = await queries.count_rejected_events(connection)
        depth = telemetry.gauge("equity_dead_letter_depth", "Open dead letters")
        oldest = telemetry.gauge("equity_dead_letter_oldest_seconds", "Age of the oldest open dead letter")
        waiting = telemetry.gauge("equity_outbox_rejected_rows", "Events that Kafka rejected for good, by service")
        for gauge in (depth, oldest, waiting):
            gauge.clear()
        for row in letters:
            depth.set(row.depth, consumer=row.consumer)
            oldest.set(row.oldest_seconds, consumer=row.consumer)
        for events in rejected:
            waiting.set(events.waiting, service=events.service)

    async def check_invariants(self) -> None:
        """Count the rows that break an invariant of contacts, consents and replies (docs/invariants.md).

        Only the last hours are read. The view without a condition examines everything.
        """
        async with self._database.connection() as connection:
            broken = await queries.count_broken_invariants(connection, hours=INVARIANT_HOURS)
        offenders = telemetry.gauge("equity_invariant_offenders", "Rows of the last day that break an invariant")
        offenders.clear()
        for name in INVARIANTS:
            offenders.set(0, invariant=name)
        for row in broken:
            offenders.set(row.offenders, invariant=row.invariant)
            log.error("invariant_broken", invariant=row.invariant, offenders=row.offenders, example=row.example)

    async def make_partitions(self) -> None:
        """Create the coming months of events and days of inboxes."""
        async with self._database.connection() as connection:
            await queries.make_partitions(connection)

    async def clean_up(self) -> None:
        """Delete old data, step by step. A failed step does not stop the others; its error is raised after the last step."""
        steps: list[Callable[[Connection], Awaitable[object]]] = [
            self._drop_inbox_days,
            self._delete_payloads,
            self._archive_events,
            self._delete_consent_tokens,
            self._delete_decisions,
            self._delete_job_runs,
            self._delete_rejected_events,
        ]
        errors = []
        for step in steps:
            name = step.__name__.strip("_")
            try:
                async with self._database.connection() as connection:
                    result = await step(connection)
            except Exception as error:  # noqa: BLE001 - logged, and raised after the other steps
                errors.append(error)
                log.warning("clean_up_step_failed", step=name, error=error_code(error))
            else:
                log.info("clean_up_step_completed", step=name, deleted=result)
        if errors:
            raise errors[0]

    async def _drop_inbox_days(self, connection: Connection) -> object:
        return await queries.drop_inbox_days(connection, days=self._settings.inbox_days + 1)

    async def _delete_payloads(self, connection: Connection) -> object:
        return await queries.delete_dead_letter_payloads(connection, days=self._settings.recorder_payload_days)

    async def _archive_events(self, connection: Connection) -> object:
        return await queries.archive_event_months(connection, months=self._settings.recorder_event_months)

    async def _delete_consent_tokens(self, connection: Connection) -> object:
        return await queries.delete_unused_consent_tokens(connection)

    async def _delete_decisions(self, connection: Connection) -> object:
        """Delete old decisions of the eligibility gate in batches, so that no transaction becomes long."""
        total, count = 0, DECISION_BATCH_SIZE
        while count == DECISION_BATCH_SIZE:
            count = await queries.delete_old_decisions(connection, most=DECISION_BATCH_SIZE)
            total += count
        return total

    async def _delete_job_runs(self, connection: Connection) -> object:
        return await queries.delete_old_job_runs(connection, days=JOB_RUN_RETENTION_DAYS)

    async def _delete_rejected_events(self, connection: Connection) -> object:
        rows = await queries.delete_rejected_events(connection, days=self._settings.recorder_outbox_rejected_days)
        deleted = {row.service: row.deleted for row in rows}
        if deleted:
            log.error("rejected_events_deleted", **deleted)
        return sum(deleted.values())
