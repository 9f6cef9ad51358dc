"""Scores of leads that changed after their first record was scored."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from common.bus import Tx
from common.database import load_queries
from common.lead_facts import FLAGS
from ingest.score import Score, score

queries = load_queries(__file__)

NewScore = tuple[int, int]
"""Score and version of a lead."""


async def rescore_leads(tx: Tx, leads: Mapping[UUID, tuple[Any, date]]) -> dict[UUID, NewScore]:
    """Score *leads*, given as facts and day by id, with their contacts in the database.

    Return score and version of those whose score changed.
    """
    if not leads:
        return {}
    contacts = {row["lead_id"]: row async for row in queries.count_contacts(tx.connection, ids=list(leads))}
    scores = {lead_id: _score_lead(facts, contacts.get(lead_id), today) for lead_id, (facts, today) in leads.items()}
    changed = queries.set_scores(
        tx.connection,
        ids=list(scores),
        scores=[one.total for one in scores.values()],
        contributions=[orjson.dumps(one.contributions).decode() for one in scores.values()],
    )
    return {row["id"]: (row["lead_score"], row["lead_version"]) async for row in changed}


async def rescore_from_state(tx: Tx, lead_ids: Sequence[UUID]) -> None:
    """Score leads by their facts and contacts in the database, such as leads whose contacts were verified."""
    rows = queries.lock_facts_to_score(tx.connection, ids=list(lead_ids))
    await rescore_leads(tx, {row["id"]: (row, tx.now.date()) async for row in rows})


def _score_lead(facts: Any, contacts: Any, today: date) -> Score:
    flags = {flag: facts[flag] for flag in FLAGS}
    if contacts is None:
        return score(facts, flags, phones=0, emails=0, today=today)
    return score(
        facts,
        flags,
        phones=contacts["phones"],
        emails=contacts["emails"],
        today=today,
        verified=contacts["verified"] or (),
    )
