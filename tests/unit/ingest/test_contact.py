"""Phones and emails in one form; the fast paths give what the libraries give."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.contact import by_library, email_address, email_by_library, line_type, phone_number

DIGITS = st.from_regex(r"\A[0-9]{10}\Z")


@given(DIGITS, st.sampled_from(["{0}", "({1}) {2}-{3}", "{1}-{2}-{3}", "{1}.{2}.{3}", "+1 {1} {2} {3}", "1{0}"]))
@settings(max_examples=500)
def test_ten_digits_take_the_fast_path_to_the_same_number(digits: str, form: str) -> None:
    text = form.format(digits, digits[:3], digits[3:6], digits[6:])
    assert phone_number(text) == by_library(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("(727) 555-0142", "+17275550142"), ("727.555.0142", "+17275550142"), ("+1 727 555 0142", "+17275550142"),
        ("727-555-0142 ext. 5", "+17275550142"), ("7275550142.0", None), ("555-0142", None), ("0000000000", None),
        ("+44 20 7946 0018", None), ("n/a", None), ("", None), ("911", None),
    ],
)  # fmt: skip
def test_a_phone_is_a_us_number_or_nothing(text: str, number: str | None) -> None:
    assert phone_number(text) == number


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_nothing(text: str) -> None:
    found = phone_number(text)
    assert found is None or (found.startswith("+1") and len(found) == 12)


@given(st.from_regex(r"\A[a-z0-9]{1,8}([._+-][a-z0-9]{1,5}){0,2}@[a-z0-9]{1,8}(-[a-z0-9]{1,4})?\.(com|net|org|us)\Z"))
@settings(max_examples=300)
def test_a_plain_email_takes_the_fast_path_to_the_same_address(address: str) -> None:
    found = email_address(address)
    assert found is None or found == email_by_library(address)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" Marjorie.Holt@Example.COM ", "marjorie.holt@example.com"), ("none@none.com", None), ("n/a", None), ("a@b", None),
        ("a b@example.com", None), ("o'hara@example.com", "o'hara@example.com"), ("a@@example.com", None), ("", None),
    ],
)  # fmt: skip
def test_an_email_is_an_address_or_nothing(text: str, address: str | None) -> None:
    assert email_address(text) == address


def test_line_types_are_ours() -> None:
    assert [line_type(text) for text in ("Mobile", "Land Line", "landline", "VoIP", "fax", None)] == [
        "mobile", "landline", "landline", "voip", None, None,
    ]  # fmt: skip
