"""Comparison of a file, read in process, with the result that is expected of it, by the rules of README.md."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from common.csv.reader import CsvReader, open_csv_text
from common.geography.places import county_name
from common.lead_facts import FLAGS, LEAD_FACTS
from common.pii.contact_values import PhoneNumber
from common.pii.owner_names import read_owner_names
from common.records.addresses.normal_form import (
    PoBoxError,
    UnreadableAddressError,
    hash_address,
    normalise_street,
    normalise_unit,
)
from common.records.file_reading import FileForm, UnusableFileError, read_file_form
from common.records.headers import accepted_headers
from common.records.normalise import PropertyRecord, normalise
from common.records.property_facts import ZIP_OF_ANOTHER_STATE
from common.records.rejection import RejectionReason
from common.records.row_reader import RowReader
from corpus.expected import ExpectedAddress, ExpectedLead, ExpectedOwner, ExpectedResult

TODAY = date(2026, 11, 16)
_PLACES = {"property_address", "property_unit", "property_city", "property_state", "property_zip", "county", "fips"}
_NAMES = {"owner_first_name", "owner_last_name", "owner2_first_name", "owner2_last_name", "company_name"}
_KEYS = {"mak", "apn", "apn_key", "addr_hash", "do_not_contact", *FLAGS}
_VALUES = [
    fact.name
    for fact in LEAD_FACTS
    if fact.name not in _PLACES | _NAMES | _KEYS and not fact.name.startswith("mailing_")
]


@dataclass(slots=True)
class ReadLead:
    """Rows of one home, read in process, as one lead."""

    rows: list[int] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    phones: dict[str, PhoneNumber] = field(default_factory=dict)
    emails: list[str] = field(default_factory=list)
    forbidden_emails: set[str] = field(default_factory=set)
    flags: set[str] = field(default_factory=set)
    mak: str | None = None

    def add(self, row: int, record: PropertyRecord) -> None:
        """Add a record. Its facts count where the earlier ones have none."""
        self.rows.append(row)
        for name, value in record.facts.items():
            if self.facts.get(name) is None:
                self.facts[name] = value
        for phone in record.phones:
            earlier = self.phones.get(phone.value, phone)
            self.phones[phone.value] = earlier._replace(dnc=True if phone.dnc else earlier.dnc)
        self.emails += [email for email in record.emails if email not in self.emails]
        self.forbidden_emails |= set(record.forbidden_emails)
        self.flags |= {name for name, is_set in record.flags.items() if is_set}
        if record.do_not_contact:
            self.flags.add("do_not_contact")
        self.mak = self.mak or record.mak


@dataclass(slots=True)
class ReadFile:
    """File of the corpus, read in process."""

    form: FileForm
    leads: list[ReadLead]
    rejected: dict[int, list[str]]
    unreadable: dict[str, list[int]]
    """Rows with an unreadable value, by column."""
    rows: int
    skipped: int


def read_corpus_file(path: Path) -> ReadFile:
    """Read the file at *path* as an upload would. Raise UnusableFileError for one that is refused."""
    form = read_file_form(path)
    read = ReadFile(form, [], {}, {}, 0, 0)
    leads: dict[bytes, ReadLead] = {}
    with open_csv_text(path, form.dialect.encoding) as text:
        reader = CsvReader(text, form.dialect.delimiter)
        header = reader.read_header(form.dialect.title_rows)
        row_reader = RowReader(form.mapping)
        for row, (cells, problem) in enumerate(reader.read_records(header), start=1):
            read.rows = row
            named = {name: cell for name, cell in zip(form.dialect.columns, cells, strict=False) if name and cell}
            if problem or any("\ud800" <= letter <= "\udfff" for cell in cells for letter in cell):
                read.rejected[row] = [RejectionReason.UNREADABLE_ROW]
                continue
            record = normalise(row_reader.read(named), TODAY)
            if isinstance(record, list):
                read.rejected[row] = [str(reason) for reason in record]
                continue
            leads.setdefault(record.facts["addr_hash"], ReadLead()).add(row, record)
            for name in record.dropped:
                if name != ZIP_OF_ANOTHER_STATE:
                    read.unreadable.setdefault((form.mapping.columns_of(name) or [name])[0], []).append(row)
        read.skipped = reader.skipped_rows
    read.leads = list(leads.values())
    return read


def find_differences(path: Path, expected: ExpectedResult) -> list[str]:
    """Return a line for each difference between the file at *path*, read in process, and *expected*."""
    try:
        read = read_corpus_file(path)
    except UnusableFileError as error:
        return list(_compare_refusal(error, expected))
    if expected.refusal:
        return [f"not refused: {expected.refusal.code}"]
    return [
        *_compare_form(read, expected),
        *_compare_rows(read, expected),
        *_compare_leads(read.leads, expected.leads),
    ]


def _compare_refusal(error: UnusableFileError, expected: ExpectedResult) -> Iterator[str]:
    refusal = expected.refusal
    if refusal is None:
        yield f"refused: {error.detail}"
        return
    yield from _compare("code", error.code, refusal.code)
    names = {field: accepted_headers(field)[0] for field in (*refusal.missing, *refusal.nearest)}
    yield from _compare("missing", error.about.get("missing", []), [names[field] for field in refusal.missing])
    nearest = {names[field]: column for field, column in refusal.nearest.items()}
    found = error.about.get("nearest", {})
    assert isinstance(found, dict)
    yield from _compare("nearest", {name: found.get(name) for name in nearest}, nearest)
    yield from (f"header not named: {header}" for header in refusal.headers if header not in error.detail)


def _compare_form(read: ReadFile, expected: ExpectedResult) -> Iterator[str]:
    dialect, mapping = read.form.dialect, read.form.mapping
    assert expected.dialect
    yield from _compare("encoding", dialect.encoding, expected.dialect.encoding)
    yield from _compare("delimiter", dialect.delimiter, expected.dialect.delimiter)
    yield from _compare("profile", mapping.profile, expected.profile)
    ignored, found = {*expected.columns_unused, *expected.columns_for_remarks}, set(mapping.ignored_columns())
    yield from _compare("wrongly ignored columns", sorted(found - ignored), [])
    yield from _compare("wrongly used columns", sorted(ignored - found), [])


def _compare_rows(read: ReadFile, expected: ExpectedResult) -> Iterator[str]:
    yield from _compare("rows", read.rows, expected.rows_received)
    yield from _compare("skipped rows", read.skipped, len(expected.skipped))
    yield from _compare("rejected rows", read.rejected, {one.row: sorted(one.reasons) for one in expected.rejected})
    yield from _compare("unreadable", read.unreadable, {one.column: one.rows for one in expected.unreadable})


def _compare_leads(read: Iterable[ReadLead], expected: Iterable[ExpectedLead]) -> Iterator[str]:
    by_rows = {tuple(lead.rows): lead for lead in read}
    for lead in expected:
        found = by_rows.pop(tuple(lead.rows), None)
        if found is None:
            yield f"no lead of rows {lead.rows}"
        else:
            yield from (f"rows {lead.rows}: {line}" for line in _compare_lead(found, lead))
    yield from (f"unexpected lead of rows {list(rows)}" for rows in by_rows)


def _compare_lead(read: ReadLead, lead: ExpectedLead) -> Iterator[str]:
    facts = read.facts
    yield from _compare("address", facts["addr_hash"], _hash_of(lead.address))
    yield from _compare("city", _plain(facts["property_city"]), _plain(lead.address.city))
    yield from _compare("state", facts["property_state"], lead.address.state)
    yield from _compare("ZIP code", facts["property_zip"], lead.address.zip)
    yield from _compare("county", facts["county"], lead.county and county_name(lead.county))
    yield from _compare("FIPS", facts["fips"], lead.fips)
    yield from _compare("APN", _letters(facts["apn"] if lead.apn else facts["apn_key"]), _letters(lead.apn))
    yield from _compare("MAK", read.mak, lead.mak)
    yield from _compare_owners(facts, lead)
    yield from _compare_mailing(facts, lead.mailing or ExpectedAddress())
    for name in _VALUES:
        yield from _compare(name, _comparable(facts[name]), _comparable(lead.values.get(name)))
    phones = [(phone.value, phone.line_type, phone.dnc) for phone in read.phones.values()]
    expected = [(one.number, one.type, one.do_not_call) for one in lead.phones]
    yield from _compare("phones", phones, expected)
    yield from _compare(
        "emails", [_plain(email) for email in read.emails if email not in read.forbidden_emails],
        [_plain(one.address) for one in lead.emails if one.allowed],
    )  # fmt: skip
    forbidden = {_plain(one.address) for one in lead.emails if not one.allowed}
    yield from _compare("forbidden emails", {_plain(email) for email in read.forbidden_emails}, forbidden)
    flags = {"do_not_contact" if flag == "opted_out" else flag for flag in lead.flags}
    yield from _compare("flags", read.flags, flags)


def _compare_owners(facts: dict[str, Any], lead: ExpectedLead) -> Iterator[str]:
    if lead.entity:
        stored = facts["company_name"] or facts["owner_last_name"]
        yield from _compare("entity", _plain(stored), _plain(lead.entity))
        if not read_owner_names(facts).legal_entity:
            yield "the entity is read as a person"
        return
    yield from _compare("company", facts["company_name"], None)
    owners = [*lead.owners, ExpectedOwner(), ExpectedOwner()]
    for prefix, owner in (("owner", owners[0]), ("owner2", owners[1])):
        first, last = facts[f"{prefix}_first_name"], facts[f"{prefix}_last_name"]
        if not _is_name(first, owner.first, owner.middle) or not _is_name(last, owner.last, owner.suffix):
            yield f"{prefix}: {first!r} {last!r} instead of {owner}"


def _is_name(stored: str | None, name: str | None, part: str | None) -> bool:
    """Return whether *stored* is *name*, perhaps with *part* behind it: a middle name or a suffix."""
    whole = f"{name} {part}" if name and part else name
    return _plain(stored) in (_plain(name), _plain(whole))


def _compare_mailing(facts: dict[str, Any], address: ExpectedAddress) -> Iterator[str]:
    street, unit = facts["mailing_address"], facts["mailing_unit"]
    yield from _compare("mailing street", _mailbox(street, unit), _mailbox(address.street, address.unit))
    yield from _compare("mailing city", _plain(facts["mailing_city"]), _plain(address.city))
    yield from _compare("mailing state", facts["mailing_state"], address.state)
    yield from _compare("mailing ZIP code", facts["mailing_zip"], address.zip)


def _mailbox(street: str | None, unit: str | None) -> tuple[str, str] | str | None:
    try:
        return normalise_street(street, unit and normalise_unit(unit)) if street else None
    except (PoBoxError, UnreadableAddressError):
        return _plain(street)


def _hash_of(address: ExpectedAddress) -> bytes:
    street, unit = normalise_street(address.street or "", address.unit, address.city or "")
    return hash_address(street, unit, address.zip or "")


def _comparable(value: object) -> object:
    """Return *value* so that `2.5` and Decimal("2.50"), and texts in any case, are equal."""
    if isinstance(value, bool) or value is None:
        return value
    text = value.isoformat() if isinstance(value, date) else str(value)
    return Decimal(text).normalize() if text.replace(".", "", 1).lstrip("-").isdigit() else _plain(text)


def _plain(text: str | None) -> str | None:
    return text and text.casefold()


def _letters(text: str | None) -> str | None:
    return text and "".join(filter(str.isalnum, text))


def _compare(name: str, found: object, expected: object) -> Iterator[str]:
    if found != expected:
        yield f"{name}: {found!r} instead of {expected!r}"


def count_differences(folder: Path, results: Iterable[ExpectedResult]) -> Counter[str]:
    """Return the number of differences by file."""
    return Counter({one.file: len(find_differences(folder / one.file, one)) for one in results})
