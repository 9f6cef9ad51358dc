"""Recovery of scores whose `lead_verified` was lost (docs/adr/0032)."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Bus
from common.database import load_queries
from ingest.record import rescore_as_they_are

log = structlog.get_logger()
queries = load_queries(__file__)

PAGE_SIZE = 500


class ScoreRecovery:
    """Finishes from the leads' own state what an event would have done; every replica may, at any moment."""

    def __init__(self, bus: Bus, forgotten_seconds: float) -> None:
        self._bus = bus
        self._forgotten_after = timedelta(seconds=forgotten_seconds)

    async def rescore_forgotten(self) -> None:
        """Score leads again with a verified contact that their score does not count."""
        after, scored = UUID(int=0), 0
        while lead_ids := await self._page(after):
            await self._bus.transact(partial(rescore_as_they_are, lead_ids=lead_ids))
            after, scored = lead_ids[-1], scored + len(lead_ids)
        finished = telemetry.counter("equity_recovered", "Work finished from state, because its event was lost")
        finished.add(scored, {"name": "ingest.rescore_forgotten_leads"})
        if scored:
            log.warning("forgotten_leads_rescored", count=scored)

    async def _page(self, after: UUID) -> list[UUID]:
        async with self._bus.database.connection() as connection:
            rows = queries.forgotten_scores(
                connection, forgotten_after=self._forgotten_after, after=after, many=PAGE_SIZE
            )
            return [row["id"] async for row in rows]
