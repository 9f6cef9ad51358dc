"""Recovery of verified leads whose `lead_verified` was lost (docs/adr/0032)."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Bus
from common.database import load_queries
from feeder.handlers import Queueing

log = structlog.get_logger()
queries = load_queries(__file__)

PAGE_SIZE = 500


class LeadRecovery:
    """Finishes from the leads' own state what an event would have done; every replica may, at any moment."""

    def __init__(self, bus: Bus, queueing: Queueing, forgotten_seconds: float) -> None:
        self._bus = bus
        self._queueing = queueing
        self._forgotten_after = timedelta(seconds=forgotten_seconds)

    async def queue_forgotten(self) -> None:
        """Queue verified leads that no event queued in time; an event that comes after all finds them queued."""
        after, queued = UUID(int=0), 0
        while lead_ids := await self._page(after):
            queued += await self._bus.transact(partial(self._queueing.queue_forgotten, lead_ids=lead_ids))
            after = lead_ids[-1]
        finished = telemetry.counter("equity_recovered", "Work finished from state, because its event was lost")
        finished.add(queued, {"name": "feeder.queue_forgotten_leads"})
        if queued:
            log.warning("forgotten_leads_queued", count=queued)

    async def measure(self) -> None:
        """Export how many verified leads are not queued in time."""
        async with self._bus.database.connection() as connection:
            waiting = await queries.count_forgotten_leads(connection, forgotten_after=self._forgotten_after)
        telemetry.gauge("equity_leads_unqueued", "Verified leads that nothing queued in time").set(float(waiting))

    async def _page(self, after: UUID) -> list[UUID]:
        async with self._bus.database.connection() as connection:
            rows = queries.forgotten_verified_leads(
                connection, forgotten_after=self._forgotten_after, after=after, many=PAGE_SIZE
            )
            return [row["id"] async for row in rows]
