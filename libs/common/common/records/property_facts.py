"""Facts of a property record, read field by field: texts, place, parcel and typed values.

Each reader writes into `facts` by column of `leads`, names values that it cannot read in `dropped`, and never raises.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from common.geography.counties import find_county
from common.geography.parcels import build_parcel_key
from common.geography.placeholders import (
    is_filler_number,
    is_placeholder,
    is_placeholder_address,
    is_placeholder_unit,
    parcel_number,
)
from common.geography.places import county_name, state_code, state_of_zip, zip_code
from common.lead_facts import LEAD_FACTS, ValueFormat, ValueKind
from common.records.rejection import RejectionReason
from common.records.values import dates, numbers
from common.records.values.amounts import drop_contradictory_equity, parse_loan_to_value
from common.records.values.text import BrokenTextError, as_text, clean_text, is_blank, parse_boolean

MAX_TEXT_LENGTH = 200
ZIP_OF_ANOTHER_STATE = "zip_of_another_state"
"""Reported in `dropped`, although nothing is dropped: ZIP code and state do not match, so one of them is wrong."""

_TEXT_KINDS = (ValueKind.TEXT, ValueKind.TEXT_AS_WRITTEN)
_TEXTS = tuple((fact.name, fact.value.kind is ValueKind.TEXT) for fact in LEAD_FACTS if fact.value.kind in _TEXT_KINDS)
"""Each text field, and whether it is left out where a placeholder takes its place."""
_MAK = re.compile(r"([0-9]{10})(?:\.0+)?")


def read_texts(raw: Mapping[str, Any], facts: dict[str, Any], dropped: list[str]) -> Iterable[RejectionReason]:
    """Read the text fields; yield a reason for each text that cannot be stored."""
    for name, may_be_placeholder in _TEXTS:
        value = raw.get(name)
        if value is None:
            facts[name] = None
            continue
        try:
            text = clean_text(value)
        except BrokenTextError:
            facts[name] = ""
            yield RejectionReason.INVALID_CHARACTERS
            continue
        if len(text) > MAX_TEXT_LENGTH:
            yield RejectionReason.VALUE_TOO_LONG
        facts[name] = text or None
        if text and may_be_placeholder and is_placeholder(text):
            facts[name] = None
            dropped.append(name)
    if facts["property_unit"] and is_placeholder_unit(facts["property_unit"]):
        facts["property_unit"] = None


def read_location(raw: Mapping[str, Any], facts: dict[str, Any], dropped: list[str]) -> Iterable[RejectionReason]:
    """Read state, ZIP code and county; yield a reason for each part of the address that is missing or invalid."""
    try:
        state, zip_text, county, fips = (
            clean_text(raw.get(name))[:MAX_TEXT_LENGTH] for name in ("property_state", "property_zip", "county", "fips")
        )
    except BrokenTextError:
        yield RejectionReason.INVALID_CHARACTERS
        return
    facts["property_state"], facts["property_zip"] = state_code(state), zip_code(zip_text)
    _read_county(facts, county, fips, dropped)
    if facts["property_address"] is None:
        yield RejectionReason.MISSING_ADDRESS
    elif is_placeholder_address(facts["property_address"]):
        yield RejectionReason.UNREADABLE_ADDRESS
    if facts["property_city"] is None:
        yield RejectionReason.MISSING_CITY
    if facts["property_state"] is None:
        yield RejectionReason.INVALID_STATE if state else RejectionReason.MISSING_STATE
    if facts["property_zip"] is None:
        yield RejectionReason.INVALID_ZIP if zip_text else RejectionReason.MISSING_ZIP


def _read_county(facts: dict[str, Any], name: str, code: str, dropped: list[str]) -> None:
    """Set FIPS code and name of the county from the public table. A name that is not in the table is shown, but is no key."""
    found = find_county(name, code, facts["property_state"] or "")
    dropped.extend(found.dropped)
    facts["fips"] = found.county and found.county.fips
    facts["county"] = found.county.name if found.county else (None if is_placeholder(name) else county_name(name))


def check_state_of_zip(facts: Mapping[str, Any], dropped: list[str]) -> None:
    """Report a ZIP code that does not lie in the property's state."""
    if state_of_zip(facts["property_zip"]) != facts["property_state"]:
        dropped.append(ZIP_OF_ANOTHER_STATE)


def read_parcel_key(facts: Mapping[str, Any], dropped: list[str]) -> str | None:
    """Return the key of the parcel, or None; reports a number that is none. Without a county no number has a key."""
    apn = facts["apn"]
    if not apn:
        return None
    key = build_parcel_key(apn, facts["fips"])
    if key is None and (facts["fips"] or not parcel_number(apn)):
        dropped.append("apn")
    return key


def read_mak(value: object, dropped: list[str]) -> str | None:
    """Return the Melissa address key in *value*, or None."""
    text = as_text(value).strip(" \t'\"=")  # spreadsheets write ="8034512097", as for ZIP codes and parcel numbers
    found = _MAK.fullmatch(text)
    if found and not is_filler_number(found[1]):
        return found[1]
    if text:
        dropped.append("mak")
    return None


def _parse_zip_code(value: object, _today: date) -> str | None:
    return zip_code(as_text(value))


_NUMBER_PARSERS: Mapping[ValueKind, Callable[[int, int], numbers.Parser]] = {
    ValueKind.COUNT: numbers.count_parser,
    ValueKind.DECIMAL: numbers.decimal_parser,
    ValueKind.AREA: numbers.area_parser,
    ValueKind.MONEY: numbers.money_parser,
}
_OTHER_PARSERS: Mapping[ValueKind, numbers.Parser] = {
    ValueKind.ZIP_CODE: _parse_zip_code,
    ValueKind.YEAR_BUILT: numbers.parse_year_built,
    ValueKind.YES_OR_NO: parse_boolean,
    ValueKind.PAST_DATE: dates.parse_past_date,
}


def _parser_of(value: ValueFormat) -> numbers.Parser | None:
    """Return the parser of a value that is read alone, else None."""
    if value.kind in _NUMBER_PARSERS:
        return _NUMBER_PARSERS[value.kind](value.minimum, value.maximum)
    return _OTHER_PARSERS.get(value.kind)


_PARSERS = tuple((fact.name, parser) for fact in LEAD_FACTS if (parser := _parser_of(fact.value)))
"""The parser of each field. The loan-to-value comes after them, since the amounts distinguish a fraction from a percentage."""


def read_values(raw: Mapping[str, Any], facts: dict[str, Any], dropped: list[str], today: date) -> None:
    """Read numbers, amounts, dates and yes-or-no fields."""
    for name, parse in _PARSERS:
        value = raw.get(name)
        if value is None or value == "":
            facts[name] = None
            continue
        facts[name] = found = parse(value, today)
        if found is None and not is_blank(value):
            dropped.append(name)
    drop_contradictory_equity(facts, dropped)
    ltv = raw.get("est_ltv")
    facts["est_ltv"] = None if ltv is None or ltv == "" else parse_loan_to_value(ltv, facts)
    if facts["est_ltv"] is None and not is_blank(ltv):
        dropped.append("est_ltv")
