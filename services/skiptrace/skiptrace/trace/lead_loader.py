"""Lead loader: leads with their contacts, their earlier requests, and stored responses applied."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog

from common.database import Connection, Database, load_queries
from common.pii.keyring import DecryptionError, Keyring
from common.vendors.errors import VendorCallError
from skiptrace.rules.lead import AttemptStats, FreshnessCutoffs, Lead, LeadResult, StoredResponse
from skiptrace.rules.merge import list_person_flags, merge_response
from skiptrace.rules.verification_codes import CodeMap
from skiptrace.settings import SkiptraceSettings
from skiptrace.trace.code_table import CodeTable
from skiptrace.trace.lead_rows import contacts_from_rows, person_from_row, untraceable_reason
from skiptrace.trace.provider import ResponseReader, read_response
from skiptrace.trace.request_codec import RequestCodec

log = structlog.get_logger()
queries = load_queries(__file__)

FAILURES_COUNT_FOR = timedelta(hours=1)
MIN_IN_FLIGHT_SECONDS = 0.25

_ResponseKey = tuple[UUID, UUID]
"""Request and lead."""


class LeadLoader:
    """Loads leads for skip tracing."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        codec: RequestCodec,
        codes: CodeTable,
        readers: Mapping[str, ResponseReader],
        settings: SkiptraceSettings,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._codec = codec
        self._codes = codes
        self._readers = readers
        self._settings = settings

    async def load_leads(self, lead_ids: Sequence[UUID]) -> dict[UUID, Lead]:
        """Return those of *lead_ids* that exist, by id."""
        now = datetime.now(UTC)
        cutoffs = self._settings.freshness_cutoffs(now)
        async with self._database.connection() as connection:
            rows = [row async for row in queries.leads_to_trace(connection, ids=lead_ids)]
            contacts = [row async for row in queries.contacts_of_leads(connection, ids=lead_ids)]
            found = queries.attempts_of_leads(connection, ids=lead_ids, since=cutoffs.verification)
            attempts = [row async for row in found]
            responses = await self._load_responses(connection, attempts)
            suppressed = await self._load_suppressed(connection, responses.values())
        leads = {row["id"]: self._build_lead(row, contacts) for row in rows}
        for row in attempts:
            if lead := leads.get(row["lead_id"]):
                self._add_attempt(lead, row, now, cutoffs)
                if _is_unmerged(row):
                    lead.responses.append(responses.get((row["request_id"], lead.id)) or _empty_response(row))
        codes = await self._codes.load_map()
        for lead in leads.values():
            self._apply_responses(lead, codes, suppressed)
        return leads

    def _build_lead(self, row: Any, contacts: Sequence[Any]) -> Lead:
        untraceable = untraceable_reason(row)
        known = {} if untraceable else contacts_from_rows(self._keyring, row["id"], row["data_key"], contacts)
        return Lead(row["id"], person_from_row(row), row["mak"], known, untraceable, read_at=row["read_at"])

    async def _load_responses(
        self, connection: Connection, attempts: Sequence[Any]
    ) -> dict[_ResponseKey, StoredResponse]:
        """Return the unmerged responses among *attempts*, read as if they had just arrived."""
        unmerged = {row["request_id"] for row in attempts if _is_unmerged(row)}
        responses = {}
        async for row in queries.stored_responses(connection, ids=list(unmerged)):
            for result in self._read_results(row):
                response = StoredResponse(row["id"], row["provider"], row["answered_at"], result)
                responses[row["id"], result.lead_id] = response
        return responses

    def _read_results(self, row: Any) -> list[LeadResult]:
        """Return the results of a stored response; none if it cannot be read any more."""
        try:
            lookups = self._codec.decrypt_lookups(row["id"], row["lookups_encrypted"])
            response = self._codec.decrypt_response(row["id"], row["response_encrypted"])
            return read_response(self._readers[row["provider"]], lookups, response)
        except (DecryptionError, VendorCallError, LookupError) as error:
            log.error("stored_response_skipped", request_id=str(row["id"]), error=type(error).__name__)  # noqa: TRY400 - a trace shows data
            return []

    async def _load_suppressed(self, connection: Connection, responses: Iterable[StoredResponse]) -> frozenset[bytes]:
        values = {match.value for response in responses for match in response.result.contacts}
        if not values:
            return frozenset()
        hashes = [self._keyring.hash_contact(value) for value in values]
        return frozenset([row["value_hash"] async for row in queries.suppressed_hashes(connection, hashes=hashes)])

    def _add_attempt(self, lead: Lead, row: Any, now: datetime, cutoffs: FreshnessCutoffs) -> None:
        """Add one earlier request, a row of `attempts_of_leads`, to the costs and counts of *lead*."""
        if row["outcome"] != "failed":
            lead.spent_cents += row["cents"] or Decimal(0)
        is_in_file = row["batch_id"] and row["outcome"] != "answered"
        if is_in_file or self._is_outdated_check(row, cutoffs):  # a lead never waits for a file
            return
        stats = lead.attempts.setdefault(row["provider"], AttemptStats())
        if row["outcome"] == "asked":
            lead.in_flight_seconds = max(lead.in_flight_seconds, row["lease_seconds"], MIN_IN_FLIGHT_SECONDS)
        elif row["outcome"] == "answered":
            stats.answered += 1
            stats.merged += row["merged_at"] is not None
        elif row["attempt"] == "refused_record":
            stats.answered += self._settings.skiptrace_asks
        else:
            self._add_failure(stats, row, now)

    def _add_failure(self, stats: AttemptStats, row: Any, now: datetime) -> None:
        """Count a recent failure or unknown outcome; older ones do not count."""
        requested_at = row["requested_at"]
        unknown_counts_for = timedelta(hours=self._settings.skiptrace_unknown_hours)
        if row["attempt"] == "failed" and requested_at > now - FAILURES_COUNT_FOR:
            stats.failed += 1
            stats.first_failed_at = min(stats.first_failed_at or requested_at, requested_at)
        elif row["outcome"] == "unknown" and requested_at > now - unknown_counts_for:
            stats.unknown += 1

    def _is_outdated_check(self, row: Any, cutoffs: FreshnessCutoffs) -> bool:
        """Return whether it was a phone check that no longer counts; phones are checked more often than leads traced."""
        reader = self._readers.get(row["provider"])
        return bool(reader and reader.capabilities.checks) and row["requested_at"] < cutoffs.phone_check

    def _apply_responses(self, lead: Lead, codes: CodeMap, suppressed: frozenset[bytes]) -> None:
        """Apply the unmerged responses to the contacts, MAK and flags of *lead*, the oldest first."""
        lead.responses.sort(key=lambda response: response.answered_at)
        for response in lead.responses:
            hashes = {match.value: self._keyring.hash_contact(match.value) for match in response.result.contacts}
            lead.contacts = merge_response(lead.contacts, response, codes, hashes, suppressed)
            lead.mak = lead.mak or response.result.mak
        lead.person_flags = list_person_flags(lead.responses, codes)
        if lead.person_flags:
            stated = "litigator" if "litigator" in lead.person_flags else "deceased_owner"
            lead.untraceable = lead.untraceable or stated


def _is_unmerged(row: Any) -> bool:
    return row["outcome"] == "answered" and row["merged_at"] is None


def _empty_response(row: Any) -> StoredResponse:
    """Return a response without a statement for one that cannot be read any more: the lead goes to the next provider."""
    result = LeadResult(row["lead_id"], matched=False)
    return StoredResponse(row["request_id"], row["provider"], row["answered_at"], result)
