"""Mapping of a file: which column counts for which field, what is missing, and what is refused."""

import pytest

from common.records.file_mapping import FileMapping, MissingField, find_repeated_headers
from common.records.file_profile import FileProfile, read_renamed
from common.records.row_reader import RowReader

PLACE = ["City", "State", "Zip"]
HOME = ["Address", *PLACE]


def fields_of(headers: list[str], profile: FileProfile | None = None, **renamed: str) -> list[str | None]:
    names = {header.replace("_", " "): target for header, target in renamed.items()}
    return [column.field for column in FileMapping.resolve(headers, profile, read_renamed(names.items())).columns]


def ranks_of(headers: list[str], profile: FileProfile | None = None) -> list[int]:
    return [column.rank for column in FileMapping.resolve(headers, profile).columns]


def describe_missing(mapping: FileMapping) -> list[MissingField]:
    return mapping.describe_missing(mapping.missing_fields())


def profile_of(**columns: str) -> FileProfile:
    return FileProfile(name="p", title="t", columns={header.replace("_", " "): to for header, to in columns.items()})


def test_the_order_of_accepted_headers_is_the_precedence_of_columns() -> None:
    assert ranks_of(["Last Sold", "Last Sale Date", "Sale Date"]) == [1, 0, 2]


def test_a_column_that_the_profile_names_counts_before_the_vocabulary() -> None:
    profile = profile_of(Sold_On="last sale date", Closed="last sale date")
    assert ranks_of(["Last Sale Date", "Closed", "Sold On"], profile) == [2, 1, 0]


def test_a_column_that_the_sender_names_counts_before_all_others() -> None:
    mapping = FileMapping.resolve(
        ["Last Sale Date", "Sold On", "When"],
        profile_of(Sold_On="last sale date"),
        read_renamed([("When", "last sale date")]),
    )
    assert [column.rank for column in mapping.columns] == [2, 1, 0]


def test_a_sender_may_ignore_a_column() -> None:
    assert fields_of([*HOME, "Phone"], Phone="ignore")[-1] is None


def test_contacts_keep_their_numbers() -> None:
    mapping = FileMapping.resolve(["Phone 2", "Phone", "Phone 2 Type", "Cell"])
    assert [(column.rank, column.line_type) for column in mapping.columns] == [
        (2, None),
        (1, None),
        (2, None),
        (101, "mobile"),
    ]


PROPERTY = ["Property Address", "Property City", "Property State", "Property Zip"]
OF_OWNER = ["mailing_address", "mailing_city", "mailing_state", "mailing_zip"]
OF_HOME = ["property_address", "property_city", "property_state", "property_zip"]


def test_a_plain_address_beside_the_propertys_is_the_owners() -> None:
    assert fields_of([*HOME, *PROPERTY]) == [*OF_OWNER, *OF_HOME]
    assert fields_of([*PROPERTY, *HOME]) == [*OF_HOME, *OF_OWNER]


def test_a_plain_address_beside_two_others_is_not_used() -> None:
    mailing = ["Mailing Address", "Mailing City", "Mailing State", "Mailing Zip"]
    assert fields_of([*HOME, *PROPERTY, *mailing]) == [*[None] * 4, *OF_HOME, *OF_OWNER]


def test_a_plain_place_completes_the_propertys_street() -> None:
    assert fields_of(["Property Address", *PLACE]) == OF_HOME
    assert fields_of([*HOME, "Property County"]) == [*OF_HOME, "county"]


def test_a_plain_address_that_a_profile_or_the_sender_names_stays_the_propertys() -> None:
    named = profile_of(Address="address", City="city", State="state", Zip="zip")
    assert fields_of([*HOME, *PROPERTY], named)[:4] == OF_HOME
    named = profile_of(Property_Address="property address", Property_City="city")
    assert fields_of([*HOME, *PROPERTY], named) == [*OF_OWNER, *OF_HOME]
    assert fields_of([*HOME, *PROPERTY], Address="address")[0] == "property_address"


def test_a_street_without_a_place_is_read_as_a_whole_address() -> None:
    assert fields_of(["Property Address", "Mailing Address"]) == ["address_line", "mailing_line"]
    assert fields_of(["Property Address", "City State Zip"]) == ["property_address", "place"]
    assert fields_of([*HOME, "Mailing Address", "Mailing City State"])[-2:] == ["mailing_address", "mailing_place"]


def test_parts_of_a_street_are_read_where_no_column_has_the_whole() -> None:
    parts = ["House Number", "Street Name", "Street Type"]
    fields = ["street_number", "street_name", "street_suffix"]
    assert fields_of([*parts, *PLACE])[:3] == fields
    assert fields_of([*parts, *HOME])[:3] == [None] * 3


@pytest.mark.parametrize(
    ("headers", "missing"),
    [
        (HOME, []),
        (["Full Address"], []),
        (["Address"], []),
        (["Address", "City State Zip"], []),
        (["House Number", "Street Name", *PLACE], []),
        (["House Number", *PLACE], ["property_address"]),
        (["Address", "City"], ["property_state", "property_zip"]),
        (["Owner", "APN"], ["property_address", "property_city", "property_state", "property_zip"]),
    ],
)  # fmt: skip
def test_fields_that_no_column_gives_are_missing(headers: list[str], missing: list[str]) -> None:
    assert FileMapping.resolve(headers).missing_fields() == missing


def test_a_missing_field_names_the_column_that_is_most_like_an_accepted_header() -> None:
    mapping = FileMapping.resolve(["Property Adress", "City", "State", "Post Code", "Kitchen"])
    nearest = {one.field: one.nearest for one in describe_missing(mapping)}
    assert nearest == {"property_address": "Property Adress", "property_zip": "Post Code"}
    assert [one.nearest for one in describe_missing(FileMapping.resolve(["City", "State", "Zip", "xyz"]))] == [None]


@pytest.mark.parametrize(
    ("headers", "nearest"),
    [
        (["Subject Address", "Subject City", "Subject State", "Subject Zip"], "Subject Zip"),
        (["Zip of Mailing", "Zip of Property"], "Zip of Property"),
        (["Owner Postal Area"], None),
    ],
)
def test_the_nearest_column_has_the_usual_word_and_is_about_no_other_address(
    headers: list[str], nearest: str | None
) -> None:
    missing = {one.field: one.nearest for one in describe_missing(FileMapping.resolve(headers))}
    assert missing["property_zip"] == nearest


def test_street_is_a_name_beside_a_column_of_house_numbers() -> None:
    assert fields_of(["Situs Num", "Situs Street"]) == ["street_number", "street_name"]
    assert fields_of(["Street"]) == ["address_line"]
    assert fields_of(["House Number", "Address", "City"]) == [None, "property_address", "property_city"]


def test_a_state_by_zip_code_needs_a_zip_code() -> None:
    profile = FileProfile.model_validate({"name": "p", "title": "t", "rules": {"state": "from_zip"}})
    missing = FileMapping.resolve(["Address", "City"], profile).missing_fields()
    assert missing == ["property_state", "property_zip"]


def test_a_rule_gives_the_state() -> None:
    profile = FileProfile.model_validate({"name": "p", "title": "t", "rules": {"state": "from_zip"}})
    assert FileMapping.resolve(["Address", "City", "Zip"], profile).missing_fields() == []


def test_columns_of_remarks_are_reported_as_ignored() -> None:
    mapping = FileMapping.resolve([*HOME, "Notes", "Phone 1 Status", "Kitchen", "DNC", ""])
    assert mapping.ignored_columns() == ["Notes", "Phone 1 Status", "Kitchen"]
    assert mapping.recognised_count() == 5


def test_a_protective_column_that_nothing_explains_is_unreadable() -> None:
    assert FileMapping.resolve([*HOME, "Callable"]).unreadable_protections() == ["Callable"]
    renamed = read_renamed([("Callable", "do not contact")])
    assert FileMapping.resolve([*HOME, "Callable"], None, renamed).unreadable_protections() == []


def test_a_protective_column_about_another_person_is_understood() -> None:
    profile = FileProfile(name="p", title="t", unused=("Relative{n}{any}",))
    headers = [*HOME, "Relative1 Phone1", "Relative1 Phone1 DNC", "Relative2 Deceased"]
    assert FileMapping.resolve(headers).unreadable_protections() == headers[-2:]
    mapping = FileMapping.resolve(headers, profile)
    assert mapping.unreadable_protections() == []
    assert mapping.ignored_columns() == headers[-3:]
    assert "unread_protection" not in RowReader(mapping).read(dict.fromkeys(headers, "Yes"))


def test_repeated_headers_are_named_if_they_have_a_field() -> None:
    mapping = FileMapping.resolve([*HOME, "Zip (2)", "Notes", "Notes (2)", "Kitchen (2)"])
    assert find_repeated_headers(mapping) == ["Zip"]


@pytest.mark.parametrize(
    ("field", "columns"),
    [
        ("phones", ["Phone 1", "Phone 1 Type"]),
        ("property_zip", ["Zip"]),
        ("zip_of_another_state", ["Zip"]),
        ("owner_first_name", ["Owner", "Middle Name"]),
        ("apn_key", ["APN", "Parcel ID"]),
    ],
)
def test_the_columns_of_a_field_are_named_for_the_report(field: str, columns: list[str]) -> None:
    mapping = FileMapping.resolve(
        [*HOME, "Owner", "Middle Name", "Parcel ID", "APN", "Phone 1 Type", "Phone 1", "Email"]
    )
    assert mapping.columns_of(field) == columns


def test_a_mapping_is_stored_and_read_again() -> None:
    mapping = FileMapping.resolve([*HOME, "Cell", "Phone 2 DNC"])
    assert FileMapping.model_validate_json(mapping.model_dump_json()) == mapping
