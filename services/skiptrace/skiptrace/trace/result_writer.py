"""Writer of results: contacts, the summary columns of `leads`, and the events about them, in one transaction.

Responses are merged into the contacts of this moment, under the leads' locks, and each response once.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from common.bus import Received, Tx
from common.database import load_queries
from common.pii.keyring import NORMALISATION_VERSION, DataKey, Keyring
from skiptrace.rules.lead import Lead, LeadContact, StoredResponse
from skiptrace.rules.merge import choose_best_contacts, list_person_flags, merge_response
from skiptrace.rules.verification_codes import CodeMap
from skiptrace.trace.cost_metrics import count_records
from skiptrace.trace.lead_events import emit_ingest_facts, emit_outcomes
from skiptrace.trace.lead_rows import contacts_from_rows
from skiptrace.trace.merged_result import MergedResult

queries = load_queries(__file__)

MAX_RANK = 32_767
"""Largest value of `lead_contacts.rank`, a smallint."""

_Columns = defaultdict[str, list[Any]]


class ResultWriter:
    """Writes the results of traced leads."""

    def __init__(self, keyring: Keyring, period: timedelta) -> None:
        self._keyring = keyring
        self._period = period

    async def write_results(
        self, tx: Tx, leads: Sequence[Lead], codes: CodeMap, causes: Mapping[UUID, Received[Any]] | None = None
    ) -> None:
        """Merge the unmerged responses about *leads*. *causes* are the messages that led to their trace."""
        causes = causes or {}
        lead_ids = [lead.id for lead in leads]
        rows = {row["id"]: row async for row in queries.lock_lead_rows(tx.connection, ids=lead_ids)}
        locked = [row async for row in queries.lock_unmerged_attempts(tx.connection, ids=lead_ids)]
        contacts = [row async for row in queries.contacts_of_leads(tx.connection, ids=lead_ids)]
        unmerged = {(row["request_id"], row["lead_id"]): row for row in locked}
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
        row: Any,
        contact_rows: Sequence[Any],
        responses: Sequence[StoredResponse],
        codes: CodeMap,
    ) -> MergedResult:
        contacts = contacts_from_rows(self._keyring, lead.id, row["data_key"], contact_rows)
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
        unmerged: Mapping[tuple[UUID, UUID], Any],
        causes: Mapping[UUID, Received[Any]],
    ) -> dict[UUID, int]:
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
        columns: _Columns = defaultdict(list)
        for one in changed:
            if one.is_erased:
                continue
            key = self._open_data_key(one)
            for contact in sorted(one.contacts.values(), key=lambda contact: contact.key):
                _append_contact(columns, one.lead.id, contact, key)
        if columns:
            await queries.upsert_contacts(
                tx.connection, hash_key_id=self._keyring.hash_key_id, version=NORMALISATION_VERSION, **columns
            )

    async def _update_summaries(self, tx: Tx, changed: Sequence[MergedResult]) -> dict[UUID, int]:
        """Update the summary columns of `leads`; return the versions of the leads that changed, by id."""
        columns: _Columns = defaultdict(list)
        for one in changed:
            if not one.is_erased:
                _append_summary(columns, one, self._open_data_key(one))
        if not columns:
            return {}
        return {row["id"]: row["lead_version"] async for row in queries.update_summaries(tx.connection, **columns)}

    def _open_data_key(self, one: MergedResult) -> DataKey:
        return self._keyring.unwrap_data_key(one.lead.id, one.row["data_key"])

    async def _mark_merged(self, tx: Tx, changed: Sequence[MergedResult]) -> None:
        merged = [(response, one.lead.id) for one in changed for response in one.responses]
        await queries.mark_attempts_merged(
            tx.connection,
            request_ids=[response.request_id for response, _ in merged],
            lead_ids=[lead_id for _, lead_id in merged],
            outcomes=["matched" if response.result.matched else "no_match" for response, _ in merged],
        )

    async def _send_facts_to_ingest(
        self, tx: Tx, changed: Sequence[MergedResult], causes: Mapping[UUID, Received[Any]]
    ) -> None:
        """Send ingest the facts that only it may write.

        A MAK of another lead is recorded as a conflict and not sent, because it would change that other lead.
        """
        maks = {one.lead.id: one.mak for one in changed if one.row["mak"] is None and one.mak}
        conflicts = queries.record_mak_conflicts(tx.connection, ids=list(maks), maks=list(maks.values()))
        in_conflict = {row["lead_id"] async for row in conflicts}
        for one in changed:
            mak = None if one.lead.id in in_conflict else maks.get(one.lead.id)
            emit_ingest_facts(tx, one, mak, causes.get(one.lead.id))


def _count_imported(attempts: Sequence[Any]) -> None:
    """Count imported rows in money. Calls were counted when their responses were stored."""
    for row in attempts:
        if row["batch_id"]:
            count_records(row["provider"], "answered", 1, row["cost_cents"])


def _append_contact(columns: _Columns, lead_id: UUID, contact: LeadContact, key: DataKey) -> None:
    row = {
        "lead_ids": lead_id,
        "channels": contact.channel,
        "hashes": contact.hash,
        "ciphertexts": key.encrypt(contact.channel, contact.value),
        "sources": contact.source,
        "ranks": min(contact.rank, MAX_RANK),
        "verified": contact.verified,
        "verified_at": contact.verified_at,
        "codes": ",".join(contact.codes),
        "line_types": contact.line_type,
        "dnc": contact.dnc,
        "dnc_checked_at": contact.dnc_checked_at,
        "litigators": contact.litigator,
        "litigator_checked_at": contact.litigator_checked_at,
    }
    for name, value in row.items():
        columns[name].append(value)


def _append_summary(columns: _Columns, one: MergedResult, key: DataKey) -> None:
    columns["ids"].append(one.lead.id)
    for channel, contact in (("email", one.best.email), ("phone", one.best.phone)):
        columns[f"{channel}_encrypted"].append(key.encrypt(channel, contact.value) if contact else None)
        columns[f"{channel}_hashes"].append(contact.hash if contact else None)
        columns[f"{channel}_codes"].append(",".join(contact.codes) if contact else "")
    columns["payloads"].append(one.melissa_payload)
