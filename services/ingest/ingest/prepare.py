"""Preparation of one record: ready for the database, or rejected with its reasons.

Everything here happens before the transaction: reading cells, normalising, scoring, choosing the broker, encrypting.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

import orjson

from common import ids
from common.bus import Received
from common.compliance.remarks import read_status
from common.events import LeadRecord, PhoneCandidate, Scalar
from common.ids import BrokerId, LeadId
from common.lead_facts import PROHIBITIONS
from common.pii.keyring import DataKey, Keyring
from common.records.normalise import PropertyRecord, normalise
from common.records.rejection import RejectionReason
from common.records.row_reader import RowReader, read_row
from common.records.values.text import read_protective_flag
from common.scoring.score import score
from ingest.leads.lead_row import LeadRow, observation_stamp
from ingest.territories.broker_map import BrokerMap
from ingest.upstream_records import read_protective_fields


class PreparedContact(NamedTuple):
    """A contact value of a record: its keyed hash, and its ciphertext under the data key of the record's row."""

    channel: str
    value: str
    ciphertext: bytes
    value_hash: bytes
    rank: int
    line_type: str | None = None
    dnc: bool | None = None


@dataclass(slots=True, eq=False)
class PreparedRecord:
    """A record that becomes a lead, or part of one."""

    cause: Received[LeadRecord]
    row: LeadRow
    contacts: list[PreparedContact]
    key: DataKey
    """The data key of `row`; its lead keeps it if the upsert makes a new lead of `row`."""
    dropped: list[str]
    """Fields whose value could not be read and was left out."""
    do_not_contact: bool = False
    """True if the record forbids any contact with its owner."""
    forbidden_emails: list[bytes] = field(default_factory=list)
    """Keyed hashes of emails that must not be used."""


@dataclass(slots=True, eq=False)
class RejectedRecord:
    """A record that cannot become a lead."""

    cause: Received[LeadRecord]
    reasons: list[RejectionReason]


def prepare(
    received: Received[LeadRecord],
    brokers: BrokerMap,
    keyring: Keyring,
    *,
    today: date,
    row_reader: RowReader | None = None,
) -> PreparedRecord | RejectedRecord:
    """Prepare one record, or reject it. Never raises, whatever the record contains.

    *row_reader* reads the rows of the record's upload. Without it, cells are read by their headers.

    An observation dated after *today* counts as one of today: a sender's wrong clock must not win over later records.
    """
    event = received.event
    if event.row_problem is not None:
        return RejectedRecord(received, [RejectionReason.UNREADABLE_ROW])
    seen_on = min(event.observed_on or today, received.time.date(), today)
    record = normalise(_read_raw_fields(event, row_reader), seen_on)
    if isinstance(record, list):
        return RejectedRecord(received, record)
    broker_id, refusal = _choose_broker(event, record, brokers)
    if refusal:
        return RejectedRecord(received, [refusal])
    return _build_prepared_record(received, record, broker_id, seen_on, keyring)


def _read_raw_fields(event: LeadRecord, row_reader: RowReader | None) -> dict[str, Any]:
    """Return the raw fields of a record. A prohibition in a field beside `cells` holds for the row of the file, too."""
    extra = event.model_extra
    flags = read_protective_fields(extra) if extra else {}
    if event.cells is None:
        raw = dict(event.__dict__)
        raw["phones"] = [_read_phone(phone, is_forbidden="all_phones" in flags, raw=raw) for phone in event.phones]
    else:
        raw = row_reader.read(event.cells) if row_reader else read_row(event.cells)
        flags |= {name: True for name in PROHIBITIONS if read_protective_flag(getattr(event, name))}
        if "all_phones" in flags:
            raw["phones"] = [(number, kind, True) for number, kind, _ in raw["phones"]]
    raw.update(flags)
    return raw


def _read_phone(
    phone: PhoneCandidate | Scalar, *, is_forbidden: bool, raw: dict[str, Any]
) -> tuple[Scalar, Scalar, Scalar]:
    """Return number, type and flag of a phone. Any other protective field beside the number forbids it, as `dnc` does."""
    if not isinstance(phone, PhoneCandidate):
        return phone, None, is_forbidden or None
    extra = phone.model_extra
    flags = read_protective_fields(extra, read_status) if extra else {}
    if "unread_protection" in flags:
        raw["unread_protection"] = True
    flags.pop("unread_protection", None)
    return phone.number, phone.type, True if flags or is_forbidden else phone.dnc


def _choose_broker(
    event: LeadRecord, record: PropertyRecord, brokers: BrokerMap
) -> tuple[BrokerId | None, RejectionReason | None]:
    """Return the broker of the lead: the one named, else the one of the territory, if the sender may assign it."""
    allowed = event.allowed_broker_ids
    if event.broker_id is not None:
        if allowed is not None and event.broker_id not in allowed:
            return None, RejectionReason.BROKER_NOT_ALLOWED
        return (event.broker_id, None) if event.broker_id in brokers.active else (None, RejectionReason.UNKNOWN_BROKER)
    facts = record.facts
    broker = brokers.find_broker(facts["property_state"], facts["county"], facts["property_zip"])
    return (broker if allowed is None or broker in allowed else None), None


def _build_prepared_record(
    received: Received[LeadRecord], record: PropertyRecord, broker_id: BrokerId | None, seen_on: date, keyring: Keyring
) -> PreparedRecord:
    event = received.event
    lead_score = score(
        record.facts, record.flags, phones=len(record.phones), emails=len(record.emails), today=received.time.date()
    )
    lead_id = LeadId(ids.new_id())
    key, wrapped_key = keyring.create_data_key(lead_id)
    row = LeadRow(
        id=lead_id,
        stamp=observation_stamp(seen_on.toordinal(), event.source),
        source=event.source,
        facts=record.facts,
        flags=record.flags,
        mak=record.mak,
        broker_id=broker_id,
        editable_brokers=event.allowed_broker_ids,
        data_key=wrapped_key,
        lead_score=lead_score.total,
        score_contributions=orjson.dumps(lead_score.contributions).decode(),
        upload_id=event.upload_id,
        row=event.row,
        event_id=received.id,
    )
    contacts = _encrypt_contacts(record, key, keyring)
    forbidden_emails = [keyring.hash_contact(email) for email in record.forbidden_emails]
    return PreparedRecord(received, row, contacts, key, record.dropped, record.do_not_contact, forbidden_emails)


def _encrypt_contacts(record: PropertyRecord, key: DataKey, keyring: Keyring) -> list[PreparedContact]:
    contacts = [
        PreparedContact(
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
        PreparedContact("email", email, key.encrypt("email", email), keyring.hash_contact(email), rank)
        for rank, email in enumerate(record.emails)
    ]
    return contacts
