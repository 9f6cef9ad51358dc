"""What the feeder does on each event: verified leads get in line."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from common.bus import Batch, Received, Tx
from common.clock import Clock
from common.database import load_queries
from common.events import CampaignQueued, LeadVerified
from feeder.causes import Cause

queries = load_queries(__file__)


class Queueing:
    """The handlers of the feeder, with the clock they go by."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def queue_leads(self, batch: Batch[LeadVerified]) -> None:
        """Let verified leads wait for their turn. What the event says is not believed: the row decides."""
        await batch.commit([Cause(received) for received in batch], self._queue)

    async def queue_forgotten(self, tx: Tx, lead_ids: Sequence[UUID]) -> int:
        """Queue those of *lead_ids* that are verified and wait for nothing; how many. For leads whose event was lost."""
        return await self._queue_leads(tx, lead_ids, {})

    async def _queue(self, tx: Tx, items: Sequence[Cause]) -> None:
        causes = {item.cause.event.lead_id: item.cause for item in items if item.cause.event.lead_id is not None}
        await self._queue_leads(tx, sorted(causes), causes)

    async def _queue_leads(
        self, tx: Tx, lead_ids: Sequence[UUID], causes: Mapping[UUID, Received[LeadVerified]]
    ) -> int:
        waiting = [row["id"] async for row in queries.verified_new_leads(tx.connection, lead_ids=lead_ids)]
        moves = queries.move_leads(tx.connection, lead_ids=waiting, to_status="queued", because="verified")
        moved = [row["lead_id"] async for row in moves if row["result"] == "moved"]
        async for lead in queries.read_leads(tx.connection, lead_ids=moved):
            event = CampaignQueued(
                lead_id=lead["id"],
                lead_version=lead["lead_version"],
                broker_id=lead["assigned_broker_id"],
                occurred_at=self._clock(),
                outcome="email" if lead["email_verified"] else "phone_only",
                score=lead["lead_score"],
            )
            tx.emit(event, cause=causes.get(lead["id"]))
        return len(moved)
