"""Fields of a row whose cells hold several facts, or parts of one: addresses in one cell, streets in parts, whole names.

The column of a single fact counts before a combined one.
"""

import re
from collections.abc import Mapping
from typing import Any

from common.records.address_cells import (
    UNREAD_ADDRESS,
    join_street,
    split_address_line,
    split_mailing_line,
    split_place,
)
from common.records.file_profile import NameOrder
from common.records.headers import COMBINED_HEADERS
from common.records.owner_cells import split_owner_names

_OWNER = ("owner_first_name", "owner_last_name")
_SECOND_OWNER = ("owner2_first_name", "owner2_last_name")
_PLACE = ("property_city", "property_state")
_MAILING_PLACE = ("mailing_city", "mailing_state")
_NAME_PARTS = (
    ("owner_middle_name", "owner_first_name"),
    ("owner_suffix", "owner_last_name"),
    ("owner2_middle_name", "owner2_first_name"),
    ("owner2_suffix", "owner2_last_name"),
)
"""Part of a name, and the name that it follows."""
_NAME_PART = re.compile(r"[^\W\d_][\w.' -]*")
_NUMBER = re.compile(r"\s*[0-9.,]+\s*")
_NO_NAME_PARTS = frozenset({"na", "nmi", "nmn", "none", "null", "nan"})


def split_combined_fields(fields: dict[str, Any], name_order: NameOrder | None) -> None:
    """Replace each field of COMBINED_HEADERS in *fields* by the fields that it holds."""
    combined = {name: fields.pop(name) for name in COMBINED_HEADERS if name in fields}
    found = {
        **_read_address(fields, combined),
        **_read_mailing_address(fields, combined),
        **_read_owners(fields, combined, name_order),
    }
    if acres := combined.get("lot_acres"):
        found["lot_sqft"] = f"{acres} acres" if _NUMBER.fullmatch(acres) else acres
    if third_line := combined.get("mailing_line_3"):
        fields["mailing_unit"] = f"{fields.get('mailing_unit', '')}\n{third_line}"
    for name, part_of in _NAME_PARTS:
        if name in combined and _has_any(fields, part_of):
            fields[part_of] = _add_name_part(fields[part_of], combined[name])
    for name, value in found.items():
        if not _has_any(fields, name):
            fields[name] = value


def _read_address(fields: Mapping[str, Any], combined: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if not _has_any(fields, "property_address"):
        if street := join_street(combined):
            found = {"property_address": street}
        elif "address_line" in combined:
            found = split_address_line(combined["address_line"])
            if UNREAD_ADDRESS in found and _has_any(fields, "property_city"):
                del found[UNREAD_ADDRESS]  # the place is known, so only the street is read from the cell
    if "place" in combined and not _has_any(fields, *_PLACE):
        found |= split_place(combined["place"], "property")
    return found


def _read_mailing_address(fields: Mapping[str, Any], combined: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "mailing_line" in combined and not _has_any(fields, "mailing_address"):
        found = split_mailing_line(combined["mailing_line"])
    if "mailing_place" in combined and not _has_any(fields, *_MAILING_PLACE):
        found |= split_place(combined["mailing_place"], "mailing")
    return found


def _read_owners(
    fields: Mapping[str, Any], combined: Mapping[str, str], name_order: NameOrder | None
) -> dict[str, Any]:
    return split_owner_names(
        None if _has_any(fields, *_OWNER) else combined.get("owner_names"),
        None if _has_any(fields, *_SECOND_OWNER) else combined.get("owner2_name"),
        name_order,
    )


def _add_name_part(name: str, part: str) -> str:
    """Return *name* with a middle name or suffix behind it, unless it ends so, or the part is no name."""
    words = part.split()
    is_part = _NAME_PART.fullmatch(part.strip()) and "".join(words).strip(".").lower() not in _NO_NAME_PARTS
    if not is_part or name.lower().split()[-len(words) :] == part.lower().split():
        return name
    return " ".join([name.strip(), *words])


def _has_any(fields: Mapping[str, Any], *names: str) -> bool:
    """Return whether one of the fields has a value that is not blank."""
    return any((value := fields.get(name)) and not (isinstance(value, str) and value.isspace()) for name in names)
