"""Reasons why a property record cannot become a lead: a code for programs, and a sentence for the partner who corrects it."""

from collections.abc import Iterable
from enum import StrEnum


class RejectionReason(StrEnum):
    """The reason why a record was rejected."""

    MISSING_ADDRESS = "missing_address"
    MISSING_CITY = "missing_city"
    MISSING_STATE = "missing_state"
    MISSING_ZIP = "missing_zip"
    INVALID_STATE = "invalid_state"
    INVALID_ZIP = "invalid_zip"
    PO_BOX = "po_box"
    UNREADABLE_ADDRESS = "unreadable_address"
    INVALID_CHARACTERS = "invalid_characters"
    VALUE_TOO_LONG = "value_too_long"
    UNREADABLE_ROW = "unreadable_row"
    BROKER_NOT_ALLOWED = "broker_not_allowed"
    UNKNOWN_BROKER = "unknown_broker"
    UNREAD_PROTECTION = "unread_protection"
    ERASED = "erased"


CORRECTIONS: dict[RejectionReason, str] = {
    RejectionReason.MISSING_ADDRESS: "fill in the property's street address",
    RejectionReason.MISSING_CITY: "fill in the property's city",
    RejectionReason.MISSING_STATE: "fill in the property's state",
    RejectionReason.MISSING_ZIP: "fill in the property's ZIP code",
    RejectionReason.INVALID_STATE: "write the state as two letters or in full",
    RejectionReason.INVALID_ZIP: "write the ZIP code as five digits, or ZIP+4",
    RejectionReason.PO_BOX: "give the property's street address; a PO box is no property",
    RejectionReason.UNREADABLE_ADDRESS: "write the address as house number and street",
    RejectionReason.INVALID_CHARACTERS: "remove control characters and broken text from the row",
    RejectionReason.VALUE_TOO_LONG: "shorten the value; a field holds 200 characters",
    RejectionReason.UNREADABLE_ROW: "give the row as many cells as the header",
    RejectionReason.BROKER_NOT_ALLOWED: "name a broker that this partner may assign leads to",
    RejectionReason.UNKNOWN_BROKER: "name a broker that exists and is active",
    RejectionReason.UNREAD_PROTECTION: (
        "rename or remove the field that looks as if it forbids contact: docs/protective-columns.md"
    ),
    RejectionReason.ERASED: "leave the row out: the person asked for erasure",
}


def explain_reasons(reasons: Iterable[RejectionReason]) -> str:
    """Return one sentence on how to correct a record with *reasons*."""
    return "; ".join(CORRECTIONS[reason] for reason in reasons)
