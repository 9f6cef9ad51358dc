"""Every spelling of a county gives that county, and no two counties become one."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.geography.counties import _index, counties_named, county_of_code, find_county, parcel_area
from common.geography.places import STATES


@pytest.mark.parametrize(
    ("state", "fips", "writings"),
    [
        ("TX", "48453", ["Travis", "Travis, TX", "Travis County, Texas", "TRAVIS CO.", "48453", "48453.0", "Travis (TX)", "TX - Travis",
        "453"]),
        ("FL", "12086", ["Dade", "Miami-Dade", "MIAMI DADE COUNTY", "12025"]), ("GA", "13083", ["Dade"]),
        ("GA", "13089", ["De Kalb", "DeKalb", "DEKALB COUNTY", "de-kalb"]), ("IL", "17099", ["LaSalle", "La Salle"]),
        ("IN", "18091", ["La Porte", "LaPorte", "Laporte County"]), ("NM", "35013", ["Do\xf1a Ana", "Dona Ana", "Do\xc3\xb1a Ana"]),
        ("VA", "51760", ["Richmond (city)", "Richmond City", "City of Richmond", "Richmond (Independent City)"]),
        ("VA", "51159", ["Richmond", "Richmond County"]), ("VA", "51510", ["Alexandria", "Alexandria City"]),
        ("VA", "51095", ["James City", "James City County"]), ("VA", "51019", ["Bedford", "Bedford City", "51515"]),
        ("MO", "29510", ["St. Louis City", "Saint Louis city", "City of St Louis"]), ("MO", "29189", ["St. Louis", "Saint Louis County"]),
        ("MD", "24033", ["Prince George's", "PRINCE GEORGES", "Prince George\u2019s County", "Prince George"]),
        ("MD", "24510", ["Baltimore City", "Baltimore (City)"]), ("MD", "24005", ["Baltimore", "Baltimore County"]),
        ("LA", "22071", ["Orleans", "Orleans Parish", "Parish of Orleans"]), ("LA", "22033", ["E Baton Rouge", "East Baton Rouge Parish"]),
        ("AK", "02110", ["Juneau", "City and Borough of Juneau", "Juneau City and Borough"]),
        ("AK", "02158", ["Wade Hampton", "Kusilvak Census Area"]),
        ("PR", "72021", ["Bayam\xf3n", "Bayamon Municipio"]), ("SD", "46102", ["Shannon", "Oglala Lakota", "46113"]),
        ("CT", "09110", ["Capitol", "Capitol Planning Region"]), ("CT", "09003", ["Hartford", "Hartford County"]),
        ("CO", "08031", ["Denver", "City and County of Denver"]), ("DC", "11001", ["District of Columbia", "Washington"]),
        ("NV", "32510", ["Carson City", "Carson"]), ("AL", "01001", ["Autauga", "1001", "001"]),
        ("CO", "08123", ["Weld", "Weld CO", "Weld County CO", "WELD COUNTY, CO", "Weld County, Colorado"]),
        ("VA", "51510", ["Alexandria, City of", "Alexandria Indep. City"]), ("VA", "51620", ["Franklin, City of", "FRANKLIN CITY"]),
        ("VA", "51083", ["South Boston", "South Boston City"]), ("LA", "22001", ["Acadia Par", "ACADIA PAR."]),
        ("HI", "15007", ["Kauai", "Kaua'i", "Kaua\u02bbi County", "Kaua\xb4i", "Kaua\u2018i"]), ("HI", "15003", ["Honolulu", "Oahu"]),
        ("TN", "47169", ["Trousdale", "Hartsville/Trousdale", "Hartsville-Trousdale County"]),
        ("TN", "47037", ["Davidson", "Metro Nashville-Davidson"]), ("DC", "11001", ["Dist. of Columbia"]),
        ("CT", "09110", ["Capitol Region"]), ("CT", "09190", ["Western CT", "Western Connecticut Planning Region"]),
        ("CT", "09170", ["South Central CT", "South Central Connecticut"]),
    ],
)  # fmt: skip
def test_every_spelling_of_a_county_is_one_county(state: str, fips: str, writings: list[str]) -> None:
    assert {
        text: counties_named(text, state)[0].fips for text in writings if counties_named(text, state)
    } == dict.fromkeys(writings, fips)


@pytest.mark.parametrize(
    ("text", "state"),
    [("Houston City", "TX"), ("Travis, OK", "TX"), ("Unknown", "TX"), ("48453", "FL"), ("#N/A", "TX"), ("99999", "TX"), ("Nowhere", "TX"),
     ("Weld County CO", "TX"), ("23", "FL"),
     ("", "TX"),
     ("Travis", "")],
)  # fmt: skip
def test_a_text_that_names_no_county_of_the_state_gives_none(text: str, state: str) -> None:
    assert counties_named(text, state) == ()


def test_each_county_of_the_table_is_found_by_its_name_and_no_two_share_a_name() -> None:
    index = _index()
    assert {code[:2] for code in index.by_code} >= {f"{n:02}" for n in (1, 6, 12, 36, 48, 56, 72)}
    states = {state for state in STATES.values() for _ in [0]}
    seen: Counter[tuple[str, str]] = Counter()
    for state in states:
        for codes in index.by_name[state].values():
            for code in codes:
                county = index.by_code[code]
                assert counties_named(county.name, state)[0] == county, county
    for code, county in index.by_code.items():
        seen[code[:2], county.name] += 1
    assert [name for name, times in seen.items() if times > 1] == []


@pytest.mark.parametrize(
    ("name", "code", "fips", "dropped"),
    [
        ("Pinellas", "12103", "12103", ()), ("Pinellas", "", "12103", ()), ("", "12103", "12103", ()), ("", "", None, ()),
        ("Pinellas", "12057", "12103", ("fips",)), ("Pinellas", "48453", "12103", ("fips",)), ("Pinelas", "12103", "12103", ("county",)),
        ("Pinelas", "", None, ("county",)), ("N/A", "12103", "12103", ("county",)), ("", "48453", None, ("fips",)),
    ],
)  # fmt: skip
def test_the_name_has_priority_over_a_code_that_contradicts_it(
    name: str, code: str, fips: str | None, dropped: tuple[str, ...]
) -> None:
    found = find_county(name, code, "FL")
    assert (found.county and found.county.fips, found.dropped) == (fips, dropped)


def test_the_code_decides_a_name_of_two_counties() -> None:
    found = find_county("Richmond", "51760", "VA")
    assert (found.county and found.county.name, found.dropped) == ("RICHMOND CITY", ())


def test_connecticut_is_one_parcel_area_because_its_counties_and_regions_overlap() -> None:
    assert {parcel_area(c) for c in ("09003", "09110")} == {"09000"}
    assert find_county("Hartford", "09110", "CT").dropped == ()


@given(st.text(max_size=30), st.sampled_from(sorted(STATES.values())))
def test_any_text_gives_counties_of_the_state_or_none(text: str, state: str) -> None:
    for county in counties_named(text, state):
        assert county_of_code(county.fips, state) == county
