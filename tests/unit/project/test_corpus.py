"""The corpus of exported files is complete, deterministic and consistent with its expected results."""

import csv
import io
from collections import Counter
from pathlib import Path

import phonenumbers
import pytest

from common.geography.counties import county_of_code
from common.geography.places import state_of_zip
from corpus.expected import ExpectedLead, ExpectedResult
from corpus.generate import expectation_path, read_expectation, write_corpus

README = (Path(__file__).parents[2] / "corpus" / "README.md").read_text()
WITH_BROKEN_QUOTES = "generic-rejected-rows.csv"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder)
    return folder


@pytest.fixture(scope="module")
def results(folder: Path) -> list[ExpectedResult]:
    return [read_expectation(file) for file in sorted(folder.iterdir()) if file.suffix != ".yaml"]


@pytest.fixture(scope="module")
def leads(results: list[ExpectedResult]) -> list[ExpectedLead]:
    return [lead for result in results for lead in result.leads]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones(folder: Path, tmp_path: Path) -> None:
    write_corpus(tmp_path / "again")
    write_corpus(tmp_path / "other", seed=13)
    first, again, other = (
        {file.name: file.read_bytes() for file in one.iterdir()}
        for one in (folder, tmp_path / "again", tmp_path / "other")
    )
    assert first == again
    assert first.keys() == other.keys()
    assert first != other


def test_each_file_has_a_valid_expectation_under_its_name(folder: Path, results: list[ExpectedResult]) -> None:
    assert len(results) >= 45
    assert {result.file for result in results} == {file.name for file in folder.iterdir() if file.suffix != ".yaml"}
    assert all(expectation_path(folder / result.file).exists() for result in results)


def test_the_corpus_has_every_form_and_every_refusal(results: list[ExpectedResult]) -> None:
    dialects = [result.dialect for result in results if result.dialect]
    assert {one.encoding for one in dialects} == {"utf-8", "utf-8-sig", "utf-16", "cp1252", "mac_roman"}
    assert {one.delimiter for one in dialects} == {",", ";", "\t", "|"}
    assert {one.refusal.code for one in results if one.refusal} == {
        "empty_file",
        "not_csv",
        "missing_columns",
        "bad_columns",
    }
    assert {kind for result in results for kind in result.skipped} == {"repeated_header", "footer"}


def test_the_dialect_and_the_rows_are_those_of_the_file(folder: Path, results: list[ExpectedResult]) -> None:
    for result in results:
        if result.dialect is None or result.file == WITH_BROKEN_QUOTES:
            continue
        raw = (folder / result.file).read_bytes()
        text = raw.decode(result.dialect.encoding, errors="surrogateescape")
        lines = io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n")).readlines()
        records = csv.reader(lines[result.dialect.header_line - 1 :], delimiter=result.dialect.delimiter)
        header, *rows = [record for record in records if any(map(str.strip, record))]
        assert {*result.columns_unused, *result.columns_for_remarks} <= set(header), result.file
        assert len(rows) == result.rows_received + len(result.skipped), result.file


def test_every_home_phone_and_email_is_invented_and_occurs_once(leads: list[ExpectedLead]) -> None:
    homes = Counter((lead.address.street, lead.address.unit, lead.address.zip) for lead in leads)
    phones = Counter(phone.number for lead in leads for phone in lead.phones)
    emails = Counter(email.address for lead in leads for email in lead.emails)
    assert [value for counts in (homes, phones, emails) for value, times in counts.items() if times > 1] == []
    assert all(phone[5:10] == "55501" and phonenumbers.is_valid_number(phonenumbers.parse(phone)) for phone in phones)
    assert all(email.endswith("@example.com") for email in emails)


def test_towns_zip_codes_and_counties_are_real(leads: list[ExpectedLead]) -> None:
    for lead in leads:
        assert state_of_zip(str(lead.address.zip)) == lead.address.state
        county = county_of_code(lead.fips, str(lead.address.state)) if lead.fips else None
        assert (county.name if county else None) == (lead.county.upper().replace("-", " ") if lead.county else None)


def test_the_page_names_every_file_and_every_decision(results: list[ExpectedResult]) -> None:
    decisions = {decision for result in results for decision in result.decisions}
    assert [name for name in (*decisions, *(result.file for result in results)) if f"`{name}`" not in README] == []


def test_every_decision_of_the_page_decides_a_file(results: list[ExpectedResult]) -> None:
    table = README.partition("## Decisions")[2]
    listed = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    assert listed == {decision for result in results for decision in result.decisions}
