"""What keeps the database in shape: partitions ahead, old days forgotten, settled dead letters emptied.

The recorder cleans up after itself, and what no other service owns or may touch; each step stands alone, so that one that
fails does not keep the others.
"""

from collections.abc import Awaitable, Callable

import structlog

from common import telemetry
from common.bus.failures import code_of
from common.database import Connection, Database, load_queries
from recorder.settings import RecorderSettings

log = structlog.get_logger()
queries = load_queries(__file__)

AT_ONCE = 10_000
JOB_RUN_DAYS = 400
"""A year of runs, to compare with."""


class Upkeep:
    """The recorder's regular work."""

    def __init__(self, database: Database, settings: RecorderSettings) -> None:
        self._database = database
        self._settings = settings

    async def measure(self) -> None:
        """How many dead letters are open and how many events Kafka refused, and since when, as metrics."""
        async with self._database.connection() as connection:
            letters = [row async for row in queries.dead_letter_depth(connection)]
            refused = [row async for row in queries.dead_outbox_rows(connection)]
        depth = telemetry.gauge("equity_dead_letter_depth", "Open dead letters")
        oldest = telemetry.gauge("equity_dead_letter_oldest_seconds", "Age of the oldest open dead letter")
        waiting = telemetry.gauge("equity_outbox_dead_waiting", "Events that Kafka refused for good, by service")
        for gauge in (depth, oldest, waiting):
            gauge.clear()
        for row in letters:
            depth.set(row["depth"], consumer=row["consumer"])
            oldest.set(float(row["oldest_seconds"]), consumer=row["consumer"])
        for row in refused:
            waiting.set(row["waiting"], service=row["service"])

    async def make_partitions(self) -> None:
        """Months of events and days of inboxes, made ahead."""
        async with self._database.connection() as connection:
            await queries.make_partitions(connection)

    async def clean_up(self) -> None:
        """Let go what is old. Raises the first error after all steps had their turn."""
        steps: list[Callable[[Connection], Awaitable[object]]] = [
            self._drop_inbox_days,
            self._purge_payloads,
            self._archive_events,
            self._forget_tokens,
            self._forget_decisions,
            self._forget_runs,
            self._forget_refused,
        ]
        errors = []
        for step in steps:
            try:
                async with self._database.connection() as connection:
                    gone = await step(connection)
            except Exception as error:  # noqa: BLE001 - told, counted as a failed job, and the other steps go on
                errors.append(error)
                log.warning("clean_up_step_failed", step=step.__name__.strip("_"), error=code_of(error))
            else:
                log.info("cleaned_up", step=step.__name__.strip("_"), gone=gone)
        if errors:
            raise errors[0]

    async def _drop_inbox_days(self, connection: Connection) -> object:
        return await queries.drop_inbox_days(connection, days=self._settings.inbox_days + 1)

    async def _purge_payloads(self, connection: Connection) -> object:
        return await queries.purge_payloads(connection, days=self._settings.recorder_payload_days)

    async def _archive_events(self, connection: Connection) -> object:
        rows = queries.archive_event_months(connection, months=self._settings.recorder_event_months)
        return [row["month"] async for row in rows]

    async def _forget_tokens(self, connection: Connection) -> object:
        return await queries.forget_consent_tokens(connection)

    async def _forget_decisions(self, connection: Connection) -> object:
        gone, last = 0, AT_ONCE
        while last == AT_ONCE:
            last = await queries.forget_old_decisions(connection, most=AT_ONCE)
            gone += last
        return gone

    async def _forget_runs(self, connection: Connection) -> object:
        return await queries.forget_old_job_runs(connection, days=JOB_RUN_DAYS)

    async def _forget_refused(self, connection: Connection) -> object:
        rows = queries.forget_dead_outbox_rows(connection, days=self._settings.recorder_outbox_dead_days)
        gone = {row["service"]: row["gone"] async for row in rows}
        if gone:
            log.error("refused_events_forgotten", **gone)
        return sum(gone.values())
