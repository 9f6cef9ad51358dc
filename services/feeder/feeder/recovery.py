"""Recovery of verified leads whose `lead_verified` event was lost (ADR 32)."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Bus
from common.database import load_queries
from feeder.handlers import FeederHandlers

log = structlog.get_logger()
queries = load_queries(__file__)

RECOVERY_PAGE_SIZE = 500
"""Leads that one transaction queues."""


class QueueRecovery:
    """Queues leads that no event queued in time. Every replica may run it at any time."""

    def __init__(self, bus: Bus, handlers: FeederHandlers, forgotten_seconds: float) -> None:
        self._bus = bus
        self._handlers = handlers
        self._forgotten_after = timedelta(seconds=forgotten_seconds)

    async def queue_forgotten_leads(self) -> None:
        """Queue verified leads that no event queued in time. An event that arrives later finds them queued."""
        after, queued = UUID(int=0), 0
        while lead_ids := await self._read_page(after):
            queued += await self._bus.transact(partial(self._handlers.queue_recovered_leads, lead_ids=lead_ids))
            after = lead_ids[-1]
        counter = telemetry.counter("equity_recovered", "Work finished from state, because its event was lost")
        counter.add(queued, {"name": "feeder.queue_forgotten_leads"})
        if queued:
            log.warning("forgotten_leads_queued", count=queued)

    async def measure_forgotten_leads(self) -> None:
        """Export the number of verified leads that were not queued in time."""
        async with self._bus.database.connection() as connection:
            waiting = await queries.count_forgotten_leads(connection, forgotten_after=self._forgotten_after)
        telemetry.gauge("equity_leads_unqueued", "Verified leads that nothing queued in time").set(float(waiting))

    async def _read_page(self, after: UUID) -> list[UUID]:
        async with self._bus.database.connection() as connection:
            rows = queries.forgotten_verified_leads(
                connection, forgotten_after=self._forgotten_after, after=after, page_size=RECOVERY_PAGE_SIZE
            )
            return [row["id"] async for row in rows]
