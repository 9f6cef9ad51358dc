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
_NOT_ALNUM = re.compile(r"[^0-9A-Z]+")
_ROUNDED = re.compile(r"[0-9](?:\.[0-9]+)?E\+?[0-9]+")
_MAK = re.compile(r"([0-9]{10})(?:\.0+)?")
_FIPS = re.compile(r"([0-9]{4,5})(?:\.0+)?")


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


def normalise(raw: Mapping[str, Any], today: date) -> PropertyRecord | list[Reason]:
    """The record that *raw* holds, or why it cannot become a lead; *today* is the day the record was seen.

    Phones are triples of number, type and whether they must not be called. Never raises, whatever the values are.
    """
    dropped: list[str] = []
    facts: dict[str, Any] = {}
    reasons = [*_texts(raw, facts), *_place(raw, facts)]
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
    flags = {name: _flag(raw.get(name), name, dropped) for name in _FLAGS}
    mak = _mak(raw.get("mak"), dropped)
    phones, emails = _phones(raw, flags, dropped), _emails(raw, flags, dropped)
    return PropertyRecord(facts, flags, mak, phones, emails, dropped)


def _texts(raw: Mapping[str, Any], facts: dict[str, Any]) -> Iterable[Reason]:
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


def _place(raw: Mapping[str, Any], facts: dict[str, Any]) -> Iterable[Reason]:
    try:
        state, zip_text, county = (values.clean_text(raw.get(n)) for n in ("property_state", "property_zip", "county"))
    except BrokenTextError:
        yield Reason.INVALID_CHARACTERS
        return
    facts["property_state"], facts["property_zip"] = state_code(state), zip_code(zip_text)
    facts["county"] = county_name(county[:MAX_LENGTH])
    if facts["property_address"] is None:
        yield Reason.MISSING_ADDRESS
    if facts["property_city"] is None:
        yield Reason.MISSING_CITY
    if facts["property_state"] is None:
        yield Reason.INVALID_STATE if state else Reason.MISSING_STATE
    if facts["property_zip"] is None:
        yield Reason.INVALID_ZIP if zip_text else Reason.MISSING_ZIP


def _apn_key(facts: Mapping[str, Any], dropped: list[str]) -> str | None:
    """Parcel numbers are unique in their county only, and their punctuation differs from source to source.

    `1.42815E+11` is what a spreadsheet leaves of many different ones: it tells no home from another.
    """
    apn, county = facts["apn"], facts["county"]
    if not apn:
        return None
    shown = apn.upper()
    if _ROUNDED.fullmatch(shown):
        dropped.append("apn")
        return None
    parcel = _NOT_ALNUM.sub("", shown)
    return f"{facts['property_state']}|{county}|{parcel}" if county and parcel.strip("0") else None


def _mak(value: object, dropped: list[str]) -> str | None:
    text = as_text(value).strip()
    found = _MAK.fullmatch(text)
    if found and found[1].strip("0"):
        return found[1]
    if text:
        dropped.append("mak")
    return None


def _mailing_zip(value: object, _today: date) -> str | None:
    return zip_code(as_text(value))


def _fips(value: object, _today: date) -> str | None:
    found = _FIPS.fullmatch(as_text(value).strip())
    return found[1].zfill(5) if found else None


_MONEY = numbers.money(0, 10**9)
_PARSERS: tuple[tuple[str, numbers.Parser], ...] = (
    ("fips", _fips),
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


def _flag(value: object, name: str, dropped: list[str]) -> bool:
    said = values.forbids(value)
    if said is None and as_text(value).strip():
        dropped.append(name)
    return bool(said)


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
            if one.value not in phones and len(phones) >= MAX_CONTACTS:
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


def _emails(raw: Mapping[str, Any], flags: dict[str, bool], dropped: list[str]) -> list[str]:
    """Each address once, in order. One with a remark that forbids it is left out wherever else the record has it."""
    emails: dict[str, bool] = {}
    for value in raw.get("emails") or ():
        cell = read_emails(as_text(value))
        if cell.said_more or not cell.values:
            _note(cell, value, "emails", flags, dropped)
        for one in cell.values:
            emails[one.value] = emails.get(one.value, False) or one.forbidden
    dropped += ["emails"] * sum(emails.values())
    allowed = [address for address, forbidden in emails.items() if not forbidden]
    dropped += ["emails"] * (len(allowed) - MAX_CONTACTS)
    return allowed[:MAX_CONTACTS]


def _note(cell: Cell, value: object, name: str, flags: dict[str, bool], dropped: list[str]) -> None:
    """Keep what a cell of contacts says of the owner, and name the field where something in it was not understood."""
    flags["deceased_owner"] |= cell.deceased
    flags["litigator"] |= cell.litigator
    if not is_blank(value) and (cell.unread or not cell.values):
        dropped.append(name)
