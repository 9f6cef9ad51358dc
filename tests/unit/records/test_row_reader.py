"""Cells of a row become the fields of a record by the meanings and rules of its file."""

from typing import Any

import pytest

from common.records.file_mapping import FileMapping
from common.records.file_profile import FileProfile
from common.records.row_reader import RowReader, read_row

HOME = {"Address": "418 Palmetto Ave", "City": "Dunedin", "State": "FL", "Zip": "34698"}


def read(cells: dict[str, str], **profile: Any) -> dict[str, Any]:
    """Return the fields of one row of a file with a profile of these parts."""
    parts = FileProfile.model_validate({"name": "p", "title": "t", **profile})
    return RowReader(FileMapping.resolve(list(cells), parts)).read(cells)


def test_the_first_column_of_a_field_with_a_value_counts() -> None:
    assert read_row({"Last Sold": "b", "Last Sale Date": "a"})["last_sale_date"] == "a"
    assert read_row({"Last Sale Date": "a", "Last Sold": "b"})["last_sale_date"] == "a"
    assert read_row({"Last Sale Date": "", "Last Sold": "b"})["last_sale_date"] == "b"
    assert read_row({"Last Sale Date": "  ", "Last Sold": "b"})["last_sale_date"] == "b"


def test_a_house_number_is_not_written_twice() -> None:
    assert read_row({"Street Number": "12", "Street": "12 Oak St"})["property_address"] == "12 Oak St"


def test_city_and_state_in_one_cell_are_read_beside_a_zip_code() -> None:
    fields = read_row({"Mailing Address": "PO Box 9", "Mailing City State": "Tampa FL", "Mailing Zip": "33601"})
    assert [fields[f"mailing_{name}"] for name in ("city", "state", "zip")] == ["Tampa", "FL", "33601"]


def test_the_kind_of_a_line_comes_from_its_column_or_from_the_header() -> None:
    cells = {"Mobile Phone": "7275550142", "Phone 1": "7275550175", "Phone 1 Type": "VoIP"}
    assert read_row(cells)["phones"] == [("7275550175", "VoIP", None), ("7275550142", "mobile", None)]


@pytest.mark.parametrize(
    ("cells", "flags"),
    [
        ({"Phone 1": "1", "Phone 2": "2", "Phone 2 DNC": "Yes"}, [None, True]),
        ({"Phone 1": "1", "Phone 2": "2", "Phone 2 DNC": "No"}, [None, False]),
        ({"Phone 1": "1", "Phone 2": "2", "Phone DNC": "No"}, [False, False]),
        ({"Phone 1": "1", "Phone 2 DNC": "Yes"}, [True]),
        ({"Phone 1": "1", "Owner 2 Phone 1 DNC": "Yes"}, [True]),
        ({"Cell": "1", "Landline": "2", "Cell DNC": "Yes"}, [True, True]),
        ({"Cell": "1", "Landline": "2", "Phone 1 DNC": "Yes"}, [True, True]),
        ({"Cell": "1", "Landline": "2", "Phone 1 DNC": "No"}, [None, None]),
        ({"Cell": "1", "Phone 1 Status": "wrong number"}, [True]),
    ],
)
def test_a_numbered_flag_is_about_its_phone_or_about_all(cells: dict[str, str], flags: list[bool | None]) -> None:
    assert [dnc for _, _, dnc in read_row(cells)["phones"]] == flags


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("", set()),
        ("Clean", set()),
        ("No", set()),
        ("DNC", {"do_not_contact"}),
        ("Litigator", {"litigator"}),
        ("TCPA Litigator", {"litigator"}),
        ("DNC, Litigator", {"do_not_contact", "litigator"}),
        ("DNC Litigator", {"do_not_contact", "litigator"}),
        ("DNC/Litigator", {"do_not_contact", "litigator"}),
        ("federal", {"do_not_contact"}),
    ],
)
def test_a_scrub_says_in_one_cell_what_forbids_contact(text: str, flags: set[str]) -> None:
    fields = read_row({**HOME, "DNC/Litigator Scrub": text})
    assert {name for name in ("do_not_contact", "litigator") if fields.get(name)} == flags


PERSONS = {
    "who": "relation",
    "who1": "relation of person 1",
    "who2": "relation of person 2",
    "a{n}": "phone {n}",
    "b{n}": "phone {n+20}",
    "mail a": "email 1",
    "mail b": "email 21",
}


@pytest.mark.parametrize(
    ("relation", "is_owner"),
    [
        ("", True), ("  ", True), ("Likely Owner", True), ("Resident, Likely Owner", True), ("owner", True), ("Potential Owner", True),
        ("Co-Owner", True), ("Resident, Likely Renting", False), ("Family", False), ("Former Owner", False), ("Not owner", False),
        ("Owner's daughter", False),
    ],
)  # fmt: skip
def test_contacts_of_a_person_who_is_not_the_owner_are_not_read(relation: str, is_owner: bool) -> None:
    cells = {
        "who1": "Likely Owner",
        "a1": "1",
        "mail a": "a@example.com",
        "who2": relation,
        "b1": "2",
        "mail b": "b@example.com",
    }
    fields = read(cells, columns=PERSONS)
    assert [number for number, _, _ in fields["phones"]] == (["1", "2"] if is_owner else ["1"])
    assert fields["emails"] == (["a@example.com", "b@example.com"] if is_owner else ["a@example.com"])


def test_a_row_about_another_person_says_nothing_about_the_owner() -> None:
    person = {
        "First Name": "Robin",
        "Owner Name": "Robin Renter",
        "Mailing Address": "1 Elm St",
        "Phone": "1",
        "Deceased": "Y",
    }
    fields = read({**HOME, **person, "who": "Likely Renting"}, columns=PERSONS)
    assert {name for name, value in fields.items() if value} == {
        "property_address", "property_city", "property_state", "property_zip",
    }  # fmt: skip


def test_a_row_about_another_person_may_close_the_lead() -> None:
    fields = read({**HOME, "who": "Likely Renting", "Tags": "do not contact"}, columns=PERSONS)
    assert fields["do_not_contact"] is True


def test_a_relation_that_forbids_contact_with_the_owner_is_read() -> None:
    assert read({**HOME, "who": "Likely Owner, Deceased"}, columns=PERSONS)["deceased_owner"] is True


def test_a_table_gives_cells_another_meaning_without_regard_to_case() -> None:
    profile = {"columns": {"CO_NO": "county"}, "rules": {"values": {"co no": {"62": "Pinellas", "A": "Pasco"}}}}
    found = [read({"CO_NO": cell}, **profile).get("county") for cell in ("62", " 62 ", "a", "99")]
    assert found == ["Pinellas", "Pinellas", "Pasco", "99"]


@pytest.mark.parametrize(
    ("zip_code", "state", "rule", "found"),
    [
        ("34698", "", "from_zip", "FL"),
        ("2458", "", "from_zip", "MA"),
        ("34698", "GA", "from_zip", "GA"),
        ("", "", "from_zip", None),
        ("30301", "", "FL", "FL"),
    ],
)
def test_a_rule_gives_the_state_of_rows_without_one(zip_code: str, state: str, rule: str, found: str | None) -> None:
    fields = read({"Zip": zip_code, "State": state}, rules={"state": rule})
    assert (fields.get("property_state") or None) == found


def test_a_rule_puts_the_month_of_dates_with_dashes_first() -> None:
    dates = ("03-07-2019", "3-7-2019", "2019-03-07", "3/7/2019")
    found = [read({"Sale Date": date}, rules={"month_first": True})["last_sale_date"] for date in dates]
    assert found == ["03/07/2019", "3/7/2019", "2019-03-07", "3/7/2019"]
    assert read({"Sale Date": "03-07-2019"})["last_sale_date"] == "03-07-2019"


def test_a_column_of_one_fact_counts_before_a_combined_one() -> None:
    whole = {"Property Full Address": "1 Elm St, Tampa, FL 33601", "Mailing Full Address": "9 Oak St, Mesa, AZ 85203"}
    fields = read_row({**HOME, **whole, "Mailing Address": "2 Elm St"})
    assert (fields["property_address"], fields["property_city"]) == ("418 Palmetto Ave", "Dunedin")
    assert fields["mailing_address"] == "2 Elm St"
    fields = read_row({**HOME, **whole, "Address": " "})
    assert (fields["property_address"], fields["property_city"]) == ("1 Elm St", "Dunedin")
    assert fields["mailing_city"] == "Mesa"


def test_a_cell_that_cannot_be_split_is_the_street_where_the_place_has_columns() -> None:
    whole = {"Full Address": "418 Palmetto Ave Dunedin FL 34698", "City": "Dunedin", "State": "FL", "Zip": "34698"}
    assert "unread_address" not in read_row(whole)
    assert "unread_address" in read_row({"Full Address": "418 Palmetto Ave Dunedin FL 34698"})


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        ({"First Name": "Iris", "Last Name": "Holt", "Middle Name": "R", "Name Suffix": "Jr"}, ("Iris R", "Holt Jr")),
        (
            {"First Name": "Iris R", "Last Name": "Holt Jr", "Middle Name": "r", "Name Suffix": "JR"},
            ("Iris R", "Holt Jr"),
        ),
        ({"First Name": "Iris", "Last Name": "Holt", "Middle Name": "n/a", "Name Suffix": " "}, ("Iris", "Holt")),
        ({"First Name": "Iris", "Last Name": "Holt", "Middle Name": "NMN"}, ("Iris", "Holt")),
        ({"First Name": "", "Last Name": "Holt", "Middle Name": "R"}, ("", "Holt")),
        ({"Owner": "Holt, Iris", "Middle Name": "R"}, ("Iris", "Holt")),
        ({"Owner": "Holt, Iris", "Last Name": "Ruiz"}, ("", "Ruiz")),
    ],
)
def test_middle_names_and_suffixes_follow_the_names(cells: dict[str, str], names: tuple[str, str]) -> None:
    fields = read_row(cells)
    assert (fields.get("owner_first_name", ""), fields.get("owner_last_name", "")) == names


@pytest.mark.parametrize(
    ("cells", "area"),
    [
        ({"Acres": "0.25"}, "0.25 acres"),
        ({"Acres": "0.25 ac"}, "0.25 ac"),
        ({"Acres": "0.25", "Lot Sqft": "9,000"}, "9,000"),
        ({"Acres": "0.25", "Lot Sqft": " "}, "0.25 acres"),
    ],
)
def test_the_size_of_a_lot_may_be_in_acres(cells: dict[str, str], area: str) -> None:
    assert read_row(cells)["lot_sqft"] == area


def test_a_column_that_looks_protective_and_is_not_understood_marks_the_row() -> None:
    """A file with such a column is refused. A row that comes without its file becomes a dead letter."""
    assert "unread_protection" in read_row({**HOME, "Callable": "Yes"})
    assert "unread_protection" not in read({**HOME, "Callable": "Yes"}, columns={"Callable": "do not contact"})


@pytest.mark.parametrize(
    ("cells", "forbidden"),
    [
        ({"Email 1": "a@x.com", "Email 2": "b@x.com", "Email 2 Opt Out": "Yes"}, ["b@x.com"]),
        ({"Email 1": "a@x.com", "Email 2 Opt Out": "Yes"}, ["a@x.com"]),
        ({"Email 1": "a@x.com", "Email 2 Opt Out": "No"}, []),
    ],
)
def test_a_numbered_flag_of_an_email_is_about_it_or_about_all(cells: dict[str, str], forbidden: list[str]) -> None:
    assert read_row(cells)["forbidden_emails"] == forbidden
