"""Headers and what they mean, by table."""

from pathlib import Path

import pytest

from common.events import LeadRecord
from common.lead_facts import RECORD_FIELDS, REQUIRED_FIELDS
from common.records.file_mapping import FileMapping
from common.records.headers import (
    COMBINED_HEADERS,
    REJECT_COLUMNS,
    HeaderMeaning,
    accepted_headers,
    count_from_one,
    is_unreadable_protection,
    meaning_of_header,
)

PROPSTREAM = Path(__file__).parents[3] / "samples" / "propstream-1000.csv"


def test_each_accepted_header_means_its_field_in_its_order() -> None:
    for field in (*RECORD_FIELDS, *COMBINED_HEADERS):
        meanings = [meaning_of_header(header) for header in accepted_headers(field)]
        assert [meaning.field for meaning in meanings if meaning] == [field] * len(meanings)
        assert [meaning.rank for meaning in meanings if meaning] in ([*range(len(meanings))], [0] * len(meanings))


@pytest.mark.parametrize(
    ("header", "meaning"),
    [
        ("Address", ("property_address", 0)),
        ("\ufeffaddress", ("property_address", 0)),
        (" ADDRESS ", ("property_address", 0)),
        ("SITUS_ADDR", ("property_address", 11)),
        ("property_zip", ("property_zip", 2)),
        ("Unit  #", ("property_unit", 0)),
        ("Est. Remaining balance of Open Loans", ("open_loan_balance", 0)),
        ("Est Equity $", ("est_equity", 0)),
        ("Est Equity %", None),
        ("Phone", ("phones", 1)),
        ("phone_3", ("phones", 3)),
        ("Phone-3", ("phones", 3)),
        ("Phone 3 Number", ("phones", 3)),
        ("Phone Number 3", ("phones", 3)),
        ("Owner Phone 2", ("phones", 2)),
        ("Primary Phone", ("phones", 1)),
        ("Work Phone", ("phones", 405)),
        ("Work Phone 2", ("phones", 2)),
        ("Phone Type 2", ("phones.type", 2)),
        ("Phone2 Type", ("phones.type", 2)),
        ("Phone 2 Line Type", ("phones.type", 2)),
        ("PHONE_2_PHONE_TYPE", ("phones.type", 2)),
        ("Phone 1 Type 2", None),
        ("Cell", ("phones", 101, "mobile")),
        ("Cell 2", ("phones", 102, "mobile")),
        ("Mobile Phone Number", ("phones", 101, "mobile")),
        ("Landline", ("phones", 201, "landline")),
        ("Mobile 2 Type", ("phones.type", 102)),
        ("Phone 3 DNC", ("phones.dnc", 3)),
        ("Phone_3_DNC", ("phones.dnc", 3)),
        ("Phone 3 Litigator", ("phones.forbidden", 3)),
        ("Cell DNC", ("phones.dnc", 0)),
        ("Phone (Mobile)", ("phones", 101, "mobile")),
        ("Phone (Home)", ("phones", 404)),
        ("Phone No. 3", ("phones", 3)),
        ("Ph 2", ("phones", 2)),
        ("Ph", None),
        ("Seller Phone 2", ("phones", 2)),
        ("Additional Phones", ("phones", 406)),
        ("Owner 1 Phone", ("phones", 1)),
        ("Owner 2 Phone 3", ("phones", 23)),
        ("Owner 2 Phone 3 Type", ("phones.type", 23)),
        ("Owner 2 Phone 3 DNC", ("phones.dnc", 23)),
        ("Owner 2 Phone DNC", ("phones.dnc", 0)),
        ("Owner 2 Phone Status 1", ("remarks.phones", 21)),
        ("Owner 2 Email", ("emails", 21)),
        ("Owner 2 DNC", ("do_not_contact", 0)),
        ("Owner 3 Phone", None),
        ("Contact 1 Phone", ("phones", 1)),
        ("Contact 1 Phone 2", ("phones", 2)),
        ("contact_2_phone_1", ("phones", 21)),
        ("Contact 2 Email", ("emails", 21)),
        ("Contact 2 Phone 1 DNC", ("phones.dnc", 21)),
        ("Contact 2 DNC", ("do_not_contact", 0)),
        ("Contact 2 Phone DNC", ("phones.dnc", 0)),
        ("Contact 6 Phone", None),
        ("Contact 2 Relationship", ("relation", 2)),
        ("contact_1_flags", ("relation", 1)),
        ("Property Address (required)", ("property_address", 1)),
        ("First Name*", ("owner_first_name", 1)),
        ("* First Name [Required]", ("owner_first_name", 1)),
        ("Zip Code - Required", ("property_zip", 1)),
        ("State (2 letters)", ("property_state", 0)),
        ("Last Sale Date (MM/DD/YYYY)", ("last_sale_date", 0)),
        ("Building Area (SF)", ("building_sqft", 8)),
        ("Lot Size (Acres)", ("lot_acres", 1)),
        ("Est. Value ($)", ("est_value", 0)),
        ("Est Equity (%)", None),
        ("Phone 1 (optional)", ("phones", 1)),
        ("Phone 1 DNC (optional)", ("phones.dnc", 1)),
        ("Do Not Mail (if any)", ("do_not_mail", 0)),
        ("Address (Property)", ("property_address", 1)),
        ("City (Mailing)", ("mailing_city", 0)),
        ("Zip - Mailing", ("mailing_zip", 0)),
        ("Name (Owner)", ("owner_names", 1)),
        ("First Name (Owner 2)", ("owner2_first_name", 0)),
        ("Phone 2 (Owner 2)", ("phones", 22)),
        ("Phone 1 DNC (Owner 2)", ("phones.dnc", 21)),
        ("Email 4", ("emails", 4)),
        ("E-mail Address 2", ("emails", 2)),
        ("Email 1 Type", None),
        ("Opt Out", ("do_not_contact", 0)),
        ("Phone Status 1", ("remarks.phones", 1)),
        ("Phone No. 3 Status", ("remarks.phones", 3)),
        ("Home Phone Status", ("remarks.phones", 0)),
        ("Tags", ("remarks.row", 0)),
        ("DNC/Litigator Scrub", ("scrub", 0)),
        ("Scrub", None),
        ("Place", None),
        ("MLS Agent Phone", None),
        ("Relative1 Phone1", None),
        ("Personal representative phone", None),
        ("Prior Sale Recordng Date", None),
        ("", None),
    ],
)
def test_a_header_is_read_by_its_words(header: str, meaning: tuple[str, int] | None) -> None:
    assert meaning_of_header(header) == (meaning and HeaderMeaning(*meaning))


@pytest.mark.parametrize("header", ["Callable", "DNC Scrub", "Consent Given", "Relative 1 DNC"])
def test_a_header_that_looks_protective_and_is_not_understood_has_no_meaning(header: str) -> None:
    assert meaning_of_header(header) is None
    assert is_unreadable_protection(header)


@pytest.mark.parametrize(
    ("headers", "read_as"),
    [
        (["phones[0].number", "phones[1].number", "phones[1].doNotCall"],
         ["phones[1].number", "phones[2].number", "phones[2].doNotCall"]),
        (["phone_0", "phone_1", "dnc_0", "dnc_1"], ["phone_1", "phone_2", "dnc_1", "dnc_2"]),
        (["phones/0/number", "phones/1/dnc"], ["phones/1/number", "phones/2/dnc"]),
        (["owner.1.phones.0.dnc", "owner_1_first_name"], ["owner.1.phones.1.dnc", "owner_1_first_name"]),
        (["Phone.1", "Phone.2", "DNC.1"], ["Phone.1", "Phone.2", "DNC.1"]),
        (["coordinates.0", "phone_1"], ["coordinates.0", "phone_1"]),
    ],
)  # fmt: skip
def test_contacts_that_a_file_counts_from_0_are_counted_from_1(headers: list[str], read_as: list[str]) -> None:
    counted = count_from_one(headers)
    assert [counted.get(header, header) for header in headers] == read_as


def test_every_field_of_a_record_is_a_header() -> None:
    assert set(RECORD_FIELDS) == set(LeadRecord.model_fields) - {
        "source", "observed_on", "upload_id", "row", "row_problem", "broker_id", "allowed_broker_ids", "cells", "phones", "emails",
    }  # fmt: skip
    for field in RECORD_FIELDS:
        for header in (field, field.upper().replace("_", " ")):
            meaning = meaning_of_header(header)
            assert meaning
            assert meaning.field == field


def test_each_required_field_has_a_usual_header() -> None:
    assert all(map(accepted_headers, REQUIRED_FIELDS))


def test_the_columns_of_a_list_of_rejects_are_neither_read_nor_reported() -> None:
    mapping = FileMapping.resolve(["APN", *REJECT_COLUMNS])
    assert [column.field for column in mapping.columns] == ["apn", *[None] * len(REJECT_COLUMNS)]
    assert mapping.ignored_columns() == []


def test_no_two_columns_of_propstream_have_the_same_field_and_rank() -> None:
    header = PROPSTREAM.read_text(encoding="utf-8-sig").splitlines()[0].split(",")
    mapping = FileMapping.resolve(header)
    known = [(column.field, column.rank) for column in mapping.columns if column.field]
    assert (len(header), len(known)) == (143, len(set(known)))
    assert mapping.recognised_count() == 55
