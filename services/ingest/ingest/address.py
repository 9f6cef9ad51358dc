"""The normal form of a property's address, by which homes are told apart.

usaddress-scourgify knows the postal rules and takes 120 us. The usual shape, number, name and suffix, takes a fast path of our
own, which a test holds equal to the library. The unit is part of the form however it is written; the city is not, since the
same home is written with several, and the ZIP code says more.
"""

import re
from hashlib import sha256

from scourgify import normalize_address_record
from scourgify.address_constants import (
    DIRECTIONAL_REPLACEMENTS,
    OCCUPANCY_TYPE_ABBREVIATIONS,
    STREET_TYPE_ABBREVIATIONS,
)
from scourgify.exceptions import AddressNormalizationError

_SUFFIXES = {
    "AVE": "AVE", "AVENUE": "AVE", "ST": "ST", "STREET": "ST", "RD": "RD", "ROAD": "RD", "DR": "DR", "DRIVE": "DR",
    "LN": "LN", "LANE": "LN", "CT": "CT", "COURT": "CT", "BLVD": "BLVD", "BOULEVARD": "BLVD", "PL": "PL", "PLACE": "PL",
    "WAY": "WAY", "CIR": "CIR", "CIRCLE": "CIR", "TER": "TER", "TERRACE": "TER", "TRL": "TRL", "TRAIL": "TRL",
    "PKWY": "PKWY", "PARKWAY": "PKWY",
}  # fmt: skip
_DIRECTIONS = {**DIRECTIONAL_REPLACEMENTS, **{short: short for short in DIRECTIONAL_REPLACEMENTS.values()}}
_USUAL = re.compile(
    r"(\d{1,6}) (?:(N|S|E|W|NE|NW|SE|SW|NORTH|SOUTH|EAST|WEST) )?([A-Z]{3,}(?: [A-Z]{3,}){0,2}) ([A-Z]{2,9})"
    r"(?: (?:APT|APARTMENT|UNIT|STE|SUITE|#) ?([0-9]{1,5}[A-Z]?|[A-Z][0-9]{0,4}))?"
)
_SPECIAL = (
    set(STREET_TYPE_ABBREVIATIONS)
    | set(STREET_TYPE_ABBREVIATIONS.values())
    | set(_DIRECTIONS)
    | set(OCCUPANCY_TYPE_ABBREVIATIONS)
    | set(OCCUPANCY_TYPE_ABBREVIATIONS.values())
    | {"COUNTY", "STATE", "HIGHWAY", "ROUTE", "BOX", "THE", "AND", "INTERSTATE", "PRIVATE", "OLD", "UNIT", "FARM"}
)
_DESIGNATORS = {"APT", "APARTMENT", "UNIT", "STE", "SUITE", "NO", "NUMBER", "NUM", "LOT", "SPC", "SPACE", "TRLR", "RM", "ROOM"}
_PO_BOX = re.compile(r"^(P\.? ?O\.? ?BOX|POST OFFICE BOX|POB) ?#? ?\w+$")
_BETWEEN_WORDS = str.maketrans({",": " ", ";": " ", ".": None, "'": None, '"': None, "’": None})


class UnreadableAddressError(ValueError):
    """A text that is no street address: no number, or no street."""


class PoBoxError(ValueError):
    """A PO box, which is no property."""


def normal_street(address: str, unit: str | None = None) -> tuple[str, str]:
    """Street and unit of *address* in their postal form, such as `("418 N PALMETTO AVE", "4B")`; the unit may be empty.

    A *unit* from a column of its own counts where the address names none. Raises PoBoxError and UnreadableAddressError.
    """
    text = " ".join(address.upper().translate(_BETWEEN_WORDS).replace("#", " # ").split())
    street, found = _usual(text) or _by_library(text)
    return street, normal_unit(found or unit or "")


def address_hash(street: str, unit: str, zip_code: str) -> bytes:
    """Sixteen bytes that two writings of one home's address share."""
    return sha256(f"{street}|{unit}|{zip_code}".encode()).digest()[:16]


def normal_unit(text: str) -> str:
    """A unit without what it is called: `Apt 4-B`, `#4b` and `Unit 4 B` are all `4B`; `Bldg 2 Apt 4` keeps both numbers."""
    words = text.upper().translate(_BETWEEN_WORDS).replace("#", " ").replace("-", " ").split()
    kept = [word.lstrip("0") or "0" for word in words if word not in _DESIGNATORS]
    if len(kept) == 2 and len(kept[1]) == 1 and kept[0].isdigit() and kept[1].isalpha():  # noqa: PLR2004 - `4 B`
        return "".join(kept)
    return " ".join(kept)


def _usual(text: str) -> tuple[str, str] | None:
    match = _USUAL.fullmatch(text)
    if match is None:
        return None
    number, direction, name, suffix, unit = match.groups()
    short = _SUFFIXES.get(suffix)
    if short is None or not _SPECIAL.isdisjoint(name.split()):
        return None
    before = f"{_DIRECTIONS[direction]} " if direction else ""
    return f"{number} {before}{name} {short}", unit or ""


def _by_library(text: str) -> tuple[str, str]:
    if _PO_BOX.match(text):
        raise PoBoxError
    place = {"city": "ANYTOWN", "state": "FL", "postal_code": "34698"}
    try:
        found = normalize_address_record({"address_line_1": text.replace(" # ", " #"), "address_line_2": "", **place})
    except (AddressNormalizationError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
        raise UnreadableAddressError from error
    street = str(found["address_line_1"] or "")
    if "ANYTOWN" in street or not any(character.isdigit() for character in street) or not any(character.isalpha() for character in street):
        raise UnreadableAddressError
    return street, str(found["address_line_2"] or "")
