"""Typed addresses: the homes that they may mean."""

import pytest

from common.records.addresses.normal_form import hash_address
from common.records.addresses.search import read_written_address

UNIT = hash_address("418 N PALMETTO AVE", "4B", "34698")
HOUSE = hash_address("418 N PALMETTO AVE", "", "34698")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("418 N Palmetto Ave, Apt 4B, Dunedin, FL 34698", UNIT),
        ("418 north palmetto avenue #4b dunedin florida 34698-1234", UNIT),
        ("418 N. Palmetto Ave Unit 4B 34698", UNIT),
        ("418 N Palmetto Ave, Dunedin, FL 34698", HOUSE),
        ("418 n palmetto ave winter garden north carolina 34698", HOUSE),
    ],
)
def test_one_of_the_readings_is_the_home(text: str, meant: bytes) -> None:
    address = read_written_address(text)
    assert address is not None
    assert meant in address.hashes


@pytest.mark.parametrize(
    "text", ["", "34698", "Palmetto Ave 34698", "PO Box 7, Dunedin, FL 34698", "418 N Palmetto Ave"]
)
def test_a_text_without_house_number_or_zip_code_is_not_read(text: str) -> None:
    assert read_written_address(text) is None


def test_a_street_without_unit_means_all_its_units() -> None:
    address = read_written_address("0418 N Palmetto Ave, Dunedin, FL 34698")
    assert address is not None
    assert address.house_numbers == ["418"]
    assert address.has_unit("418 North Palmetto Avenue", "4B", "Dunedin")
    assert address.has_unit("418 N Palmetto Ave Apt 9, Dunedin", "9", "Dunedin")
    assert not address.has_unit("418 S Palmetto Ave", "4B", "Dunedin")
    assert not address.has_unit("♥", "4B", "Dunedin")


def test_a_street_with_unit_means_no_other_unit() -> None:
    address = read_written_address("418 N Palmetto Ave Apt 4B, Dunedin, FL 34698")
    assert address is not None
    assert not address.has_unit("418 N Palmetto Ave", "4C", "Dunedin")
