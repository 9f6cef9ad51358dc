"""Phones and emails of a property record, read from cells that may contain several of them and remarks.

A remark may forbid a contact, or say that the owner is deceased or a litigator. A mention that forbids a contact wins over
every other mention of it.
"""

from collections.abc import Iterable
from typing import Any

from common.compliance.remarks import read_remark
from common.geography.placeholders import is_filler_number, is_placeholder_email
from common.pii.contact_cells import ContactCell, read_emails, read_phones
from common.pii.contact_values import PhoneNumber, line_type
from common.records.values.text import as_text, is_blank, read_protective_flag

MAX_CONTACTS = 20
"""Phones, and emails, of one record."""

PhoneCells = Iterable[tuple[Any, Any, Any]]
"""Number, type and whether it must not be called."""


def read_phone_cells(cells: PhoneCells | None, flags: dict[str, bool], dropped: list[str]) -> list[PhoneNumber]:
    """Return each number once, in order; forbidden if its cell, type or status forbids it in any mention.

    A refusal in place of a number forbids every number of the record.
    """
    phones: dict[str, PhoneNumber] = {}
    is_refused = False
    for number, kind, dnc in cells or ():
        cell = read_phones(as_text(number))
        if cell.has_more_than_values or not cell.values:
            _read_remarks(cell, number, "phones", flags, dropped)
            is_refused = is_refused or (cell.forbids_person and not cell.values)
        remark, status = read_remark(as_text(kind)), read_protective_flag(dnc) if dnc is not None else None
        flags["deceased_owner"] |= remark.deceased
        flags["litigator"] |= remark.litigator
        for one in cell.values:
            is_filler = is_filler_number(one.value.removeprefix("+1"))
            if is_filler or (one.value not in phones and len(phones) >= MAX_CONTACTS):
                dropped.append("phones")
                continue
            is_forbidden = True if one.forbidden or remark.forbids else status
            _merge_mention(phones, PhoneNumber(one.value, line_type(remark.line_type) or one.line_type, is_forbidden))
    return [phone._replace(dnc=True) for phone in phones.values()] if is_refused else list(phones.values())


def _merge_mention(phones: dict[str, PhoneNumber], phone: PhoneNumber) -> None:
    """Add *phone*, or what this mention adds to an earlier one. A mention that allows a call never lifts a prohibition."""
    earlier = phones.get(phone.value)
    if earlier is not None:
        is_forbidden = earlier.dnc if phone.dnc is None else phone.dnc or earlier.dnc
        phone = PhoneNumber(phone.value, phone.line_type or earlier.line_type, is_forbidden)
    phones[phone.value] = phone


def read_email_cells(
    cells: Iterable[Any] | None, flags: dict[str, bool], dropped: list[str], forbidden: list[str]
) -> list[str]:
    """Return each allowed address once, in order. An address that any remark forbids is added to *forbidden* instead.

    A refusal in place of an address forbids every address of the record.
    """
    is_forbidden_by_email: dict[str, bool] = {}
    is_refused = False
    for value in cells or ():
        cell = read_emails(as_text(value))
        if cell.has_more_than_values or not cell.values:
            _read_remarks(cell, value, "emails", flags, dropped)
            is_refused = is_refused or (cell.forbids_person and not cell.values)
        for one in cell.values:
            if is_placeholder_email(one.value):
                dropped.append("emails")
                continue
            is_forbidden_by_email[one.value] = is_forbidden_by_email.get(one.value, False) or one.forbidden
    if is_refused:
        is_forbidden_by_email = dict.fromkeys(is_forbidden_by_email, True)
    dropped += ["emails"] * sum(is_forbidden_by_email.values())
    forbidden += [email for email, is_forbidden in is_forbidden_by_email.items() if is_forbidden]
    allowed = [email for email, is_forbidden in is_forbidden_by_email.items() if not is_forbidden]
    dropped += ["emails"] * (len(allowed) - MAX_CONTACTS)
    return allowed[:MAX_CONTACTS]


def _read_remarks(cell: ContactCell, value: object, name: str, flags: dict[str, bool], dropped: list[str]) -> None:
    """Set the flags that a cell reports about the owner, and name the field if a part of it could not be read."""
    flags["deceased_owner"] |= cell.deceased
    flags["litigator"] |= cell.litigator
    if not is_blank(value) and (cell.unread or not cell.values):
        dropped.append(name)
