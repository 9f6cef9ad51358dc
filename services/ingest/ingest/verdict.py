"""Why a property record cannot become a lead: codes for programs, sentences for who corrects the row."""

from collections.abc import Iterable
from enum import StrEnum


class Reason(StrEnum):
    """Why a row was rejected."""

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


WHAT_TO_DO: dict[Reason, str] = {
    Reason.MISSING_ADDRESS: "fill in the property's street address",
    Reason.MISSING_CITY: "fill in the property's city",
    Reason.MISSING_STATE: "fill in the property's state",
    Reason.MISSING_ZIP: "fill in the property's ZIP code",
    Reason.INVALID_STATE: "write the state as two letters or in full",
    Reason.INVALID_ZIP: "write the ZIP code as five digits, or ZIP+4",
    Reason.PO_BOX: "give the property's street address; a PO box is no property",
    Reason.UNREADABLE_ADDRESS: "write the address as house number and street",
    Reason.INVALID_CHARACTERS: "remove control characters and broken text from the row",
    Reason.VALUE_TOO_LONG: "shorten the value; a field holds 200 characters",
    Reason.UNREADABLE_ROW: "give the row as many cells as the header",
    Reason.BROKER_NOT_ALLOWED: "name a broker that this partner may assign leads to",
    Reason.UNKNOWN_BROKER: "name a broker that exists and is active",
    Reason.UNREAD_PROTECTION: "rename or remove the field that looks as if it forbids contact: docs/protective-columns.md",
}


def explain(reasons: Iterable[Reason]) -> str:
    """One sentence on what to do about *reasons*."""
    return "; ".join(WHAT_TO_DO[reason] for reason in reasons)
