"""Cells that a spreadsheet would run are escaped, and unescaping restores them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.csv.escaping import escape_cell, unescape_cell


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
