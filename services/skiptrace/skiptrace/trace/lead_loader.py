"""Lead loader: leads with their contacts, their earlier requests, and stored responses applied."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import structlog

from common.database import Connection, Database
from common.ids import LeadId, RequestId
from common.pii.keyring import DecryptionError, Keyring
from common.vendors.errors import VendorCallError
from skiptrace.rules.lead import AttemptStats, FreshnessCutoffs, Lead, LeadResult, StoredResponse
from skiptrace.rules.merge import list_person_flags, merge_response
from skiptrace.rules.verification_codes import CodeMap
from skiptrace.settings import SkiptraceSettings
from skiptrace.trace import queries
from skiptrace.trace.code_table import CodeTable
from skiptrace.trace.lead_rows import contacts_from_rows, person_from_row, untraceable_reason
from skiptrace.trace.provider import ResponseReader, read_response
from skiptrace.trace.queries import ContactRow, EncryptedResponse, LeadAttempt, LeadToTrace
from skiptrace.trace.request_codec import RequestCodec

log = structlog.get_logger()

FAILURES_COUNT_FOR = timedelta(hours=1)
MIN_IN_FLIGHT_SECONDS = 0.25

_ResponseKey = tuple[RequestId, LeadId]
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

    async def load_leads(self, lead_ids: Sequence[LeadId]) -> dict[LeadId, Lead]:
        """Return those of *lead_ids* that exist, by id."""
        now = datetime.now(UTC)
        cutoffs = self._settings.freshness_cutoffs(now)
        async with self._database.connection() as connection:
            rows = await queries.read_leads(connection, lead_ids=lead_ids)
            contacts = await queries.read_contacts(connection, lead_ids=lead_ids)
            attempts = await queries.read_attempts(connection, lead_ids=lead_ids, since=cutoffs.verification)
            responses = await self._load_responses(connection, attempts)
            suppressed = await self._load_suppressed(connection, responses.values())
        leads = {row.id: self._build_lead(row, contacts) for row in rows}
        for attempt in attempts:
            if lead := leads.get(attempt.lead_id):
                self._add_attempt(lead, attempt, now, cutoffs)
                if _is_unmerged(attempt):
                    lead.responses.append(responses.get((attempt.request_id, lead.id)) or _empty_response(attempt))
        codes = await self._codes.load_map()
        for lead in leads.values():
            self._apply_responses(lead, codes, suppressed)
        return leads

    def _build_lead(self, row: LeadToTrace, contacts: Sequence[ContactRow]) -> Lead:
        untraceable = untraceable_reason(row)
        known = {} if untraceable else contacts_from_rows(self._keyring, row.id, row.data_key, contacts)
        return Lead(row.id, person_from_row(row), row.mak, known, untraceable, read_at=row.read_at)

    async def _load_responses(
        self, connection: Connection, attempts: Sequence[LeadAttempt]
    ) -> dict[_ResponseKey, StoredResponse]:
        """Return the unmerged responses among *attempts*, read as if they had just arrived."""
        unmerged = {attempt.request_id for attempt in attempts if _is_unmerged(attempt)}
        responses = {}
        for stored in await queries.read_responses(connection, request_ids=list(unmerged)):
            for result in self._read_results(stored):
                response = StoredResponse(stored.id, stored.provider, stored.answered_at, result)
                responses[stored.id, result.lead_id] = response
        return responses

    def _read_results(self, stored: EncryptedResponse) -> list[LeadResult]:
        """Return the results of a stored response; none if it cannot be read any more."""
        try:
            lookups = self._codec.decrypt_lookups(stored.id, stored.lookups_encrypted)
            response = self._codec.decrypt_response(stored.id, stored.response_encrypted)
            return read_response(self._readers[stored.provider], lookups, response)
        except (DecryptionError, VendorCallError, LookupError) as error:
            log.error("stored_response_skipped", request_id=str(stored.id), error=type(error).__name__)  # noqa: TRY400 - a trace shows data
            return []

    async def _load_suppressed(self, connection: Connection, responses: Iterable[StoredResponse]) -> frozenset[bytes]:
        values = {match.value for response in responses for match in response.result.contacts}
        if not values:
            return frozenset()
        hashes = [self._keyring.hash_contact(value) for value in values]
        return frozenset(await queries.list_suppressed_hashes(connection, hashes=hashes))

    def _add_attempt(self, lead: Lead, attempt: LeadAttempt, now: datetime, cutoffs: FreshnessCutoffs) -> None:
        """Add one earlier request to the costs and counts of *lead*."""
        if attempt.outcome != "failed":
            lead.spent_cents += attempt.cents or Decimal(0)
        is_in_file = attempt.batch_id and attempt.outcome != "answered"
        if is_in_file or self._is_outdated_check(attempt, cutoffs):  # a lead never waits for a file
            return
        stats = lead.attempts.setdefault(attempt.provider, AttemptStats())
        if attempt.outcome == "asked":
            lead.in_flight_seconds = max(lead.in_flight_seconds, attempt.lease_seconds, MIN_IN_FLIGHT_SECONDS)
        elif attempt.outcome == "answered":
            stats.answered += 1
            stats.merged += attempt.merged_at is not None
        elif attempt.attempt == "refused_record":
            stats.answered += self._settings.skiptrace_max_attempts
        else:
            self._add_failure(stats, attempt, now)

    def _add_failure(self, stats: AttemptStats, attempt: LeadAttempt, now: datetime) -> None:
        """Count a recent failure or unknown outcome; older ones do not count."""
        requested_at = attempt.requested_at
        unknown_counts_for = timedelta(hours=self._settings.skiptrace_unknown_hours)
        if attempt.attempt == "failed" and requested_at > now - FAILURES_COUNT_FOR:
            stats.failed += 1
            stats.first_failed_at = min(stats.first_failed_at or requested_at, requested_at)
        elif attempt.outcome == "unknown" and requested_at > now - unknown_counts_for:
            stats.unknown += 1

    def _is_outdated_check(self, attempt: LeadAttempt, cutoffs: FreshnessCutoffs) -> bool:
        """Return whether it was a phone check that no longer counts; phones are checked more often than leads traced."""
        reader = self._readers.get(attempt.provider)
        return bool(reader and reader.capabilities.checks) and attempt.requested_at < cutoffs.phone_check

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


def _is_unmerged(attempt: LeadAttempt) -> bool:
    return attempt.outcome == "answered" and attempt.merged_at is None


def _empty_response(attempt: LeadAttempt) -> StoredResponse:
    """Return a response without a statement for one that cannot be read any more: the lead goes to the next provider."""
    result = LeadResult(attempt.lead_id, matched=False)
    return StoredResponse(attempt.request_id, attempt.provider, attempt.answered_at, result)
