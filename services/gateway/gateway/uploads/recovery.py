"""Recovery of uploads whose acknowledged rows Kafka lost (docs/adr/0032-jobs-recover-lost-events-from-database-state.md)."""

from datetime import timedelta

import structlog

from common import telemetry
from common.database import Database
from gateway.uploads import queries
from gateway.uploads.publisher import UploadPublisher

log = structlog.get_logger()

RESEND_PAGE_SIZE = 50
MAX_RESENDS = 6
"""The wait doubles with each resend. After these resends a person has to look, and the alert asks for one."""


class UploadRecovery:
    """Recovery of stalled uploads from their database state. Every replica may run it, at any moment."""

    def __init__(self, database: Database, publisher: UploadPublisher, stalled_seconds: float) -> None:
        self._database = database
        self._publisher = publisher
        self._stalled_for = timedelta(seconds=stalled_seconds)

    async def resend_stalled_uploads(self) -> None:
        """Queue uploads that make no progress, to be published again from the first row.

        The gateway that has the file publishes it. If no gateway has it, the upload becomes `needs_resend`.
        """
        while True:
            async with self._database.connection() as connection:
                resent = await queries.resend_stalled_uploads(
                    connection, stalled_for=self._stalled_for, max_resends=MAX_RESENDS, page_size=RESEND_PAGE_SIZE
                )
            for row in resent:
                log.warning("stalled_upload_resent", upload_id=str(row.id), resends=row.resends)
            finished = telemetry.counter("equity_recovered", "Work finished from state, because its event was lost")
            finished.add(len(resent), {"name": "gateway.resend_stalled_uploads"})
            if resent:
                self._publisher.wake()
            if len(resent) < RESEND_PAGE_SIZE:
                return

    async def measure_unfinished_uploads(self) -> None:
        """Export the number of uploads that make no progress, by reason."""
        async with self._database.connection() as connection:
            counts = await queries.count_unfinished_uploads(connection, stalled_for=self._stalled_for)
        gauge = telemetry.gauge("equity_uploads_unfinished", "Uploads that make no progress, by reason")
        gauge.set(counts.stalled, reason="stalled")
        gauge.set(counts.needs_resend, reason="needs_resend")
        gauge.set(counts.failed, reason="failed")
