"""Handlers of ingest: property records become leads, and leads whose contacts were verified are rescored.

A row of an upload that cannot become a lead is a reject: counted, and kept for correction. A record of an upstream
system that cannot is a dead letter, where its sender finds the reason.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from common import ids, telemetry
from common.bus import Batch, Received, Tx
from common.database import Database
from common.events import LeadRecord, LeadUnverifiable, LeadVerified
from common.ids import LeadId
from common.pii.keyring import Keyring
from common.records.rejection import explain_reasons
from ingest.leads.erased_records import refuse_erased_records
from ingest.leads.lead_writer import write_leads
from ingest.leads.rescoring import lock_and_rescore_leads
from ingest.leads.upload_results import write_rejects, write_tallies
from ingest.maintenance.address_rehash import require_current_hashes
from ingest.prepare import PreparedRecord, RejectedRecord, prepare
from ingest.row_readers import RowReaderCache
from ingest.territories.broker_map import BrokerMapCache

RECORDS_PER_YIELD = 50
"""Records to prepare before other tasks may run: the transaction of another consumer instance holds the upsert lock."""

PreparationResult = PreparedRecord | RejectedRecord


class IngestHandlers:
    """The handlers of ingest, with what they need to prepare records."""

    def __init__(
        self, database: Database, keyring: Keyring, brokers: BrokerMapCache, row_readers: RowReaderCache
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._brokers = brokers
        self._row_readers = row_readers

    async def upsert_leads(self, batch: Batch[LeadRecord]) -> None:
        """Make one lead of all records of a home, and account for every row of an upload."""
        await require_current_hashes(self._database)
        results = await self._prepare_batch(batch)
        await batch.commit(results, self._write_results)
        _count_dropped_values(results)

    async def rescore_verified(self, batch: Batch[LeadVerified]) -> None:
        """Rescore leads that have a verified contact now."""
        await batch.commit(batch, _rescore_leads)

    async def rescore_unverifiable(self, batch: Batch[LeadUnverifiable]) -> None:
        """Rescore leads whose contacts were ruled out."""
        await batch.commit(batch, _rescore_leads)

    async def _prepare_batch(self, batch: Batch[LeadRecord]) -> list[PreparationResult]:
        """Prepare each record; send upstream records that cannot become a lead to the dead letters."""
        brokers, today = await self._brokers.read_current(), datetime.now(UTC).date()
        upload_ids = {upload_id for received in batch if (upload_id := received.event.upload_id) is not None}
        row_readers = await self._row_readers.load(upload_ids)
        results: list[PreparationResult] = []
        for position, received in enumerate(batch):
            if position % RECORDS_PER_YIELD == 0:
                await asyncio.sleep(0)
            if not _has_id_of_its_row(received):
                batch.reject(received, "foreign_upload_id", "upload_id and row are the gateway's: leave them out")
                continue
            upload_id = received.event.upload_id
            row_reader = row_readers.get(upload_id) if upload_id else None
            result = prepare(received, brokers, self._keyring, today=today, row_reader=row_reader)
            if isinstance(result, RejectedRecord) and received.event.upload_id is None:
                batch.reject(received, ",".join(result.reasons), explain_reasons(result.reasons))
            else:
                results.append(result)
        return results

    async def _write_results(self, tx: Tx, results: Sequence[PreparationResult]) -> None:
        rejects = [result for result in results if isinstance(result, RejectedRecord)]
        records = [result for result in results if isinstance(result, PreparedRecord)]
        records, erased = await refuse_erased_records(tx, records, self._keyring)
        rejects += erased
        await write_rejects(tx, rejects, self._keyring)
        outcomes = await write_leads(tx, records, self._keyring)
        await write_tallies(tx, outcomes, rejects)


def _has_id_of_its_row(received: Received[LeadRecord]) -> bool:
    """Return whether a record that names an upload has the id of that upload's row, so that it counts once, for no other."""
    upload_id, row = received.event.upload_id, received.event.row
    return upload_id is None or (row is not None and received.id == ids.upload_row_id(upload_id, row))


async def _rescore_leads(tx: Tx, messages: Sequence[Received[LeadVerified] | Received[LeadUnverifiable]]) -> None:
    await lock_and_rescore_leads(tx, [LeadId(message.event.lead_id) for message in messages if message.event.lead_id])


def _count_dropped_values(results: Sequence[PreparationResult]) -> None:
    """Count dropped values by field: a source that changes its format shows here first."""
    counts = Counter(field for result in results if isinstance(result, PreparedRecord) for field in result.dropped)
    for field, count in counts.items():
        telemetry.counter("equity_values_dropped", "Values that could not be read, by field").add(
            count, {"field": field}
        )
