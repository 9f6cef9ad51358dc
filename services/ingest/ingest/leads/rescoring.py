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


async def rescore_leads(tx: Tx, days: Mapping[UUID, date]) -> dict[UUID, NewScore]:
    """Score leads by their facts and contacts in the database, each as of its day.

    Return score and version of those whose score changed.
    """
    if not days:
        return {}
    rows = queries.read_facts_to_score(tx.connection, ids=list(days))
    scores = {row["id"]: _score_lead(row, days[row["id"]]) async for row in rows}
    changed = queries.set_scores(
        tx.connection,
        ids=list(scores),
        scores=[one.total for one in scores.values()],
        contributions=[orjson.dumps(one.contributions).decode() for one in scores.values()],
    )
    return {row["id"]: (row["lead_score"], row["lead_version"]) async for row in changed}


async def lock_and_rescore_leads(tx: Tx, lead_ids: Sequence[UUID]) -> None:
    """Score leads that this transaction did not write, such as leads whose contacts were verified."""
    rows = queries.lock_leads_to_score(tx.connection, ids=list(lead_ids))
    await rescore_leads(tx, {row["id"]: tx.now.date() async for row in rows})


def _score_lead(row: Any, today: date) -> Score:
    flags = {flag: row[flag] for flag in FLAGS}
    return score(row, flags, phones=row["phones"], emails=row["emails"], today=today, verified=row["verified"] or ())
