"""Leads as they stand now: their rows, their contacts, what was asked, and stored answers applied on top."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from common.contacts import CannotOpenError, Keyring
from common.database import Connection, Database, load_queries
from common.vendor_text import plain_text
from skiptrace.codes import CodeMap, Codes
from skiptrace.lead import Answer, Asked, Contact, Finding, Lead, Person, Since
from skiptrace.ledger import Ledger
from skiptrace.merge import apply, person_flags
from skiptrace.provider import ProviderError, Reader, read_answer
from skiptrace.settings import SkiptraceSettings

log = structlog.get_logger()
queries = load_queries(__file__)

_CLOSED = {"unsubscribed", "do_not_contact", "converted"}
FAILURES_COUNT_FOR = timedelta(hours=1)


class Board:
    """Reads leads for skip tracing."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        ledger: Ledger,
        codes: Codes,
        readers: Mapping[str, Reader],
        settings: SkiptraceSettings,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._ledger = ledger
        self._codes = codes
        self._readers = readers
        self._settings = settings

    async def leads(self, lead_ids: Sequence[UUID]) -> dict[UUID, Lead]:
        """The leads that there are among *lead_ids*."""
        now = datetime.now(UTC)
        since = self._settings.since(now)
        async with self._database.connection() as connection:
            rows = [row async for row in queries.leads_to_trace(connection, ids=lead_ids)]
            contacts = [row async for row in queries.contacts_of(connection, ids=lead_ids)]
            attempts = [row async for row in queries.attempts_of(connection, ids=lead_ids, since=since.judged)]
            unmerged = {row["request_id"] for row in attempts if _is_unmerged(row)}
            stored = [row async for row in queries.stored_answers(connection, ids=list(unmerged))]
            answers = self._answers(stored)
            suppressed = await self._suppressed(connection, answers)
        leads = {row["id"]: self._lead(row, contacts) for row in rows}
        codes = await self._codes.current()
        for row in attempts:
            if lead := leads.get(row["lead_id"]):
                self._note_attempt(lead, row, now, since)
                if _is_unmerged(row):
                    lead.answers.append(answers.get((row["request_id"], lead.id)) or _nothing(row))
        for lead in leads.values():
            self._apply(lead, codes, suppressed)
        return leads

    def _lead(self, row: Any, contacts: Sequence[Any]) -> Lead:
        untraceable = _why_not(row)
        found: dict[tuple[str, bytes], Contact] = {}
        if row["data_key"] is not None and untraceable is None:
            key = self._keyring.open_data_key(row["id"], row["data_key"])
            for one in contacts:
                if one["lead_id"] == row["id"]:
                    value = key.decrypt(one["channel"], one["value_ciphertext"])
                    found[one["channel"], one["value_hash"]] = contact_of(one, value)
        return Lead(row["id"], person_of(row), row["mak"], found, untraceable, read_at=row["read_at"])

    def _answers(self, stored: Sequence[Any]) -> dict[tuple[UUID, UUID], Answer]:
        """The parts of stored answers by request and lead, read as if they had come this moment."""
        found = {}
        for row in stored:
            try:
                questions, reply = self._ledger.unseal(row["id"], row["question_sealed"], row["answer_sealed"])
                findings = read_answer(self._readers[row["provider"]], questions, reply)
            except (CannotOpenError, ProviderError, LookupError) as error:
                log.error("stored_answer_unreadable", request_id=str(row["id"]), error=type(error).__name__)  # noqa: TRY400 - a trace shows data
                continue
            for finding in findings:
                answer = Answer(row["id"], row["provider"], row["answered_at"], finding)
                found[row["id"], finding.lead_id] = answer
        return found

    async def _suppressed(self, connection: Connection, answers: Mapping[Any, Answer]) -> frozenset[bytes]:
        hashes = {self._keyring.hash_contact(f.value) for answer in answers.values() for f in answer.finding.contacts}
        if not hashes:
            return frozenset()
        rows = queries.suppressed_among(connection, hashes=list(hashes))
        return frozenset([row["value_hash"] async for row in rows])

    def _note_attempt(self, lead: Lead, row: Any, now: datetime, since: Since) -> None:
        if row["outcome"] != "failed":
            lead.spent_cents += row["cents"] or 0
        if row["batch_id"] and row["outcome"] != "answered":  # in a file, which nobody waits for
            return
        reader = self._readers.get(row["provider"])
        if reader and reader.offer.checks and row["requested_at"] < since.checked:
            return  # phones are checked again sooner than leads are traced again
        asked = lead.asked.setdefault(row["provider"], Asked())
        unknown_counts_for = timedelta(hours=self._settings.skiptrace_unknown_hours)
        if row["outcome"] == "asked":
            lead.in_flight_s = max(lead.in_flight_s, row["lease_s"], 0.25)
        elif row["outcome"] == "answered":
            asked.answered += 1
            asked.merged += row["merged_at"] is not None
        elif row["part"] == "refused_record":
            asked.answered += self._settings.skiptrace_asks
        elif row["part"] == "failed" and row["requested_at"] > now - FAILURES_COUNT_FOR:
            asked.failed += 1
            asked.first_failed_at = min(asked.first_failed_at or row["requested_at"], row["requested_at"])
        elif row["outcome"] == "unknown" and row["requested_at"] > now - unknown_counts_for:
            asked.unknown += 1

    def _apply(self, lead: Lead, codes: CodeMap, suppressed: frozenset[bytes]) -> None:
        lead.answers.sort(key=lambda answer: answer.at)
        for answer in lead.answers:
            hashes = {found.value: self._keyring.hash_contact(found.value) for found in answer.finding.contacts}
            lead.contacts = apply(lead.contacts, answer, codes, hashes, suppressed)
            lead.mak = lead.mak or answer.finding.mak
        lead.person_flags = person_flags(lead.answers, codes)
        if lead.person_flags:
            lead.untraceable = lead.untraceable or (
                "litigator" if "litigator" in lead.person_flags else "deceased_owner"
            )


def contact_of(row: Any, value: str) -> Contact:
    """The contact that a row of `lead_contacts`, with `suppressed`, and its decrypted *value* make."""
    same = ("channel", "source", "rank", "verified", "verified_at", "line_type", "dnc", "dnc_checked_at")
    more = ("litigator", "litigator_checked_at", "suppressed")
    known = {name: row[name] for name in (*same, *more)}
    return Contact(value=value, hash=row["value_hash"], codes=tuple(row["codes"]), **known)


def _nothing(row: Any) -> Answer:
    """What an answer says that cannot be read any more: nothing, so that its lead goes on to the next provider."""
    return Answer(row["request_id"], row["provider"], row["answered_at"], Finding(row["lead_id"], matched=False))


def _is_unmerged(row: Any) -> bool:
    return row["outcome"] == "answered" and row["merged_at"] is None


def _why_not(row: Any) -> str | None:
    """Why nobody is asked about a lead: it would cost, and nobody may be contacted."""
    if row["deceased_owner"]:
        return "deceased_owner"
    if row["litigator"]:
        return "litigator"
    if row["data_key"] is None:
        return "erased"
    if row["campaign_status"] in _CLOSED:
        return "closed"
    return None if person_of(row) else "no_address"


def person_of(row: Any) -> Person | None:
    """Whom a row of `leads` is about; None where the address is not complete enough to ask anybody.

    Every text goes through `plain_text`: no vendor gets markup, whatever a file calls a person or a street (ADR 26).
    """
    parts = [text for name in ("address", "city", "state", "zip") if (text := plain_text(row[f"property_{name}"]))]
    if len(parts) < 4:  # noqa: PLR2004 - street, city, state and ZIP code
        return None
    first_name, last_name, company, unit, county, apn = (
        plain_text(row[name])
        for name in ("owner_first_name", "owner_last_name", "company_name", "property_unit", "county", "apn")
    )
    person = Person(first_name, last_name, company, parts[0], unit, parts[1], parts[2], parts[3], county, apn)
    already_said = unit and person.street.upper().rstrip().endswith(unit.upper())
    return replace(person, unit=None) if already_said else person
