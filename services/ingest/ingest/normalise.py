"""A property record as it came, made typed and comparable, or the reasons why it cannot be.

Only what tells a home from another is a reason to reject, and text that no database takes; any other value that makes
no sense is left out and named in `dropped`. Input comes from CSV cells and from any JSON: nothing here may raise.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from common.contact_cells import Cell, read_emails, read_phones
from common.contact_values import Phone, line_type
from common.counties import find_county, parcel_area
from common.owner_names import read_owner_names
from common.placeholders import (
    is_filler_number,
    is_placeholder,
    is_placeholder_address,
    is_placeholder_email,
    is_placeholder_unit,
    parcel_number,
)
from common.places import county_name, state_code, state_of_zip, zip_code
from common.remarks import read_remark
from ingest import dates, numbers, values
from ingest.address import PoBoxError, UnreadableAddressError, address_hash, normal_street
from ingest.amounts import check_amounts, loan_to_value
from ingest.values import BrokenTextError, as_text, is_blank
from ingest.verdict import Reason

MAX_LENGTH = 200
MAX_CONTACTS = 20
OTHER_STATE = "zip_of_another_state"
"""Stands in `dropped` where nothing is dropped, but ZIP code and state do not belong together: one of them is wrong."""

_TEXTS = (
    "property_address", "property_unit", "property_city", "owner_first_name", "owner_last_name", "owner2_first_name",
    "owner2_last_name", "company_name", "mailing_address", "mailing_unit", "mailing_city", "mailing_state",
    "property_type", "apn",
)  # fmt: skip
_FLAGS = ("deceased_owner", "do_not_mail", "litigator")
_MAY_BE_MISSING = (
    "property_city", "mailing_address", "mailing_unit", "mailing_city", "mailing_state", "property_type", "apn",
)  # fmt: skip
"""Texts that are left out where a placeholder stands for them; names of owners have rules of their own."""
_MAK = re.compile(r"([0-9]{10})(?:\.0+)?")


@dataclass(slots=True)
class PropertyRecord:
    """One property record, typed: `facts` and `flags` by column of `leads`, contacts in their normal form."""

    facts: dict[str, Any]
    flags: dict[str, bool]
    mak: str | None
    phones: list[Phone]
    emails: list[str]
    dropped: list[str] = field(default_factory=list)
    """Fields whose value, or one of whose values, made no sense."""
    do_not_contact: bool = False
    """The record forbids to contact its owner at all."""
    forbidden_emails: list[str] = field(default_factory=list)
    """Those of `emails` that must not be written to."""


def normalise(raw: Mapping[str, Any], today: date) -> PropertyRecord | list[Reason]:
    """The record that *raw* holds, or why it cannot become a lead; *today* is the day the record was seen.

    Phones are triples of number, type and whether they must not be called. Never raises, whatever the values are.
    """
    dropped: list[str] = []
    facts: dict[str, Any] = {}
    reasons = [*_texts(raw, facts, dropped), *_place(raw, facts, dropped)]
    if "unread_protection" in raw:
        reasons.append(Reason.UNREAD_PROTECTION)
    if reasons:
        return sorted(set(reasons))
    try:
        street, unit = normal_street(facts["property_address"], facts["property_unit"], facts["property_city"])
    except PoBoxError:
        return [Reason.PO_BOX]
    except UnreadableAddressError:
        return [Reason.UNREADABLE_ADDRESS]
    facts["addr_hash"] = address_hash(street, unit, facts["property_zip"])
    facts["property_unit"] = facts["property_unit"] or unit or None
    facts["apn_key"] = _apn_key(facts, dropped)
    if state_of_zip(facts["property_zip"]) != facts["property_state"]:
        dropped.append(OTHER_STATE)
    _values(raw, facts, dropped, today)
    owner = read_owner_names(facts)
    facts.update(owner.names)
    dropped.extend(owner.dropped)
    flags = {name: bool(values.forbids(raw.get(name))) for name in _FLAGS}
    flags["deceased_owner"] |= owner.deceased
    mak = _mak(raw.get("mak"), dropped)
    forbidden: list[str] = []
    phones, emails = _phones(raw, flags, dropped), _emails(raw.get("emails"), flags, dropped, forbidden)
    record = PropertyRecord(facts, flags, mak, phones, emails, dropped, forbidden_emails=forbidden)
    _protect(record, raw)
    return _forbidden(record) if owner.do_not_contact else record


def _protect(record: PropertyRecord, raw: Mapping[str, Any]) -> None:
    """Let what is said of the whole record hold for each of its contacts."""
    record.do_not_contact = bool(values.forbids(raw.get("do_not_contact")))
    if record.do_not_contact or record.flags["litigator"]:
        record.phones = [replace(phone, dnc=True) for phone in record.phones]
    if record.do_not_contact:
        record.forbidden_emails += record.emails
    elif flagged := raw.get("forbidden_emails"):
        record.forbidden_emails += _emails(flagged, dict(record.flags), [], record.forbidden_emails)


def _forbidden(record: PropertyRecord) -> PropertyRecord:
    """Forbid every contact of a record whose owner's name says `DO NOT CONTACT`: no email is taken, and no phone is called."""
    if record.emails:
        record.dropped.append("emails")
    phones = [replace(phone, dnc=True) for phone in record.phones]
    return replace(
        record,
        flags=record.flags | {"do_not_mail": True},
        phones=phones,
        emails=[],
        do_not_contact=True,
        forbidden_emails=[*record.forbidden_emails, *record.emails],
    )


def _texts(raw: Mapping[str, Any], facts: dict[str, Any], dropped: list[str]) -> Iterable[Reason]:
    for name in _TEXTS:
        value = raw.get(name)
        if value is None:
            facts[name] = None
            continue
        try:
            text = values.clean_text(value)
        except BrokenTextError:
            facts[name] = ""
            yield Reason.INVALID_CHARACTERS
            continue
        if len(text) > MAX_LENGTH:
            yield Reason.VALUE_TOO_LONG
        facts[name] = text or None
        if text and name in _MAY_BE_MISSING and is_placeholder(text):
            facts[name] = None
            dropped.append(name)
    if facts["property_unit"] and is_placeholder_unit(facts["property_unit"]):
        facts["property_unit"] = None


def _place(raw: Mapping[str, Any], facts: dict[str, Any], dropped: list[str]) -> Iterable[Reason]:
    try:
        state, zip_text, county, fips = (
            values.clean_text(raw.get(name))[:MAX_LENGTH]
            for name in ("property_state", "property_zip", "county", "fips")
        )
    except BrokenTextError:
        yield Reason.INVALID_CHARACTERS
        return
    facts["property_state"], facts["property_zip"] = state_code(state), zip_code(zip_text)
    _county(facts, county, fips, dropped)
    if facts["property_address"] is None:
        yield Reason.MISSING_ADDRESS
    elif is_placeholder_address(facts["property_address"]):
        yield Reason.UNREADABLE_ADDRESS
    if facts["property_city"] is None:
        yield Reason.MISSING_CITY
    if facts["property_state"] is None:
        yield Reason.INVALID_STATE if state else Reason.MISSING_STATE
    if facts["property_zip"] is None:
        yield Reason.INVALID_ZIP if zip_text else Reason.MISSING_ZIP


def _county(facts: dict[str, Any], name: str, code: str, dropped: list[str]) -> None:
    """The county by its FIPS code and its name in the public table. A name that is not there is shown, and is no key."""
    found = find_county(name, code, facts["property_state"] or "")
    dropped.extend(found.dropped)
    facts["fips"] = found.county and found.county.fips
    facts["county"] = found.county.name if found.county else (None if is_placeholder(name) else county_name(name))


def _apn_key(facts: Mapping[str, Any], dropped: list[str]) -> str | None:
    """The area in which the parcel number counts, and the number without its punctuation, which differs from source to source.

    None if the number cannot tell a home from another (`common.placeholders.parcel_number`), or its county is not known.
    """
    apn = facts["apn"]
    if not apn:
        return None
    parcel, county = parcel_number(apn), facts["fips"]
    if parcel is None or county is None:
        dropped.append("apn")
        return None
    return f"{parcel_area(county)}|{parcel}"


def _mak(value: object, dropped: list[str]) -> str | None:
    text = as_text(value).strip(" \t'\"=")  # spreadsheets write ="8034512097", as for ZIP codes and parcel numbers
    found = _MAK.fullmatch(text)
    if found and not is_filler_number(found[1]):
        return found[1]
    if text:
        dropped.append("mak")
    return None


def _mailing_zip(value: object, _today: date) -> str | None:
    return zip_code(as_text(value))


_MONEY = numbers.money(0, 10**9)
_PARSERS: tuple[tuple[str, numbers.Parser], ...] = (
    ("mailing_zip", _mailing_zip),
    ("bedrooms", numbers.count(0, 200)),
    ("bathrooms", numbers.decimal(0, 200)),
    ("building_sqft", numbers.area(1, 10**7)),
    ("lot_sqft", numbers.area(1, 10**11)),
    ("year_built", numbers.year_built),
    ("owner_occupied", values.boolean),
    ("vacant", values.boolean),
    ("est_value", numbers.money(1, 10**9)),
    ("est_equity", numbers.money(-(10**9), 10**9)),
    ("open_loans", numbers.count(0, 100)),
    ("open_loan_balance", _MONEY),
    ("last_sale_date", dates.past_date),
    ("last_sale_amount", _MONEY),
)
"""How each field is read. The loan-to-value is read after them: the amounts tell a fraction from a percentage."""


def _values(raw: Mapping[str, Any], facts: dict[str, Any], dropped: list[str], today: date) -> None:
    for name, parse in _PARSERS:
        value = raw.get(name)
        if value is None or value == "":
            facts[name] = None
            continue
        facts[name] = found = parse(value, today)
        if found is None and not is_blank(value):
            dropped.append(name)
    check_amounts(facts, dropped)
    share = raw.get("est_ltv")
    facts["est_ltv"] = None if share is None or share == "" else loan_to_value(share, facts)
    if facts["est_ltv"] is None and not is_blank(share):
        dropped.append("est_ltv")


def _phones(raw: Mapping[str, Any], flags: dict[str, bool], dropped: list[str]) -> list[Phone]:
    """Each number once, in order; forbidden if any mention of it says so, in its cell or in those of its type and status.

    A refusal in place of a number forbids every number of the record.
    """
    phones: dict[str, Phone] = {}
    refused = False
    for number, kind, dnc in raw.get("phones") or ():
        cell = read_phones(as_text(number))
        if cell.said_more or not cell.values:
            _note(cell, number, "phones", flags, dropped)
            refused = refused or (cell.refuses and not cell.values)
        said, status = read_remark(as_text(kind)), values.forbids(dnc) if dnc is not None else None
        flags["deceased_owner"] |= said.deceased
        flags["litigator"] |= said.litigator
        for one in cell.values:
            is_filler = is_filler_number(one.value.removeprefix("+1"))
            if is_filler or (one.value not in phones and len(phones) >= MAX_CONTACTS):
                dropped.append("phones")
                continue
            forbidden = True if one.forbidden or said.forbids else status
            _mention(phones, Phone(one.value, line_type(said.line_type) or one.line_type, forbidden))
    return [replace(phone, dnc=True) for phone in phones.values()] if refused else list(phones.values())


def _mention(phones: dict[str, Phone], phone: Phone) -> None:
    """Add *phone*, or what it says of one that is known: a no never takes a yes back."""
    known = phones.get(phone.value)
    if known is not None:
        forbidden = known.dnc if phone.dnc is None else phone.dnc or known.dnc
        phone = Phone(phone.value, phone.line_type or known.line_type, forbidden)
    phones[phone.value] = phone


def _emails(given: Any, flags: dict[str, bool], dropped: list[str], forbidden: list[str]) -> list[str]:
    """Each address once, in order. One with a remark that forbids it is in *forbidden*, wherever else the record has it.

    A refusal in place of an address forbids every address of the record.
    """
    emails: dict[str, bool] = {}
    refused = False
    for value in given or ():
        cell = read_emails(as_text(value))
        if cell.said_more or not cell.values:
            _note(cell, value, "emails", flags, dropped)
            refused = refused or (cell.refuses and not cell.values)
        for one in cell.values:
            if is_placeholder_email(one.value):
                dropped.append("emails")
                continue
            emails[one.value] = emails.get(one.value, False) or one.forbidden
    if refused:
        emails = dict.fromkeys(emails, True)
    dropped += ["emails"] * sum(emails.values())
    forbidden += [address for address, is_forbidden in emails.items() if is_forbidden]
    allowed = [address for address, is_forbidden in emails.items() if not is_forbidden]
    dropped += ["emails"] * (len(allowed) - MAX_CONTACTS)
    return allowed[:MAX_CONTACTS]


def _note(cell: Cell, value: object, name: str, flags: dict[str, bool], dropped: list[str]) -> None:
    """Keep what a cell of contacts says of the owner, and name the field where something in it was not understood."""
    flags["deceased_owner"] |= cell.deceased
    flags["litigator"] |= cell.litigator
    if not is_blank(value) and (cell.unread or not cell.values):
        dropped.append(name)
