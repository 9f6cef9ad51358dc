"""Possible places of numbers and addresses: all of them, and none for unknown ones."""

from collections import Counter, defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
import pytest
import zipcodes
from phonenumbers.geodata import GEOCODE_DATA

from common.compliance.time_zones import (
    NO_PLACES,
    TimeZonePlace,
    places_of_address,
    places_of_number,
    state_of_area_code,
)
from common.geography.places import STATES

EASTERN, CENTRAL, MOUNTAIN, PACIFIC = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
UNNAMED = {
    "203": "CT",
    "310": "CA",
    "340": "VI",
    "670": "MP",
    "671": "GU",
    "684": "AS",
    "713": "TX",
    "718": "NY",
    "787": "PR",
    "939": "PR",
}
"""Area codes for which the library names only towns or nothing, and their state."""
ZIP_CODES: list[dict[str, Any]] = zipcodes.list_all()  # type: ignore[no-untyped-call]  # the library declares no types
UNITED_STATES_REGIONS = {"US", "PR", "VI", "GU", "AS", "MP"}
WRONG_IN_LIBRARY = {"79942"}
"""ZIP codes to which the library gives a wrong zone. This one is in El Paso."""


def zones(places: frozenset[TimeZonePlace]) -> set[str]:
    return {place.zone for place in places}


def test_an_area_code_gives_its_state_and_zone() -> None:
    assert places_of_number("+17275550142") == {TimeZonePlace("FL", EASTERN)}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+18505550142", {EASTERN, CENTRAL}),  # the Florida panhandle
        ("+18125550142", {EASTERN, CENTRAL}),  # southern Indiana
        ("+19305550142", {EASTERN, CENTRAL}),  # its overlay
        ("+13645550142", {EASTERN, CENTRAL}),  # overlay of western Kentucky
        ("+14485550142", {EASTERN, CENTRAL}),  # overlay of the panhandle
        ("+14585550142", {PACIFIC, MOUNTAIN}),  # overlay of Oregon
        ("+15805550142", {CENTRAL, MOUNTAIN}),  # Kenton, Oklahoma
        ("+19285550142", {MOUNTAIN, "America/Phoenix"}),  # Arizona, with the Navajo Nation
        ("+15415550142", {PACIFIC, MOUNTAIN}),  # Oregon, with Malheur County
        ("+13345550142", {CENTRAL, EASTERN}),  # Phenix City uses Georgia's time
        ("+16895550142", {EASTERN, CENTRAL}),  # Orlando: phonenumbers knows Central alone
        ("+14025550142", {CENTRAL, MOUNTAIN}),  # Nebraska, with the west of Cherry County
        ("+15315550142", {CENTRAL, MOUNTAIN}),  # its overlay
        ("+14805550142", {"America/Phoenix"}),
        ("+18085550142", {"Pacific/Honolulu"}),
    ],
)
def test_an_area_code_over_two_zones_gives_both(number: str, expected: set[str]) -> None:
    assert zones(places_of_number(number)) == expected


@pytest.mark.parametrize(
    "number",
    [
        None,
        "",
        "7275550142",
        "+18005550199",
        "+15005550199",
        "+14165550142",
        "+18765550142",
        "+442071838750",
        "+1727555014",
    ],
)
def test_a_number_without_an_american_area_code_gives_no_place(number: str | None) -> None:
    assert places_of_number(number) == NO_PLACES


def test_states_of_area_codes_match_phonenumbers() -> None:
    differing = {}
    for number in range(200, 1000):
        code = str(number)
        name = GEOCODE_DATA.get("1" + code, {}).get("en", "").removesuffix(" State").replace("Washington D.C.", "DC")
        state = STATES.get(name.upper(), name.rsplit(", ", 1)[-1])
        expected = UNNAMED.get(code, state if state in STATES.values() else None)
        if state_of_area_code(code) != expected:
            differing[code] = (state_of_area_code(code), expected)
    assert differing == {}


def test_every_area_code_of_the_numbering_plan_has_a_place() -> None:
    numbers = [f"+1{code}2345678" for code in range(200, 1000)]
    american = [
        number
        for number in numbers
        if phonenumbers.region_code_for_number(phonenumbers.parse(number)) in UNITED_STATES_REGIONS
    ]
    geographical = [number for number in american if phonenumbers.is_number_geographical(phonenumbers.parse(number))]
    assert len(geographical) > 350
    assert [number for number in geographical if not places_of_number(number)] == []


@pytest.mark.parametrize(
    ("state", "zip_code", "expected"),
    [
        ("FL", "33755", {EASTERN}),  # Clearwater: the ZIP code excludes the state's second zone
        ("FL", "32401", {EASTERN, CENTRAL}),  # Panama City, next to the border
        ("TX", "79901", {MOUNTAIN}),  # El Paso
        ("FL", None, {EASTERN, CENTRAL}),
        ("TN", None, {EASTERN, CENTRAL}),
        ("SD", "57501", {CENTRAL, MOUNTAIN}),
        ("AZ", "85001", {"America/Phoenix"}),
        ("AZ", "86503", {"America/Phoenix", MOUNTAIN}),
        ("ID", None, {MOUNTAIN, PACIFIC}),
        (None, "98101", {PACIFIC}),
        ("HI", "96815", {"Pacific/Honolulu"}),
    ],
)
def test_an_address_gives_every_zone_that_its_zip_code_or_state_leaves_possible(
    state: str | None, zip_code: str | None, expected: set[str]
) -> None:
    assert zones(places_of_address(state, zip_code)) == expected


def test_state_and_zip_code_that_contradict_each_other_both_count() -> None:
    assert places_of_address("CA", "33755") == {TimeZonePlace("CA", PACIFIC), TimeZonePlace("FL", EASTERN)}


@pytest.mark.parametrize(
    ("state", "zip_code"),
    [
        (None, None),
        ("", ""),
        ("BC", None),
        ("BC", "98101"),
        ("FL", "00000"),
        ("FL", "ABC"),
        (None, "09012"),
        ("HI", "96799"),
        ("GU", "96939"),
        (None, "96941"),
        (None, "96960"),
        (None, "96970"),
    ],
)
def test_an_address_that_is_unknown_abroad_or_military_gives_no_place(state: str | None, zip_code: str | None) -> None:
    assert places_of_address(state, zip_code) == NO_PLACES


def test_every_state_has_places_and_every_zone_exists() -> None:
    for state in STATES.values():
        assert zones(places_of_address(state, None))
        assert all(ZoneInfo(zone) for zone in zones(places_of_address(state, None)))


@cache
def yearly_offsets(zone: str) -> tuple[timedelta | None, ...]:
    """Return a zone's offsets over a year, by which two names of one zone compare equal."""
    start = datetime(2026, 1, 1, 7, 30, tzinfo=UTC)
    return tuple((start + timedelta(days=day)).astimezone(ZoneInfo(zone)).utcoffset() for day in range(365))


def test_our_zones_of_a_zip_code_include_its_own_zone() -> None:
    wrong, seen = [], 0
    for entry in ZIP_CODES:
        possible = places_of_address(None, entry["zip_code"])
        try:
            shown = yearly_offsets(entry["timezone"])
        except (ZoneInfoNotFoundError, ValueError):
            continue  # military, or damaged in the library
        seen += 1
        if possible and shown not in {yearly_offsets(place.zone) for place in possible}:
            wrong.append((entry["zip_code"], entry["timezone"]))
    assert {code for code, _ in wrong} == WRONG_IN_LIBRARY
    assert seen > 41_000


def test_our_zones_of_an_area_code_include_the_zone_of_most_of_its_zip_codes() -> None:
    shown: dict[str, Counter[tuple[timedelta | None, ...]]] = defaultdict(Counter)
    for entry in ZIP_CODES:
        with suppress(ZoneInfoNotFoundError, ValueError):
            for code in entry["area_codes"]:
                shown[code][yearly_offsets(entry["timezone"])] += 1
    lacking = []
    for code, clocks in shown.items():
        possible = places_of_number(f"+1{code}5550142")
        if possible and clocks.most_common(1)[0][0] not in {yearly_offsets(place.zone) for place in possible}:
            lacking.append(code)
    assert lacking == []
    assert len(shown) > 350


def test_every_zip_code_in_a_state_has_a_place() -> None:
    mainland = set(STATES.values()) - {"AS", "GU", "MP"}
    unknown = [
        entry["zip_code"]
        for entry in ZIP_CODES
        if entry["state"] in mainland and not places_of_address(entry["state"], entry["zip_code"])
    ]
    assert {code[:3] for code in unknown} <= {"099", "569", "888"}  # ZIP codes of the government
