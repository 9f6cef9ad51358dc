"""Each file of the corpus is read as its expectation says, and the order and spelling of headers does not matter."""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.csv.reader import CsvReader, open_csv_text
from common.records.file_mapping import FileMapping
from common.records.file_profile import GENERIC, FileProfile, built_in_profiles
from common.records.file_reading import read_file_form
from common.records.headers import accepted_headers, meaning_of_header, plain_header
from common.records.normalise import PropertyRecord, normalise
from common.records.row_reader import RowReader
from corpus.comparison import TODAY, find_differences
from corpus.export import ExportFile
from corpus.generate import corpus_files

FILES = {file.name: file for file in corpus_files()}
READABLE = sorted(name for name, file in FILES.items() if not file.expected().refusal)
OTHER_SEED = 4711
OF_ONE_PHONE = "phone-scrub"
"""Profile that reads flags of the row as those of its only phone."""
NAMES = ("owner_first_name", "owner_last_name", "owner2_first_name", "owner2_last_name", "company_name")
UNKNOWN = ["Weather", "Batch", "Zone__Area", "Score 7", "zz", "Legal 2"]
STYLES = (
    str,
    str.upper,
    str.lower,
    lambda header: header.replace(" ", "_"),
    lambda header: header.replace(" ", ""),
    lambda header: f"  {header.replace(' ', '  ')} ",
)


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
def test_a_file_of_the_corpus_is_read_as_expected(file: ExportFile, tmp_path: Path) -> None:
    path = tmp_path / file.name
    path.write_bytes(file.content())
    assert find_differences(path, file.expected()) == []


def test_files_of_other_homes_are_read_as_expected(tmp_path: Path) -> None:
    differences = {}
    for file in corpus_files(OTHER_SEED):
        path = tmp_path / file.name
        path.write_bytes(file.content())
        differences[file.name] = find_differences(path, file.expected())
    assert {name: lines for name, lines in differences.items() if lines} == {}


@cache
def read_table(name: str) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return the header of a file of the corpus, and its rows."""
    path = Path(mkdtemp()) / name
    path.write_bytes(FILES[name].content())
    form = read_file_form(path)
    with open_csv_text(path, form.dialect.encoding) as text:
        reader = CsvReader(text, form.dialect.delimiter)
        header = reader.read_header(form.dialect.title_rows)
        rows = [tuple(cells) for cells, problem in reader.read_records(header) if not problem]
    named = [number for number, column in enumerate(form.dialect.columns) if column]
    columns = tuple(form.dialect.columns[number] for number in named)
    return columns, tuple(tuple(row[number] for number in named) for row in rows)


def read_rows(
    header: Sequence[str], rows: Sequence[Sequence[str]], profile: FileProfile | None = None
) -> list[PropertyRecord | list[str]]:
    reader = RowReader(FileMapping.resolve(header, profile))
    found: list[PropertyRecord | list[str]] = []
    for row in rows:
        record = normalise(reader.read(dict(zip(header, row, strict=True))), TODAY)
        found.append(record if isinstance(record, PropertyRecord) else [str(reason) for reason in record])
    return found


def list_contents(record: PropertyRecord) -> set[object]:
    """Return what a record has: fields, contacts and what forbids contact. Names count once, since profiles split them."""
    owner = {"owner" for name in NAMES if record.facts[name]}
    fields = {name for name, value in record.facts.items() if value is not None and name not in NAMES}
    forbidden = [phone.value for phone in record.phones if phone.dnc] + record.forbidden_emails
    contacts = {*(phone.value for phone in record.phones), *record.emails, *record.forbidden_emails}
    flags = {name for name, is_set in record.flags.items() if is_set} | ({"closed"} if record.do_not_contact else set())
    return {*owner, *fields, *contacts, *flags, *((value, "forbidden") for value in forbidden)}


@pytest.mark.parametrize("name", sorted(set(built_in_profiles()) - {OF_ONE_PHONE}))
def test_a_wrong_profile_loses_nothing_of_what_the_accepted_headers_give(name: str) -> None:
    profiles = built_in_profiles()
    for file in READABLE:
        header, rows = read_table(file)
        right, wrong = (read_rows(header, rows, profiles[one]) for one in (GENERIC, name))
        for with_generic, with_profile in zip(right, wrong, strict=True):
            if isinstance(with_generic, PropertyRecord):
                assert isinstance(with_profile, PropertyRecord), file
                assert list_contents(with_generic) - list_contents(with_profile) == set(), file


@given(
    st.sampled_from(READABLE), st.sampled_from(STYLES), st.lists(st.sampled_from(UNKNOWN), unique=True), st.randoms()
)
@settings(max_examples=60, deadline=None)
def test_order_and_spelling_of_headers_and_unknown_columns_change_nothing(
    name: str, style: Callable[[str], str], unknown: list[str], random: Random
) -> None:
    header, rows = read_table(name)
    columns = [*header, *unknown]
    order = random.sample(range(len(columns)), len(columns))
    changed = [style(columns[number]) for number in order]
    cells = [[(*row, *("x" * len(unknown)))[number] for number in order] for row in rows]
    assert read_rows(changed, cells) == read_rows(header, rows)


@given(st.sampled_from([name for name in READABLE if FILES[name].expected().profile == GENERIC]), st.randoms())
@settings(max_examples=30, deadline=None)
def test_another_accepted_header_changes_nothing(name: str, random: Random) -> None:
    """The property's columns keep their headers, because `Property Address` beside `Address` makes the plain one the owner's."""
    header, rows = read_table(name)
    renamed = [rename(column, header, random.choice) for column in header]
    assert read_rows(renamed, rows) == read_rows(header, rows)


@pytest.mark.parametrize("prefix", ["Property", "Site", "Situs"])
@pytest.mark.parametrize("name", ["generic-sep-line.csv", "generic-rejected-rows.csv", "generic-repeated-homes.csv"])
def test_another_set_of_headers_for_the_property_changes_nothing(name: str, prefix: str) -> None:
    header, rows = read_table(name)
    renamed = [f"{prefix} {column}" if column in ("Address", "City", "State", "Zip") else column for column in header]
    assert renamed != list(header)
    assert read_rows(renamed, rows) == read_rows(header, rows)


def rename(column: str, header: Sequence[str], choose: Callable[[Sequence[str]], str]) -> str:
    """Return another accepted header of the field of *column*, if no other column of *header* has that field."""
    meaning = meaning_of_header(column)
    if meaning is None or meaning.field.startswith("property_") or "." in meaning.field:
        return column
    meanings = [meaning_of_header(one) for one in header]
    is_only_one = sum(one is not None and one.field == meaning.field for one in meanings) == 1
    others = [one for one in accepted_headers(meaning.field) if plain_header(one) not in map(plain_header, header)]
    return choose(others) if is_only_one and others else column
