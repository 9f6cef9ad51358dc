"""One record, decided: ready for the database, rejected with its reasons, or not ours to take.

Everything here happens before the transaction: reading cells, normalising, scoring, choosing the broker, encrypting.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import orjson

from common import ids
from common.bus import Received
from common.contacts import DataKey, Keyring
from common.events import LeadRecord, PhoneCandidate, Scalar
from common.remarks import read_status
from ingest.dedupe import LeadRow, stamp_of
from ingest.normalise import PropertyRecord, normalise
from ingest.score import score
from ingest.territory import BrokerMap
from ingest.values import forbids
from ingest.vendors.propstream import record_from_cells
from ingest.vendors.upstream import record_from_json
from ingest.verdict import Reason


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact value of a record: its keyed hash, and the value under the key of its row, should that become a lead."""

    channel: str
    value: str
    sealed: bytes
    hash: bytes
    rank: int
    line_type: str | None = None
    dnc: bool | None = None


@dataclass(slots=True, eq=False)
class Prepared:
    """A record that becomes a lead, or part of one."""

    cause: Received[LeadRecord]
    row: LeadRow
    contacts: list[Contact]
    key: DataKey
    """The data key of `row`, should the record become a lead of its own."""
    dropped: list[str]
    """Fields whose value made no sense and was left out."""
    do_not_contact: bool = False
    """The record forbids to contact its owner."""
    forbidden_emails: list[bytes] = field(default_factory=list)
    """Keyed hashes of emails that must not be written to."""


@dataclass(slots=True, eq=False)
class Rejected:
    """A record that cannot become a lead."""

    cause: Received[LeadRecord]
    reasons: list[Reason]


def prepare(
    received: Received[LeadRecord], brokers: BrokerMap, keyring: Keyring, *, today: date
) -> Prepared | Rejected:
    """Decide about one record. Never raises for anything that a record may hold.

    What a sender claims to have seen after *today* was seen today: a wrong clock must not win over all that comes later.
    """
    event = received.event
    if event.row_problem is not None:
        return Rejected(received, [Reason.UNREADABLE_ROW])
    seen_on = min(event.observed_on or today, received.time.date(), today)
    found = normalise(_raw(event), seen_on)
    if isinstance(found, list):
        return Rejected(received, found)
    broker_id, refusal = _broker(event, found, brokers)
    if refusal:
        return Rejected(received, [refusal])
    return _prepared(received, found, broker_id, seen_on, keyring)


_FLAGS = ("do_not_contact", "litigator", "deceased_owner", "do_not_mail")


def _raw(event: LeadRecord) -> dict[str, Any]:
    """The raw fields of a record. What a field beside `cells` forbids holds for the row of the file too."""
    extra = event.model_extra
    said = record_from_json(extra) if extra else {}
    if event.cells is None:
        raw = dict(event.__dict__)
        raw["phones"] = [_phone(phone, is_forbidden="all_phones" in said, raw=raw) for phone in event.phones]
    else:
        raw = record_from_cells(event.cells)
        said |= {name: True for name in _FLAGS if forbids(getattr(event, name))}
        if "all_phones" in said:
            raw["phones"] = [(number, kind, True) for number, kind, _ in raw["phones"]]
    raw.update(said)
    return raw


def _phone(phone: PhoneCandidate | Scalar, *, is_forbidden: bool, raw: dict[str, Any]) -> tuple[Scalar, Scalar, Scalar]:
    """Number, type and flag of a phone; any further protective field beside the number forbids it as `dnc` does."""
    if not isinstance(phone, PhoneCandidate):
        return phone, None, is_forbidden or None
    extra = phone.model_extra
    said = record_from_json(extra, read_status) if extra else {}
    if "unread_protection" in said:
        raw["unread_protection"] = True
    said.pop("unread_protection", None)
    return phone.number, phone.type, True if said or is_forbidden else phone.dnc


def _broker(event: LeadRecord, record: PropertyRecord, brokers: BrokerMap) -> tuple[UUID | None, Reason | None]:
    """The broker whose lead this is: the one named, else by territory, where the sender may assign it."""
    allowed = event.allowed_broker_ids
    if event.broker_id is not None:
        if allowed is not None and event.broker_id not in allowed:
            return None, Reason.BROKER_NOT_ALLOWED
        return (event.broker_id, None) if event.broker_id in brokers.active else (None, Reason.UNKNOWN_BROKER)
    facts = record.facts
    found = brokers.broker_for(facts["property_state"], facts["county"], facts["property_zip"])
    return (found if allowed is None or found in allowed else None), None


def _prepared(
    received: Received[LeadRecord], record: PropertyRecord, broker_id: UUID | None, seen_on: date, keyring: Keyring
) -> Prepared:
    event = received.event
    points = score(
        record.facts, record.flags, phones=len(record.phones), emails=len(record.emails), today=received.time.date()
    )
    lead_id = ids.new_id()
    key, wrapped = keyring.new_data_key(lead_id)
    row = LeadRow(
        id=lead_id,
        stamp=stamp_of(seen_on.toordinal(), event.source),
        source=event.source,
        facts=record.facts,
        flags=record.flags,
        mak=record.mak,
        broker_id=broker_id,
        editable_brokers=event.allowed_broker_ids,
        data_key=wrapped,
        lead_score=points.total,
        score_contributions=orjson.dumps(points.contributions).decode(),
        upload_id=event.upload_id,
        row=event.row,
        event_id=received.id,
    )
    contacts = [
        Contact(
            "phone",
            phone.value,
            key.encrypt("phone", phone.value),
            keyring.hash_contact(phone.value),
            rank,
            phone.line_type,
            phone.dnc,
        )
        for rank, phone in enumerate(record.phones)
    ]
    contacts += [
        Contact("email", email, key.encrypt("email", email), keyring.hash_contact(email), rank)
        for rank, email in enumerate(record.emails)
    ]
    forbidden = [keyring.hash_contact(email) for email in record.forbidden_emails]
    return Prepared(received, row, contacts, key, record.dropped, record.do_not_contact, forbidden)
