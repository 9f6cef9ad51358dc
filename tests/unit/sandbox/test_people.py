"""The people that a seed makes."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.people import Address, People

PEOPLE = People("equity")
MANY = [PEOPLE.at(Address(f"{number} Palmetto Ave", "Dunedin", "FL", "34698")) for number in range(2_000)]
texts = st.text(max_size=30)


@given(texts, texts, texts, texts)
def test_the_same_address_has_the_same_people_in_every_process(street: str, city: str, state: str, code: str) -> None:
    address = Address(street, city, state, code)
    assert People("equity").at(address) == PEOPLE.at(address)


def test_another_seed_makes_other_people() -> None:
    address = Address("418 Palmetto Ave", "Dunedin", "FL", "34698")
    assert People("other").at(address).mak != PEOPLE.at(address).mak


@pytest.mark.parametrize("street", ["418 PALMETTO AVE", "418  Palmetto Ave.", " 418 palmetto ave"])
def test_an_address_is_the_same_however_it_is_written(street: str) -> None:
    plain = Address("418 Palmetto Ave", "Dunedin", "FL", "34698")
    assert PEOPLE.at(Address(street, "dunedin", "FL", "34698-4021")) == PEOPLE.at(plain)


def test_a_name_that_the_caller_brings_is_the_owners() -> None:
    person = PEOPLE.at(Address("418 Palmetto Ave"), "Ada", "Byron")
    assert (person.first, person.last) == ("Ada", "Byron")


def test_phones_are_of_an_exchange_that_nobody_has() -> None:
    assert {phone.number[3:6] for person in MANY for phone in person.phones} == {"555"}
    assert all(email.endswith("@example.com") for person in MANY for email in person.emails)


def test_most_people_are_found_and_can_be_reached() -> None:
    counts = Counter(
        found=sum(person.is_found for person in MANY),
        email=sum(bool(person.emails) for person in MANY),
        litigator=sum(person.is_litigator for person in MANY),
    )
    assert counts["found"] > 1_800 < counts["email"]
    assert 0 < counts["litigator"] < 60


def test_no_two_households_share_a_mak_or_an_email() -> None:
    assert len({person.mak for person in MANY}) == len(MANY)
    emails = [email for person in MANY for email in person.emails]
    assert len(emails) == len(set(emails))


@pytest.mark.parametrize(
    ("number", "code"), [("555", "PE03"), ("(727) 555-0142", "P"), ("+17275550142", "P"), ("", "PE03")]
)
def test_a_phone_needs_ten_digits(number: str, code: str) -> None:
    assert PEOPLE.phone_codes(number)[0].startswith(code)


@pytest.mark.parametrize("email", ["", "nobody", "a@b", "a b@example.com"])
def test_what_is_no_email_is_a_syntax_error(email: str) -> None:
    assert PEOPLE.email_codes(email) == ("EE01",)
