"""Transitions of a lead's `campaign_status`, with one function that the queue, the feed and the reconciler share."""

from collections.abc import Sequence
from typing import Literal

from common.bus import Tx
from common.ids import LeadId
from feeder import queries

TargetStatus = Literal["queued", "active", "paused"]
TRANSITIONED = "transitioned"
"""Result of `app.transition_lead` for a lead whose status changed."""


async def transition_leads(
    tx: Tx, lead_ids: Sequence[LeadId], to_status: TargetStatus, *, reason: str
) -> dict[LeadId, str]:
    """Move *lead_ids* to *to_status* where that is allowed; return each lead's result of `app.transition_lead`."""
    rows = await queries.transition_leads(tx.connection, lead_ids=lead_ids, to_status=to_status, reason=reason)
    return {row.lead_id: row.result for row in rows}


def list_transitioned(results: dict[LeadId, str]) -> list[LeadId]:
    """Return the leads whose status changed, in the order of *results*."""
    return [lead_id for lead_id, result in results.items() if result == TRANSITIONED]
