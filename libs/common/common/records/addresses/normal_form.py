"""The normal form of a property's address, by which homes are distinguished.

An address is parsed from both ends: trailing city, state and ZIP code, unit, house number; the rest is the street. Each word
is kept, or shortened by a table of USPS Publication 28; otherwise the address is unreadable, because a dropped word would make
two homes one. The rules are the table in docs/addresses.md, which a test reads. The unit is part of the form in any spelling.
The city is not: sources write several cities for one home, and the ZIP code is more precise.
"""

import re
from hashlib import sha256

from common.records.addresses.characters import UnreadableAddressError, plain_text
from common.records.addresses.city_tail import without_city
from common.records.addresses.house_number import split_house_number
from common.records.addresses.numbered_road import without_number_signs
from common.records.addresses.postal_words import DESIGNATORS, DESIGNATORS_IN_NAMES, UNIT_PARTS
from common.records.addresses.street_name import normalise_street_name
from common.records.addresses.unit import (
    find_unit,
    is_unit,
    join_units,
    normalise_unit,
    split_attached,
    without_open_designator,
    without_part_signs,
)

__all__ = [
    "FORM_VERSION", "PoBoxError", "UnreadableAddressError", "hash_address", "normalise_street", "normalise_unit",
]  # fmt: skip

FORM_VERSION = 3
"""Version of the normal form. Raise it if a rule changes the form of addresses that were readable (ADR 28)."""

_RR = r"(?:RR|R ?R|RURAL (?:ROUTE|RTE|RT)|RFD(?: (?:ROUTE|RTE|RT))?|RD|RT|RTE|ROUTE|R)"
_HC = r"(?:HCR?(?: (?:ROUTE|RTE|RT))?|H C|HIGHWAY CONTRACT(?: (?:ROUTE|RTE|RT))?|HWY CONTRACT(?: (?:ROUTE|RTE|RT))?|STAR (?:ROUTE|RTE|RT))"
_SIGN = r"[ -]?(?:(?:#|NO|NUMBER) )?"
_RURAL = re.compile(rf"(?a)(?:({_RR})|{_HC}){_SIGN}0*(\d+[A-Z]?) (?:(?:BOX|BX){_SIGN}|# )0*(\w+(?:-\w+)*)(?: (.+))?")
_RURAL_REVERSED = re.compile(rf"(?a)(?:BOX|BX){_SIGN}(\w+(?:-\w+)*) ((?:{_RR}|{_HC}){_SIGN}\d+[A-Z]?)")
_COMMA_IN_NUMBER = re.compile(r"(?a)\d+ , \d")
"""`1,234 Oak Ave` may be 1234 or a list."""
_LETTER_OF_BOX = re.compile(r"(?<=\d)-(?=[A-Z])")
_PO_BOX = re.compile(r"(?a)(?:P ?O ?BO?X|POST OFFICE BOX|POB|BOX)\b ?(?:# )?(?:\d|[A-Z]\d|[A-Z]\b)")
_AND_A_PO_BOX = re.compile(r"(?a) P ?O ?BO?X ?(?:# )?[\w-]+$")
_DESIGNATORS_NEVER_NAMES = frozenset(DESIGNATORS - DESIGNATORS_IN_NAMES)
_PARTS_ALONE = frozenset(word for word, part in UNIT_PARTS.items() if part in {"FL", "BLDG"})
"""Parts of a building that may take the place of the street, with their number before or behind them."""


class PoBoxError(ValueError):
    """Raised for a PO box, which is no property."""


def normalise_street(address: str, unit: str | None = None, city: str = "") -> tuple[str, str]:
    """Return street and unit of *address* in their postal form, such as `("418 N PALMETTO AVE", "4B")`; the unit may be empty.

    A *unit* from its own column counts like one in the address. With *city*, trailing city, state and ZIP code of the
    address are recognised. Raises PoBoxError and UnreadableAddressError, and nothing else.
    """
    plain, city = plain_text(address), _plain_city(city)
    if _COMMA_IN_NUMBER.match(plain):
        raise UnreadableAddressError
    text = without_city(plain, city)
    unit_of_column = normalise_unit(unit) if unit else ""
    leading_unit = ""
    if not text[:1].isdigit():
        if rural := _read_rural_route(text):
            return rural[0], join_units(rural[1], unit_of_column)
        if _PO_BOX.match(text):
            raise PoBoxError
        text, leading_unit = _split_leading_unit(split_attached(text))
    if "BOX" in text or "BX" in text:
        text = _AND_A_PO_BOX.sub("", text)
    number, rest = split_house_number(split_attached(text))
    street, unit_of_address = _split_street_and_unit(rest, leading_unit, city)
    return f"{number} {street}", join_units(unit_of_address, unit_of_column)


def _split_street_and_unit(text: str, leading_unit: str, city: str) -> tuple[str, str]:
    """Return street and unit of an address without its house number; *leading_unit* came before the number."""
    words = without_open_designator(without_part_signs(without_number_signs(text.removesuffix(" #").split(" "))))
    if _is_unit_alone(words):
        raise UnreadableAddressError
    unit_start = find_unit(words)
    has_unit = unit_start < len(words)
    street_text = without_city(" ".join(words[:unit_start]), city) if has_unit else " ".join(words)
    street, bare_unit = normalise_street_name(street_text)
    if leading_unit or bare_unit or has_unit:
        return street, normalise_unit(" ".join((leading_unit, bare_unit, *words[unit_start:])))
    return street, ""


def hash_address(street: str, unit: str, zip_code: str) -> bytes:
    """Return sixteen bytes that all spellings of one address share: the version of the form in four, then a digest."""
    return FORM_VERSION.to_bytes(4, "big") + sha256(f"{street}|{unit}|{zip_code}".encode()).digest()[:12]


def _plain_city(city: str) -> str:
    """Return *city* in plain text; empty if it has characters that make an address unreadable."""
    try:
        return plain_text(city or "")
    except UnreadableAddressError:
        return ""


def _is_unit_alone(words: list[str]) -> bool:
    """Return whether a unit takes the place of the street: `12 Unit 4`, `7 1st Floor`."""
    is_named = words[0] in _DESIGNATORS_NEVER_NAMES or words[0] in _PARTS_ALONE or words[-1] in _PARTS_ALONE
    return is_named and is_unit(words)


def _split_leading_unit(text: str) -> tuple[str, str]:
    """Return *text* from its house number on, and the unit before it: `Apt 4, 123 Main St`."""
    words = text.split(" ")
    for position in range(2, min(5, len(words))):
        if words[position][0].isdigit() and words[0] in DESIGNATORS and is_unit(words[:position]):
            return " ".join(words[position:]), " ".join(words[:position])
    if len(words) > 1 and words[0] in {"#", "NO", "NUMBER"} and words[1][0].isdigit():
        return " ".join(words[1:]), ""
    return text, ""


def _read_rural_route(text: str) -> tuple[str, str] | None:
    """Read boxes on rural and highway contract routes (Publication 28, sections 24 and 25), with the unit that may follow."""
    if reversed_ := _RURAL_REVERSED.fullmatch(text):
        text = f"{reversed_[2]} BOX {reversed_[1]}"
    found = _RURAL.fullmatch(text)
    if found is None:
        return None
    form = f"{'RR' if found[1] else 'HC'} {found[2]} BOX {_LETTER_OF_BOX.sub('', found[3])}"
    if not found[4]:
        return form, ""
    words = split_attached(found[4]).split(" ")
    if is_unit(words):
        return form, normalise_unit(found[4])
    return f"{form} {normalise_street_name(found[4])[0]}", ""
