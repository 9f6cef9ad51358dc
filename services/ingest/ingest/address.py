"""The normal form of a property's address, by which homes are told apart.

An address is taken apart from both ends: trailing city, state and ZIP code, unit, house number; what remains is the street. Each word
is kept, shortened by a table of USPS Publication 28, or the address is unreadable: a word that was dropped would make one home of
two. docs/addresses.md has the rules, as a table that a test reads. The unit is part of the form however it is written; the city is
not, since one home is written with several, and the ZIP code says more.
"""

import re
from hashlib import sha256

from ingest.address_tail import without_city
from ingest.address_text import MAX_LENGTH, UnreadableAddressError, plain_text
from ingest.house_number import split_house_number
from ingest.postal import ALSO_NAMES, DESIGNATORS, UNIT_PARTS
from ingest.street import normal_street_name, without_number_signs
from ingest.units import (
    find_unit,
    is_unit,
    join_units,
    normal_unit,
    split_attached,
    without_open_designator,
    without_part_signs,
)

__all__ = [
    "FORM_VERSION", "MAX_LENGTH", "PoBoxError", "UnreadableAddressError", "address_hash", "normal_street", "normal_unit",
]  # fmt: skip

FORM_VERSION = 3
"""Version of the normal form. When a rule changes the form of addresses that were readable, raise it (docs/adr/0028)."""

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


class PoBoxError(ValueError):
    """A PO box, which is no property."""


def normal_street(address: str, unit: str | None = None, city: str = "") -> tuple[str, str]:
    """Return street and unit of *address* in their postal form, such as `("418 N PALMETTO AVE", "4B")`; the unit may be empty.

    A *unit* from a column of its own counts like one in the address. *city* is known, so that an address which goes on
    with city, state and ZIP code ends before them. Raises PoBoxError and UnreadableAddressError, and nothing else.
    """
    plain, city = plain_text(address), _plain_city(city)
    if _COMMA_IN_NUMBER.match(plain):
        raise UnreadableAddressError
    text = without_city(plain, city)
    beside = normal_unit(unit) if unit else ""
    leading = ""
    if not text[:1].isdigit():
        if rural := _rural(text):
            return rural[0], join_units(rural[1], beside)
        if _PO_BOX.match(text):
            raise PoBoxError
        text, leading = _without_leading_unit(split_attached(text))
    if "BOX" in text or "BX" in text:
        text = _AND_A_PO_BOX.sub("", text)
    text = split_attached(text)
    number, rest = split_house_number(text)
    words = without_open_designator(without_part_signs(without_number_signs(rest.removesuffix(" #").split(" "))))
    if _is_unit_alone(words):
        raise UnreadableAddressError
    cut = find_unit(words)
    street, bare = normal_street_name(
        without_city(" ".join(words[:cut]), city) if cut < len(words) else " ".join(words)
    )
    within = normal_unit(" ".join((leading, bare, *words[cut:]))) if leading or bare or cut < len(words) else ""
    return f"{number} {street}", join_units(within, beside)


def address_hash(street: str, unit: str, zip_code: str) -> bytes:
    """Return sixteen bytes that two writings of one home's address share: the version of the form in four, then a digest."""
    return FORM_VERSION.to_bytes(4, "big") + sha256(f"{street}|{unit}|{zip_code}".encode()).digest()[:12]


def _plain_city(city: str) -> str:
    """Return *city* in plain text; empty if it has characters that no address is read with."""
    try:
        return plain_text(city or "")
    except UnreadableAddressError:
        return ""


def _is_unit_alone(words: list[str]) -> bool:
    """Return whether a unit stands where the street should: `12 Unit 4`, `7 1st Floor`."""
    named = words[0] in DESIGNATORS - ALSO_NAMES or not {"FL", "BLDG"}.isdisjoint(
        map(UNIT_PARTS.get, (words[0], words[-1]))
    )
    return named and is_unit(words)


def _without_leading_unit(text: str) -> tuple[str, str]:
    """Return *text* from its house number on, and the unit before it: `Apt 4, 123 Main St`."""
    words = text.split(" ")
    for place in range(2, min(5, len(words))):
        if words[place][0].isdigit() and words[0] in DESIGNATORS and is_unit(words[:place]):
            return " ".join(words[place:]), " ".join(words[:place])
    if len(words) > 1 and words[0] in {"#", "NO", "NUMBER"} and words[1][0].isdigit():
        return " ".join(words[1:]), ""
    return text, ""


def _rural(text: str) -> tuple[str, str] | None:
    """Boxes on rural and highway contract routes (Publication 28, sections 24 and 25), with the unit that may follow."""
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
        return form, normal_unit(found[4])
    return f"{form} {normal_street_name(found[4])[0]}", ""
