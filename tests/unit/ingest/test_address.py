"""One home has one normal form, however its address is written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import address
from ingest.address import PoBoxError, UnreadableAddressError, address_hash, normal_street, normal_unit

NAMES = (
    "Palmetto Magnolia Cypress Juniper Hawthorne Sycamore Bayshore Lakeview Sunset Willow Chestnut Jefferson Madison Lincoln "
    "Monroe Harrison Douglas Franklin Sheridan Garfield Heron Pelican Osprey Dolphin Coral Seminole Arlington Belmont Carlton "
    "Washington Adams Jackson Roosevelt Kennedy Maple Walnut Spruce Birch Dogwood Hickory Laurel Poplar Elmwood Oakdale"
).split()
WRITTEN_SUFFIXES = sorted(address._SUFFIXES)


@given(
    number=st.integers(1, 99_999),
    direction=st.sampled_from(["", "N", "S", "E", "W", "NE", "North", "West"]),
    name=st.sampled_from(NAMES),
    suffix=st.sampled_from(WRITTEN_SUFFIXES),
    unit=st.sampled_from(["", "Apt 4", "Apt 12B", "Unit 7", "#3", "Ste 200"]),
)
@settings(max_examples=400, deadline=None)
def test_the_fast_path_gives_what_the_library_gives(number: int, direction: str, name: str, suffix: str, unit: str) -> None:
    text = " ".join(f"{number} {direction} {name} {suffix} {unit}".upper().replace("#", " # ").split())
    fast = address._usual(text)
    assert fast is not None
    street, by_library = address._by_library(text)
    assert (fast[0], normal_unit(fast[1])) == (street, normal_unit(by_library))


@pytest.mark.parametrize(
    "writings",
    [
        ["418 N Palmetto Ave Apt 4", "418 North Palmetto Avenue, #4", "418 n. palmetto ave. unit 4", "418 N PALMETTO AVE APT 04"],
        ["1200 SW 3rd St", "1200 Southwest 3rd Street", "1200 SW 3RD STREET."],
        ["9 Park Avenue South", "9 Park Ave S"],
        ["200 US Highway 19 N", "200 US Hwy 19 North"],
        ["15 Lake Shore Dr W Ste 4-B", "15 Lake Shore Drive West # 4B"],
    ],
)
def test_different_writings_of_a_home_are_one(writings: list[str]) -> None:
    assert len({normal_street(text) for text in writings}) == 1


def test_a_unit_in_its_own_column_counts_like_one_in_the_address() -> None:
    assert normal_street("418 Palmetto Ave", "Apt 4") == normal_street("418 Palmetto Ave #4")
    assert normal_street("418 Palmetto Ave", "Apt 4") != normal_street("418 Palmetto Ave", "Apt 5")
    assert normal_street("418 Palmetto Ave") != normal_street("418 Palmetto Ave", "Apt 4")


def test_homes_differ_by_number_street_unit_and_zip() -> None:
    hashes = {
        address_hash(*normal_street(text), zip_code)
        for text in ("1 Elm St", "2 Elm St", "1 Elm Rd", "1 Elm St Apt 1") for zip_code in ("34698", "33755")
    }  # fmt: skip
    assert len(hashes) == 8


@pytest.mark.parametrize("text", ["PO Box 12", "P.O. Box 12", "p o box 118", "Post Office Box 4"])
def test_a_po_box_is_no_property(text: str) -> None:
    with pytest.raises(PoBoxError):
        normal_street(text)


@pytest.mark.parametrize("text", ["no number known", "Elm St", "12345", "#", "---"])
def test_what_is_no_address_says_so(text: str) -> None:
    with pytest.raises(UnreadableAddressError):
        normal_street(text)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=120))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_street_or_refused(text: str) -> None:
    try:
        street, _unit = normal_street(text)
    except (PoBoxError, UnreadableAddressError):
        return
    assert street
    assert street == street.upper()
