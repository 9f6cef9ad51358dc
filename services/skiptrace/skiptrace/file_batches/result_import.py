"""Import of TLO's output: each row is stored as the raw response of the request that it names. The service merges it.

Every row has exactly one outcome, and importing the same file again changes nothing. A dry run does the same work and
rolls back.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from pathlib import Path

import orjson

from common.csv.dialect import detect_dialect
from common.csv.reader import CsvReader, open_csv_text
from common.database import Connection, Database
from common.ids import RequestId
from common.vendors.http_client import VendorHttpResponse
from skiptrace.file_batches import queries
from skiptrace.file_batches.import_rows import FINAL_OUTCOMES, ImportLine, RowOutcome, classify_rows, decide_outcome
from skiptrace.file_batches.queries import BatchRequest
from skiptrace.rules.lead import LookupRequest
from skiptrace.trace.queries import read_leads
from skiptrace.trace.request_codec import RequestCodec
from skiptrace.vendors.tlo import TloAdapter, count_unread_cells
from skiptrace.vendors.tlo_mapping import TloMapping

IMPORT_PAGE_SIZE = 500


@dataclass(slots=True)
class ImportSummary:
    """Counts of a file's columns and rows."""

    encoding: str
    missing_columns: tuple[str, ...]
    """Columns of the mapping that the file does not have."""
    phone_columns: int
    email_columns: int
    rows: Counter[RowOutcome] = field(default_factory=Counter)
    matched: int = 0
    """Stored rows with a statement about the person."""
    bad_phones: int = 0
    """Cells of stored rows that are not empty and contain no phone."""
    bad_emails: int = 0


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """The end of a request, as it is stored."""

    request_id: RequestId
    outcome: RowOutcome
    matched: bool
    response: bytes | None
    """The encrypted raw response."""

    @property
    def request_outcome(self) -> str:
        """The outcome in `skip_trace_requests`."""
        return "answered" if self.outcome is RowOutcome.STORED else "expired"


class ResultImporter:
    """Imports files of TLO into the request log."""

    def __init__(self, database: Database, codec: RequestCodec, tlo: TloAdapter) -> None:
        self._database = database
        self._codec = codec
        self._tlo = tlo

    async def import_file(
        self, file: Path, mapping: TloMapping, progress: Callable[[int], None], *, write: bool
    ) -> ImportSummary:
        """Store the responses of *file*; without *write* only count them. *progress* receives the bytes read so far.

        Raises NotCsvError if it is not CSV, and BadMappingError if the mapping does not fit.
        """
        dialect = detect_dialect(file, lambda header: (True, mapping.count_known_columns(header)))
        positions = mapping.locate_columns(dialect.columns)
        summary = ImportSummary(dialect.encoding, positions.missing, len(positions.phones), len(positions.emails))
        with open_csv_text(file, dialect.encoding) as text:
            reader = CsvReader(text, dialect.delimiter)
            lines = classify_rows(reader.read_rows(len(reader.read_header())), positions)
            while page := list(islice(lines, IMPORT_PAGE_SIZE)):
                await self._import_page(page, summary, write=write)
                progress(text.buffer.tell())
        return summary

    async def _import_page(self, page: Sequence[ImportLine], summary: ImportSummary, *, write: bool) -> None:
        """Import one page of lines, in one transaction."""
        summary.rows.update(line.outcome for line in page if line.outcome)
        lines = {line.reference: line for line in page if line.reference and not line.outcome}
        outcomes = await self._store_in_transaction(lines, write=write)
        for reference, line in lines.items():
            outcome, matched = outcomes.get(reference, (RowOutcome.UNKNOWN, False))
            summary.rows[outcome] += 1
            if outcome is RowOutcome.STORED:
                bad_phones, bad_emails = count_unread_cells(line.entry)
                summary.matched += matched
                summary.bad_phones += bad_phones
                summary.bad_emails += bad_emails

    async def _store_in_transaction(
        self, lines: Mapping[RequestId, ImportLine], *, write: bool
    ) -> dict[RequestId, tuple[RowOutcome, bool]]:
        async with self._database.connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                outcomes = await self._store(connection, lines)
            except BaseException:
                await transaction.rollback()
                raise
            await (transaction.commit() if write else transaction.rollback())
        return outcomes

    async def _store(
        self, connection: Connection, lines: Mapping[RequestId, ImportLine]
    ) -> dict[RequestId, tuple[RowOutcome, bool]]:
        """Store the lines; return the outcome of each of our references, and whether its row states anything."""
        request_ids = list(lines)
        await queries.lock_leads_of_requests(connection, request_ids=request_ids)
        requests = await queries.lock_batch_requests(connection, request_ids=request_ids, provider=self._tlo.name)
        rows = await read_leads(connection, lead_ids=[request.lead_id for request in requests])
        leads = {row.id: row for row in rows}
        outcomes, ended = {}, []
        for request in requests:
            lookup = self._decrypt_lookup(request)
            outcome = decide_outcome(request, leads[request.lead_id], lookup)
            response = VendorHttpResponse(200, "application/json", orjson.dumps(lines[request.id].entry))
            matched = bool(lookup and self._tlo.read_results([lookup], response)[0].matched)
            outcomes[request.id] = (outcome, matched)
            if outcome in FINAL_OUTCOMES and request.detail not in FINAL_OUTCOMES:
                is_stored = outcome is RowOutcome.STORED
                encrypted = self._codec.encrypt_response(request.id, response) if is_stored else None
                ended.append(ImportOutcome(request.id, outcome, matched, encrypted))
        if ended:
            await self._end_requests(connection, ended)
        return outcomes

    def _decrypt_lookup(self, request: BatchRequest) -> LookupRequest | None:
        """Return the content of a request; None if it is no longer kept. Raises DecryptionError without the key."""
        if request.lookups_encrypted is None:
            return None
        return self._codec.decrypt_lookups(request.id, request.lookups_encrypted)[0]

    async def _end_requests(self, connection: Connection, ended: Sequence[ImportOutcome]) -> None:
        request_ids, outcomes = [one.request_id for one in ended], [one.request_outcome for one in ended]
        await queries.store_batch_responses(
            connection,
            request_ids=request_ids,
            outcomes=outcomes,
            cents=[self._tlo.cents if one.matched else Decimal(0) for one in ended],
            details=[None if one.outcome is RowOutcome.STORED else one.outcome.value for one in ended],
            responses=[one.response for one in ended],
        )
        await queries.set_batch_attempt_outcomes(connection, request_ids=request_ids, outcomes=outcomes)
