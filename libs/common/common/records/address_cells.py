"""Cells that hold more than one part of an address, or less than a street: whole addresses, places, parts of a street.

A city begins behind a comma, `;`, `|` or a line break, or behind ` - ` in a cell without these. Elsewhere a city of several words
could not be told from the street.
"""

import re
from collections.abc import Mapping
from typing import Any

from common.geography.places import state_code
from common.records.headers import STREET_PARTS

UNREAD_ADDRESS = "unread_address"
"""Raw field of a row whose address cell cannot be split."""

_ZIP = r"[0-9]{5}(?:-?[0-9]{4})?"
_STATE_AND_ZIP = re.compile(rf"(?P<state>[A-Za-z. ]+?)\.?\s+(?P<zip>{_ZIP})")
_ENDS_WITH_PLACE = re.compile(rf"(?P<city>.+?)[\s]+(?P<state>[A-Za-z]{{2}})\.?(?:\s+(?P<zip>{_ZIP}))?")
_ENDS_WITH_ZIP = re.compile(rf"\s{_ZIP}$")
_COUNTRIES = frozenset({"usa", "us", "united states", "united states of america", "u.s.a.", "u.s."})
_BREAKS = re.compile(r"[\r\n,;|]+")
_DASH_BETWEEN_PARTS = re.compile(r"\s[-\u2013\u2014]\s")
_UNIT_BEFORE_CITY = re.compile(
    r"#|(?:apt|apartment|unit|ste|suite|bldg|building|lot|spc|space|rm|room|trlr|ph)\b.*[\s#]", re.IGNORECASE
)
"""Start of a text such as `Apt 4 Tampa`, where nothing says where the unit ends and the city begins."""
_MAILING_STREET = re.compile(
    r"[0-9][0-9A-Z/-]*\s+\S*[A-Z]{2}|(?:P\.?\s*O\.?\s*)?BOX\b|(?:RR|HC|RT|PSC|CMR)\s*[0-9]", re.IGNORECASE
)
"""Start of a street or mailbox, other than that of a recipient or a unit."""
_COUNTY = re.compile(r"\S.*\s(?:county|parish)", re.IGNORECASE)


def join_street(parts: Mapping[str, str]) -> str:
    """Return the street that its *parts* make, by their names in STREET_PARTS; empty without a name of the street.

    The letter behind a house number belongs to it (`12B`), and a second number is the end of a range (`12-14`).
    """
    if not parts.get("street_name", "").strip():
        return ""
    texts = {name: " ".join(parts[name].split()) for name in STREET_PARTS if name in parts}
    number, suffix = texts.get("street_number", ""), texts.pop("street_number_suffix", "")
    if suffix:
        number = f"{number}{suffix}" if len(suffix) == 1 and suffix.isalpha() else f"{number} {suffix}"
    end = texts.pop("street_number_2", "")
    if end.strip("0") and end != texts.get("street_number"):
        number = f"{number}-{end}"
    if texts["street_name"].startswith(f"{number} "):
        number = ""
    texts["street_number"] = number
    return " ".join(text for name in STREET_PARTS if (text := texts.get(name)))


def split_address_line(text: str) -> dict[str, Any]:
    """Return the fields of the property's address in one cell.

    A street alone has no place, so the row lacks its city. A cell that is neither gets the field `unread_address`.
    """
    street, place = _split(text)
    if place:
        return {"property_address": street, **{f"property_{name}": value for name, value in place.items()}}
    is_street = street[:1].isdigit() and not _ENDS_WITH_ZIP.search(street)
    return {"property_address": street} if is_street else {"property_address": street, UNREAD_ADDRESS: True}


def split_mailing_line(text: str) -> dict[str, Any]:
    """Return the fields of the owner's address in one cell. A cell that cannot be split is kept as the street."""
    street, place = _split(text)
    return {"mailing_address": street, **{f"mailing_{name}": value for name, value in place.items()}}


def join_mailing_lines(fields: dict[str, Any]) -> None:
    """Join the lines of the owner's street in *fields* so that the street is no unit: `C/O Holt`, `12 Oak St`, `Apt 4`.

    Lines before the street name a recipient and stay before it. Those behind it are the unit.
    """
    texts = (fields.get("mailing_address", ""), fields.get("mailing_unit", ""))
    lines = [line.strip() for text in texts for line in text.splitlines() if not line.isspace()]
    street = next((number for number, line in enumerate(lines) if _MAILING_STREET.match(line)), 0)
    fields["mailing_address"] = ", ".join(lines[: street + 1])
    fields["mailing_unit"] = ", ".join(lines[street + 1 :])


def split_place(text: str, prefix: str) -> dict[str, Any]:
    """Return city, state and ZIP code of `TAMPA, FL 33602` under `<prefix>_city` and so on; what is missing is left out."""
    parts = _parts_of(text)
    place = _take_place(parts, is_alone=True)
    return {f"{prefix}_{name}": value for name, value in place.items()}


def _split(text: str) -> tuple[str, dict[str, str]]:
    parts = _parts_of(text)
    if len(parts) == 1:
        parts = _DASH_BETWEEN_PARTS.split(parts[0])
    if len(parts) < 2:  # noqa: PLR2004 - a street and a place
        return " ".join(text.split()), {}
    place = _take_place(parts)
    if not place or not parts:
        return " ".join(text.split()), {}
    return ", ".join(parts), place


def _parts_of(text: str) -> list[str]:
    parts = [" ".join(part.split()) for part in _BREAKS.split(text)]
    parts = [part for part in parts if part]
    if len(parts) > 1 and parts[-1].lower() in _COUNTRIES:
        parts.pop()
    return parts


def _take_place(parts: list[str], *, is_alone: bool = False) -> dict[str, str]:
    """Remove city, state and ZIP code from the end of *parts*, and return them; empty if the end is no place."""
    zip_text = parts.pop() if re.fullmatch(_ZIP, parts[-1]) and len(parts) > 1 else ""
    if len(parts) > 2 and _COUNTY.fullmatch(parts[-2]):  # noqa: PLR2004 - `Tampa, Hillsborough County, FL 33602`
        del parts[-2]
    end = parts[-1]
    both = _STATE_AND_ZIP.fullmatch(end)
    if not zip_text and both and state_code(both["state"]):
        parts.pop()
        state, zip_text = both["state"], both["zip"]
    elif state_code(end):
        state = parts.pop()
    elif (found := _ENDS_WITH_PLACE.fullmatch(end)) and state_code(found["state"]) and (len(parts) > 1 or is_alone):
        parts[-1] = found["city"]
        state, zip_text = found["state"], zip_text or found["zip"] or ""
    else:
        return {}
    if _UNIT_BEFORE_CITY.match(parts[-1]) and len(parts) > 1:
        return {}
    place = {"state": state} | ({"zip": zip_text} if zip_text else {})
    return place | ({"city": parts.pop()} if len(parts) > 1 or (is_alone and parts) else {})
