"""Cells with whole addresses, places and parts of streets, by table."""

import pytest

from common.records.address_cells import (
    UNREAD_ADDRESS,
    join_mailing_lines,
    join_street,
    split_address_line,
    split_mailing_line,
    split_place,
)

HOME = ("418 Palmetto Ave", "Dunedin", "FL", "34698")
FIELDS = ("property_address", "property_city", "property_state", "property_zip")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("418 Palmetto Ave, Dunedin, FL 34698", HOME),
        ("418 Palmetto Ave,Dunedin,FL,34698", HOME),
        ("418 Palmetto Ave, Dunedin, Florida 34698", (*HOME[:2], "Florida", "34698")),
        ("418 Palmetto Ave, Dunedin, Fl. 34698", (*HOME[:2], "Fl", "34698")),
        ("418 Palmetto Ave\nDunedin, FL 34698-1122", (*HOME[:3], "34698-1122")),
        ("418 Palmetto Ave, Dunedin FL 34698", HOME),
        ("  418  Palmetto Ave , Dunedin , FL 34698 , USA ", HOME),
        ("418 Palmetto Ave, Apt 4, Dunedin, FL 34698", ("418 Palmetto Ave, Apt 4", *HOME[1:])),
        ("418 Palmetto Ave Apt 4, New Port Richey, FL 34652", ("418 Palmetto Ave Apt 4", "New Port Richey", "FL", "34652")),
        ("418 Palmetto Ave | Dunedin | FL | 34698", HOME),
        ("418 Palmetto Ave; Dunedin; FL 34698", HOME),
        ("418 Palmetto Ave - Dunedin - FL - 34698", HOME),
        ("418 Palmetto Ave, Dunedin, Pinellas County, FL 34698", HOME),
        ("7 Oak St, New York, New York 10001", ("7 Oak St", "New York", "New York", "10001")),
    ],
)  # fmt: skip
def test_a_whole_address_is_split_at_commas_and_line_breaks(text: str, parts: tuple[str, ...]) -> None:
    assert split_address_line(text) == dict(zip(FIELDS, parts, strict=True))


@pytest.mark.parametrize(
    "text",
    [
        "1379 S MAGNOLIA BLVD FORT WORTH TX 76107",
        "VACANT LAND",
        "Dunedin, FL 34698",
        "N/A",
        "418 Palmetto Ave, Apt 4 Dunedin FL 34698",
        "418 Palmetto Ave - #4 Dunedin FL 34698",
    ],
)
def test_a_cell_that_cannot_be_split_is_unread(text: str) -> None:
    found = split_address_line(text)
    assert found.get(UNREAD_ADDRESS) or "property_city" not in found or not found["property_address"][:1].isdigit()


def test_a_street_alone_has_no_place() -> None:
    assert split_address_line("418 Palmetto Ave") == {"property_address": "418 Palmetto Ave"}


def test_an_owners_address_that_cannot_be_split_is_kept_as_the_street() -> None:
    assert split_mailing_line("PO Box 12 Tampa FL 33602") == {"mailing_address": "PO Box 12 Tampa FL 33602"}
    assert split_mailing_line("PO Box 12, Tampa, FL 33602") == {
        "mailing_address": "PO Box 12", "mailing_city": "Tampa", "mailing_state": "FL", "mailing_zip": "33602",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("TAMPA, FL 33602", ("TAMPA", "FL", "33602")),
        ("FORT WORTH TX 76107", ("FORT WORTH", "TX", "76107")),
        ("FORT WORTH, TX", ("FORT WORTH", "TX", None)),
        ("FORT WORTH", (None, None, None)),
    ],
)
def test_a_place_has_a_city_a_state_and_perhaps_a_zip_code(text: str, place: tuple[str | None, ...]) -> None:
    found = split_place(text, "mailing")
    assert tuple(found.get(f"mailing_{name}") for name in ("city", "state", "zip")) == place


@pytest.mark.parametrize(
    ("parts", "street"),
    [
        ({"street_number": "418", "street_name": "PALMETTO", "street_suffix": "AVE"}, "418 PALMETTO AVE"),
        ({"street_suffix": "AVE", "street_name": "PALMETTO", "street_direction": "N", "street_number": " 418 "}, "418 N PALMETTO AVE"),
        ({"street_number": "418", "street_name": "9TH", "street_suffix": "ST", "street_post_direction": "NW"}, "418 9TH ST NW"),
        ({"street_number": "418", "street_number_suffix": "B", "street_name": "OAK"}, "418B OAK"),
        ({"street_number": "418", "street_number_suffix": "1/2", "street_name": "OAK"}, "418 1/2 OAK"),
        ({"street_number": "418", "street_number_2": "420", "street_name": "OAK"}, "418-420 OAK"),
        ({"street_number": "418", "street_number_2": "418", "street_name": "OAK"}, "418 OAK"),
        ({"street_number": "418", "street_number_2": "0", "street_name": "OAK"}, "418 OAK"),
        ({"street_number": "418"}, ""),
        ({}, ""),
    ],
)  # fmt: skip
def test_the_parts_of_a_street_are_joined_in_their_order(parts: dict[str, str], street: str) -> None:
    assert join_street(parts) == street


@pytest.mark.parametrize(
    ("lines", "street", "unit"),
    [
        (("12 Oak St", "Apt 4"), "12 Oak St", "Apt 4"),
        (("12 Oak St", "4B"), "12 Oak St", "4B"),
        (("", "12 Oak St"), "12 Oak St", ""),
        (("", "12 Oak St", "Apt 4"), "12 Oak St", "Apt 4"),
        (("C/O Holt & Co", "12 Oak St", "Apt 4"), "C/O Holt & Co, 12 Oak St", "Apt 4"),
        (("Attn: Tax Dept", "P.O. Box 12"), "Attn: Tax Dept, P.O. Box 12", ""),
        (("Holt Tower", "Suite 100"), "Holt Tower", "Suite 100"),
        (("One Main Plaza", "1204"), "One Main Plaza", "1204"),
        (("12 Oak St", "PO Box 4"), "12 Oak St", "PO Box 4"),
        (("Holt Tower", " ", "Unit 4"), "Holt Tower", "Unit 4"),
    ],
)
def test_the_street_of_an_owner_is_found_among_its_lines(lines: tuple[str, ...], street: str, unit: str) -> None:
    fields = {"mailing_address": lines[0], "mailing_unit": "\n".join(lines[1:])}
    join_mailing_lines(fields)
    assert fields == {"mailing_address": street, "mailing_unit": unit}
