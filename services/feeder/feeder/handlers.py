"""Handlers of the feeder: queue verified leads for the feed."""

from collections.abc import Mapping, Sequence

from common.bus import Batch, Received, Tx
from common.calendar.clock import Clock
from common.events import CampaignQueued, LeadVerified
from common.ids import LeadId
from feeder import queries
from feeder.lead_status import list_transitioned, transition_leads


class FeederHandlers:
    """Event handlers of the feeder."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def queue_leads(self, batch: Batch[LeadVerified]) -> None:
        """Queue the verified leads of *batch*. The lead's row decides whether it is verified, not the event."""
        await batch.commit(batch, self._queue_received)

    async def queue_recovered_leads(self, tx: Tx, lead_ids: Sequence[LeadId]) -> int:
        """Queue verified leads among *lead_ids* whose event was lost (ADR 32); return how many were queued."""
        return await self._queue(tx, lead_ids, {})

    async def _queue_received(self, tx: Tx, messages: Sequence[Received[LeadVerified]]) -> None:
        causes = {LeadId(lead_id): message for message in messages if (lead_id := message.event.lead_id)}
        await self._queue(tx, sorted(causes), causes)

    async def _queue(self, tx: Tx, lead_ids: Sequence[LeadId], causes: Mapping[LeadId, Received[LeadVerified]]) -> int:
        verified = await queries.list_verified_new_leads(tx.connection, lead_ids=lead_ids)
        queued = list_transitioned(await transition_leads(tx, verified, "queued", reason="verified"))
        for lead in await queries.read_queued_leads(tx.connection, lead_ids=queued):
            event = CampaignQueued(
                lead_id=lead.id,
                lead_version=lead.lead_version,
                broker_id=lead.assigned_broker_id,
                occurred_at=self._clock(),
                outcome="email" if lead.email_verified else "phone_only",
                score=lead.lead_score,
            )
            tx.emit(event, cause=causes.get(lead.id))
        return len(queued)
