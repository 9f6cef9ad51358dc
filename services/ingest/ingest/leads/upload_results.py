"""Results of uploads: rejected rows for correction, and tallies that account for every row."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from common import telemetry
from common.bus import Tx
from common.csv.rejects import MAX_REPORTED_ROWS, encrypt_row
from common.events import LeadRecord, LeadRejected
from common.ids import UploadId
from common.pii.keyring import Keyring
from common.records.rejection import RejectionReason, explain_reasons
from ingest.leads import queries
from ingest.leads.lead_writer import LEAD_OUTCOMES, LeadOutcome
from ingest.prepare import PreparedRecord, RejectedRecord

NO_UPLOAD = UploadId(UUID(int=0))
"""Never written: a record without an upload becomes a dead letter and not a reject."""


@dataclass(slots=True)
class UnreadValueCounts:
    """Values of one field that could not be read: how many, and in which rows first."""

    values: int = 0
    rows: list[int] = field(default_factory=list)

    def count_value(self, row: int | None) -> None:
        """Count one more value, and keep *row* if it is among the first."""
        self.values += 1
        if row is not None:
            self.rows = sorted({*self.rows, row})[:MAX_REPORTED_ROWS]


@dataclass(slots=True)
class UploadTally:
    """Counts of one upload in one batch."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    unread: dict[str, UnreadValueCounts] = field(default_factory=dict)


async def write_rejects(tx: Tx, rejects: Sequence[RejectedRecord], keyring: Keyring) -> None:
    """Save the rejected rows of uploads, encrypted, so that partners can correct them. Emit one event each.

    Of a row of an erased person only its number is kept, and of a record without an upload nothing.
    """
    rejects = [reject for reject in rejects if reject.cause.event.upload_id]
    if not rejects:
        return
    events = [reject.cause.event for reject in rejects]
    upload_ids = [_upload_of(event) for event in events]
    rows = [event.row or 1 for event in events]
    await queries.add_rejects(
        tx.connection,
        upload_ids=upload_ids,
        rows=rows,
        reasons=[",".join(reject.reasons) for reject in rejects],
        details=[reject.cause.event.row_problem or explain_reasons(reject.reasons) for reject in rejects],
        encrypted=[
            encrypt_row(keyring, upload_id, row, _cells_to_keep(reject))
            for upload_id, row, reject in zip(upload_ids, rows, rejects, strict=True)
        ],
    )
    for reject, upload_id, row in zip(rejects, upload_ids, rows, strict=True):
        tx.emit(
            LeadRejected(upload_id=upload_id, row=row, reasons=list(reject.reasons), outcome=reject.reasons[0]),
            cause=reject.cause,
        )


async def write_tallies(tx: Tx, outcomes: Sequence[LeadOutcome], rejects: Sequence[RejectedRecord]) -> None:
    """Append the counts of this batch to each upload. All counts of an upload add up to its published rows."""
    tallies: defaultdict[UploadId, UploadTally] = defaultdict(UploadTally)
    for outcome in outcomes:
        if upload_id := outcome.record.row.upload_id:
            tallies[upload_id].outcomes[outcome.outcome] += 1
            _count_unread_values(tallies[upload_id], outcome.record)
    for reject in rejects:
        if reject.cause.event.upload_id is None:
            continue
        tally = tallies[_upload_of(reject.cause.event)]
        tally.outcomes["rejected"] += 1
        tally.reasons[str(reject.reasons[0])] += 1
    _count_records(outcomes, rejects)
    if tallies:
        await queries.add_tallies(
            tx.connection,
            upload_ids=list(tallies),
            **{name: [tally.outcomes[name] for tally in tallies.values()] for name in (*LEAD_OUTCOMES, "rejected")},
            reasons=[orjson.dumps(tally.reasons).decode() for tally in tallies.values()],
            unread=[orjson.dumps(tally.unread).decode() for tally in tallies.values()],
        )


def _cells_to_keep(reject: RejectedRecord) -> dict[str, str]:
    return {} if RejectionReason.ERASED in reject.reasons else reject.cause.event.cells or {}


def _upload_of(event: LeadRecord) -> UploadId:
    return event.upload_id or NO_UPLOAD


def _count_unread_values(tally: UploadTally, record: PreparedRecord) -> None:
    for name in record.dropped:
        tally.unread.setdefault(name, UnreadValueCounts()).count_value(record.row.row)


def _count_records(outcomes: Sequence[LeadOutcome], rejects: Sequence[RejectedRecord]) -> None:
    """Count all records of the batch by outcome, with and without an upload."""
    total = Counter(outcome.outcome for outcome in outcomes)
    if rejects:
        total["rejected"] = len(rejects)
    for outcome, count in total.items():
        telemetry.counter("equity_records", "Property records by outcome").add(count, {"outcome": outcome})
