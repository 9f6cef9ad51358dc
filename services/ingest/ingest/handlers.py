"""What ingest does on each event: property records become leads.

A row of an upload that cannot become a lead is a verdict, counted and kept for correction. A record of an upstream
system that cannot is a dead letter, where its sender finds the reason.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from common import ids, telemetry
from common.bus import Batch, Received, Tx
from common.contacts import Keyring
from common.database import Database
from common.events import LeadRecord, LeadUnverifiable, LeadVerified
from ingest.prepare import Prepared, Rejected, prepare
from ingest.record import record_leads, record_rejects, record_tallies, rescore_as_they_are
from ingest.rehash import check_addresses
from ingest.territory import Brokers
from ingest.verdict import explain

BREATH = 50
"""Records that are decided before others may go on: meanwhile the other lane's transaction holds the lock of upserts."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Notice that a lead's contacts were judged."""

    cause: Received[Any]


class Intake:
    """The handlers of ingest, with what they need to decide."""

    def __init__(self, database: Database, keyring: Keyring, brokers: Brokers) -> None:
        self._database = database
        self._keyring = keyring
        self._brokers = brokers

    async def upsert_leads(self, batch: Batch[LeadRecord]) -> None:
        """Make leads of property records: each home once, every row accounted for."""
        await check_addresses(self._database)
        brokers, today = await self._brokers.current(), datetime.now(UTC).date()
        decided: list[Prepared | Rejected] = []
        for place, received in enumerate(batch):
            if place % BREATH == 0:
                await asyncio.sleep(0)
            if not _is_from_its_upload(received):
                batch.reject(received, "foreign_upload_id", "upload_id and row are the gateway's: leave them out")
                continue
            found = prepare(received, brokers, self._keyring, today=today)
            if isinstance(found, Rejected) and received.event.upload_id is None:
                batch.reject(received, ",".join(found.reasons), explain(found.reasons))
            else:
                decided.append(found)
        await batch.commit(decided, self._record)
        _count_dropped(decided)

    async def rescore_verified(self, batch: Batch[LeadVerified]) -> None:
        """Score leads again once a way to reach their owner is verified."""
        await batch.commit([Judged(received) for received in batch], _rescore_leads)

    async def rescore_unverifiable(self, batch: Batch[LeadUnverifiable]) -> None:
        """Score leads again whose contacts were ruled out."""
        await batch.commit([Judged(received) for received in batch], _rescore_leads)

    async def _record(self, tx: Tx, decided: Sequence[Prepared | Rejected]) -> None:
        rejects = [one for one in decided if isinstance(one, Rejected)]
        await record_rejects(tx, rejects, self._keyring)
        verdicts = await record_leads(tx, [one for one in decided if isinstance(one, Prepared)], self._keyring)
        await record_tallies(tx, verdicts, rejects)


def _is_from_its_upload(received: Received[LeadRecord]) -> bool:
    """Whether a record that names an upload has the id of that upload's row, so that it counts once and for no other."""
    upload_id, row = received.event.upload_id, received.event.row
    return upload_id is None or (row is not None and received.id == ids.upload_row_id(upload_id, row))


async def _rescore_leads(tx: Tx, judged: Sequence[Judged]) -> None:
    await rescore_as_they_are(tx, [one.cause.event.lead_id for one in judged if one.cause.event.lead_id])


def _count_dropped(decided: Sequence[Prepared | Rejected]) -> None:
    """Count values that made no sense by field: a source that changes its format shows here first."""
    times = Counter(field for one in decided if isinstance(one, Prepared) for field in one.dropped)
    for field, count in times.items():
        telemetry.counter("equity_values_dropped", "Values that made no sense, by field").add(count, {"field": field})
