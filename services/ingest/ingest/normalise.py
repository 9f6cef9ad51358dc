"""A property record as it came, made typed and comparable, or the reasons why it cannot be.

Only what tells a home from another is a reason to reject, and text that no database takes; any other value that makes
no sense is left out and named in `dropped`. Input comes from CSV cells and from any JSON: nothing here may raise.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from common.contact_values import Phone, email_address, line_type, phone_number
from common.places import county_name, state_code, state_of_zip, zip_code
from ingest import values
from ingest.address import PoBoxError, UnreadableAddressError, address_hash, normal_street
from ingest.values import BrokenTextError, as_text
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
    reasons = [*_texts(raw, facts), *_place(raw, facts)]
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
    flags = {name: bool(values.forbids(raw.get(name))) for name in _FLAGS}
    mak = _mak(raw.get("mak"), dropped)
    record = PropertyRecord(facts, flags, mak, _phones(raw, dropped), _emails(raw, dropped), dropped)
    _protect(record, raw)
    return record


def _protect(record: PropertyRecord, raw: Mapping[str, Any]) -> None:
    """Let what is said of the whole record hold for each of its contacts."""
    record.do_not_contact = bool(values.forbids(raw.get("do_not_contact")))
    if record.do_not_contact or record.flags["litigator"]:
        record.phones = [Phone(phone.value, phone.line_type, True) for phone in record.phones]
    if record.do_not_contact:
        record.forbidden_emails = list(record.emails)
    elif forbidden := raw.get("forbidden_emails"):
        record.forbidden_emails = _emails({"emails": forbidden}, [])


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


_MONEY = values.integer(0, 10**12)
_PARSERS: tuple[tuple[str, values.Parser], ...] = (
    ("fips", _fips),
    ("mailing_zip", _mailing_zip),
    ("bedrooms", values.integer(0, 200)),
    ("bathrooms", values.decimal(0, 200)),
    ("building_sqft", values.integer(0, 10**7)),
    ("lot_sqft", values.integer(0, 10**11)),
    ("year_built", values.year),
    ("owner_occupied", values.boolean),
    ("vacant", values.boolean),
    ("est_value", _MONEY),
    ("est_equity", values.integer(-(10**12), 10**12)),
    ("est_ltv", values.decimal(0, 1_000)),
    ("open_loans", values.integer(0, 100)),
    ("open_loan_balance", _MONEY),
    ("last_sale_date", values.past_date),
    ("last_sale_amount", _MONEY),
)


def _values(raw: Mapping[str, Any], facts: dict[str, Any], dropped: list[str], today: date) -> None:
    for name, parse in _PARSERS:
        value = raw.get(name)
        if value is None or value == "":
            facts[name] = None
            continue
        facts[name] = found = parse(value, today)
        if found is None and as_text(value).strip():
            dropped.append(name)


def _phones(raw: Mapping[str, Any], dropped: list[str]) -> list[Phone]:
    """Each number once, in order; forbidden if any mention of it says so."""
    phones: dict[str, Phone] = {}
    for number, kind, dnc in (raw.get("phones") or ())[:MAX_CONTACTS]:
        text = as_text(number)
        value = phone_number(text)
        if value is None:
            if text.strip():
                dropped.append("phones")
            continue
        known, forbidden = phones.get(value), values.forbids(dnc)
        if known is not None:
            forbidden = known.dnc if forbidden is None else forbidden or known.dnc
        phones[value] = Phone(value, line_type(as_text(kind)) or (known.line_type if known else None), forbidden)
    return list(phones.values())


def _emails(raw: Mapping[str, Any], dropped: list[str]) -> list[str]:
    emails: dict[str, None] = {}
    for value in (raw.get("emails") or ())[:MAX_CONTACTS]:
        text = as_text(value)
        address = email_address(text)
        if address:
            emails[address] = None
        elif text.strip():
            dropped.append("emails")
    return list(emails)
