"""What a batch writes, in one transaction: contacts, what `leads` reflects of them, and the events about it.

Answers are merged into the contacts as they are now, under the leads' locks, each answer once.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import orjson

from common import telemetry
from common.bus import Received, Tx
from common.contacts import NORMALISATION_VERSION, DataKey, Keyring
from common.database import load_queries
from common.events import LeadRecord, LeadUnverifiable, LeadVerified
from skiptrace.board import contact_of
from skiptrace.codes import CodeMap
from skiptrace.lead import Answer, Contact, Lead
from skiptrace.ledger import count
from skiptrace.merge import Verification, apply, grade, person_flags, verification

queries = load_queries(__file__)

LONG_AGO = date(1970, 1, 1)
"""Day of the facts that go back to ingest with a MAK: they fill what is empty and override nothing."""


@dataclass(frozen=True, slots=True)
class Merged:
    """A lead after its answers were merged."""

    row: Any
    contacts: Mapping[tuple[str, bytes], Contact]
    answers: Sequence[Answer]
    flags: frozenset[str]
    now: Verification
    lead: Lead


class Recorder:
    """Writes what tracing found out."""

    def __init__(self, keyring: Keyring, period: timedelta) -> None:
        self._keyring = keyring
        self._period = period

    async def record(
        self, tx: Tx, leads: Sequence[Lead], codes: CodeMap, causes: Mapping[UUID, Received[Any]] | None = None
    ) -> None:
        """Merge the answers about *leads* that nobody has merged yet. *causes* are the messages that led to it."""
        ids = [lead.id for lead in leads]
        rows = {row["id"]: row async for row in queries.leads_as_they_are(tx.connection, ids=ids)}
        open_ = {(row["request_id"], row["lead_id"]): row async for row in queries.open_parts(tx.connection, ids=ids)}
        known = [row async for row in queries.contacts_of(tx.connection, ids=ids)]
        merged = []
        for lead in leads:
            answers = [answer for answer in lead.answers if (answer.request_id, lead.id) in open_]
            if lead.id in rows:
                contacts = [row for row in known if row["lead_id"] == lead.id]
                merged.append(self._merge(tx, lead, rows[lead.id], contacts, answers, codes))
        changed = [one for one in merged if one.answers]
        versions = {}
        if changed:
            await self._put_contacts(tx, changed)
            versions = await self._reflect(tx, changed)
            await self._close_parts(tx, changed)
            _count_imported([open_[answer.request_id, one.lead.id] for one in changed for answer in one.answers])
            await self._hand_over(tx, changed, causes or {})
        for one in merged:
            cause = (causes or {}).get(one.lead.id)
            changed_lead = one.lead.id in versions  # a check that changes nothing is nobody's news
            if changed_lead or any(not answer.is_check for answer in one.answers) or _is_news(one, cause):
                _tell(tx, one, versions.get(one.lead.id, one.row["lead_version"]), cause)

    def _merge(
        self, tx: Tx, lead: Lead, row: Any, known: Sequence[Any], answers: Sequence[Answer], codes: CodeMap
    ) -> Merged:
        contacts = {}
        if row["data_key"] is not None:
            key = self._keyring.open_data_key(lead.id, row["data_key"])
            for one in known:
                value = key.decrypt(one["channel"], one["value_ciphertext"])
                contacts[one["channel"], one["value_hash"]] = contact_of(one, value)
        suppressed = frozenset(contact.hash for contact in lead.contacts.values() if contact.suppressed)
        for answer in answers:
            hashes = {found.value: self._keyring.hash_contact(found.value) for found in answer.finding.contacts}
            contacts = apply(contacts, answer, codes, hashes, suppressed)
        now = verification(contacts.values(), tx.now - self._period)
        return Merged(row, contacts, answers, person_flags(answers, codes), now, lead)

    async def _put_contacts(self, tx: Tx, merged: Sequence[Merged]) -> None:
        columns: defaultdict[str, list[Any]] = defaultdict(list)
        for one in merged:
            if one.row["data_key"] is None:  # erased meanwhile: nothing of the person is stored any more
                continue
            key = self._keyring.open_data_key(one.lead.id, one.row["data_key"])
            for contact in sorted(one.contacts.values(), key=lambda contact: contact.key):
                _append(columns, one.lead.id, contact, key)
        if columns:
            await queries.put_contacts(
                tx.connection, hash_key_id=self._keyring.hash_key_id, version=NORMALISATION_VERSION, **columns
            )

    async def _reflect(self, tx: Tx, merged: Sequence[Merged]) -> dict[UUID, int]:
        """Bring the documents' columns of `leads` up to date; id to version of the leads that changed."""
        columns: defaultdict[str, list[Any]] = defaultdict(list)
        for one in merged:
            if one.row["data_key"] is None:
                continue
            key = self._keyring.open_data_key(one.lead.id, one.row["data_key"])
            columns["ids"].append(one.lead.id)
            for channel, contact in (("email", one.now.email), ("phone", one.now.phone)):
                columns[f"{channel}_encrypted"].append(key.encrypt(channel, contact.value) if contact else None)
                columns[f"{channel}_hashes"].append(contact.hash if contact else None)
                columns[f"{channel}_codes"].append(",".join(contact.codes) if contact else "")
            columns["payloads"].append(_payload(one.answers))
        if not columns:
            return {}
        return {row["id"]: row["lead_version"] async for row in queries.reflect(tx.connection, **columns)}

    async def _close_parts(self, tx: Tx, merged: Sequence[Merged]) -> None:
        parts = [(answer, one.lead.id) for one in merged for answer in one.answers]
        await queries.merge_parts(
            tx.connection,
            request_ids=[answer.request_id for answer, _ in parts],
            lead_ids=[lead_id for _, lead_id in parts],
            outcomes=["matched" if answer.finding.matched else "no_match" for answer, _ in parts],
        )

    async def _hand_over(self, tx: Tx, merged: Sequence[Merged], causes: Mapping[UUID, Received[Any]]) -> None:
        """Give ingest what is its to write: the MAK, and that the owner died or litigates.

        A MAK that another lead holds is recorded as a conflict and not sent: it would change the other lead.
        """
        maks = {one.lead.id: mak for one in merged if one.row["mak"] is None and (mak := _mak(one.answers))}
        held = {
            row["lead_id"]
            async for row in queries.note_held_maks(tx.connection, ids=list(maks), maks=list(maks.values()))
        }
        for one in merged:
            mak = maks.get(one.lead.id) if one.lead.id not in held else None
            deceased = "deceased" in one.flags and not one.row["deceased_owner"]
            litigator = "litigator" in one.flags and not one.row["litigator"]
            if mak or deceased or litigator:
                tx.emit(
                    _record(one.row, _provider_of(one.answers), mak, deceased=deceased, litigator=litigator),
                    cause=causes.get(one.lead.id),
                    subject=one.lead.id,
                )


def _count_imported(parts: Sequence[Any]) -> None:
    """Count in money what came in files: calls were counted when their answers came."""
    for part in parts:
        if part["batch_id"]:
            count(part["provider"], "answered", 1, part["cost_cents"])


def _append(columns: defaultdict[str, list[Any]], lead_id: UUID, contact: Contact, key: DataKey) -> None:
    row = {
        "lead_ids": lead_id,
        "channels": contact.channel,
        "hashes": contact.hash,
        "ciphertexts": key.encrypt(contact.channel, contact.value),
        "sources": contact.source,
        "ranks": min(contact.rank, 32_767),
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


def _payload(answers: Sequence[Answer]) -> str | None:
    """What Melissa said, in its codes and the grade derived of them, and nothing of the person."""
    said = next((answer for answer in reversed(answers) if answer.provider == "melissa"), None)
    if said is None or not said.finding.codes:
        return None
    body = {"results": ",".join(said.finding.codes), "grade": grade(said.finding.codes), "mak": said.finding.mak}
    return orjson.dumps(body).decode()


def _mak(answers: Sequence[Answer]) -> str | None:
    return next((answer.finding.mak for answer in answers if answer.finding.mak), None)


def _provider_of(answers: Sequence[Answer]) -> str:
    return answers[-1].provider


def _record(row: Any, source: str, mak: str | None, *, deceased: bool, litigator: bool) -> LeadRecord:
    """The record that names this lead to ingest, whoever its broker is, and brings what a provider added."""
    return LeadRecord(
        source=source,
        observed_on=LONG_AGO,
        allowed_broker_ids=[row["assigned_broker_id"]] if row["assigned_broker_id"] else row["assignable_broker_ids"],
        mak=mak or row["mak"],
        apn=row["apn"],
        county=row["county"],
        property_address=row["property_address"],
        property_unit=row["property_unit"],
        property_city=row["property_city"],
        property_state=row["property_state"],
        property_zip=row["property_zip"],
        deceased_owner=deceased or None,
        litigator=litigator or None,
    )


def _is_news(one: Merged, cause: Received[Any] | None) -> bool:
    """Whether a lead ended without an answer and nobody was told: its calls were lost, or there was nobody to ask."""
    if one.now.outcome is not None or any(asked.merged for asked in one.lead.asked.values()):
        return False
    return bool(one.lead.asked) or (cause is not None and cause.event.verdict == "inserted")


def _tell(tx: Tx, one: Merged, version: int, cause: Received[Any] | None) -> None:
    """Tell the bus how the lead stands now."""
    facts: dict[str, Any] = {
        "lead_id": one.lead.id,
        "lead_version": version,
        "broker_id": one.row["assigned_broker_id"],
        "occurred_at": tx.now,
        "providers": sorted(one.lead.asked),
    }
    reasons = _reasons(one)
    outcome = reasons[0] if reasons else one.now.outcome
    telemetry.counter("equity_skiptrace_leads", "Leads traced, by outcome").add(1, {"outcome": str(outcome)})
    if reasons:
        tx.emit(LeadUnverifiable(**facts, outcome=outcome, reasons=reasons), cause=cause)
    else:
        tx.emit(LeadVerified(**facts, outcome=outcome, channels=one.now.channels), cause=cause)


def _reasons(one: Merged) -> list[str]:
    """Why the lead cannot be reached; empty when it can."""
    barred = {"deceased_owner": "deceased" in one.flags, "litigator": "litigator" in one.flags}
    found = [reason for reason, said in barred.items() if said or one.row[reason]]
    if found or one.now.outcome is not None:
        return found
    judged = [contact for contact in one.contacts.values() if contact.verified is False]
    if any(asked.unknown and not asked.answered for asked in one.lead.asked.values()):
        found.append("unknown_answer")
    return [*found, "ruled_out" if judged else "no_match"]
