"""Recovery of uploads whose rows Kafka lost after it had acknowledged them (docs/adr/0032)."""

from datetime import timedelta

import structlog

from common import telemetry
from common.database import Database, load_queries
from gateway.publish import Publisher

log = structlog.get_logger()
queries = load_queries(__file__)

PAGE_SIZE = 50
MOST_RESENDS = 6
"""With the wait doubled each time: beyond these a person has to look, and the alert asks for one."""


class UploadRecovery:
    """Finishes uploads from their state; every replica may, at any moment."""

    def __init__(self, database: Database, publisher: Publisher, stalled_seconds: float) -> None:
        self._database = database
        self._publisher = publisher
        self._stalled_for = timedelta(seconds=stalled_seconds)

    async def resend_stalled(self) -> None:
        """Set uploads that make no progress to be published again from the first row.

        The gateway that holds the file publishes it; where there is no file, the upload becomes `needs_resend`.
        """
        while True:
            async with self._database.connection() as connection:
                rows = queries.resend_stalled_uploads(
                    connection, stalled_for=self._stalled_for, most_resends=MOST_RESENDS, many=PAGE_SIZE
                )
                resent = [row async for row in rows]
            for row in resent:
                log.warning("stalled_upload_resent", upload_id=str(row["id"]), resends=row["resends"])
            finished = telemetry.counter("equity_recovered", "Work finished from state, because its event was lost")
            finished.add(len(resent), {"name": "gateway.resend_stalled_uploads"})
            if resent:
                self._publisher.wake()
            if len(resent) < PAGE_SIZE:
                return

    async def measure(self) -> None:
        """Export how many uploads do not move on, by why."""
        async with self._database.connection() as connection:
            counts = await queries.count_unfinished_uploads(connection, stalled_for=self._stalled_for)
        gauge = telemetry.gauge("equity_uploads_unfinished", "Uploads that do not move on, by why")
        for reason in ("stalled", "needs_resend", "failed"):
            gauge.set(float(counts[reason]), reason=reason)
