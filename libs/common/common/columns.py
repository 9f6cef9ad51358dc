"""The columns of a property record: what headers a file may use for which field.

Taken from PropStream's exports (full set, classic 41 columns, skip-trace columns, Contacts export) and, for everybody else,
the field names of `LeadRecord`. Headers are matched without regard to case, spacing or a byte order mark; unknown columns are
ignored but travel along, so that a rejected row comes back whole.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from common.protection import UNREADABLE, protection_of, remarks_of

HEADERS: Mapping[str, tuple[str, ...]] = {
    "mak": ("MAK", "Melissa Address Key", "MelissaAddressKey"),
    "apn": ("APN", "Parcel Number", "Assessor Parcel Number"),
    "fips": ("FIPS", "FIPS Code", "County FIPS"),
    "property_address": (
        "Address",
        "Property Address",
        "Street Address",
        "Property Street Address",
        "Site Address",
        "Situs Address",
    ),
    "property_unit": ("Unit #", "Unit", "Property Unit", "Unit Number"),
    "property_city": ("City", "Property City", "Site City", "Situs City"),
    "property_state": ("State", "Property State", "Site State", "Situs State"),
    "property_zip": ("Zip", "Zip Code", "Property Zip", "Property Zip Code", "Postal Code", "Site Zip", "Situs Zip"),
    "county": ("County", "Property County"),
    "owner_first_name": ("Owner 1 First Name", "First Name", "Owner First Name"),
    "owner_last_name": ("Owner 1 Last Name", "Last Name", "Owner Last Name"),
    "owner2_first_name": ("Owner 2 First Name",),
    "owner2_last_name": ("Owner 2 Last Name",),
    "company_name": ("Company Name", "Company"),
    "mailing_address": (
        "Mailing Address",
        "Mail Street Address",
        "Mail Address",
        "Owner Address",
        "Owner Mailing Address",
    ),
    "mailing_unit": ("Mailing Unit #", "Mail Unit #"),
    "mailing_city": ("Mailing City", "Mail City", "Owner City"),
    "mailing_state": ("Mailing State", "Mail State", "Owner State"),
    "mailing_zip": ("Mailing Zip", "Mail Zip", "Owner Zip"),
    "property_type": ("Property Type",),
    "bedrooms": ("Bedrooms", "Beds"),
    "bathrooms": ("Total Bathrooms", "Bathrooms", "Baths"),
    "building_sqft": ("Building Sqft", "Building Square Feet", "Living Area"),
    "lot_sqft": ("Lot Size Sqft", "Lot Size"),
    "year_built": ("Year Built",),
    "owner_occupied": ("Owner Occupied",),
    "vacant": ("Vacant",),
    "deceased_owner": ("Deceased Owner", "Deceased"),
    "do_not_mail": ("Do Not Mail",),
    "litigator": ("Litigator",),
    "do_not_contact": ("Do Not Contact",),
    "est_value": ("Est. Value", "Estimated Value", "Est Value"),
    "est_equity": ("Est. Equity", "Estimated Equity", "Est Equity"),
    "est_ltv": ("Est. Loan-to-Value", "Estimated Loan-to-Value", "Est LTV", "LTV"),
    "open_loans": ("Total Open Loans", "Open Loans"),
    "open_loan_balance": ("Est. Remaining balance of Open Loans", "Open Loan Balance"),
    "last_sale_date": ("Last Sale Date", "Last Sale Recording Date"),
    "last_sale_amount": ("Last Sale Amount",),
}
"""For each field its headers, the one that goes first leading: where a file has several, the first non-empty one counts."""

REQUIRED = ("property_address", "property_city", "property_state", "property_zip")
"""A file without these cannot be taken: nothing in it could become a lead."""

REMARKS = "remarks."
"""Begins the name of a column of free text, of which only what forbids contact is read."""

OURS = frozenset({"row", "reject_reason", "reject_detail"})
"""Columns that our list of rejects adds; a corrected list may be uploaded with them, and they are ignored."""

_FAMILY = re.compile(r"^(phone|email)\s*([1-9][0-9]?)?(?:\s+(type|dnc))?$")
_PLACES: dict[str, tuple[str, int]] = {}
for _field, _names in HEADERS.items():
    for _place, _name in enumerate((*_names, _field, _field.replace("_", " "))):
        _PLACES.setdefault(" ".join(_name.lower().split()), (_field, _place))


@lru_cache(maxsize=4_096)
def place_of(header: str) -> tuple[str, int] | None:
    """The field that *header* stands for and its place among the field's headers (0 leads); None for unknown ones.

    `Phone 2 Type` is ("phones.type", 2), `Email 1` is ("emails", 1), `Phone 1 Status` is ("remarks.phones", 1).
    """
    if protection_of(header) is not None:
        return _protective_place(header)
    name = " ".join(header.replace("\ufeff", "").replace("\xa0", " ").strip().strip('"').lower().split())
    if name in _PLACES:
        return _PLACES[name]
    family = _FAMILY.match(name)
    if family:
        kind, number, detail = family.groups()
        if not (kind == "email" and detail):
            return f"{kind}s.{detail}" if detail else f"{kind}s", int(number or 1)
    remarks = remarks_of(header)
    return (f"{REMARKS}{remarks.subject}", remarks.number) if remarks else None


def _protective_place(header: str) -> tuple[str, int] | None:
    found = protection_of(header)
    if found is None or found == UNREADABLE:
        return None
    if found.subject in ("litigator", "deceased_owner", "do_not_mail"):
        return found.subject, 0
    if found.subject == "row":
        return "do_not_contact", 0
    return f"{found.subject}.{'dnc' if found.is_registry else 'forbidden'}", found.number


def unreadable_protection(headers: Iterable[str]) -> list[str]:
    """Those of *headers* that look protective and are not understood: their file is refused."""
    return [header for header in headers if protection_of(header) == UNREADABLE]


def ignored(headers: Iterable[str]) -> list[str]:
    """Those of *headers* that no field is read from."""
    used = address_sets(headers)
    return [
        name
        for name in headers
        if name and not (_is_read(name) and used.get(name, True)) and name.strip().lower() not in OURS
    ]


def columns_of(field: str, headers: Iterable[str]) -> list[str]:
    """Those of *headers* from which *field* is read, as a report of values names it: `phones` are all columns of phones."""
    wanted = {"apn_key": "apn", "zip_of_another_state": "property_zip"}.get(field, field)
    names = list(headers)
    used = address_sets(names)
    found = ((name, field_of(name)) for name in names if used.get(name, True))
    return [name for name, read in found if read is not None and (read == wanted or read.startswith(f"{wanted}."))]


def field_of(header: str) -> str | None:
    """The field that *header* stands for, or None."""
    place = place_of(header)
    return place[0] if place else None


def missing_required(headers: Iterable[str]) -> list[str]:
    """The required columns, by their usual header, that *headers* lacks."""
    names = list(headers)
    used = address_sets(names)
    present = {field_of(header) for header in names if used.get(header, True)}
    return [HEADERS[field][0] for field in REQUIRED if field not in present]


def recognised(headers: Iterable[str]) -> list[str]:
    """Those of *headers* that stand for a field."""
    return [header for header in headers if _is_read(header)]


def _is_read(header: str) -> bool:
    field = field_of(header)
    return field is not None and not field.startswith(REMARKS)


_ADDRESS_FIELDS = frozenset(
    {"property_address", "property_unit", "property_city", "property_state", "property_zip", "county"}
)
_OF_A_PROPERTY = re.compile(r"(?:property|site|situs)[ _]")


def address_sets(headers: Iterable[str]) -> dict[str, bool]:
    """For each of *headers* that stands for a part of the property's address, whether it belongs to the set that counts.

    A file with a street column of its own for the property (`Property Address`) and a plain one (`Address`) has two sets: the
    plain one is the owner's. One address is never made of columns of both, so the whole plain set is left out.
    """
    parts = {name: field for name in headers if (field := field_of(name)) in _ADDRESS_FIELDS}
    of_property = {name for name in parts if _OF_A_PROPERTY.match(_plain_words(name))}
    streets = {name for name, field in parts.items() if field == "property_address"}
    if not (streets & of_property and streets - of_property):
        return dict.fromkeys(parts, True)
    return {name: name in of_property for name in parts}


def property_streets(headers: Iterable[str]) -> list[str]:
    """Those of *headers* that hold a street of the property's, or the owner's street in its place."""
    return [name for name in headers if field_of(name) == "property_address"]


def _plain_words(header: str) -> str:
    return " ".join(header.replace("\ufeff", "").replace("\xa0", " ").strip().strip('"').lower().split())


_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_UNSEEN_START = re.compile(
    r"[\s\x00-\x20\x7f-\xa0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0]+"
)
"""Characters that a reader does not see and a spreadsheet may drop before it looks for a formula."""
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9][0-9,]*(?:\.[0-9]*)?%?")


def _runs(value: str) -> bool:
    """Whether a spreadsheet may run *value*: what it begins with, or what follows its unseen characters."""
    unseen = _UNSEEN_START.match(value)
    rest = value[unseen.end() :] if unseen else value
    return value.startswith(_RUNS) or rest.startswith((*_RUNS, "'"))


def escape_cell(value: str) -> str:
    """*value* so that no spreadsheet runs it: an apostrophe goes before what looks like a formula.

    Plain numbers are left as they are; `+1 (727) 555-0142` is not one, a spreadsheet would calculate it.
    `unescape_cell` takes back exactly what was put.
    """
    if value.startswith("'") or (_runs(value) and not _PLAIN_NUMBER.fullmatch(value)):
        return "'" + value
    return value


def unescape_cell(value: str) -> str:
    """The value that `escape_cell` was given: a corrected list of rejects is taken as if it had never been escaped."""
    if value.startswith("'") and (value[1:2] == "'" or _runs(value[1:])):
        return value[1:]
    return value
