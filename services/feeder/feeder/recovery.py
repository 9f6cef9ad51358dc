"""Recovery of verified leads whose `lead_verified` event was lost (ADR 32)."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Bus
from common.ids import LeadId
from feeder import queries
from feeder.handlers import FeederHandlers

log = structlog.get_logger()

RECOVERY_PAGE_SIZE = 500
"""Leads that one transaction queues."""


class QueueRecovery:
    """Queues leads that no event queued in time. Every replica may run it at any time."""

    def __init__(self, bus: Bus, handlers: FeederHandlers, min_age_seconds: float) -> None:
        self._bus = bus
        self._handlers = handlers
        self._min_age = timedelta(seconds=min_age_seconds)

    async def queue_overlooked_leads(self) -> None:
        """Queue verified leads that no event queued in time. An event that arrives later finds them queued."""
        after, queued = LeadId(UUID(int=0)), 0
        while lead_ids := await self._read_page(after):
            queued += await self._bus.transact(partial(self._handlers.queue_recovered_leads, lead_ids=lead_ids))
            after = lead_ids[-1]
        counter = telemetry.counter("equity_recovered", "Work finished from state, because its event was lost")
        counter.add(queued, {"name": "feeder.queue_overlooked_leads"})
        if queued:
            log.warning("overlooked_leads_queued", count=queued)

    async def measure_overlooked_leads(self) -> None:
        """Export the number of verified leads that were not queued in time."""
        async with self._bus.database.connection() as connection:
            waiting = await queries.count_overlooked_leads(connection, min_age=self._min_age)
        telemetry.gauge("equity_leads_unqueued", "Verified leads that nothing queued in time").set(float(waiting))

    async def _read_page(self, after: LeadId) -> list[LeadId]:
        async with self._bus.database.connection() as connection:
            return await queries.list_overlooked_leads(
                connection, min_age=self._min_age, after=after, page_size=RECOVERY_PAGE_SIZE
            )
