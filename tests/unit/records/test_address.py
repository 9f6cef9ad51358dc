"""One home has one normal form in every spelling of its address; two homes never share a form."""

from itertools import product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scourgify import normalize_address_record

from common.geography.places import STATES
from common.records.addresses import postal_words
from common.records.addresses.normal_form import (
    PoBoxError,
    UnreadableAddressError,
    hash_address,
    normalise_street,
    normalise_unit,
)
from common.records.addresses.numerals import NUMBER_WORDS, format_ordinal, read_numeral

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
SUFFIXES = sorted({
    "ALLEY", "AVENUE", "AVE", "BEND", "BOULEVARD", "BLVD", "CIRCLE", "CIR", "COURT", "COVE", "CROSSING", "DRIVE", "DR", "GLEN",
    "HIGHWAY", "LANDING", "LANE", "LN", "LOOP", "PARKWAY", "PASS", "PATH", "PIKE", "PLACE", "POINT", "RIDGE", "ROAD", "RD",
    "ROW", "RUN", "SQUARE", "STREET", "ST", "TERRACE", "TRACE", "TRAIL", "VIEW", "WALK", "WAY",
})  # fmt: skip
DIRECTIONS = ("", "N", "South", "NE", "West")
UNITS = ("", "Apt 4", "Unit 12B", "#7", "Ste 200")


def usual_addresses() -> list[str]:
    """Return every name with every suffix, with alternating directions and units."""
    return [
        " ".join(
            f"{(7, 42, 123, 4180, 12345)[n % 5]} {DIRECTIONS[n % 5 if n % 2 else 0]} {name} {suffix} "
            f"{DIRECTIONS[n // 5 % 5 if n % 3 == 0 else 0]} {UNITS[n // 3 % 5]}".split()
        )
        for n, (name, suffix) in enumerate(product(NAMES, SUFFIXES))
    ]


def read_by_library(text: str) -> tuple[str, str]:
    """Return street and unit as usaddress-scourgify reads them, with our spelling of names."""
    found = normalize_address_record(
        {"address_line_1": text, "address_line_2": "", "city": "QUUXVILLE", "state": "FL", "postal_code": "34698"}
    )
    return found["address_line_1"] or "", normalise_unit(found["address_line_2"] or "")


def test_usual_addresses_are_read_as_the_library_reads_them() -> None:
    """Compare our normal form with the one of the library, and allow a few differences.

    The library is a statistical parser and sometimes breaks its own rules: it reads a last E as a unit, or shortens a type
    in one spelling and not in another. Then it must read our form as our form.
    """
    texts = usual_addresses()
    different = [(text, ours) for text in texts if read_by_library(text) != (ours := normalise_street(text))]
    contradicted = [
        (text, ours, read_by_library(ours[0]))
        for text, ours in different
        if read_by_library(ours[0])[0] != ours[0] and not ours[0].endswith(" E")
    ]
    assert len(different) < len(texts) / 10
    assert len(contradicted) <= len(texts) / 1_000, contradicted


@pytest.mark.parametrize("number", [1, 7, 42, 101, 2_718, 31_415, 123_456])
@pytest.mark.parametrize(
    "street", ["Camino Real", "Avenue B", "Via Roma", "Broadway", "Avenue of the Americas", "Calle 8", "Loop 101"]
)
def test_all_houses_of_a_street_are_on_the_same_street(number: int, street: str) -> None:
    assert (
        normalise_street(f"{number} {street}")[0].removeprefix(f"{number} ") == normalise_street(f"100 {street}")[0][4:]
    )


@pytest.mark.parametrize(
    "spellings",
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
def test_different_spellings_of_an_address_have_one_form(spellings: list[str]) -> None:
    assert len({normalise_street(text, None, "Dunedin") for text in spellings}) == 1


LONG = {short: written for written, short in postal_words.SUFFIXES.items() if len(written) > len(short)}
COMPASS = {short: written for written, short in postal_words.DIRECTIONS.items() if len(written) > len(short)}
KNOWN_WORDS = {
    *postal_words.SUFFIXES, *postal_words.DIRECTIONS, *postal_words.NAME_WORDS, *postal_words.DESIGNATORS,
    *postal_words.UNIT_PARTS, *NUMBER_WORDS, *STATES,
    *(word for spelling in postal_words.ROUTES for word in spelling.split()), "AND", "BOX", "THRU", "USA",
}  # fmt: skip
WORDS = st.from_regex(r"\A[A-Z]{3,9}\Z").filter(lambda word: word not in KNOWN_WORDS)


@given(
    st.integers(1, 99_999),
    st.sampled_from(["", *COMPASS]),
    st.lists(WORDS, min_size=1, max_size=3),
    st.sampled_from(sorted(LONG)),
    st.sampled_from(["", *COMPASS]),
    st.sampled_from(["", "4", "12B", "B4", "PH2"]),
)
@settings(deadline=None)
def test_every_spelling_of_a_usual_address_has_the_same_form(
    number: int, before: str, names: list[str], suffix: str, after: str, unit: str
) -> None:
    short = " ".join(f"{number} {before} {' '.join(names)} {suffix} {after}".split())
    long = " ".join(
        f"{number} {COMPASS.get(before, '')} {' '.join(names)} {LONG[suffix]} {COMPASS.get(after, '')}".split()
    )
    expected = (short, normalise_unit(unit))
    for street in (short, long, f"{long.lower()}.", long.title()):
        assert normalise_street(street, unit) == expected
        if unit:
            assert {
                normalise_street(f"{street}{how}{unit}") for how in (" Apt ", ", Unit ", " #", " # ", " Ste. ")
            } == {expected}


@pytest.mark.parametrize(
    ("city", "tails"),
    [
        ("Winston-Salem", [", Winston Salem, NC", " Winston-Salem NC 27101", ", Winston Salem"]),
        ("North Miami Beach", [", N Miami Beach, FL", " N. Miami Beach FL 33160", ", North Miami Beach"]),
        ("O'Fallon", [", O Fallon, MO", " OFallon MO 63366"]),
        ("De Kalb", [", DeKalb, IL", " DEKALB IL 60115"]),
    ],
)
def test_a_city_at_the_end_is_recognised_in_other_spellings(city: str, tails: list[str]) -> None:
    assert {normalise_street(f"100 Main St{tail}", None, city) for tail in tails} == {("100 MAIN ST", "")}


def test_a_unit_in_its_own_column_counts_like_one_in_the_address() -> None:
    assert (
        normalise_street("418 Palmetto Ave", "Apt 4")
        == normalise_street("418 Palmetto Ave #4")
        == normalise_street("418 Palmetto Ave #4", "4")
    )
    assert normalise_street("418 Palmetto Ave", "Apt 4") != normalise_street("418 Palmetto Ave", "Apt 5")
    assert normalise_street("418 Palmetto Ave") != normalise_street("418 Palmetto Ave", "Apt 4")
    assert normalise_street("418 Palmetto Ave Apt 4", "Bldg 1") != normalise_street("418 Palmetto Ave Apt 4", "Bldg 2")
    for nothing in ("N/A", "0", "none", "#", " "):
        assert normalise_street("418 Palmetto Ave", nothing) == normalise_street("418 Palmetto Ave")


@pytest.mark.parametrize(
    ("text", "form"),
    [("Apt 4-B", "4B"), ("#04b", "4B"), ("Unit 4 B", "4B"), ("B-4", "B4"), ("2-4", "2 4"), ("24", "24"),
     ("Bldg 2 Apt 4", "BLDG2 4"), ("Floor 2", "FL2"), ("Penthouse", "PH"), ("", ""), ("00", ""), ("#", ""), ("none", "")],
)  # fmt: skip
def test_a_unit_has_one_form(text: str, form: str) -> None:
    assert normalise_unit(text) == form


def test_homes_differ_by_number_street_unit_and_zip() -> None:
    texts = (
        "1 Elm St", "2 Elm St", "1 Elm Rd", "1 Elm St Apt 1", "1 N Elm St", "1 Elm St N", "1 S Elm St", "1A Elm St",
        "1 1/2 Elm St", "1-3 Elm St", "1 Elm St Rear", "1 Avenue A", "1 Avenue B", "1 4th St", "1 5th St",
        "1 US Hwy 19", "1 Hwy 19", "1 Elm", "1 Elm St Bldg 1 Apt 1", "1 Elm St Bldg 2 Apt 1", "RR 1 Box 1",
        "RR 1 Box 2", "HC 1 Box 1",
    )  # fmt: skip
    hashes = {hash_address(*normalise_street(text), zip_code) for text in texts for zip_code in ("34698", "33755")}
    assert len(hashes) == 2 * len(texts)


@pytest.mark.parametrize(
    "text", ["PO Box 12", "P.O. Box 12", "p o box 118", "Post Office Box 4", "POB 7", "PO Box 12 Ste 4", "Box 9"]
)
def test_a_po_box_is_no_property(text: str) -> None:
    with pytest.raises(PoBoxError):
        normalise_street(text)


@pytest.mark.parametrize(
    "text", ["no number known", "Elm St", "12345", "#", "---", "0 Elm St", "Vacant land", "Apt 4", ""]
)
def test_text_that_is_no_address_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableAddressError):
        normalise_street(text)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=220)
FRAGMENTS = (
    "100", "&", "#", "-", "/", ",", "1/2", "\u00bd", "4TH", "FL2", "N65W24870", "94-1013", "112-15", "FL", "34698", "DUNEDIN",
    "APT4", "PO", "BOX", "TO", "12A", "B",
)  # fmt: skip
PIECES = st.lists(
    st.one_of(
        st.sampled_from(sorted(KNOWN_WORDS)),
        st.sampled_from(FRAGMENTS),
        WORDS,
        st.integers(0, 10**7).map(str),
        st.text(max_size=4),
    ),
    max_size=12,
).map(" ".join)


def read_address(text: str, unit: str | None = None, city: str = "Dunedin") -> tuple[str, str] | None:
    try:
        return normalise_street(text, unit, city)
    except (PoBoxError, UnreadableAddressError):
        return None


@given(TEXT | PIECES | PIECES.map(lambda rest: f"418 {rest}"), TEXT | PIECES, TEXT)
@settings(max_examples=250, deadline=None)
def test_any_text_is_a_street_or_unreadable(text: str, unit: str, city: str) -> None:
    found = read_address(text, unit, city)
    if found is not None:
        assert found[0] == found[0].upper()
        assert len(found[0].split()) >= 2


@given(PIECES, PIECES, WORDS, WORDS)
@settings(max_examples=250, deadline=None)
def test_streets_that_differ_in_a_word_never_share_a_form(before: str, after: str, one: str, other: str) -> None:
    """Check a word in any position and context: the forms differ, or at least one street is unreadable."""
    assume(one != other)
    forms = [read_address(f"418 {before} {word} {after}") for word in (one, other)]
    assert forms[0] is None or forms[0] != forms[1]


@given(PIECES, WORDS, PIECES)
@settings(max_examples=250, deadline=None)
def test_no_word_is_lost(before: str, word: str, after: str) -> None:
    found = read_address(f"418 {before} {word} {after}")
    assert found is None or word in f"{found[0]} {found[1]}".replace("-", " ").split()


@given(st.sampled_from(sorted(postal_words.SUFFIXES)), st.sampled_from(sorted(postal_words.SUFFIXES)))
def test_street_types_are_equal_only_if_the_table_has_them_as_equal(one: str, other: str) -> None:
    are_equal = postal_words.SUFFIXES[one] == postal_words.SUFFIXES[other]
    assert (read_address(f"1 Palmetto {one}") == read_address(f"1 Palmetto {other}")) == are_equal
    names = [{word: postal_words.NAME_WORDS.get(word, word) for word in (one, other)}[word] for word in (one, other)]
    if read_address(f"1 {one} Palmetto Rd") == read_address(f"1 {other} Palmetto Rd"):
        assert names[0] == names[1]


@given(st.integers(1, 999))
def test_a_number_in_words_is_that_number(value: int) -> None:
    ones = "ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE TEN ELEVEN TWELVE THIRTEEN FOURTEEN FIFTEEN SIXTEEN SEVENTEEN EIGHTEEN NINETEEN"
    tens = "TWENTY THIRTY FORTY FIFTY SIXTY SEVENTY EIGHTY NINETY"
    words = [ones.split()[value // 100 - 1], "HUNDRED"] if value >= 100 else []
    rest = value % 100
    if rest >= 20:
        words += [tens.split()[rest // 10 - 2], *([ones.split()[rest % 10 - 1]] if rest % 10 else [])]
    elif rest:
        words.append(ones.split()[rest - 1])
    assert read_numeral(words) == (value, False, len(words))
    assert read_address(f"{' '.join(words)} Palmetto Ave") == read_address(f"{value} Palmetto Ave")
    irregular = {
        "ONE": "FIRST",
        "TWO": "SECOND",
        "THREE": "THIRD",
        "FIVE": "FIFTH",
        "EIGHT": "EIGHTH",
        "NINE": "NINTH",
        "TWELVE": "TWELFTH",
    }
    last = words[-1]
    nth = [*words[:-1], irregular.get(last) or (f"{last[:-1]}IETH" if last.endswith("Y") else f"{last}TH")]
    assert (
        read_address(f"1 {' '.join(nth)} Ave")
        == read_address(f"1 {'-'.join(nth)} Ave")
        == read_address(f"1 {format_ordinal(value)} Ave")
    )


def test_a_long_text_is_unreadable() -> None:
    assert read_address("1 " + "A" * 197 + " St") is None


@given(st.text("0123ABCZ #-/.aé", max_size=10))
def test_normalising_a_unit_twice_changes_nothing(text: str) -> None:
    assert normalise_unit(normalise_unit(text)) == normalise_unit(text)
