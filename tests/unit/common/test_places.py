"""Normal form of states, counties and ZIP codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.geography.places import STATES, county_name, state_code, state_of_zip, zip_code


@pytest.mark.parametrize(
    ("text", "code"),
    [("fl", "FL"), (" Florida ", "FL"), ("N.Y.", "NY"), ("new  york", "NY"), ("D.C.", "DC"), ("NewJersey", "NJ"), ("Floridia", None),
     ("", None), ("FLA", None), ("Ontario", None)],
)  # fmt: skip
def test_a_state_becomes_its_two_letters(text: str, code: str | None) -> None:
    assert state_code(text) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [("34698", "34698"), ("2108", "02108"), ("501", "00501"), ("33755.0", "33755"), ("34698-4021", "34698"), ("346984021", "34698"),
     ("2108-1234", "02108"), ('="02108"', "02108"), ("'02108", "02108"), (" 34698 ", "34698"), ("00000", None), ("ABCDE", None),
     ("34698-1", None), ("3469", "03469"), ("12", None), ("\u0663\u0663\u0667\u0665\u0665", None), ("", None)],
)  # fmt: skip
def test_a_zip_code_becomes_its_five_digits(text: str, code: str | None) -> None:
    assert zip_code(text) == code


@pytest.mark.parametrize(
    ("writings", "name"),
    [
        (["Pinellas", "PINELLAS", "pinellas county", "Pinellas Co.", "County of Pinellas", " Pinellas  County "], "PINELLAS"),
        (["St. Johns", "Saint Johns County", "ST JOHNS"], "ST JOHNS"), (["Miami-Dade", "Miami Dade County"], "MIAMI DADE"),
        (["Prince George's", "Prince Georges County", "PRINCE GEORGE\u2019S"], "PRINCE GEORGES"),
        (["Do\u00f1a Ana", "Dona Ana", "Don\u0303a Ana County"], "DONA ANA"), (["Orleans Parish", "Orleans"], "ORLEANS"),
        (["", " ", "County", "-"], None),
    ],
)  # fmt: skip
def test_spellings_of_a_county_become_one_name(writings: list[str], name: str | None) -> None:
    assert {county_name(text) for text in writings} == {name}


def test_an_independent_city_is_not_the_county_of_its_name() -> None:
    assert county_name("Richmond City") != county_name("Richmond County")


@pytest.mark.parametrize(
    ("code", "state"),
    [("34698", "FL"), ("02108", "MA"), ("90210", "CA"), ("20500", "DC"), ("10001", "NY"), ("99501", "AK"), ("00601", "PR"), ("00000", None)],
)  # fmt: skip
def test_a_zip_code_gives_its_state(code: str, state: str | None) -> None:
    assert state_of_zip(code) == state


def test_every_state_has_zip_codes() -> None:
    found = {state_of_zip(f"{prefix:03d}00") for prefix in range(1_000)} - {None}
    assert found | {"AS", "MP"} == set(STATES.values())


@given(st.text(max_size=40))
def test_a_normal_form_is_unchanged(text: str) -> None:
    for form in (state_code, zip_code, county_name):
        found = form(text)
        assert found is None or form(found) == found
