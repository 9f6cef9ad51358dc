"""One home has one normal form, however its address is written; two homes never share one."""

import re
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import address, postal
from ingest.address import PoBoxError, UnreadableAddressError, address_hash, normal_street, normal_unit

NAMES = (
    "Palmetto", "Magnolia", "Cypress", "Juniper", "Hawthorne", "Bayshore", "Sunset", "Willow", "Jefferson",
    "Madison", "Lincoln", "Franklin", "Heron", "Osprey", "Washington", "Jackson", "Kennedy", "Maple", "Walnut",
    "Birch", "Main", "Oak", "Elm", "Cedar", "Church", "School", "Market", "Pearl", "Cherry", "Prospect", "Spring",
    "Park", "Lake", "River", "Forest", "Ridge", "Valley", "Island", "Harbor", "Meadow", "1st", "2nd", "3rd", "4th",
    "11th", "12th", "21st", "42nd", "83rd", "104th", "Lake Shore", "Mill Creek", "Silver Lake", "Orange Grove",
    "Indian Rocks", "Quail Hollow", "Spring Valley", "Live Oak", "La Paloma", "Las Palmas", "Mt Vernon", "Ft King",
    "Old Mill", "Royal Palm", "Turtle Creek", "Fox Hollow", "Eagle Nest", "Key West", "Saint Charles", "Fort Hamer",
    "First", "Second", "Tenth", "Van Buren", "De Soto", "OBrien", "Blue Heron", "Villa Rosa", "Del Prado",
    "San Jose", "Vista Grande", "Hidden River",
)  # fmt: skip
SUFFIXES = sorted(postal.SUFFIXES)
DIRECTIONS = ("", "N", "South", "NE", "West")
UNITS = ("", "Apt 4", "Unit 12B", "#7", "Ste 200")


def corpus() -> list[str]:
    """Every name with every suffix, with directions and units in turn."""
    return [
        " ".join(
            f"{(7, 42, 123, 4180, 12345)[n % 5]} {DIRECTIONS[n % 5 if n % 2 else 0]} {name} {suffix} "
            f"{DIRECTIONS[n // 5 % 5 if n % 3 == 0 else 0]} {UNITS[n // 3 % 5]}".split()
        )
        for n, (name, suffix) in enumerate(product(NAMES, SUFFIXES))
    ]


def by_library(text: str) -> tuple[str, str]:
    street, unit = address._by_library(address._plain(text))
    return address._same_words(street), normal_unit(unit)


def test_the_fast_path_gives_what_the_library_gives() -> None:
    """The library is a statistical parser and sometimes leaves its own rules: it shortens a suffix in one writing
    and not in another, or takes a last E for a flat. Then ours must be what it says of the other writing."""
    texts = [
        text
        for text in corpus()
        if address._usual(re.sub(r"( Apt| Unit| #| Ste).*", "", text).upper().split(" ", 1)[1])
    ]
    assert len(texts) > 0.95 * len(NAMES) * len(SUFFIXES)
    differ = [(text, ours) for text in texts if by_library(text) != (ours := normal_street(text))]
    assert len(differ) < len(texts) / 50
    unlike = [(text, ours) for text, ours in differ if by_library(ours[0]) != (ours[0], "")]
    assert [text for text, ours in unlike if not ours[0].endswith(" E")] == []


@pytest.mark.parametrize("number", [1, 7, 42, 101, 2_718, 31_415, 123_456])
@pytest.mark.parametrize(
    "street", ["Camino Real", "Avenue B", "Via Roma", "Broadway", "Avenue of the Americas", "Calle 8", "Loop 101"]
)
def test_all_houses_of_a_street_are_on_the_same_street(number: int, street: str) -> None:
    assert normal_street(f"{number} {street}")[0].removeprefix(f"{number} ") == normal_street(f"100 {street}")[0][4:]


@pytest.mark.parametrize(
    "writings",
    [
        ["418 N Palmetto Ave Apt 4", "418 North Palmetto Avenue, #4", "418 n. palmetto ave. unit 4",
         "418 N PALMETTO AVE APT 04", "0418 N Palmetto Av # 4", "418 N Palmetto Ave, Apt. 4, Dunedin, FL 34698",
         "418 N Palmetto Ave Apt 4 Dunedin FL 34698-1234"],
        ["1200 SW 3rd St", "1200 Southwest 3rd Street", "1200 SW 3RD STREET.", "1200 SW Third St"],
        ["9 Park Avenue South", "9 Park Ave S"],
        ["200 US Highway 19 N", "200 US Hwy 19 North", "200 U.S. 19 N"],
        ["5 County Road 12", "5 CR 12", "5 County Rd 12", "5 Co. Rd. 12"],
        ["77 State Road 60 E", "77 SR 60 East"],
        ["15 Lake Shore Dr W Ste 4-B", "15 Lake Shore Drive West # 4B", "15 Lake Shore Dr W Unit 4 B"],
        ["31 Saint Augustine Rd", "31 St. Augustine Road"],
        ["8 Cañon Rd", "8 Canon Road", "8 Can\u0303on Rd."],
        ["12 O'Brien Ct", "12 OBrien Ct", "12 O\u2019Brien Court"],
        ["40 Main St Bldg 2 Apt 4", "40 Main St Building 2, Unit 4", "40 Main Street Bldg. 2 #4"],
        ["40 Main St Penthouse", "40 Main St PH"],
        ["40 Main St", "40 Main St, PO Box 9"],
        ["RR 2 Box 45", "Rural Route 2, Box 45", "R.R. 2 Box #45"],
    ],
)  # fmt: skip
def test_different_writings_of_a_home_are_one(writings: list[str]) -> None:
    assert len({normal_street(text, None, "Dunedin") for text in writings}) == 1


LONG = {short: written for written, short in postal.SUFFIXES.items() if len(written) > len(short)}
COMPASS = {short: written for written, short in postal.DIRECTIONS.items() if len(written) > len(short)}
WORDS = st.from_regex(r"\A[A-Z]{3,9}\Z").filter(
    lambda word: word not in postal.NEVER_IN_NAMES and word not in postal.SAME_WORDS
)


@given(
    st.integers(1, 99_999),
    st.sampled_from(["", *COMPASS]),
    st.lists(WORDS, min_size=1, max_size=3),
    st.sampled_from(sorted(LONG)),
    st.sampled_from(["", *COMPASS]),
    st.sampled_from(["", "4", "12B", "B4", "PH2"]),
)
@settings(deadline=None)
def test_no_writing_of_a_usual_address_makes_another_home(
    number: int, before: str, names: list[str], suffix: str, after: str, unit: str
) -> None:
    short = " ".join(f"{number} {before} {' '.join(names)} {suffix} {after}".split())
    long = " ".join(
        f"{number} {COMPASS.get(before, '')} {' '.join(names)} {LONG[suffix]} {COMPASS.get(after, '')}".split()
    )
    expected = (short, normal_unit(unit))
    for street in (short, long, f"{long.lower()}.", long.title()):
        assert normal_street(street, unit) == expected
        if unit:
            assert {normal_street(f"{street}{how}{unit}") for how in (" Apt ", ", Unit ", " #", " # ", " Ste. ")} == {
                expected
            }


def test_a_unit_in_its_own_column_counts_like_one_in_the_address() -> None:
    assert (
        normal_street("418 Palmetto Ave", "Apt 4")
        == normal_street("418 Palmetto Ave #4")
        == normal_street("418 Palmetto Ave #4", "4")
    )
    assert normal_street("418 Palmetto Ave", "Apt 4") != normal_street("418 Palmetto Ave", "Apt 5")
    assert normal_street("418 Palmetto Ave") != normal_street("418 Palmetto Ave", "Apt 4")
    assert normal_street("418 Palmetto Ave Apt 4", "Bldg 1") != normal_street("418 Palmetto Ave Apt 4", "Bldg 2")
    for nothing in ("N/A", "0", "none", "#", " "):
        assert normal_street("418 Palmetto Ave", nothing) == normal_street("418 Palmetto Ave")


@pytest.mark.parametrize(
    ("text", "form"),
    [("Apt 4-B", "4B"), ("#04b", "4B"), ("Unit 4 B", "4B"), ("B-4", "B4"), ("2-4", "2 4"), ("24", "24"),
     ("Bldg 2 Apt 4", "BLDG2 4"), ("Floor 2", "FL2"), ("Penthouse", "PH"), ("", ""), ("00", ""), ("#", ""), ("none", "")],
)  # fmt: skip
def test_a_unit_has_one_form(text: str, form: str) -> None:
    assert normal_unit(text) == form


def test_homes_differ_by_number_street_unit_and_zip() -> None:
    texts = (
        "1 Elm St", "2 Elm St", "1 Elm Rd", "1 Elm St Apt 1", "1 N Elm St", "1 Elm St N", "1 S Elm St", "1A Elm St",
        "1 1/2 Elm St", "1-3 Elm St", "1 Elm St Rear", "1 Avenue A", "1 Avenue B", "1 4th St", "1 5th St",
        "1 US Hwy 19", "1 Hwy 19", "1 Elm", "1 Elm St Bldg 1 Apt 1", "1 Elm St Bldg 2 Apt 1", "RR 1 Box 1",
        "RR 1 Box 2", "HC 1 Box 1",
    )  # fmt: skip
    hashes = {address_hash(*normal_street(text), zip_code) for text in texts for zip_code in ("34698", "33755")}
    assert len(hashes) == 2 * len(texts)


@pytest.mark.parametrize(
    "text", ["PO Box 12", "P.O. Box 12", "p o box 118", "Post Office Box 4", "POB 7", "PO Box 12 Ste 4", "Box 9"]
)
def test_a_po_box_is_no_property(text: str) -> None:
    with pytest.raises(PoBoxError):
        normal_street(text)


@pytest.mark.parametrize(
    "text", ["no number known", "Elm St", "12345", "#", "---", "0 Elm St", "Vacant land", "Apt 4", ""]
)
def test_what_is_no_address_says_so(text: str) -> None:
    with pytest.raises(UnreadableAddressError):
        normal_street(text)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=120), st.text(max_size=20))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_street_or_refused(text: str, unit: str) -> None:
    try:
        street, _ = normal_street(text, unit, "Dunedin")
    except (PoBoxError, UnreadableAddressError):
        return
    assert street
    assert street == street.upper()


@given(st.text("0123ABCZ #-/.aé", max_size=10))
def test_the_form_of_a_unit_is_its_own_form(text: str) -> None:
    assert normal_unit(normal_unit(text)) == normal_unit(text)
