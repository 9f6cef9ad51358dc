"""Rows of a file: its cells become the raw fields of a record, as the mapping of the file says."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from common.compliance.remarks import read_note, read_status
from common.geography.places import state_of_zip, zip_code
from common.lead_facts import LEAD_FACTS, PROHIBITIONS, ValueKind
from common.records.address_cells import join_mailing_lines
from common.records.combined_cells import split_combined_fields
from common.records.file_mapping import FileMapping
from common.records.headers import (
    COMBINED_HEADERS,
    CONTACTS_OF_PERSON,
    RELATION,
    REMARKS_PREFIX,
    LineType,
    plain_header,
)
from common.records.values.text import read_protective_flag

_PHONE_PARTS = {"phones": 0, "phones.type": 1}
_ALL_CONTACTS = 0
"""Number of a protection that names no single phone or email: it forbids all of the row."""
_PHONE_PROTECTIONS = ("phones.dnc", "phones.forbidden")
_EVERY_CONTACT = -1
"""Number of a protection whose contact has no column of that number: `Phone 1 DNC` beside `Cell`. It forbids all, and never allows one."""
_EMAIL_PROTECTIONS = ("emails.dnc", "emails.forbidden")
_CONTACTS_OF_PROTECTION = {
    **dict.fromkeys((*_PHONE_PROTECTIONS, f"{REMARKS_PREFIX}phones"), "phones"),
    **dict.fromkeys((*_EMAIL_PROTECTIONS, f"{REMARKS_PREFIX}emails"), "emails"),
}
"""The field of the contacts that each protective field is about."""
_ROW_FLAGS = frozenset(PROHIBITIONS)
_REMARK_FIELDS = frozenset({f"{REMARKS_PREFIX}{subject}" for subject in ("row", "phones", "emails")})
_PROTECTIVE_FIELDS = frozenset({*_PHONE_PROTECTIONS, *_EMAIL_PROTECTIONS, *_ROW_FLAGS, *_REMARK_FIELDS})
_CONTACT_FIELDS = frozenset({"emails", *_PHONE_PARTS})
_SCRUB = "scrub"
_FIELDS_WITH_RULES = _PROTECTIVE_FIELDS | _CONTACT_FIELDS | {_SCRUB, RELATION}
_FIELDS_OF_PERSON = (
    "owner_first_name", "owner_last_name", "owner2_first_name", "owner2_last_name", "company_name", "mailing_address",
    "mailing_unit", "mailing_city", "mailing_state", "mailing_zip",
)  # fmt: skip
"""Fields about the person of a row. They are not read where the row says that this person is not the owner."""
_FLAGS_OF_HOME = ("do_not_contact", "do_not_mail")
"""Flags that count also where the person of the row is not the owner."""
_OWNER = re.compile(
    r"(?:(?:likely|potential|possible|probable|verified|current)\s+)?(?:property\s+)?(?:co-?)?owners?(?:\s+occupant)?",
    re.IGNORECASE,
)
_BETWEEN_RESULTS = re.compile(r"[,;/|&+]|\band\b", re.IGNORECASE)
_LITIGATOR_WORDS = re.compile(r"\b(?:tcpa|litigators?|litigant|plaintiff|risk)\b", re.IGNORECASE)
_UNREAD_PROTECTION = "unread_protection"
_DATES = tuple(fact.name for fact in LEAD_FACTS if fact.value.kind is ValueKind.PAST_DATE)
_MONTH_FIRST = re.compile(r"([0-9]{1,2})-([0-9]{1,2})-([0-9]{4})")
_MAX_CACHED_READERS = 256


class _ColumnMeaning(NamedTuple):
    """Meaning of a column."""

    field: str
    rank: int
    """Rank among the columns of the field, where 0 is first; for a contact its number."""
    is_simple: bool
    """Whether the column is the only one of its field, and its cell is the value."""
    line_type: LineType | None
    values: Mapping[str, str] | None
    """Meanings of the column's cells, by their text in lower case."""


def _read_meanings(mapping: FileMapping) -> Iterator[tuple[str, _ColumnMeaning]]:
    """Yield the header and the meaning of each column that is read."""
    values = {
        plain_header(header): {cell.strip().lower(): value for cell, value in cells.items()}
        for header, cells in mapping.rules.values.items()
    }
    columns_of_field = Counter(column.field for column in mapping.columns)
    numbers = {
        contacts: {column.rank for column in mapping.columns if column.field == contacts}
        for contacts in ("phones", "emails")
    }
    unread = mapping.unreadable_protections()
    for column in mapping.columns:
        field = _UNREAD_PROTECTION if column.header in unread else column.field
        if field is not None:
            table = values.get(plain_header(column.header))
            is_simple = columns_of_field[field] == 1 and field not in _FIELDS_WITH_RULES and table is None
            contacts = _CONTACTS_OF_PROTECTION.get(field)
            rank = _number_of_protection(column.rank, numbers[contacts]) if contacts else column.rank
            yield column.header, _ColumnMeaning(field, rank, is_simple, column.line_type, table)


def _number_of_protection(number: int, known: set[int]) -> int:
    """Return *number*, or _EVERY_CONTACT if no column has that contact: the flag may be about one in a column of another name."""
    return number if number == _ALL_CONTACTS or number in known else _EVERY_CONTACT


class RowReader:
    """Reader of the rows of one file."""

    def __init__(self, mapping: FileMapping) -> None:
        self._rules = mapping.rules
        self._meanings = dict(_read_meanings(mapping))
        fields = {meaning.field for meaning in self._meanings.values()}
        self._has_combined_fields = not fields.isdisjoint(COMBINED_HEADERS)

    def read(self, cells: Mapping[str, str]) -> dict[str, Any]:
        """Return the raw fields of one row: text as it came, phones as `(number, type, dnc)` by their number, emails in order.

        If several columns mean one field, the first non-empty one in the order of their ranks counts; of protective flags, each
        counts. Two columns of one number (`Phone`, `Phone 1`) are read as one cell.
        """
        row = _RowReading()
        fields, meanings = row.fields, self._meanings
        for header, value in cells.items():  # the hottest loop of ingest
            meaning = meanings.get(header)
            if meaning is None or not value:
                continue
            if meaning.is_simple:
                fields[meaning.field] = value
            else:
                row.read_cell(meaning, value)
        row.add_contacts_and_flags()
        if self._has_combined_fields:
            split_combined_fields(fields, self._rules.name_order)
        if fields.get("mailing_unit"):
            join_mailing_lines(fields)
        if row.is_of_another_person:
            for name in _FIELDS_OF_PERSON:
                fields.pop(name, None)
        if self._rules.state or self._rules.month_first:
            self._apply_rules(fields)
        return fields

    def _apply_rules(self, fields: dict[str, Any]) -> None:
        if self._rules.month_first:
            for name in _DATES:
                if found := _MONTH_FIRST.fullmatch(str(fields.get(name, "")).strip()):
                    fields[name] = "/".join(found.groups())
        if self._rules.state and not fields.get("property_state"):
            code = zip_code(str(fields.get("property_zip", ""))) if self._rules.state == "from_zip" else None
            state = (code and state_of_zip(code)) if self._rules.state == "from_zip" else self._rules.state
            if state:
                fields["property_state"] = state


def read_row(cells: Mapping[str, str]) -> dict[str, Any]:
    """Return the raw fields of a row that comes without the mapping of a file: its headers alone say what they mean."""
    return _reader_of_headers(tuple(cells)).read(cells)


@lru_cache(maxsize=_MAX_CACHED_READERS)
def _reader_of_headers(headers: tuple[str, ...]) -> RowReader:
    return RowReader(FileMapping.resolve(headers))


class _RowReading:
    """Row whose cells are read one after the other."""

    __slots__ = ("_emails", "_flags", "_line_types", "_others", "_phones", "_ranks", "fields")

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}
        self._ranks: dict[str, int] = {}
        """Rank of the header from which a field has its value, for fields with several headers."""
        self._phones: dict[int, list[str | None]] = {}
        self._line_types: dict[int, LineType] = {}
        """Kinds of lines that headers name, by the number of the phone."""
        self._emails: dict[int, str] = {}
        self._flags: dict[tuple[str, int], bool] = {}
        """Protective flags by field and number."""
        self._others: set[int] = set()
        """Numbers of persons who are not the owner; 0 is the person of the row."""

    @property
    def is_of_another_person(self) -> bool:
        """Whether the row says that its person is not the owner."""
        return bool(self._others) and 0 in self._others

    def read_cell(self, meaning: _ColumnMeaning, value: str) -> None:
        """Read a cell that has content."""
        field, rank = meaning.field, meaning.rank
        if meaning.values is not None:
            value = meaning.values.get(value.strip().lower(), value)
        if field in _PROTECTIVE_FIELDS:
            self._read_protective_cell(field, rank, value)
        elif field == "emails":
            self._emails[rank] = f"{self._emails[rank]}; {value}" if rank in self._emails else value
        elif field in _PHONE_PARTS:
            self._read_phone_cell(meaning, value)
        elif field == _SCRUB:
            self._read_scrub_cell(value)
        elif field == RELATION:
            self._read_relation_cell(rank, value)
        elif not value.isspace() and rank <= self._ranks.get(field, rank):
            self.fields[field] = value
            self._ranks[field] = rank

    def _read_phone_cell(self, meaning: _ColumnMeaning, value: str) -> None:
        parts, part = self._phones.setdefault(meaning.rank, [None, None]), _PHONE_PARTS[meaning.field]
        parts[part] = f"{parts[part]}; {value}" if parts[part] else value
        if meaning.line_type:
            self._line_types[meaning.rank] = meaning.line_type

    def _read_protective_cell(self, field: str, rank: int, value: str) -> None:
        """Set what a flag or a remark forbids. No other cell allows what one cell forbids."""
        if field in _REMARK_FIELDS:
            self._read_remark_cell(field.removeprefix(REMARKS_PREFIX), rank, value)
            return
        flag = read_protective_flag(value)
        if flag is not None:
            key = (field, 0 if field in _ROW_FLAGS else rank)
            self._flags[key] = self._flags.get(key, False) or flag

    def _read_scrub_cell(self, value: str) -> None:
        """Set the flags that the result of a scrub names: `DNC`, `Litigator` or both. What is neither empty nor clean forbids."""
        for part in _BETWEEN_RESULTS.split(value) if read_protective_flag(value) else ():
            if read_note(part).litigator:
                self._flags["litigator", 0] = True
            if read_protective_flag(_LITIGATOR_WORDS.sub("", part)):
                self._flags["do_not_contact", 0] = True

    def _read_relation_cell(self, person: int, value: str) -> None:
        """Note a person who is not the owner. What the cell says against contact with the owner is read as a remark."""
        if value.isspace():
            return
        if any(_OWNER.fullmatch(part.strip()) for part in value.split(",")):
            self._read_remark_cell("row", 0, value)
        else:
            self._others.add(person)

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
        if self._others:
            self._remove_others()
        forbidding = {key for key, flag in self._flags.items() if flag}
        emails = sorted(self._emails.items())
        self.fields["phones"] = [
            (number, kind or self._line_types.get(rank), self._phone_flag(rank, forbidding))
            for rank, (number, kind) in sorted(self._phones.items())
        ]
        self.fields["emails"] = [email for _, email in emails]
        if self._flags:
            self.fields.update({name: flag for (name, _), flag in self._flags.items() if name in _ROW_FLAGS})
            self.fields["forbidden_emails"] = [
                email for rank, email in emails if _is_forbidden(rank, _EMAIL_PROTECTIONS, forbidding)
            ]

    def _remove_others(self) -> None:
        """Remove the contacts of persons who are not the owner, and what a row about one says of that person."""
        for contacts in (self._phones, self._emails):
            for rank in [rank for rank in contacts if self._is_of_other(rank)]:
                del contacts[rank]
        if self.is_of_another_person:
            self._flags = {key: flag for key, flag in self._flags.items() if key[0] in _FLAGS_OF_HOME}

    def _is_of_other(self, rank: int) -> bool:
        return self.is_of_another_person or (rank - 1) // CONTACTS_OF_PERSON + 1 in self._others

    def _phone_flag(self, rank: int, forbidding: set[tuple[str, int]]) -> bool | None:
        """Return True if any flag forbids the phone, False if a registry flag allows it and none forbids it, else None."""
        if _is_forbidden(rank, _PHONE_PROTECTIONS, forbidding):
            return True
        return self._flags.get(("phones.dnc", rank), self._flags.get(("phones.dnc", _ALL_CONTACTS)))


def _is_forbidden(rank: int, protections: tuple[str, ...], forbidding: set[tuple[str, int]]) -> bool:
    """Return whether a flag of one of *protections* forbids the contact *rank*, or all contacts of its kind."""
    return bool(forbidding) and any(
        (field, number) in forbidding for field in protections for number in (rank, _ALL_CONTACTS, _EVERY_CONTACT)
    )
