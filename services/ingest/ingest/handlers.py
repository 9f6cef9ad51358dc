"""What ingest does on each event: property records become leads.

A row of an upload that cannot become a lead is a verdict, counted and kept for correction. A record of an upstream
system that cannot is a dead letter, where its sender finds the reason.
"""

from collections.abc import Sequence

from common.bus import Batch, Tx
from common.contacts import Keyring
from common.events import LeadRecord
from ingest.prepare import Prepared, Rejected, prepare
from ingest.record import record_leads, record_rejects, record_tallies
from ingest.territory import Brokers
from ingest.verdict import explain


class Intake:
    """The handlers of ingest, with what they need to decide."""

    def __init__(self, keyring: Keyring, brokers: Brokers) -> None:
        self._keyring = keyring
        self._brokers = brokers

    async def upsert_leads(self, batch: Batch[LeadRecord]) -> None:
        """Make leads of property records: each home once, every row accounted for."""
        brokers = await self._brokers.current()
        decided: list[Prepared | Rejected] = []
        for received in batch:
            found = prepare(received, brokers, self._keyring)
            if isinstance(found, Rejected) and received.event.upload_id is None:
                batch.reject(received, ",".join(found.reasons), explain(found.reasons))
            else:
                decided.append(found)
        await batch.commit(decided, self._record)

    async def _record(self, tx: Tx, decided: Sequence[Prepared | Rejected]) -> None:
        verdicts = await record_leads(tx, [one for one in decided if isinstance(one, Prepared)], self._keyring)
        rejects = [one for one in decided if isinstance(one, Rejected)]
        await record_rejects(tx, rejects, self._keyring)
        await record_tallies(tx, verdicts, rejects)
