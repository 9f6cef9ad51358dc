"""What keeps the database in shape: partitions ahead, old days forgotten, settled dead letters emptied."""

from common import telemetry
from common.database import Database, load_queries
from recorder.settings import RecorderSettings

queries = load_queries(__file__)


class Upkeep:
    """The recorder's regular work."""

    def __init__(self, database: Database, settings: RecorderSettings) -> None:
        self._database = database
        self._settings = settings

    async def measure_dead_letters(self) -> None:
        """Depth and age of open dead letters, as metrics."""
        depth = telemetry.gauge("equity_dead_letter_depth", "Open dead letters")
        oldest = telemetry.gauge("equity_dead_letter_oldest_seconds", "Age of the oldest open dead letter")
        async with self._database.connection() as connection:
            rows = [row async for row in queries.dead_letter_depth(connection)]
        depth.clear()
        oldest.clear()
        for row in rows:
            depth.set(row["depth"], consumer=row["consumer"])
            oldest.set(float(row["oldest_seconds"]), consumer=row["consumer"])

    async def make_partitions(self) -> None:
        """Months of events and days of inboxes, made ahead."""
        async with self._database.connection() as connection:
            await queries.make_partitions(connection)

    async def drop_old(self) -> None:
        """Forget inbox days past memory, and empty dead letters that are settled."""
        async with self._database.connection() as connection:
            await queries.drop_inbox_days(connection, days=self._settings.inbox_days + 1)
            await queries.purge_payloads(connection, days=self._settings.recorder_payload_days)
