"""Writer of results: contacts, the summary columns of `leads`, and the events about them, in one transaction.

Responses are merged into the contacts of this moment, under the leads' locks, and each response once.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from common.bus import Received, Tx
from common.ids import LeadId, RequestId
from common.pii.keyring import NORMALISATION_VERSION, DataKey, Keyring
from skiptrace.rules.lead import Lead, LeadContact, StoredResponse
from skiptrace.rules.merge import choose_best_contacts, list_person_flags, merge_response
from skiptrace.rules.verification_codes import CodeMap
from skiptrace.trace import queries
from skiptrace.trace.cost_metrics import count_records
from skiptrace.trace.lead_events import emit_ingest_facts, emit_outcomes
from skiptrace.trace.lead_rows import contacts_from_rows
from skiptrace.trace.merged_result import MergedResult
from skiptrace.trace.queries import ContactRow, LockedLead, UnmergedAttempt

MAX_RANK = 32_767
"""Largest value of `lead_contacts.rank`, a smallint."""


class ResultWriter:
    """Writes the results of traced leads."""

    def __init__(self, keyring: Keyring, period: timedelta) -> None:
        self._keyring = keyring
        self._period = period

    async def write_results(
        self, tx: Tx, leads: Sequence[Lead], codes: CodeMap, causes: Mapping[LeadId, Received[Any]] | None = None
    ) -> None:
        """Merge the unmerged responses about *leads*. *causes* are the messages that led to their trace."""
        causes = causes or {}
        lead_ids = [lead.id for lead in leads]
        rows = {row.id: row for row in await queries.lock_lead_rows(tx.connection, lead_ids=lead_ids)}
        attempts = await queries.lock_unmerged_attempts(tx.connection, lead_ids=lead_ids)
        contacts = await queries.read_contacts(tx.connection, lead_ids=lead_ids)
        unmerged = {(attempt.request_id, attempt.lead_id): attempt for attempt in attempts}
        merged = []
        for lead in leads:
            responses = [one for one in lead.responses if (one.request_id, lead.id) in unmerged]
            if lead.id in rows:
                merged.append(self._merge_lead(tx, lead, rows[lead.id], contacts, responses, codes))
        versions = await self._write_changed(tx, [one for one in merged if one.responses], unmerged, causes)
        emit_outcomes(tx, merged, versions, causes)

    def _merge_lead(
        self,
        tx: Tx,
        lead: Lead,
        row: LockedLead,
        contact_rows: Sequence[ContactRow],
        responses: Sequence[StoredResponse],
        codes: CodeMap,
    ) -> MergedResult:
        contacts = contacts_from_rows(self._keyring, lead.id, row.data_key, contact_rows)
        suppressed = frozenset(contact.hash for contact in lead.contacts.values() if contact.suppressed)
        for response in responses:
            hashes = {match.value: self._keyring.hash_contact(match.value) for match in response.result.contacts}
            contacts = merge_response(contacts, response, codes, hashes, suppressed)
        best = choose_best_contacts(contacts.values(), tx.now - self._period)
        return MergedResult(row, contacts, responses, list_person_flags(responses, codes), best, lead)

    async def _write_changed(
        self,
        tx: Tx,
        changed: Sequence[MergedResult],
        unmerged: Mapping[tuple[RequestId, LeadId], UnmergedAttempt],
        causes: Mapping[LeadId, Received[Any]],
    ) -> dict[LeadId, int]:
        """Write leads with merged responses; return the versions of the leads whose row changed, by id."""
        if not changed:
            return {}
        await self._upsert_contacts(tx, changed)
        versions = await self._update_summaries(tx, changed)
        await self._mark_merged(tx, changed)
        _count_imported([unmerged[response.request_id, one.lead.id] for one in changed for response in one.responses])
        await self._send_facts_to_ingest(tx, changed, causes)
        return versions

    async def _upsert_contacts(self, tx: Tx, changed: Sequence[MergedResult]) -> None:
        to_write = [
            (one.lead.id, contact, key.encrypt(contact.channel, contact.value))
            for one in changed
            if (key := self._open_data_key(one))
            for contact in sorted(one.contacts.values(), key=lambda contact: contact.key)
        ]
        if not to_write:
            return
        contacts = [contact for _, contact, _ in to_write]
        await queries.upsert_contacts(
            tx.connection,
            hash_key_id=self._keyring.hash_key_id,
            version=NORMALISATION_VERSION,
            lead_ids=[lead_id for lead_id, _, _ in to_write],
            channels=[contact.channel for contact in contacts],
            hashes=[contact.hash for contact in contacts],
            ciphertexts=[ciphertext for _, _, ciphertext in to_write],
            sources=[contact.source for contact in contacts],
            ranks=[min(contact.rank, MAX_RANK) for contact in contacts],
            verified=[contact.verified for contact in contacts],
            verified_at=[contact.verified_at for contact in contacts],
            codes=[",".join(contact.codes) for contact in contacts],
            line_types=[contact.line_type for contact in contacts],
            dnc=[contact.dnc for contact in contacts],
            dnc_checked_at=[contact.dnc_checked_at for contact in contacts],
            litigators=[contact.litigator for contact in contacts],
            litigator_checked_at=[contact.litigator_checked_at for contact in contacts],
        )

    async def _update_summaries(self, tx: Tx, changed: Sequence[MergedResult]) -> dict[LeadId, int]:
        """Update the summary columns of `leads`; return the versions of the leads that changed, by id."""
        to_write = [(one, key) for one in changed if (key := self._open_data_key(one))]
        if not to_write:
            return {}
        emails = [one.best.email for one, _ in to_write]
        phones = [one.best.phone for one, _ in to_write]
        updated = await queries.update_summaries(
            tx.connection,
            lead_ids=[one.lead.id for one, _ in to_write],
            email_encrypted=[_encrypt_contact(key, one.best.email) for one, key in to_write],
            email_hashes=[email.hash if email else None for email in emails],
            email_codes=[",".join(email.codes) if email else "" for email in emails],
            phone_encrypted=[_encrypt_contact(key, one.best.phone) for one, key in to_write],
            phone_hashes=[phone.hash if phone else None for phone in phones],
            phone_codes=[",".join(phone.codes) if phone else "" for phone in phones],
            payloads=[one.melissa_payload for one, _ in to_write],
        )
        return {summary.id: summary.lead_version for summary in updated}

    def _open_data_key(self, one: MergedResult) -> DataKey | None:
        """Return the key of the lead's contacts; None for an erased lead, about which nothing is written."""
        data_key = one.row.data_key
        return None if data_key is None else self._keyring.unwrap_data_key(one.lead.id, data_key)

    async def _mark_merged(self, tx: Tx, changed: Sequence[MergedResult]) -> None:
        merged = [(response, one.lead.id) for one in changed for response in one.responses]
        await queries.mark_attempts_merged(
            tx.connection,
            request_ids=[response.request_id for response, _ in merged],
            lead_ids=[lead_id for _, lead_id in merged],
            outcomes=["matched" if response.result.matched else "no_match" for response, _ in merged],
        )

    async def _send_facts_to_ingest(
        self, tx: Tx, changed: Sequence[MergedResult], causes: Mapping[LeadId, Received[Any]]
    ) -> None:
        """Send ingest the facts that only it may write; nothing about an erased lead.

        A MAK of another lead is recorded as a conflict and not sent, because it would change that other lead.
        """
        changed = [one for one in changed if one.row.data_key is not None]
        maks = {one.lead.id: one.mak for one in changed if one.row.mak is None and one.mak}
        in_conflict = await queries.record_mak_conflicts(tx.connection, lead_ids=list(maks), maks=list(maks.values()))
        for one in changed:
            mak = None if one.lead.id in in_conflict else maks.get(one.lead.id)
            emit_ingest_facts(tx, one, mak, causes.get(one.lead.id))


def _count_imported(attempts: Sequence[UnmergedAttempt]) -> None:
    """Count imported rows in money. Calls were counted when their responses were stored."""
    for attempt in attempts:
        if attempt.batch_id:
            count_records(attempt.provider, "answered", 1, attempt.cost_cents or Decimal(0))


def _encrypt_contact(key: DataKey, contact: LeadContact | None) -> bytes | None:
    return key.encrypt(contact.channel, contact.value) if contact else None
