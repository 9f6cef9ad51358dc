"""Export of leads to TLO: choose leads, log one request for each, and give the rows of the file.

Each lead is its own request, because a file returns in parts (ADR 19). The rows of the file are read from the logged
requests. So requests are logged before the file is written, and a lost file can be written again.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from common.database import Connection, Database
from common.ids import BatchId, LeadId, RequestId, new_id
from skiptrace.file_batches import queries
from skiptrace.file_batches.export_rules import exclusion_reason
from skiptrace.rules.lead import FreshnessCutoffs, Lead, LookupRequest
from skiptrace.rules.verification_codes import CodeMap
from skiptrace.rules.waterfall import ProviderCapabilities
from skiptrace.settings import SkiptraceSettings
from skiptrace.trace.code_table import CodeTable
from skiptrace.trace.lead_loader import LeadLoader
from skiptrace.trace.request_codec import RequestCodec
from skiptrace.vendors.tlo import TloAdapter, build_export_row

EXPORT_PAGE_SIZE = 500


@dataclass(frozen=True, slots=True)
class PermissiblePurpose:
    """The permissible purpose of a file, and the person who is responsible for it."""

    glb_purpose: str
    dppa_purpose: str
    warning_accepted_by: str
    made_by: str


@dataclass(slots=True)
class ExportSummary:
    """Counts of the exported leads, and of the excluded ones by reason."""

    batch_id: BatchId
    leads: int = 0
    cents_at_most: Decimal = Decimal(0)
    excluded: Counter[str] = field(default_factory=Counter)


class LeadExporter:
    """Chooses leads for a file and logs their requests."""

    def __init__(
        self,
        database: Database,
        loader: LeadLoader,
        codec: RequestCodec,
        codes: CodeTable,
        online: Sequence[ProviderCapabilities],
        tlo: TloAdapter,
        settings: SkiptraceSettings,
    ) -> None:
        self._database = database
        self._loader = loader
        self._codec = codec
        self._codes = codes
        self._online = online
        self._tlo = tlo
        self._settings = settings

    async def export_leads(
        self, limit: int, purpose: PermissiblePurpose, progress: Callable[[int], None]
    ) -> ExportSummary:
        """Log up to *limit* leads as exported in one batch, the unreachable ones first and by score."""
        summary, codes = ExportSummary(BatchId(new_id())), await self._codes.load_map()
        async with self._database.connection() as connection:
            candidates = await queries.list_exportable_leads(
                connection, provider=self._tlo.name, since=self._cutoffs.verification
            )
        for start in range(0, len(candidates), EXPORT_PAGE_SIZE):
            chosen = await self._choose(candidates[start : start + EXPORT_PAGE_SIZE], codes, summary.excluded)
            await self._log_requests(summary, chosen[: limit - summary.leads], purpose)
            progress(summary.leads)
            if summary.leads >= limit:
                break
        return summary

    async def read_rows(self, batch_id: BatchId) -> AsyncIterator[list[str]]:
        """Yield the rows of the batch's file: its requests without a response whose leads may still be traced."""
        after = RequestId(UUID(int=0))
        while True:
            async with self._database.connection() as connection:
                page = await queries.list_batch_rows(connection, batch_id=batch_id, after=after, limit=EXPORT_PAGE_SIZE)
            for row in page:
                (lookup,) = self._codec.decrypt_lookups(row.id, row.lookups_encrypted)
                yield build_export_row(str(row.id), lookup)
            if not page:
                return
            after = page[-1].id

    async def mark_written(self, batch_id: BatchId) -> None:
        """Mark the batch's file as complete."""
        async with self._database.connection() as connection:
            await queries.mark_batch_written(connection, batch_id=batch_id)

    @property
    def _cutoffs(self) -> FreshnessCutoffs:
        return self._settings.freshness_cutoffs(datetime.now(UTC))

    async def _choose(self, lead_ids: Sequence[LeadId], codes: CodeMap, excluded: Counter[str]) -> list[Lead]:
        leads = await self._loader.load_leads(lead_ids)
        policy, cutoffs = self._settings.policy, self._cutoffs
        chosen = []
        for lead in (leads[lead_id] for lead_id in lead_ids if lead_id in leads):
            reason = exclusion_reason(lead, self._online, self._tlo.capabilities, policy, cutoffs, codes)
            if reason:
                excluded[reason] += 1
            else:
                chosen.append(lead)
        return chosen

    async def _log_requests(self, summary: ExportSummary, leads: Sequence[Lead], purpose: PermissiblePurpose) -> None:
        """Log a request for each of *leads* that is still free, and count them."""
        if not leads:
            return
        async with self._database.transaction() as connection:
            free = await self._lock_free(connection, [lead.id for lead in leads])
            chosen = [lead for lead in leads if lead.id in free]
            summary.excluded["in_progress"] += len(leads) - len(chosen)
            if not chosen:
                return
            await self._add_batch(connection, summary.batch_id, purpose)
            await self._add_requests(connection, summary.batch_id, [_build_lookup(lead) for lead in chosen])
        summary.leads += len(chosen)
        summary.cents_at_most += self._tlo.cents * len(chosen)

    async def _lock_free(self, connection: Connection, lead_ids: Sequence[LeadId]) -> set[LeadId]:
        """Lock the leads; return those that may be exported and have no request in progress."""
        locked = await queries.lock_exportable_leads(connection, lead_ids=lead_ids)
        busy = await queries.list_leads_with_open_requests(connection, lead_ids=lead_ids)
        return set(locked) - set(busy)

    async def _add_batch(self, connection: Connection, batch_id: BatchId, purpose: PermissiblePurpose) -> None:
        await queries.add_batch(
            connection,
            batch_id=batch_id,
            provider=self._tlo.name,
            lease=timedelta(days=self._settings.tlo_lease_days),
            made_by=purpose.made_by,
            glb_purpose=purpose.glb_purpose,
            dppa_purpose=purpose.dppa_purpose,
            warning_accepted_by=purpose.warning_accepted_by,
        )

    async def _add_requests(self, connection: Connection, batch_id: BatchId, lookups: Sequence[LookupRequest]) -> None:
        requests = {RequestId(new_id()): lookup for lookup in lookups}
        await queries.add_batch_requests(
            connection,
            batch_id=batch_id,
            cents=self._tlo.cents,
            request_ids=list(requests),
            lookups=[self._codec.encrypt_lookups(request_id, [lookup]) for request_id, lookup in requests.items()],
        )
        await queries.add_batch_attempts(
            connection,
            provider=self._tlo.name,
            request_ids=list(requests),
            lead_ids=[lookup.lead_id for lookup in requests.values()],
        )


def _build_lookup(lead: Lead) -> LookupRequest:
    if lead.person is None:
        raise AssertionError("a lead without an address is never exported")
    return LookupRequest(lead.id, lead.person)
