"""Rows of the database as values of skip tracing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from common.pii.keyring import Keyring
from common.vendors.text import plain_text
from skiptrace.rules.lead import LeadContact, LeadPerson

_CLOSED_STATUSES = {"unsubscribed", "do_not_contact", "converted"}
_ADDRESS_COLUMNS = ("property_address", "property_city", "property_state", "property_zip")
_PERSON_COLUMNS = ("owner_first_name", "owner_last_name", "company_name", "property_unit", "county", "apn")
_CONTACT_COLUMNS = (
    "channel",
    "source",
    "rank",
    "verified",
    "verified_at",
    "line_type",
    "dnc",
    "dnc_checked_at",
    "litigator",
    "litigator_checked_at",
    "suppressed",
)


def untraceable_reason(row: Any) -> str | None:
    """Return why no provider is asked about a lead: it would cost money, and the lead must not be contacted."""
    if row["deceased_owner"]:
        return "deceased_owner"
    if row["litigator"]:
        return "litigator"
    if row["data_key"] is None:
        return "erased"
    if row["campaign_status"] in _CLOSED_STATUSES:
        return "closed"
    return None if person_from_row(row) else "no_address"


def person_from_row(row: Any) -> LeadPerson | None:
    """Return the owner and property of a row of `leads`; None if the address is incomplete.

    Every text passes `plain_text`, so that no vendor receives markup from a file's names or streets (ADR 26).
    """
    address = [plain_text(row[name]) for name in _ADDRESS_COLUMNS]
    street, city, state, zip_code = address
    if street is None or city is None or state is None or zip_code is None:
        return None
    first_name, last_name, company, unit, county, apn = (plain_text(row[name]) for name in _PERSON_COLUMNS)
    person = LeadPerson(first_name, last_name, company, street, unit, city, state, zip_code, county, apn)
    street_has_unit = unit and person.street.upper().rstrip().endswith(unit.upper())
    return replace(person, unit=None) if street_has_unit else person


def contacts_from_rows(
    keyring: Keyring, lead_id: UUID, data_key: bytes | None, rows: Sequence[Any]
) -> dict[tuple[str, bytes], LeadContact]:
    """Return the decrypted contacts of one lead among *rows* of `lead_contacts`; none if the lead was erased."""
    if data_key is None:
        return {}
    key = keyring.unwrap_data_key(lead_id, data_key)
    contacts = (
        _contact_from_row(row, key.decrypt(row["channel"], row["value_ciphertext"]))
        for row in rows
        if row["lead_id"] == lead_id
    )
    return {contact.key: contact for contact in contacts}


def _contact_from_row(row: Any, value: str) -> LeadContact:
    columns = {name: row[name] for name in _CONTACT_COLUMNS}
    return LeadContact(value=value, hash=row["value_hash"], codes=tuple(row["codes"]), **columns)
