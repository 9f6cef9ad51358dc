"""Which header stands for which field, and cells that no spreadsheet runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.columns import escape_cell, field_of, missing_required, place_of, unescape_cell


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
def test_a_header_is_known_by_its_words(header: str, field: str | None) -> None:
    assert field_of(header) == field


def test_several_headers_of_one_field_have_an_order() -> None:
    first, second = place_of("Last Sale Date"), place_of("Last Sale Recording Date")
    assert first and second and first[0] == second[0] and first[1] < second[1]


def test_missing_columns_are_named_as_exports_write_them() -> None:
    assert missing_required(["ADDRESS", "City", "notes"]) == ["State", "Zip"]
    assert missing_required(["Street Address", "City", "State", "Zip"]) == []


@given(st.text())
def test_a_cell_comes_back_as_it_was(value: str) -> None:
    assert unescape_cell(escape_cell(value)) == value


@given(st.sampled_from("=+-@\t\r").flatmap(lambda sign: st.text().map(lambda rest: sign + rest)))
def test_a_formula_is_never_left_at_the_start(value: str) -> None:
    escaped = escape_cell(value)
    assert escaped.startswith("'") or not any(c.isalpha() for c in escaped)


@pytest.mark.parametrize("value", ["-1200", "+1 (727) 555-0142", "-12.5%", "12 Main St"])
def test_numbers_stay_as_they_are(value: str) -> None:
    assert escape_cell(value) == value
