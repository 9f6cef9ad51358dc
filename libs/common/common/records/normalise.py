"""Normalisation of one property record: typed, comparable values, or the reasons why it cannot become a lead.

A record is rejected if its home cannot be identified, or if it contains text that no database takes. Any other value that
cannot be read is left out and named in `dropped` (ADR 25). Input comes from CSV cells and from any JSON: nothing here may
raise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from common.lead_facts import FLAGS
from common.pii.contact_values import PhoneNumber
from common.pii.owner_names import read_owner_names
from common.records.address_cells import UNREAD_ADDRESS
from common.records.addresses.normal_form import PoBoxError, UnreadableAddressError, hash_address, normalise_street
from common.records.property_facts import (
    check_state_of_zip,
    read_location,
    read_mak,
    read_parcel_key,
    read_texts,
    read_values,
)
from common.records.record_contacts import read_email_cells, read_phone_cells
from common.records.rejection import RejectionReason
from common.records.values.text import read_protective_flag


@dataclass(slots=True)
class PropertyRecord:
    """One property record, typed: `facts` and `flags` by column of `leads`, contacts in their normal form."""

    facts: dict[str, Any]
    flags: dict[str, bool]
    mak: str | None
    phones: list[PhoneNumber]
    emails: list[str]
    dropped: list[str] = field(default_factory=list)
    """Fields with a value that could not be read."""
    do_not_contact: bool = False
    """True if the record forbids any contact with its owner."""
    forbidden_emails: list[str] = field(default_factory=list)
    """Emails that must not be used."""


def normalise(raw: Mapping[str, Any], today: date) -> PropertyRecord | list[RejectionReason]:
    """Return the record in *raw*, or the reasons why it cannot become a lead; *today* is the day it was observed.

    Phones are triples of number, type and whether they must not be called. Never raises, whatever the values are.
    """
    if UNREAD_ADDRESS in raw:
        return [RejectionReason.UNREADABLE_ADDRESS]
    dropped: list[str] = []
    facts: dict[str, Any] = {}
    reasons = [*read_texts(raw, facts, dropped), *read_location(raw, facts, dropped)]
    if "unread_protection" in raw:
        reasons.append(RejectionReason.UNREAD_PROTECTION)
    if reasons:
        return sorted(set(reasons))
    if reason := _read_address(facts):
        return [reason]
    facts["apn_key"] = read_parcel_key(facts, dropped)
    check_state_of_zip(facts, dropped)
    read_values(raw, facts, dropped, today)
    owner = read_owner_names(facts)
    facts.update(owner.names)
    dropped.extend(owner.dropped)
    flags = {name: bool(read_protective_flag(raw.get(name))) for name in FLAGS}
    flags["deceased_owner"] |= owner.deceased
    mak = read_mak(raw.get("mak"), dropped)
    forbidden: list[str] = []
    phones = read_phone_cells(raw.get("phones"), flags, dropped)
    emails = read_email_cells(raw.get("emails"), flags, dropped, forbidden)
    record = PropertyRecord(facts, flags, mak, phones, emails, dropped, forbidden_emails=forbidden)
    _apply_record_flags(record, raw)
    return _forbid_all_contacts(record) if owner.do_not_contact else record


def _read_address(facts: dict[str, Any]) -> RejectionReason | None:
    """Set the address hash and the unit of a home, or return why its address cannot be read."""
    try:
        street, unit = normalise_street(facts["property_address"], facts["property_unit"], facts["property_city"])
    except PoBoxError:
        return RejectionReason.PO_BOX
    except UnreadableAddressError:
        return RejectionReason.UNREADABLE_ADDRESS
    facts["addr_hash"] = hash_address(street, unit, facts["property_zip"])
    facts["property_unit"] = facts["property_unit"] or unit or None
    return None


def _apply_record_flags(record: PropertyRecord, raw: Mapping[str, Any]) -> None:
    """Apply the prohibitions of the whole record to each of its contacts."""
    record.do_not_contact = bool(read_protective_flag(raw.get("do_not_contact")))
    if record.do_not_contact or record.flags["litigator"]:
        record.phones = [phone._replace(dnc=True) for phone in record.phones]
    if record.do_not_contact:
        record.forbidden_emails += record.emails
    elif flagged := raw.get("forbidden_emails"):
        record.forbidden_emails += read_email_cells(flagged, dict(record.flags), [], record.forbidden_emails)


def _forbid_all_contacts(record: PropertyRecord) -> PropertyRecord:
    """Return *record* with every contact forbidden, since its owner's name says `DO NOT CONTACT`.

    No email is kept, and no phone may be called.
    """
    if record.emails:
        record.dropped.append("emails")
    return replace(
        record,
        flags=record.flags | {"do_not_mail": True},
        phones=[phone._replace(dnc=True) for phone in record.phones],
        emails=[],
        do_not_contact=True,
        forbidden_emails=[*record.forbidden_emails, *record.emails],
    )
