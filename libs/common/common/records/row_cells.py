"""PropStream's CSV rows: cells under PropStream's headers become the raw fields of a record.

The formats are the full export, the classic 41 columns, and the columns of its skip trace. `common.lead_facts` lists the headers
of each field.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from common.compliance.protective_columns import UNREADABLE_PROTECTION, protection_of
from common.compliance.remarks import read_note, read_status
from common.csv.columns import REMARKS_PREFIX, field_and_rank_of, used_address_headers
from common.lead_facts import PROHIBITIONS
from common.records.values.text import read_protective_flag

_PHONE_PARTS = {"phones": 0, "phones.type": 1}
_MAX_CACHED_HEADERS = 10_000
_ALL_CONTACTS = 0
"""Number of a protection that names no single phone or email: it forbids all of the row."""
_PHONE_PROTECTIONS = ("phones.dnc", "phones.forbidden")
_EMAIL_PROTECTIONS = ("emails.dnc", "emails.forbidden")
_ROW_FLAGS = frozenset(PROHIBITIONS)
_REMARK_FIELDS = frozenset({f"{REMARKS_PREFIX}{subject}" for subject in ("row", "phones", "emails")})
_PROTECTIVE_FIELDS = frozenset({*_PHONE_PROTECTIONS, *_EMAIL_PROTECTIONS, *_ROW_FLAGS, *_REMARK_FIELDS})
_FIELDS_WITH_RULES = _PROTECTIVE_FIELDS | {"property_address"}
_UNREAD_PROTECTION = ("unread_protection", 0)


class _HeaderMeaning(NamedTuple):
    """Meaning of a header."""

    field: str
    rank: int
    """Rank among the headers of the field, where 0 is first; for a contact its number."""
    is_simple: bool
    """Whether a cell is the value of its field, whatever other cells the row has."""


class _HeaderMeanings(dict[str, _HeaderMeaning | None]):
    """Meaning of each header that was seen: all rows of a file have the same headers. None for a header that is ignored."""

    def __missing__(self, header: str) -> _HeaderMeaning | None:
        found = _UNREAD_PROTECTION if protection_of(header) == UNREADABLE_PROTECTION else field_and_rank_of(header)
        meaning = found and _HeaderMeaning(*found, is_simple=found[1] == 0 and found[0] not in _FIELDS_WITH_RULES)
        if len(self) < _MAX_CACHED_HEADERS:
            self[header] = meaning
        return meaning


_meaning_of_header = _HeaderMeanings()


def _headers_of_owner_address(cells: Mapping[str, str]) -> frozenset[str]:
    """Return the headers of *cells* that belong to the owner's address and not to the property's."""
    return frozenset(header for header, counts in used_address_headers(cells).items() if not counts)


def read_propstream_cells(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return the raw fields of one row: text as it came, phones as `(number, type, dnc)` by their number, emails in order.

    If several headers of a row mean one field, the first non-empty one in the order of `LeadFact.headers` counts; of protective
    flags, each counts. Two columns of one number (`Phone`, `Phone 1`) are read as one cell. The owner's address never
    replaces an empty street of the property.
    """
    row = _RowReading()
    fields, alternatives = row.fields, row.alternatives
    ignored: frozenset[str] | None = None
    for header, value in cells.items():  # the hottest loop of ingest
        meaning = _meaning_of_header[header]
        if meaning is None:
            continue
        field, rank, is_simple = meaning
        if is_simple:
            if value:
                fields[field] = value
                if alternatives:
                    alternatives.pop(field, None)
            continue
        if field == "property_address" and (not value or field in fields):
            ignored = _headers_of_owner_address(cells)
        if value:
            row.read_cell(field, rank, value)
    if ignored:
        return read_propstream_cells({header: value for header, value in cells.items() if header not in ignored})
    row.add_contacts_and_flags()
    return fields


class _RowReading:
    """Row whose cells are read one after the other."""

    __slots__ = ("_emails", "_flags", "_phones", "alternatives", "fields")

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self.alternatives: dict[str, int] = {}
        """Fields whose value came from a header that is not the first for them, with the rank of that header."""
        self._phones: dict[int, list[str | None]] = {}
        self._emails: dict[int, str] = {}
        self._flags: dict[tuple[str, int], bool] = {}
        """Protective flags by field and number."""

    def read_cell(self, field: str, rank: int, value: str) -> None:
        """Read a cell that has content."""
        if field in _PROTECTIVE_FIELDS:
            self._read_protective_cell(field, rank, value)
        elif rank == 0:
            self.fields[field] = value
            self.alternatives.pop(field, None)
        elif field == "emails":
            self._emails[rank] = f"{self._emails[rank]}; {value}" if rank in self._emails else value
        elif field in _PHONE_PARTS:
            parts, part = self._phones.setdefault(rank, [None, None]), _PHONE_PARTS[field]
            parts[part] = f"{parts[part]}; {value}" if parts[part] else value
        elif field not in self.fields or rank < self.alternatives.get(field, 0):
            self.fields[field] = value
            self.alternatives[field] = rank

    def _read_protective_cell(self, field: str, rank: int, value: str) -> None:
        """Set what a flag or a remark forbids. No other cell allows what one cell forbids."""
        if field in _REMARK_FIELDS:
            self._read_remark_cell(field.removeprefix(REMARKS_PREFIX), rank, value)
            return
        flag = read_protective_flag(value)
        if flag is not None:
            key = (field, 0 if field in _ROW_FLAGS else rank)
            self._flags[key] = self._flags.get(key, False) or flag

    def _read_remark_cell(self, subject: str, rank: int, value: str) -> None:
        """Set what free text forbids. In a column of the row, a remark about a number is about all phones."""
        remark = read_note(value) if subject == "row" else read_status(value)
        if not remark.forbids:
            return
        if remark.deceased:
            self._flags["deceased_owner", 0] = True
        if remark.litigator:
            self._flags["litigator", 0] = True
        if subject != "row":
            self._flags[f"{subject}.forbidden", rank] = True
        elif remark.forbids_person:
            self._flags["do_not_contact", 0] = True
        else:
            self._flags["phones.forbidden", _ALL_CONTACTS] = True

    def add_contacts_and_flags(self) -> None:
        """Add phones, emails and the flags of the row to its fields."""
        forbidding = {key for key, flag in self._flags.items() if flag}
        emails = sorted(self._emails.items())
        self.fields["phones"] = [
            (*parts, self._phone_flag(rank, forbidding)) for rank, parts in sorted(self._phones.items())
        ]
        self.fields["emails"] = [email for _, email in emails]
        if self._flags:
            self.fields.update({name: flag for (name, _), flag in self._flags.items() if name in _ROW_FLAGS})
            self.fields["forbidden_emails"] = [
                email for rank, email in emails if _is_forbidden(rank, _EMAIL_PROTECTIONS, forbidding)
            ]

    def _phone_flag(self, rank: int, forbidding: set[tuple[str, int]]) -> bool | None:
        """Return True if any flag forbids the phone, False if a registry flag allows it and none forbids it, else None."""
        if _is_forbidden(rank, _PHONE_PROTECTIONS, forbidding):
            return True
        return self._flags.get(("phones.dnc", rank), self._flags.get(("phones.dnc", _ALL_CONTACTS)))


def _is_forbidden(rank: int, protections: tuple[str, ...], forbidding: set[tuple[str, int]]) -> bool:
    """Return whether a flag of one of *protections* forbids the contact *rank*, or all contacts of its kind."""
    return bool(forbidding) and any(
        (field, rank) in forbidding or (field, _ALL_CONTACTS) in forbidding for field in protections
    )
