"""Handlers of the feeder: queue verified leads for the feed."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from common.bus import Batch, Received, Tx
from common.calendar.clock import Clock
from common.database import load_queries
from common.events import CampaignQueued, LeadVerified
from feeder.lead_status import list_transitioned, transition_leads

queries = load_queries(__file__)


class FeederHandlers:
    """Event handlers of the feeder."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def queue_leads(self, batch: Batch[LeadVerified]) -> None:
        """Queue the verified leads of *batch*. The lead's row decides whether it is verified, not the event."""
        await batch.commit(batch, self._queue_received)

    async def queue_recovered_leads(self, tx: Tx, lead_ids: Sequence[UUID]) -> int:
        """Queue verified leads among *lead_ids* whose event was lost (ADR 32); return how many were queued."""
        return await self._queue(tx, lead_ids, {})

    async def _queue_received(self, tx: Tx, messages: Sequence[Received[LeadVerified]]) -> None:
        causes = {message.event.lead_id: message for message in messages if message.event.lead_id is not None}
        await self._queue(tx, sorted(causes), causes)

    async def _queue(self, tx: Tx, lead_ids: Sequence[UUID], causes: Mapping[UUID, Received[LeadVerified]]) -> int:
        verified = [row["id"] async for row in queries.verified_new_leads(tx.connection, lead_ids=lead_ids)]
        queued = list_transitioned(await transition_leads(tx, verified, "queued", reason="verified"))
        async for lead in queries.read_queued_leads(tx.connection, lead_ids=queued):
            event = CampaignQueued(
                lead_id=lead["id"],
                lead_version=lead["lead_version"],
                broker_id=lead["assigned_broker_id"],
                occurred_at=self._clock(),
                outcome="email" if lead["email_verified"] else "phone_only",
                score=lead["lead_score"],
            )
            tx.emit(event, cause=causes.get(lead["id"]))
        return len(queued)
