"""Placeholders are detected; values that counties and people write are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.geography.placeholders import (
    is_filler_number,
    is_placeholder,
    is_placeholder_address,
    is_placeholder_email,
    is_placeholder_unit,
    parcel_number,
)

WORDS = (
    "N/A", "n.a.", "NA", "UNKNOWN", "unk", "NONE", "None", "null", "nil", "Not Available", "Not applicable", "Data unavailable", "TBD",
    "To be determined", "#REF!", "#N/A", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "########", "SEE DEED", "see above", "Same",
    "same as above", "ditto",
    "MULTIPLE", "various", "PENDING", "confidential", "EXEMPT", "common area", "xxx", "XXXX", "test", "-", "--", "?", "???", ".", "desconocido",
    "No disponible", "ninguno", "sin datos", "Unknown Owner", "Parcel not assigned", "(none)", "<unknown>", "'N/A'", "N / A",
    "\uff2e\uff0f\uff21", "No number", "no data",
)  # fmt: skip


@pytest.mark.parametrize("text", WORDS)
def test_a_word_for_a_missing_value_is_a_placeholder(text: str) -> None:
    assert is_placeholder(text)
    assert parcel_number(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Holt",
        "Tess Tester",
        "Pinellas",
        "Main",
        "Nan Holt",
        "Exempt Holdings LLC",
        "Various Artists Trust",
        "12",
        "A",
    ],
)
def test_other_text_is_no_placeholder(text: str) -> None:
    assert not is_placeholder(text)


@pytest.mark.parametrize(
    "text",
    ["999-999-999", "123456789", "1", "12", "000-00-000", "0", "1111111111", "987654321", "0123456789", "1234567890", "12-5", "1-2-3", "A-1",
     "R",
     "121212", "123-123-123", "1.42815E+11", "1E+11", "5-Dec", "Dec-05", "000-000-001", "UNKNOWN 12345", "12-34-567; 12-34-568",
     "12-34-567 & 568", "12-34-567,12-34-568", "12-34-567 / 12-34-568", "12-34-567 | 12-34-568", "12-34-567 + 568",
     "12-34-567\n12-34-568", "12-34-567 et al", "1,42815E+11",
     "XXX-XXX-XXX", "TBD-12345", "TEMP-001", "N/A-001", "100000000", "LOT 5", "#12"],
)  # fmt: skip
def test_a_parcel_number_that_identifies_no_home_is_no_key(text: str) -> None:
    assert parcel_number(text) is None


@pytest.mark.parametrize(
    ("text", "parcel"),
    [("123-456-789", "123456789"), ("0123-45-6789", "0123456789"), ("R0123456", "R0123456"), ("R12345", "R12345"),
     ("12-34-56-7890-123-000", "1234567890123000"), ("30-4023-012-0010", "3040230120010"), ("27-28-15-66078-000-0100", "272815660780000100"),
     ("12-34 5", "12345"), ("12.345", "12345"), ("0304402300120010", "0304402300120010"), ("304023012001.0", "304023012001"),
     ('="0304023012"', "0304023012"),
     ("M:12 B:34 L:5A", "M12B34L5A"), ("14-28-316-021-1003", "14283160211003"), ("NA-12345", "NA12345"),
     ("12/34/567", "1234567"), ("12,345,678", "12345678")],
)  # fmt: skip
def test_a_parcel_number_that_counties_write_is_a_key(text: str, parcel: str) -> None:
    assert parcel_number(text) == parcel


@pytest.mark.parametrize(
    "text",
    ["UNKNOWN", "NO SITUS", "No Situs Address", "VACANT LAND", "0 VACANT LAND", "0 UNASSIGNED", "0 Oak St", "00 Oak St", "0000 N Main",
     "123 UNKNOWN", "123 N/A",
     "12 UNKNOWN ST", "12 UNNAMED RD", "SEE LEGAL", "TBD", "Vacant lot", "Address not available", "0"],
)  # fmt: skip
def test_an_address_that_names_no_home_is_a_placeholder(text: str) -> None:
    assert is_placeholder_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "123 Main St",
        "01 Oak St",
        "1 Lot Ln",
        "12 Vacant Ln",
        "100 Null Ave",
        "12 A St",
        "7 Test St",
        "1 See Ln",
        "10 X St",
        "1/2 Main St",
        "5 Same Rd",
    ],
)
def test_an_address_with_an_odd_street_name_is_no_placeholder(text: str) -> None:
    assert not is_placeholder_address(text)


@pytest.mark.parametrize(("text", "is_expected"), [("N/A", True), ("0", True), ("000", True), ("-", True), ("NONE", True), ("APT 0", True),
 ("# N/A", True), ("Unit None", True),
                                               ("A", False), ("X", False), ("0A", False), ("10", False), ("PH", False), ("#4", False),
                                               ("Apt B", False)])  # fmt: skip
def test_a_unit_may_be_a_placeholder(text: str, is_expected: bool) -> None:
    assert is_placeholder_unit(text) is is_expected


@pytest.mark.parametrize(
    "text",
    [
        "none@none.com",
        "noemail@gmail.com",
        "test@test.com",
        "na@na.com",
        "unknown@x.com",
        "x@x.com",
        "a@a.com",
        "fake@fake.com",
        "noone@noone.com",
        "nobody@nowhere.com",
        "declined@declined.com",
        "donotcontact@gmail.com",
        "dnc@x.com",
        "not-given@x.com",
    ],
)
def test_an_email_address_may_be_a_placeholder(text: str) -> None:
    assert is_placeholder_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "ann@holt.com",
        "test@holt.org",
        "na@holt.com",
        "ann.none@gmail.com",
        "fake@holt.com",
        "noone@holt.com",
        "holt@holt.com",
        "a@holt.com",
    ],
)
def test_an_email_address_of_a_person_is_no_placeholder(text: str) -> None:
    assert not is_placeholder_email(text)


@given(st.text(max_size=30))
def test_no_text_raises(text: str) -> None:
    for check in (is_placeholder, is_placeholder_address, is_placeholder_unit, is_placeholder_email, parcel_number):
        check(text)


@given(st.integers(10**7, 10**15), st.integers(1, 4))
def test_marks_do_not_change_the_key_of_a_parcel_number(number: int, size: int) -> None:
    digits = str(number)
    marked = "-".join(digits[place : place + size] for place in range(0, len(digits), size))
    if not is_filler_number(digits):
        assert parcel_number(marked) == parcel_number(digits) == digits
