"""Recovery of scores whose `lead_verified` event was lost (ADR 32)."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Bus
from common.ids import LeadId
from ingest.leads.rescoring import lock_and_rescore_leads
from ingest.maintenance import queries

log = structlog.get_logger()

RECOVERY_PAGE_SIZE = 500
_FIRST_ID = LeadId(UUID(int=0))


class ScoreRecovery:
    """Recovery of scores from the state of the leads. Every replica may run it at any time."""

    def __init__(self, bus: Bus, unscored_seconds: float) -> None:
        self._bus = bus
        self._unscored_after = timedelta(seconds=unscored_seconds)

    async def rescore_overlooked_leads(self) -> None:
        """Rescore leads with a verified contact that their score does not count."""
        after, scored = _FIRST_ID, 0
        while lead_ids := await self._list_page(after):
            await self._bus.transact(partial(lock_and_rescore_leads, lead_ids=lead_ids))
            after, scored = lead_ids[-1], scored + len(lead_ids)
        recovered = telemetry.counter("equity_recovered", "Work finished from state, because its event was lost")
        recovered.add(scored, {"name": "ingest.rescore_overlooked_leads"})
        if scored:
            log.warning("overlooked_leads_rescored", count=scored)

    async def _list_page(self, after: LeadId) -> list[LeadId]:
        async with self._bus.database.connection() as connection:
            return await queries.list_unscored_leads(
                connection, unscored_after=self._unscored_after, after=after, page_size=RECOVERY_PAGE_SIZE
            )
