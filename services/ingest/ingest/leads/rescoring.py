"""Scores of leads that changed after their first record was scored."""

from collections.abc import Mapping, Sequence
from datetime import date

import orjson

from common.bus import Tx
from common.ids import LeadId
from common.scoring.score import score_features
from common.scoring.stored_features import read_stored_features
from ingest.leads import queries

NewScore = tuple[int, int]
"""Score and version of a lead."""


async def rescore_leads(tx: Tx, days: Mapping[LeadId, date]) -> dict[LeadId, NewScore]:
    """Score leads by their facts and contacts in the database, each as of its day.

    Return score and version of those whose score changed.
    """
    if not days:
        return {}
    features = await read_stored_features(tx.connection, days)
    scores = {lead_id: score_features(one) for lead_id, one in features.items()}
    changed = await queries.set_scores(
        tx.connection,
        lead_ids=list(scores),
        scores=[one.total for one in scores.values()],
        contributions=[orjson.dumps(one.contributions).decode() for one in scores.values()],
    )
    return {lead.id: (lead.lead_score, lead.lead_version) for lead in changed}


async def lock_and_rescore_leads(tx: Tx, lead_ids: Sequence[LeadId]) -> None:
    """Score leads that this transaction did not write, such as leads whose contacts were verified."""
    locked = await queries.lock_leads_to_score(tx.connection, lead_ids=lead_ids)
    await rescore_leads(tx, dict.fromkeys(locked, tx.now.date()))
