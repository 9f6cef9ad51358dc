"""Rows of the database as values of skip tracing."""

from collections.abc import Sequence

from common.ids import LeadId
from common.pii.keyring import Keyring
from common.vendors.text import plain_text
from skiptrace.rules.lead import LeadContact, LeadPerson
from skiptrace.trace.queries import ContactRow, LeadToTrace

_CLOSED_STATUSES = {"unsubscribed", "do_not_contact", "converted"}


def untraceable_reason(row: LeadToTrace) -> str | None:
    """Return why no provider is asked about a lead: it would cost money, and the lead must not be contacted."""
    if row.deceased_owner:
        return "deceased_owner"
    if row.litigator:
        return "litigator"
    if row.data_key is None:
        return "erased"
    if row.campaign_status in _CLOSED_STATUSES:
        return "closed"
    return None if person_from_row(row) else "no_address"


def person_from_row(row: LeadToTrace) -> LeadPerson | None:
    """Return the owner and property of a lead; None if the address is incomplete.

    Every text passes `plain_text`, so that no vendor receives markup from a file's names or streets (ADR 26).
    """
    street, city = plain_text(row.property_address), plain_text(row.property_city)
    state, zip_code = plain_text(row.property_state), plain_text(row.property_zip)
    if street is None or city is None or state is None or zip_code is None:
        return None
    unit = plain_text(row.property_unit)
    street_has_unit = unit and street.upper().rstrip().endswith(unit.upper())
    return LeadPerson(
        first_name=plain_text(row.owner_first_name),
        last_name=plain_text(row.owner_last_name),
        company=plain_text(row.company_name),
        street=street,
        unit=None if street_has_unit else unit,
        city=city,
        state=state,
        zip=zip_code,
        county=plain_text(row.county),
        apn=plain_text(row.apn),
    )


def contacts_from_rows(
    keyring: Keyring, lead_id: LeadId, data_key: bytes | None, rows: Sequence[ContactRow]
) -> dict[tuple[str, bytes], LeadContact]:
    """Return the decrypted contacts of one lead among *rows*; none if the lead was erased."""
    if data_key is None:
        return {}
    key = keyring.unwrap_data_key(lead_id, data_key)
    contacts = (
        _contact_from_row(row, key.decrypt(row.channel, row.value_ciphertext)) for row in rows if row.lead_id == lead_id
    )
    return {contact.key: contact for contact in contacts}


def _contact_from_row(row: ContactRow, value: str) -> LeadContact:
    return LeadContact(
        channel=row.channel,
        value=value,
        hash=row.value_hash,
        source=row.source,
        rank=row.rank,
        verified=row.verified,
        verified_at=row.verified_at,
        codes=tuple(row.codes),
        line_type=row.line_type,
        dnc=row.dnc,
        dnc_checked_at=row.dnc_checked_at,
        litigator=row.litigator,
        litigator_checked_at=row.litigator_checked_at,
        suppressed=row.suppressed,
        signed=row.signed,
    )
