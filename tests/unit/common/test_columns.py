"""Headers and their fields, and escaping of cells that a spreadsheet would run."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.csv.columns import (
    REJECT_COLUMNS,
    escape_cell,
    field_and_rank_of,
    field_of_header,
    missing_required_headers,
    recognised_headers,
    unescape_cell,
)
from common.events import LeadRecord
from common.lead_facts import RECORD_FIELDS

PROPSTREAM = Path(__file__).parents[3] / "samples" / "propstream-1000.csv"


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("Address", "property_address"), ("\ufeffaddress", "property_address"), (" ADDRESS ", "property_address"),
        ("Street Address", "property_address"), ("property_zip", "property_zip"), ("Unit  #", "property_unit"),
        ("Est. Remaining balance of Open Loans", "open_loan_balance"), ("Est. Loan-to-Value", "est_ltv"),
        ("Phone 3", "phones"), ("Phone 3 DNC", "phones.dnc"), ("phone", "phones"), ("Email 4", "emails"),
        ("MLS Agent Phone", None), ("Prior Sale Recordng Date", None), ("", None), ("Email 1 Type", None),
    ],
)  # fmt: skip
def test_a_header_is_recognised_by_its_words(header: str, field: str | None) -> None:
    assert field_of_header(header) == field


def test_headers_of_one_field_have_a_rank() -> None:
    first, second = field_and_rank_of("Last Sale Date"), field_and_rank_of("Last Sale Recording Date")
    assert first and second and first[0] == second[0] and first[1] < second[1]


def test_missing_columns_are_named_by_their_usual_header() -> None:
    assert missing_required_headers(["ADDRESS", "City", "notes"]) == ["State", "Zip"]
    assert missing_required_headers(["Street Address", "City", "State", "Zip"]) == []


@given(st.text())
def test_unescaping_restores_any_cell(value: str) -> None:
    assert unescape_cell(escape_cell(value)) == value


FORMULA = st.sampled_from("=+-@\t\r\n\uff1d\uff0b").flatmap(lambda sign: st.text().map(lambda rest: sign + rest))


@given(FORMULA)
def test_an_escaped_cell_never_starts_with_a_formula(value: str) -> None:
    escaped = escape_cell(value)
    assert escaped.startswith("'") or escaped.lstrip("+-").rstrip("%").replace(",", "").replace(".", "").isdigit()
    assert unescape_cell(escaped) == value


@pytest.mark.parametrize(
    "value", ["=1+1", "+1 (727) 555-0142", "-1-1", "@sum(a1)", "-", "+SUM(1,1)", "-2+cmd|' /C calc'!A0", "'=1"]
)
def test_a_cell_that_a_spreadsheet_would_run_is_escaped(value: str) -> None:
    assert escape_cell(value) == f"'{value}"


@given(
    st.text(alphabet=" \xa0\u200b\ufeff\u2060\u3000'\t", max_size=4),
    st.sampled_from("=+-@\uff1d").flatmap(lambda sign: st.text().map(lambda rest: sign + rest)),
)
def test_a_formula_behind_invisible_characters_is_escaped(invisible: str, formula: str) -> None:
    value = invisible + formula
    assert unescape_cell(escape_cell(value)) == value
    if invisible:
        assert escape_cell(value) == f"'{value}"


@pytest.mark.parametrize(
    "value", ["-1200", "-1,200.50", "+17275550142", "-12.5%", "12 Main St", "O'Hara", "", " ", "a=b", "(300)"]
)
def test_a_cell_that_a_spreadsheet_would_not_run_is_unchanged(value: str) -> None:
    assert escape_cell(value) == value


def test_an_apostrophe_that_a_person_wrote_stays() -> None:
    """A spreadsheet's mark for text stays, unless `escape_cell` added it."""
    assert unescape_cell("'02108") == "'02108"


PROPSTREAM_CLASSIC = [
    "Address", "Unit #", "City", "State", "Zip", "County", "APN", "Owner Occupied", "Owner 1 First Name",
    "Owner 1 Last Name", "Company Name", "Owner 2 First Name", "Owner 2 Last Name", "Mailing Care of Name",
    "Mailing Address", "Mailing Unit #", "Mailing City", "Mailing State", "Mailing Zip", "Mailing County",
    "Do Not Mail", "Property Type", "Bedrooms", "Total Bathrooms", "Building Sqft", "Lot Size Sqft",
    "Effective Year Built", "Total Assessed Value", "Last Sale Recording Date", "Last Sale Amount",
    "Total Open Loans", "Est. Remaining balance of Open Loans", "Est. Value", "Est. Loan-to-Value", "Est. Equity",
    "MLS Status", "MLS Date", "MLS Amount", "Lien Amount", "Marketing Lists", "Date Added to List",
]  # fmt: skip
CONTACTS = [
    "First Name", "Last Name", "Company Name", "Street Address", "City", "State", "Zip", "Mail Street Address", "Phone 1",
    "Phone 1 Type", "Phone 2", "Email 1",
]  # fmt: skip


def test_propstreams_exports_have_all_required_columns() -> None:
    full = PROPSTREAM.read_text(encoding="utf-8-sig").splitlines()[0].split(",")
    assert len(full) == 143
    for headers in (full, PROPSTREAM_CLASSIC, CONTACTS):
        assert missing_required_headers(headers) == []
    assert len(recognised_headers(full)) == 55
    assert len(recognised_headers(PROPSTREAM_CLASSIC)) == 31
    assert recognised_headers(CONTACTS) == CONTACTS


def test_no_two_headers_of_an_export_have_the_same_field_and_rank() -> None:
    for headers in (
        PROPSTREAM.read_text(encoding="utf-8-sig").splitlines()[0].split(","),
        PROPSTREAM_CLASSIC,
        CONTACTS,
    ):
        places = [field_and_rank_of(header) for header in headers]
        known = [place for place in places if place]
        assert len(known) == len(set(known))


def test_every_field_name_of_a_record_is_a_header() -> None:
    assert set(RECORD_FIELDS) == set(LeadRecord.model_fields) - {
        "source", "observed_on", "upload_id", "row", "row_problem", "broker_id", "allowed_broker_ids", "cells", "phones", "emails",
    }  # fmt: skip
    for field in RECORD_FIELDS:
        assert field_of_header(field) == field_of_header(field.upper().replace("_", " ")) == field


def test_columns_that_our_list_of_rejects_adds_are_no_fields() -> None:
    assert recognised_headers(REJECT_COLUMNS) == []
