"""Scores of leads that changed after their first record was scored."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date

import orjson

from common.bus import Tx
from common.ids import LeadId
from common.lead_facts import FLAGS
from ingest.leads import queries
from ingest.leads.queries import FactsToScore
from ingest.score import Score, score

NewScore = tuple[int, int]
"""Score and version of a lead."""


async def rescore_leads(tx: Tx, days: Mapping[LeadId, date]) -> dict[LeadId, NewScore]:
    """Score leads by their facts and contacts in the database, each as of its day.

    Return score and version of those whose score changed.
    """
    if not days:
        return {}
    leads = await queries.read_facts_to_score(tx.connection, lead_ids=list(days))
    scores = {lead.id: _score_lead(lead, days[lead.id]) for lead in leads}
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


def _score_lead(lead: FactsToScore, today: date) -> Score:
    facts = asdict(lead)
    flags = {flag: facts[flag] for flag in FLAGS}
    return score(facts, flags, phones=lead.phones, emails=lead.emails, today=today, verified=lead.verified or ())
