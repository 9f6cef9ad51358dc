"""Invented people, which depend on the seed and the address only."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.people import FakePeople, PostalAddress

PEOPLE = FakePeople("equity")
SAMPLE = [
    PEOPLE.person_at(PostalAddress(f"{number} Palmetto Ave", "Dunedin", "FL", "34698")) for number in range(2_000)
]
texts = st.text(max_size=30)


@given(texts, texts, texts, texts)
def test_the_same_address_has_the_same_people_in_every_process(street: str, city: str, state: str, code: str) -> None:
    address = PostalAddress(street, city, state, code)
    assert FakePeople("equity").person_at(address) == PEOPLE.person_at(address)


def test_another_seed_gives_other_people() -> None:
    address = PostalAddress("418 Palmetto Ave", "Dunedin", "FL", "34698")
    assert FakePeople("other").person_at(address).mak != PEOPLE.person_at(address).mak


@pytest.mark.parametrize("street", ["418 PALMETTO AVE", "418  Palmetto Ave.", " 418 palmetto ave"])
def test_spelling_does_not_change_an_address(street: str) -> None:
    plain = PostalAddress("418 Palmetto Ave", "Dunedin", "FL", "34698")
    assert PEOPLE.person_at(PostalAddress(street, "dunedin", "FL", "34698-4021")) == PEOPLE.person_at(plain)


def test_a_name_from_the_caller_is_used_as_the_owners() -> None:
    person = PEOPLE.person_at(PostalAddress("418 Palmetto Ave"), "Ada", "Byron")
    assert (person.first, person.last) == ("Ada", "Byron")


def test_phones_and_emails_belong_to_no_real_person() -> None:
    assert {phone.number[3:6] for person in SAMPLE for phone in person.phones} == {"555"}
    assert all(email.endswith("@example.com") for person in SAMPLE for email in person.emails)


def test_most_people_are_found_and_have_contacts() -> None:
    counts = Counter(
        found=sum(person.is_found for person in SAMPLE),
        email=sum(bool(person.emails) for person in SAMPLE),
        litigator=sum(person.is_litigator for person in SAMPLE),
    )
    assert counts["found"] > 1_800 < counts["email"]
    assert 0 < counts["litigator"] < 60


def test_no_two_households_share_a_mak_or_an_email() -> None:
    assert len({person.mak for person in SAMPLE}) == len(SAMPLE)
    emails = [email for person in SAMPLE for email in person.emails]
    assert len(emails) == len(set(emails))


@pytest.mark.parametrize(
    ("number", "code"), [("555", "PE03"), ("(727) 555-0142", "P"), ("+17275550142", "P"), ("", "PE03")]
)
def test_a_phone_needs_ten_digits(number: str, code: str) -> None:
    assert PEOPLE.phone_codes(number)[0].startswith(code)


@pytest.mark.parametrize("email", ["", "no-at-sign", "a@b", "a b@example.com"])
def test_a_malformed_email_is_a_syntax_error(email: str) -> None:
    assert PEOPLE.email_codes(email) == ("EE01",)
