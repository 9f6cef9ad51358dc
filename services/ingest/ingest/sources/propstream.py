"""PropStream's CSV rows: cells under PropStream's headers become the raw fields of a record.

The formats are the full export, the classic 41 columns, and the columns of its skip trace. `common.lead_facts` lists the headers
of each field.
"""

from collections.abc import Mapping
from typing import Any

from common.compliance.protective_columns import UNREADABLE_PROTECTION, protection_of
from common.compliance.remarks import read_note, read_status
from common.csv.columns import REMARKS_PREFIX, field_and_rank_of, used_address_headers
from common.lead_facts import PROHIBITIONS
from ingest.values.text import read_protective_flag

_PHONE_PARTS = {"phones": 0, "phones.type": 1}
_MAX_CACHED_HEADERS = 10_000
_ALL_CONTACTS = 0
"""Number of a protection that names no single phone or email: it forbids all of the row."""
_CONTACT_PROTECTIONS = frozenset({"phones.dnc", "phones.forbidden", "emails.forbidden", "emails.dnc"})
_ROW_FLAGS = frozenset(PROHIBITIONS)
_REMARK_FIELDS = frozenset({f"{REMARKS_PREFIX}{subject}" for subject in ("row", "phones", "emails")})
_PROTECTIVE_FIELDS = _CONTACT_PROTECTIONS | _ROW_FLAGS | _REMARK_FIELDS
_UNREAD_PROTECTION = ("unread_protection", 0)

RowFlags = dict[tuple[str, int], bool]
"""Protective flags of a row by field and number."""


class _HeaderCache(dict[str, tuple[str, int] | None]):
    """Field and number of each header that was seen: all rows of a file have the same headers."""

    def __missing__(self, header: str) -> tuple[str, int] | None:
        field = _UNREAD_PROTECTION if protection_of(header) == UNREADABLE_PROTECTION else field_and_rank_of(header)
        if len(self) < _MAX_CACHED_HEADERS:
            self[header] = field
        return field


_field_of_header = _HeaderCache()


def _headers_of_owner_address(cells: Mapping[str, str]) -> frozenset[str]:
    """Return the headers of *cells* that belong to the owner's address and not to the property's."""
    return frozenset(header for header, counts in used_address_headers(cells).items() if not counts)


def read_propstream_cells(cells: Mapping[str, str]) -> dict[str, Any]:  # noqa: C901 - the hottest loop of ingest
    """Return the raw fields of one row: text as it came, phones as `(number, type, dnc)` by their number, emails in order.

    If several headers of a row mean one field, the first non-empty one in the order of `LeadFact.headers` counts; of protective
    flags, each counts. Two columns of one number (`Phone`, `Phone 1`) are read as one cell. The owner's address never
    replaces an empty street of the property.
    """
    fields: dict[str, Any] = {}
    alternatives: dict[str, int] = {}  # fields whose value came from a header that is not the first for them
    phones: dict[int, list[str | None]] = {}
    emails: dict[int, str] = {}
    flags: RowFlags = {}
    ignored: frozenset[str] | None = None
    for header, value in cells.items():
        field_and_rank = _field_of_header[header]
        if field_and_rank is None:
            continue
        field, rank = field_and_rank
        if field == "property_address" and (not value or field in fields):
            ignored = _headers_of_owner_address(cells)
        if not value:
            continue
        if field in _PROTECTIVE_FIELDS:
            _read_protective_cell(flags, field, rank, value)
            continue
        if rank == 0:
            fields[field] = value
            if alternatives:
                alternatives.pop(field, None)
        elif field == "emails":
            emails[rank] = f"{emails[rank]}; {value}" if rank in emails else value
        elif field in _PHONE_PARTS:
            parts, part = phones.setdefault(rank, [None, None]), _PHONE_PARTS[field]
            parts[part] = f"{parts[part]}; {value}" if parts[part] else value
        elif field not in fields or rank < alternatives.get(field, 0):
            fields[field] = value
            alternatives[field] = rank
    if ignored:
        return read_propstream_cells({header: value for header, value in cells.items() if header not in ignored})
    _add_contacts_and_flags(fields, phones, emails, flags)
    return fields


def _add_contacts_and_flags(
    fields: dict[str, Any], phones: Mapping[int, list[str | None]], emails: Mapping[int, str], flags: RowFlags
) -> None:
    fields["phones"] = [(*phones[rank], _phone_flag(flags, rank)) for rank in sorted(phones)]
    fields["emails"] = [emails[rank] for rank in sorted(emails)]
    if flags:
        fields.update({name: flag for (name, _), flag in flags.items() if name in _ROW_FLAGS})
        fields["forbidden_emails"] = [emails[rank] for rank in sorted(emails) if _is_forbidden(flags, "emails", rank)]


def _read_protective_cell(flags: RowFlags, field: str, rank: int, value: str) -> None:
    """Set what a flag or a remark forbids. No other cell allows what one cell forbids."""
    if field in _REMARK_FIELDS:
        _read_remark_cell(flags, field.removeprefix(REMARKS_PREFIX), rank, value)
        return
    key = (field, 0 if field in _ROW_FLAGS else rank)
    flag = read_protective_flag(value)
    if flag is not None:
        flags[key] = flags.get(key, False) or flag


def _read_remark_cell(flags: RowFlags, subject: str, rank: int, value: str) -> None:
    """Set what free text forbids. In a column of the row, a remark about a number is about all phones."""
    remark = read_note(value) if subject == "row" else read_status(value)
    if not remark.forbids:
        return
    if remark.deceased:
        flags["deceased_owner", 0] = True
    if remark.litigator:
        flags["litigator", 0] = True
    if subject != "row":
        flags[f"{subject}.forbidden", rank] = True
    elif remark.forbids_person:
        flags["do_not_contact", 0] = True
    else:
        flags["phones.forbidden", _ALL_CONTACTS] = True


def _is_forbidden(flags: RowFlags, family: str, rank: int) -> bool:
    return any(flags.get((f"{family}.{kind}", n)) for kind in ("dnc", "forbidden") for n in (rank, _ALL_CONTACTS))


def _phone_flag(flags: RowFlags, rank: int) -> bool | None:
    """Return True if any flag forbids the phone, False if a registry flag allows it and none forbids it, else None."""
    if not flags:
        return None
    if _is_forbidden(flags, "phones", rank):
        return True
    return flags.get(("phones.dnc", rank), flags.get(("phones.dnc", _ALL_CONTACTS)))
