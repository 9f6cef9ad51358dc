"""Files of TLO: the mapping of columns, the reading of a row, and exactly one outcome for every row."""

import csv
import io
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from common.csv.reader import CsvReader, CsvRow
from common.ids import LeadId, RequestId
from common.vendors.errors import OutcomeUnknownError
from common.vendors.http_client import VendorHttpResponse
from skiptrace.file_batches.import_rows import ImportLine, RowOutcome, classify_rows, decide_outcome, is_same_owner
from skiptrace.file_batches.queries import BatchRequest
from skiptrace.rules.lead import NEVER, ContactMatch, LeadPerson, LookupRequest
from skiptrace.trace.provider import read_response
from skiptrace.trace.queries import LeadToTrace
from skiptrace.vendors.tlo import EXPORT_HEADER, TloAdapter, build_export_row, count_unread_cells
from skiptrace.vendors.tlo_mapping import BadMappingError, ColumnPositions, TloMapping

SHIPPED = TloMapping.model_validate(
    yaml.load(Path("services/skiptrace/skiptrace/tlo_mapping.yaml").read_text(), Loader=yaml.BaseLoader)  # noqa: S506 - makes nothing but text
)
HEADER = ["Reference", "Phone 1", "Phone 1 Type", "Phone 2", "Phone 2 Type", "Email 1", "Deceased", "SSN"]
PERSON = LeadPerson("Marjorie", "Holt", None, "418 Palmetto Ave", None, "Dunedin", "FL", "34698", None, None)
LEAD = LeadId(UUID(int=1))
LOOKUP = LookupRequest(LEAD, PERSON)
TLO = TloAdapter(Decimal(7))


def entry(*cells: str, header: list[str] | None = None) -> dict[str, Any]:
    return SHIPPED.locate_columns(header or HEADER).read_entry(cells)


def result(*cells: str) -> Any:
    return TLO.read_results([LOOKUP], VendorHttpResponse(200, "application/json", orjson.dumps(entry(*cells))))[0]


def test_a_row_lists_contacts_without_verifying_them() -> None:
    found = result("r", "(727) 555-0142", "Mobile", "7275550177", "", "Marjorie.Holt@Example.com", "N", "123-45-6789")
    assert found.contacts == (
        ContactMatch("phone", "+17275550142", ("found", "mobile"), is_listed_only=True),
        ContactMatch("phone", "+17275550177", ("found",), is_listed_only=True),
        ContactMatch("email", "marjorie.holt@example.com", ("found",), is_listed_only=True),
    )
    assert found.matched
    assert found.person_codes == ()
    assert TLO.calculate_cents([found]) == 7


def test_columns_outside_the_mapping_are_not_stored() -> None:
    assert b"6789" not in orjson.dumps(entry("r", "7275550142", "", "", "", "", "", "123-45-6789"))


def test_an_empty_row_is_no_match_and_costs_nothing() -> None:
    found = result("r", "", "", "not a phone", "", "none@none.com", "no", "")
    assert not found.matched
    assert TLO.calculate_cents([found]) == 0
    assert count_unread_cells(entry("r", "", "", "not a phone", "", "none@none.com", "no", "")) == (1, 1)


@pytest.mark.parametrize("yes", ["Y", "yes", "TRUE", "1", " x "])
def test_the_words_of_the_mapping_mark_the_deceased(yes: str) -> None:
    assert result("r", "", "", "", "", "", yes, "").person_codes == ("deceased",)


def test_a_cell_that_is_too_long_is_cut_and_is_no_value() -> None:
    long = entry("r", "7" * 100_000, "", "", "", "a" * 100_000 + "@example.com", "", "")
    assert len(orjson.dumps(long)) < 1_000
    assert count_unread_cells(long) == (1, 1)


def test_damaged_bytes_are_no_value_and_cause_no_error() -> None:
    found = result("r", "727\udc92555", "\udcff", "", "", "\udc80@example.com", "\udcff", "")
    assert not found.matched


def test_column_names_ignore_case_and_spacing_and_phone_numbers_may_have_gaps() -> None:
    positions = SHIPPED.locate_columns(["\ufeffREFERENCE", "phone  7", "Phone 7 type", "EMAIL 3"])
    assert (positions.reference, positions.phones, positions.emails) == (0, ((1, 2),), (3,))
    assert positions.missing == ("Deceased", "Litigator")


def test_phone_columns_may_be_named_individually() -> None:
    mapping = TloMapping.model_validate(
        {"reference": "Id", "phones": [{"number": "Home"}, {"number": "Cell"}], "emails": ["Mail"]}
    )
    assert mapping.locate_columns(["Cell", "Id", "Home", "Mail"]).phones == ((2, None), (0, None))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (["Phone 1", "Email 1"], "no column 'Reference'"),
        (["Reference", "Name"], "no column for a phone or an email"),
        (["Reference", "Phone 1", "phone 1"], "more than once: phone 1"),
    ],
)
def test_an_error_about_a_mapping_names_the_column(header: list[str], message: str) -> None:
    with pytest.raises(BadMappingError, match=message):
        SHIPPED.locate_columns(header)


def test_a_stored_response_of_another_shape_is_unreadable() -> None:
    with pytest.raises(OutcomeUnknownError):
        read_response(TLO, [LOOKUP], VendorHttpResponse(200, "application/json", b"[1]"))


@pytest.mark.parametrize("formula", ["=HYPERLINK(1)", "+1-1", "-2+3", "@SUM(A1)", "\t=1"])
def test_no_exported_cell_is_a_formula(formula: str) -> None:
    row = build_export_row(
        "r",
        LookupRequest(LEAD, LeadPerson(formula, formula, formula, formula, formula, "D", "FL", "1", None, None)),
    )
    assert len(row) == len(EXPORT_HEADER)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row)


def test_an_owner_is_the_same_by_name_and_address() -> None:
    assert is_same_owner(
        PERSON, LeadPerson("M", "HOLT", None, "418 Palmetto Ave", "2", "Dunedin", "FL", "34698", "P", "7")
    )
    assert is_same_owner(LeadPerson(None, None, *_fields_after_name(PERSON)), PERSON)
    assert not is_same_owner(PERSON, LeadPerson("Marjorie", "Novak", *_fields_after_name(PERSON)))
    assert not is_same_owner(PERSON, None)


@pytest.mark.parametrize(
    ("outcome", "detail", "key", "expected"),
    [
        ("asked", None, b"k", "stored"), ("expired", "not_imported", b"k", "stored"), ("answered", None, b"k", "already"),
        ("asked", None, None, "erased"), ("expired", "changed", b"k", "changed"), ("expired", "erased", None, "erased"),
    ],
)  # fmt: skip
def test_a_repeated_import_decides_the_same_outcome(
    outcome: str, detail: str | None, key: bytes | None, expected: str
) -> None:
    lead = LeadToTrace(
        id=LEAD, mak=None, property_address=PERSON.street, property_unit=None, property_city=PERSON.city,
        property_state=PERSON.state, property_zip=PERSON.zip, county=None, apn=None, owner_first_name="Marjorie",
        owner_last_name="Holt", company_name=None, data_key=key, deceased_owner=False, litigator=False,
        campaign_status="new", read_at=NEVER,
    )  # fmt: skip
    request = BatchRequest(RequestId(UUID(int=2)), outcome, detail, None, LEAD)
    assert decide_outcome(request, lead, LOOKUP) == expected
    if expected == "stored":
        assert decide_outcome(request, lead, None) is RowOutcome.TOO_LATE


IDS = [str(UUID(int=number)) for number in range(4)]
cells = st.text(max_size=12) | st.sampled_from([*IDS, IDS[0].upper(), "7275550142", "a@example.com", "Y", "\udcff"])
rows = st.lists(
    st.builds(CsvRow, st.lists(cells, min_size=8, max_size=8), st.sampled_from([None, None, "unclosed_quote"]))
)


@given(rows)
def test_every_row_has_one_outcome_and_no_row_causes_an_error(given_rows: list[CsvRow]) -> None:
    lines = list(classify_rows(iter(given_rows), SHIPPED.locate_columns(HEADER)))
    assert len(lines) == len(given_rows)
    counts = Counter(line.outcome for line in lines)
    assert sum(counts.values()) == len(given_rows)
    assert set(counts) <= {None, RowOutcome.MALFORMED, RowOutcome.DUPLICATE, RowOutcome.UNKNOWN}
    references = [line.reference for line in lines if line.outcome is None]
    assert len(references) == len(set(references))
    assert None not in references
    for line in lines:
        if line.outcome is None:
            _assert_readable(line)


@given(st.text(max_size=400), st.sampled_from([",", ";", "\t", "|"]))
def test_any_text_is_read_to_its_end(text: str, delimiter: str) -> None:
    reader = CsvReader(io.StringIO(delimiter.join(HEADER) + "\n" + text, newline=""), delimiter)
    header = reader.read_header()
    for line in classify_rows(reader.read_rows(len(header)), SHIPPED.locate_columns(header)):
        assert (line.outcome is None) == (line.reference is not None)


@given(st.lists(st.tuples(st.sampled_from(IDS), st.text(max_size=20)), max_size=20))
def test_rows_of_a_csv_writer_are_read(pairs: list[tuple[str, str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["Reference", "Email 1"], *pairs])
    out.seek(0)
    reader = CsvReader(out, ",")
    positions: ColumnPositions = SHIPPED.locate_columns(reader.read_header())
    lines = list(classify_rows(reader.read_rows(2), positions))
    assert {line.reference for line in lines if line.reference} <= {UUID(reference) for reference, _ in pairs}


def _assert_readable(line: ImportLine) -> None:
    found = TLO.read_results([LOOKUP], VendorHttpResponse(200, "application/json", orjson.dumps(line.entry)))[0]
    phones, emails = count_unread_cells(line.entry)
    cells = len(line.entry["phones"]) + len(line.entry["emails"])
    assert len(found.contacts) <= cells - phones - emails


def _fields_after_name(person: LeadPerson) -> tuple[Any, ...]:
    return (
        person.company,
        person.street,
        person.unit,
        person.city,
        person.state,
        person.zip,
        person.county,
        person.apn,
    )


def test_cells_with_several_values_and_remarks_are_read_completely() -> None:
    found = result(
        "r", "727-555-0142 / 727-555-0177 wrong number", "", "727-555-0199", "Mobile", "Rosa <rosa@example.com>", "", ""
    )
    assert [(one.channel, one.value, one.forbidden) for one in found.contacts] == [
        ("phone", "+17275550142", True), ("phone", "+17275550177", True), ("phone", "+17275550199", False),
        ("email", "rosa@example.com", False),
    ]  # fmt: skip
    assert result("r", "7275550142", "DNC", "", "", "", "", "").contacts[0].forbidden
    assert result("r", "7275550142 deceased", "", "", "", "", "", "").person_codes == ("deceased",)
    assert count_unread_cells(entry("r", "7275550142 call after 5", "", "", "", "", "", "")) == (1, 0)
