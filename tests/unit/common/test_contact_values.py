"""Normal form of phones and emails. The fast paths give the results of the libraries."""

import random

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.pii import contact_values as contact
from common.pii.contact_values import email_address, email_by_library, line_type, phone_by_library, phone_number

DIGITS = st.from_regex(r"\A[0-9]{10}\Z")
FORMS = (
    "{0}", "({1}) {2}-{3}", "{1}-{2}-{3}", "{1}.{2}.{3}", "+1 {1} {2} {3}", "+1{0}", "1{0}", "1-{1}-{2}-{3}", " {0} ",
    "{1}/{2}-{3}", "+1 ({1}) {2}-{3}", "{1}\xa0{2}\xa0{3}", "+{0}", "{1} {2} {3}\t",
)  # fmt: skip


@given(DIGITS, st.sampled_from(FORMS))
@settings(max_examples=500)
def test_the_fast_path_gives_the_librarys_number_for_ten_digits(digits: str, form: str) -> None:
    text = form.format(digits, digits[:3], digits[3:6], digits[6:])
    assert phone_number(text) == phone_by_library(text)


@given(st.text("0123456789+-() ./x#\u0663\uff17", max_size=18).filter(lambda text: not text.strip().endswith(".0")))
@settings(max_examples=500)
def test_any_digits_and_signs_give_the_librarys_number(text: str) -> None:
    assert phone_number(text) == phone_by_library(text)


def test_only_area_code_and_exchange_decide_whether_a_number_is_valid() -> None:
    """The cache of the fast path relies on it, for the numbering plan of the installed phonenumbers."""
    generator = random.Random(1)
    for _ in range(3_000):
        number = f"+1{generator.randrange(200, 1_000)}{generator.randrange(200, 1_000)}{generator.randrange(10_000):04}"
        valid = phonenumbers.is_valid_number(phonenumbers.parse(number))
        assert contact._is_assigned(number[2:8]) == valid, number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("(727) 555-0142", "+17275550142"), ("727.555.0142", "+17275550142"), ("+1 727 555 0142", "+17275550142"),
        ("727-555-0142 ext. 5", "+17275550142"), ("7275550142.0", "+17275550142"), ("17275550142.00", "+17275550142"),
        ("727555014.0", None), ("555-0142", None), ("0000000000", None), ("+44 20 7946 0018", None), ("n/a", None),
        ("", None), ("911", None), ("7275550142/7275550143", None), ("call me", None), ("1" * 10_000, None),
    ],
)  # fmt: skip
def test_a_phone_is_a_us_number_or_none(text: str, number: str | None) -> None:
    assert phone_number(text) == number


@given(st.text(max_size=40))
def test_any_text_gives_a_normal_number_or_none(text: str) -> None:
    found = phone_number(text)
    assert found is None or (found.startswith("+1") and len(found) == 12 and found.isascii() and found[1:].isdigit())
    assert found is None or phone_number(found) == found


PLAIN = (
    r"\A[a-z0-9]{1,8}([._+-][a-z0-9]{1,5}){0,2}@[a-z0-9]{1,8}(-[a-z0-9]{1,4})?(\.[a-z0-9]{1,4})?\.(com|net|org|us)\Z"
)


@given(st.from_regex(PLAIN) | st.text("ab1.@-+_ '\"é", max_size=20).map(lambda text: f"{text}@example.com"))
@settings(max_examples=500)
def test_the_fast_path_gives_the_librarys_address_for_a_plain_email(address: str) -> None:
    found = email_address(address)
    assert found == email_by_library(address.strip().lower()) or contact._PLACEHOLDER_EMAIL.fullmatch(
        address.strip().lower()
    )


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" Marjorie.Holt@Example.COM ", "marjorie.holt@example.com"), ("none@none.com", None), ("n/a", None),
        ("a@b", None), ("a b@example.com", None), ("o'hara@example.com", "o'hara@example.com"),
        ("a@@example.com", None), ("", None), ("noemail@gmail.com", None), ("rosa@noemail.com", None),
        ("a@example.com; b@example.com", None), ("a" * 10_000, None), ("rosa@localhost", None),
        ("nolan@example.org", "nolan@example.org"), ("mailto:rosa@example.com", None),
    ],
)  # fmt: skip
def test_an_email_is_an_address_or_none(text: str, address: str | None) -> None:
    assert email_address(text) == address


@given(st.emails() | st.text(max_size=30))
def test_an_address_in_normal_form_is_unchanged(text: str) -> None:
    found = email_address(text)
    assert found is None or email_address(found) == found


def test_line_types_of_sources_become_mobile_landline_or_voip() -> None:
    assert [line_type(text) for text in ("Mobile", "Land Line", "landline", "VoIP", "fax", None)] == [
        "mobile", "landline", "landline", "voip", None, None,
    ]  # fmt: skip
