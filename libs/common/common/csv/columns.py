"""Columns of a file of property records: the field that is read from each header.

`common.lead_facts` lists the headers of each fact. They are those of PropStream's exports (full set, classic 41 columns,
skip-trace columns, Contacts export). Other files use the field names of `LeadRecord`. Case, spacing and a byte order mark
do not count. Unknown columns are ignored, but stay with the row, so that a rejected row comes back complete.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from common.compliance.protective_columns import UNREADABLE_PROTECTION, protection_of, remarks_of
from common.lead_facts import LEAD_FACTS, REQUIRED_FIELDS

REMARKS_PREFIX = "remarks."
"""Prefix of fields of free text, of which only words that forbid contact are read."""

REJECT_COLUMNS = frozenset({"row", "reject_reason", "reject_detail"})
"""Columns that our list of rejects adds. A corrected list may be uploaded with them; they are ignored."""

_CONTACT_HEADER = re.compile(r"^(phone|email)\s*([1-9][0-9]?)?(?:\s+(type|dnc))?$")
_FIELD_AND_RANK: dict[str, tuple[str, int]] = {}
for _fact in (fact for fact in LEAD_FACTS if fact.is_record_field):
    for _rank, _name in enumerate((*_fact.headers, _fact.name, _fact.name.replace("_", " "))):
        _FIELD_AND_RANK.setdefault(" ".join(_name.lower().split()), (_fact.name, _rank))


@lru_cache(maxsize=4_096)
def field_and_rank_of(header: str) -> tuple[str, int] | None:
    """Return the field of *header* and its rank among the field's headers (0 is first). None for an unknown header.

    `Phone 2 Type` is ("phones.type", 2), `Email 1` is ("emails", 1), `Phone 1 Status` is ("remarks.phones", 1).
    """
    if protection_of(header) is not None:
        return _protective_field(header)
    name = _plain_words(header)
    if name in _FIELD_AND_RANK:
        return _FIELD_AND_RANK[name]
    contact = _CONTACT_HEADER.match(name)
    if contact:
        kind, number, detail = contact.groups()
        if not (kind == "email" and detail):
            return f"{kind}s.{detail}" if detail else f"{kind}s", int(number or 1)
    remarks = remarks_of(header)
    return (f"{REMARKS_PREFIX}{remarks.subject}", remarks.number) if remarks else None


def _protective_field(header: str) -> tuple[str, int] | None:
    protection = protection_of(header)
    if protection is None or protection == UNREADABLE_PROTECTION:
        return None
    if protection.subject in ("litigator", "deceased_owner", "do_not_mail"):
        return protection.subject, 0
    if protection.subject == "row":
        return "do_not_contact", 0
    return f"{protection.subject}.{'dnc' if protection.is_registry else 'forbidden'}", protection.number


def unreadable_headers(headers: Iterable[str]) -> list[str]:
    """Return the headers that look protective and are not understood. Their file is refused."""
    return [header for header in headers if protection_of(header) == UNREADABLE_PROTECTION]


def ignored_headers(headers: Iterable[str]) -> list[str]:
    """Return the headers from which no field is read."""
    used = used_address_headers(headers)
    return [
        name
        for name in headers
        if name and not (_is_read(name) and used.get(name, True)) and name.strip().lower() not in REJECT_COLUMNS
    ]


def headers_of_field(field: str, headers: Iterable[str]) -> list[str]:
    """Return the headers from which *field* is read. *field* is named as in a report of values: `phones` means all phones."""
    wanted = {"apn_key": "apn", "zip_of_another_state": "property_zip"}.get(field, field)
    names = list(headers)
    used = used_address_headers(names)
    fields = ((name, field_of_header(name)) for name in names if used.get(name, True))
    return [name for name, read in fields if read is not None and (read == wanted or read.startswith(f"{wanted}."))]


def field_of_header(header: str) -> str | None:
    """Return the field of *header*, or None."""
    field_and_rank = field_and_rank_of(header)
    return field_and_rank[0] if field_and_rank else None


def missing_required_headers(headers: Iterable[str]) -> list[str]:
    """Return the required columns that *headers* lacks, by their usual header."""
    names = list(headers)
    used = used_address_headers(names)
    present = {field_of_header(header) for header in names if used.get(header, True)}
    return [fact.headers[0] for fact in LEAD_FACTS if fact.name in REQUIRED_FIELDS and fact.name not in present]


def recognised_headers(headers: Iterable[str]) -> list[str]:
    """Return the headers from which a field can be read."""
    return [header for header in headers if _is_read(header)]


def _is_read(header: str) -> bool:
    field = field_of_header(header)
    return field is not None and not field.startswith(REMARKS_PREFIX)


_ADDRESS_FIELDS = frozenset(
    {"property_address", "property_unit", "property_city", "property_state", "property_zip", "county"}
)
_PROPERTY_PREFIX = re.compile(r"(?:property|site|situs)[ _]")


def used_address_headers(headers: Iterable[str]) -> dict[str, bool]:
    """Return for each header of a part of the property's address whether that header is used.

    A file with a street column for the property (`Property Address`) and a plain one (`Address`) has two sets of columns. The
    plain set is the owner's. One address is never made of columns of both, so the whole plain set is not used.
    """
    parts = {name: field for name in headers if (field := field_of_header(name)) in _ADDRESS_FIELDS}
    of_property = {name for name in parts if _PROPERTY_PREFIX.match(_plain_words(name))}
    streets = {name for name, field in parts.items() if field == "property_address"}
    if not (streets & of_property and streets - of_property):
        return dict.fromkeys(parts, True)
    return {name: name in of_property for name in parts}


def property_street_headers(headers: Iterable[str]) -> list[str]:
    """Return the headers of the property's street, and of the owner's street that may replace it."""
    return [name for name in headers if field_of_header(name) == "property_address"]


def _plain_words(header: str) -> str:
    return " ".join(header.replace("\ufeff", "").replace("\xa0", " ").strip().strip('"').lower().split())


_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_INVISIBLE_START = re.compile(
    r"[\s\x00-\x20\x7f-\xa0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0]+"
)
"""Characters that are invisible, and that a spreadsheet may drop before it looks for a formula."""
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9][0-9,]*(?:\.[0-9]*)?%?")


def _looks_like_formula(value: str) -> bool:
    """Return whether a spreadsheet may run *value*: its start, or the text behind its invisible characters."""
    invisible = _INVISIBLE_START.match(value)
    rest = value[invisible.end() :] if invisible else value
    return value.startswith(_FORMULA_STARTS) or rest.startswith((*_FORMULA_STARTS, "'"))


def escape_cell(value: str) -> str:
    """Return *value* so that no spreadsheet runs it: with an apostrophe before text that looks like a formula.

    Plain numbers stay as they are. `+1 (727) 555-0142` is not one, because a spreadsheet would calculate it.
    `unescape_cell` removes exactly the apostrophe that was added.
    """
    if value.startswith("'") or (_looks_like_formula(value) and not _PLAIN_NUMBER.fullmatch(value)):
        return "'" + value
    return value


def unescape_cell(value: str) -> str:
    """Return the value before `escape_cell`, so that a corrected list of rejects is read as if it was never escaped."""
    if value.startswith("'") and (value[1:2] == "'" or _looks_like_formula(value[1:])):
        return value[1:]
    return value
