"""Any record becomes typed facts or rejection reasons, and never an error."""

from datetime import date
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.lead_facts import FLAGS, STAMPED_FACTS
from common.records.normalise import PropertyRecord, normalise
from common.records.rejection import CORRECTIONS, RejectionReason
from common.records.row_reader import read_row
from ingest.upstream_records import read_protective_fields

TODAY = date(2026, 11, 21)
HOME = {
    "property_address": "418 Palmetto Ave",
    "property_city": "Dunedin",
    "property_state": "FL",
    "property_zip": "34698",
}
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.sampled_from(
    ["", " ", "n/a", "Yes", "$1,200", "(300)", "12%", "1/2/2020", "2020-13-40", "\x00", "\ud800", "1e400", "NaN", "１２", "٣"]
)  # fmt: skip
NAMES = sorted({*STAMPED_FACTS, *FLAGS, "mak"} - {"addr_hash", "apn_key"})


def normalise_home(**values: Any) -> PropertyRecord:
    found = normalise(HOME | values, TODAY)
    assert isinstance(found, PropertyRecord), found
    return found


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, SCALARS)),
    st.lists(st.tuples(SCALARS, SCALARS, SCALARS), max_size=3),
    st.lists(SCALARS, max_size=3),
    st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_every_record_gets_facts_or_reasons(
    raw: dict[str, Any], phones: list[Any], emails: list[Any], whole: bool
) -> None:
    record = {**raw, "phones": phones, "emails": emails}
    found = normalise(record | HOME if whole else record, TODAY)
    if isinstance(found, PropertyRecord):
        assert set(found.facts) == set(STAMPED_FACTS)
        assert not any("\x00" in value for value in found.facts.values() if isinstance(value, str))
    else:
        assert found
        assert all(isinstance(reason, RejectionReason) for reason in found)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"property_address": None}, "missing_address"), ({"property_city": " "}, "missing_city"),
        ({"property_state": ""}, "missing_state"), ({"property_zip": None}, "missing_zip"),
        ({"property_state": "Floridia"}, "invalid_state"), ({"property_zip": "ABCDE"}, "invalid_zip"),
        ({"property_zip": "00000"}, "invalid_zip"), ({"property_address": "PO Box 9"}, "po_box"),
        ({"property_address": "unknown"}, "unreadable_address"), ({"owner_last_name": "Ho\x00lt"}, "invalid_characters"),
        ({"county": "Pin\ud800"}, "invalid_characters"), ({"property_type": "x" * 201}, "value_too_long"),
        ({"property_address": "418 Palm\x00etto"}, "invalid_characters"), ({"property_address": "0 Main St"}, "unreadable_address"),
        ({"property_zip": "\u0663\u0663\u0667\u0665\u0665"}, "invalid_zip"), ({"property_address": []}, "missing_address"),
        ({"property_city": {"name": "Dunedin"}}, "missing_city"), ({"property_state": 12}, "invalid_state"),
    ],
)  # fmt: skip
def test_a_record_without_a_readable_home_has_a_reason(change: dict[str, Any], reason: str) -> None:
    assert normalise(HOME | change, TODAY) == [reason]


def test_every_reason_of_a_record_is_reported() -> None:
    assert normalise({"property_address": "1 Elm St"}, TODAY) == ["missing_city", "missing_state", "missing_zip"]


def test_every_reason_has_a_correction() -> None:
    assert set(CORRECTIONS) == set(RejectionReason)


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("property_zip", "2108", "02108"), ("property_zip", 2108, "02108"), ("property_zip", 33755.0, "33755"),
        ("property_zip", "34698-4021", "34698"), ("property_state", "florida", "FL"), ("property_state", "New York", "NY"),
        ("county", "Pinellas County", "PINELLAS"), ("county", "St. Tammany Parish", "ST TAMMANY"),
        ("est_value", "$412,000", 412_000), ("est_value", "412000.00", 412_000), ("est_equity", "($1,200)", -1_200),
        ("est_ltv", "14.8%", Decimal("14.80")), ("bathrooms", 2.5, Decimal("2.50")), ("year_built", "1974", 1974),
        ("last_sale_date", "5/7/1998", date(1998, 5, 7)), ("last_sale_date", "1998-05-07T00:00:00Z", date(1998, 5, 7)),
        ("property_zip", '="02108"', "02108"), ("property_zip", "'02108", "02108"), ("property_state", "D.C.", "DC"),
        ("est_value", "412,000.49", 412_000), ("est_value", 412_000.0, 412_000), ("est_equity", "-$1,200", -1_200),
        ("est_equity", "(1,200)", -1_200), ("est_ltv", 99.999, Decimal("100.00")), ("bathrooms", "2.5", Decimal("2.50")),
        ("bedrooms", "3.0", 3), ("last_sale_date", "5/7/62", date(1962, 5, 7)), ("last_sale_date", "5/7/24", date(2024, 5, 7)),
        ("last_sale_date", "2001-02-03 00:00:00", date(2001, 2, 3)), ("last_sale_date", 20010203, date(2001, 2, 3)),
        ("last_sale_date", "5/7/1998 12:00:00 AM", date(1998, 5, 7)), ("owner_occupied", 1, True), ("owner_occupied", 0.0, False),
        ("vacant", True, True), ("vacant", "FALSE", False), ("fips", 12103.0, "12103"), ("fips", "103", "12103"), ("property_type", 42, "42"),
        ("owner_last_name", " Nu\u0301n\u0303ez\u200b \t Ruiz ", "N\xfa\xf1ez Ruiz"), ("property_unit", 4.0, "4"),
        ("owner_occupied", "Yes", True), ("vacant", "N", False), ("mailing_zip", "1602", "01602"),
    ],
)  # fmt: skip
def test_values_are_read_as_exports_write_them(field: str, text: Any, value: Any) -> None:
    assert normalise_home(**{field: text}).facts[field] == value


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("year_built", 1066), ("est_ltv", "9000"), ("last_sale_date", "2031-01-01"), ("last_sale_date", "31/31/2020"),
        ("est_value", "lots"), ("bedrooms", -2), ("open_loans", "many"), ("est_value", float("nan")), ("building_sqft", "1e9"),
    ],
)  # fmt: skip
def test_impossible_values_are_left_out_and_reported(field: str, text: Any) -> None:
    record = normalise_home(**{field: text})
    assert record.facts[field] is None
    assert record.dropped == [field]


@pytest.mark.parametrize("nothing", [None, "", " ", "\u200b"])
def test_an_empty_value_is_neither_read_nor_reported(nothing: str | None) -> None:
    named = dict.fromkeys(set(NAMES) - set(HOME), nothing)
    record = normalise_home(**named, phones=[(nothing, nothing, nothing)], emails=[nothing])
    assert {name for name in named if record.facts.get(name)} == set()
    assert (record.mak, record.phones, record.emails) == (None, [], [])
    assert set(record.dropped) <= ({"mak", "phones", "emails", *NAMES} if nothing == "\u200b" else set())


def test_a_zip_code_of_another_state_is_reported() -> None:
    assert normalise_home(property_state="CA").dropped == ["zip_of_another_state"]


@pytest.mark.parametrize(
    ("value", "mak", "dropped"),
    [("8034512097", "8034512097", []), ('="8034512097"', "8034512097", []), ("'8034512097", "8034512097", []),
     (8034512097, "8034512097", []), (8034512097.0, "8034512097", []), ("123", None, ["mak"]),
     ("8034512097.0", "8034512097", []), ("0000000000", None, ["mak"]), ("1111111111", None, ["mak"]), ("1234567890", None, ["mak"]),
     ("9876543210", None, ["mak"]), ("1212121212", None, ["mak"]), ("N/A", None, ["mak"]), ("1.23E+09", None, ["mak"]), (None, None, []),
     ("", None, [])],
)  # fmt: skip
def test_a_melissa_address_key_has_ten_digits(value: Any, mak: str | None, dropped: list[str]) -> None:
    record = normalise_home(mak=value)
    assert (record.mak, record.dropped) == (mak, dropped)


def test_a_parcel_number_that_a_spreadsheet_rounded_is_no_key() -> None:
    record = normalise_home(county="Orange", apn="1.42815E+11")
    assert (record.facts["apn_key"], record.facts["apn"], record.dropped) == (None, "1.42815E+11", ["apn"])


def test_a_parcel_number_counts_within_its_county_only() -> None:
    assert normalise_home(county="Orange", apn="12-34 5").facts["apn_key"] == "12095|12345"
    assert normalise_home(county="ORANGE COUNTY", apn="12.345").facts["apn_key"] == "12095|12345"
    assert (
        normalise_home(county="Orange", apn="12-34 5", property_state="CA", property_zip="92801").facts["apn_key"]
        == "06059|12345"
    )
    assert normalise_home(county="Orange", apn="12-34 5").facts["apn"] == "12-34 5"
    assert normalise_home(county="Orange", apn=14523.0).facts["apn_key"] == "12095|14523"
    assert normalise_home(apn="12-34 5").facts["apn_key"] is None
    assert normalise_home(county="Orange", apn="000-00").facts["apn_key"] is None


def test_propstream_cells_are_read_by_their_headers() -> None:
    raw = read_row(
        {
            "\ufeffAddress": "418 Palmetto Ave", "CITY": "Dunedin", "State": "FL", "Zip": "34698", "Unit #": "4",
            "Last Sale Recording Date": "2001-01-02", "Last Sale Date": "2001-01-01", "Phone 2": "7275550177",
            "Phone 1": "7275550142", "Phone 1 DNC": "Yes", "Phone 2 Type": "Mobile", "Email 2": "b@example.com",
            "Email 1": "a@example.com", "MLS Agent Phone": "8135550100", "Notes": "=1+1",
        }
    )  # fmt: skip
    found = normalise(raw, TODAY)
    assert isinstance(found, PropertyRecord)
    assert found.facts["last_sale_date"] == date(2001, 1, 1)
    assert [(p.value, p.line_type, p.dnc) for p in found.phones] == [
        ("+17275550142", None, True), ("+17275550177", "mobile", None),
    ]  # fmt: skip
    assert found.emails == ["a@example.com", "b@example.com"]


@pytest.mark.parametrize(
    ("cell", "forbidden"),
    [("Yes", True), ("DNC", True), ("Do Not Call", True), (True, True), ("No", False), ("Clean", False), ("", None),
     ("who knows", True), ("National DNC", True), ("✓", True), ("3/7/2019", True)],
)  # fmt: skip
def test_a_phone_is_forbidden_unless_its_flag_is_empty_or_a_clear_no(cell: Any, forbidden: bool | None) -> None:
    assert [phone.dnc for phone in normalise_home(phones=[("7275550142", None, cell)]).phones] == [forbidden]


def test_a_flag_forbids_unless_it_is_a_clear_no() -> None:
    assert normalise_home(litigator="TCPA Litigator").flags["litigator"] is True
    record = normalise_home(litigator="see notes", do_not_mail="Yes", deceased_owner="")
    assert record.flags == {"litigator": True, "do_not_mail": True, "deceased_owner": False}
    assert record.dropped == []


@pytest.mark.parametrize(
    "no", ["No", "No DNC", "Non-DNC", "not on the DNC list", "Not_Registered", "no hit", "Not Litigator", "0.0"]
)
def test_a_clear_no_forbids_nothing(no: str) -> None:
    assert normalise_home(phones=[("7275550142", None, no)]).phones[0].dnc is False


def test_contacts_come_once_each_and_in_order() -> None:
    record = normalise_home(
        phones=[
            ("n/a", "Mobile", None),
            ("8135550100", None, None),
            ("(727) 555-0142", None, None),
            (8135550100, "VoIP", None),
        ],
        emails=["none@none.com", "B@example.com", "a@example.com", "b@EXAMPLE.com", 7],
    )
    assert [(phone.value, phone.line_type) for phone in record.phones] == [
        ("+18135550100", "voip"),
        ("+17275550142", None),
    ]
    assert record.emails == ["b@example.com", "a@example.com"]
    assert record.dropped == ["phones", "emails", "emails"]


def test_the_unit_is_shown_as_its_column_has_it_or_as_the_address_has_it() -> None:
    assert normalise_home(property_unit="Apt 4").facts["property_unit"] == "Apt 4"
    assert normalise_home(property_address="418 Palmetto Ave Apt 4").facts["property_unit"] == "4"
    assert (
        normalise_home(property_unit="Apt 4").facts["addr_hash"]
        == normalise_home(property_address="418 Palmetto Ave #4").facts["addr_hash"]
    )


def test_the_city_does_not_make_another_home() -> None:
    assert normalise_home(property_city="Palm Harbor").facts["addr_hash"] == normalise_home().facts["addr_hash"]


def test_the_first_of_several_headers_for_one_field_counts() -> None:
    late, early = {"Last Sale Recording Date": "2001-01-02"}, {"Last Sale Date": "2001-01-01"}
    for cells in (late | early, early | late):
        assert read_row(cells)["last_sale_date"] == "2001-01-01"
    assert read_row(late | {"Last Sale Date": ""})["last_sale_date"] == "2001-01-02"
    headers = ("LTV", "Est LTV", "Estimated Loan-to-Value", "Est. Loan-to-Value")
    for order in permutations(headers):
        assert read_row({header: header for header in order})["est_ltv"] == "Est. Loan-to-Value"
    assert read_row({"LTV": "1", "Est LTV": "2"})["est_ltv"] == "2"


def test_a_phone_that_one_mention_forbids_is_forbidden() -> None:
    found = normalise_home(
        phones=[("7275550142", None, "No"), ("(727) 555-0142", "Mobile", "Yes"), ("727 555 0142", None, "No")]
    )
    assert [(p.value, p.line_type, p.dnc) for p in found.phones] == [("+17275550142", "mobile", True)]


def test_a_flag_of_the_row_protects_every_contact_and_a_numbered_one_its_own() -> None:
    cells = {
        "Address": "418 Palmetto Ave", "City": "Dunedin", "State": "FL", "Zip": "34698", "Phone 1": "7275550142",
        "Phone 2": "7275550177", "Email 1": "a@example.com", "Email 2": "b@example.com",
    }  # fmt: skip
    numbered = normalise(read_row(cells | {"DNC 2": "Federal", "Email 1 Opt Out": "Yes"}), TODAY)
    assert isinstance(numbered, PropertyRecord)
    assert [phone.dnc for phone in numbered.phones] == [None, True]
    assert (numbered.do_not_contact, numbered.forbidden_emails) == (False, ["a@example.com"])
    whole = normalise(read_row(cells | {"Phone1DNC": "No", "Opt Out": "2019-03-07"}), TODAY)
    assert isinstance(whole, PropertyRecord)
    assert [phone.dnc for phone in whole.phones] == [True, True]
    assert (whole.do_not_contact, whole.forbidden_emails) == (True, whole.emails)


@pytest.mark.parametrize(
    ("remarks", "dnc", "flags"),
    [
        ({"Phone 1 Status": "DNC"}, [True, None], set()),
        ({"Phone 2 Tags": "Wrong Number, called twice"}, [None, True], set()),
        ({"Tags": "absentee; wrong number"}, [True, True], set()),
        ({"Status": "Do Not Contact"}, [True, True], {"do_not_contact"}),
        ({"Notes": "said stop calling me"}, [True, True], {"do_not_contact"}),
        ({"Disposition": "Litigator"}, [True, True], {"do_not_contact", "litigator"}),
        ({"Notes": "owner deceased, son inherits"}, [True, True], {"do_not_contact", "deceased_owner"}),
        ({"Email 1 Status": "unsubscribed"}, [None, None], set()),
        ({"Email 1 Status": "Hard Bounce"}, [None, None], set()),
        ({"Email 1 Status": "do_not_mail"}, [None, None], set()),
        ({"Phone 1 Status": "Disconnected"}, [True, None], set()),
        ({"Phone 1 Status": "WRONG"}, [True, None], set()),
        ({"Phone 1 Status": "Dead"}, [True, None], set()),
        ({"Phone 1 Result": "STOP"}, [True, None], set()),
        ({"Tags": "absentee, Remove"}, [True, True], {"do_not_contact"}),
        ({"Status": "Not Interested"}, [True, True], {"do_not_contact"}),
        ({"Status": "DND"}, [True, True], {"do_not_contact"}),
        ({"Disposition": "Wrong #"}, [True, True], set()),
        ({"Notes": "asked not to be contacted"}, [True, True], {"do_not_contact"}),
        ({"Last Reply": "Stop"}, [True, True], {"do_not_contact"}),
        ({"Lists": "Absentee, DNC"}, [True, True], {"do_not_contact"}),
        ({"Lists": "Absentee (DNC scrubbed)", "Stage": "Hot"}, [None, None], set()),
        ({"Notes": "DNC National"}, [True, True], {"do_not_contact"}),
        ({"Notes": "DNC 05/03/2021"}, [True, True], {"do_not_contact"}),
        ({"Notes": "DNC - no contact"}, [True, True], {"do_not_contact"}),
        ({"Notes": "stop at the bad road, wrong side, removed the fence"}, [None, None], set()),
        ({"Notes": "bad roof, national bank, not DNC", "Status": "Active"}, [None, None], set()),
    ],
)  # fmt: skip
def test_free_text_about_a_person_may_forbid_contact(
    remarks: dict[str, str], dnc: list[bool | None], flags: set[str]
) -> None:
    contacts = {"Phone 1": "727-555-0142", "Phone 2": "727-555-0177", "Email 1": "a@example.com"}
    cells = {"Address": "418 Palmetto Ave", "City": "Dunedin", "State": "FL", "Zip": "34698"} | contacts | remarks
    found = normalise(read_row(cells), TODAY)
    assert isinstance(found, PropertyRecord)
    assert [phone.dnc for phone in found.phones] == dnc
    set_flags = {name for name, is_set in found.flags.items() if is_set} | (
        {"do_not_contact"} if found.do_not_contact else set()
    )
    assert set_flags == flags
    assert found.forbidden_emails == (
        ["a@example.com"] if "do_not_contact" in flags or "Email 1 Status" in remarks else []
    )


@pytest.mark.parametrize(
    "extra", [{"notes": "Do not call"}, {"tags": ["absentee", "DNC"]}, {"lead_status": "opted out"}]
)
def test_free_text_of_a_json_record_may_forbid_contact(extra: dict[str, object]) -> None:
    assert read_protective_fields(extra) == {"do_not_contact": True, "all_phones": True}


def test_the_address_columns_of_the_property_are_taken_together() -> None:
    owner = {"Address": "PO Box 7", "City": "Miami", "State": "FL", "Zip": "33101"}
    home = {
        "Property Address": "418 Palmetto Ave",
        "Property City": "Dunedin",
        "Property State": "FL",
        "Property Zip": "34698",
    }
    for cells in (owner | home, home | owner):
        raw = read_row(cells)
        assert (raw["property_address"], raw["property_city"]) == ("418 Palmetto Ave", "Dunedin")
    incomplete = read_row(owner | home | {"Property City": ""})
    assert "property_city" not in incomplete
    without_street = read_row(owner | home | {"Property Address": ""})
    assert "property_address" not in without_street
    assert without_street["property_city"] == "Dunedin"


def test_a_cell_of_several_phones_or_emails_is_read_whole() -> None:
    found = normalise_home(
        phones=[
            ("727-555-0142 / 727-555-0177 (cell)", None, None),
            (7.275550199e9, "Mobile", None),
            ("5.12555E+09", None, None),
        ],
        emails=["Rosa <rosa@example.com>; b@example.com.", "mailto:c@example.com"],
    )
    assert [(p.value, p.line_type) for p in found.phones] == [
        ("+17275550142", None), ("+17275550177", "mobile"), ("+17275550199", "mobile"),
    ]  # fmt: skip
    assert found.emails == ["rosa@example.com", "b@example.com", "c@example.com"]
    assert found.dropped == ["phones"]


@pytest.mark.parametrize(
    ("phones", "forbidden"),
    [
        ([("7275550142 DNC", None, "No"), ("7275550177", None, None)], [True, None]),
        ([("7275550142", "Mobile - DNC", None)], [True]),
        ([("7275550142", None, None), ("727-555-0142 wrong number", None, None)], [True]),
        ([("7275550142 / 7275550177 do not call", None, None)], [True, True]),
        ([("DO NOT CALL", None, None), ("7275550142", None, None)], [True]),
        ([("disconnected", None, None), ("7275550142", None, None)], [None]),
        ([("7275550142 (cell)", None, "No")], [False]),
    ],
)
def test_a_remark_beside_a_phone_forbids_it(phones: list[Any], forbidden: list[bool | None]) -> None:
    assert [phone.dnc for phone in normalise_home(phones=phones).phones] == forbidden


def test_columns_of_the_same_number_lose_no_contact() -> None:
    cells = {"Address": "418 Palmetto Ave", "City": "Dunedin", "State": "FL", "Zip": "34698"}
    contacts = {
        "Phone": "727-555-0142",
        "Phone 1": "727-555-0177",
        "Email": "a@example.com",
        "Email 1": "b@example.com",
    }
    found = normalise(read_row(cells | contacts | {"Phone 1 DNC": "Yes"}), TODAY)
    assert isinstance(found, PropertyRecord)
    assert [(phone.value, phone.dnc) for phone in found.phones] == [("+17275550142", True), ("+17275550177", True)]
    assert found.emails == ["a@example.com", "b@example.com"]


@pytest.mark.parametrize("refusal", ["Do not email", "opted out", "DNC"])
def test_a_refusal_in_place_of_an_email_forbids_all_emails(refusal: str) -> None:
    record = normalise_home(emails=["rosa@example.com", refusal, "holt@example.com"])
    assert (record.emails, record.forbidden_emails) == ([], ["rosa@example.com", "holt@example.com"])
    assert normalise_home(emails=["rosa@example.com", "bounced"]).emails == ["rosa@example.com"]


def test_a_remark_about_the_owner_is_a_flag_of_the_record() -> None:
    assert normalise_home(phones=[("7275550142 deceased", None, None)]).flags["deceased_owner"]
    assert normalise_home(phones=[("7275550142", "TCPA litigator", None)]).flags["litigator"]
    assert normalise_home(emails=["rosa@example.com (deceased)"]).flags["deceased_owner"]


def test_an_email_that_one_mention_forbids_is_left_out_and_reported() -> None:
    found = normalise_home(emails=["rosa@example.com", "rosa@example.com - unsubscribed", "b@example.com"])
    assert (found.emails, found.dropped) == (["b@example.com"], ["emails"])


def test_contacts_beyond_the_limit_are_reported_and_still_forbid() -> None:
    numbers = [(f"727555{line:04}", None, None) for line in range(100, 125)]
    found = normalise_home(phones=[*numbers, (numbers[0][0], None, "Yes")])
    assert len(found.phones) == 20
    assert found.phones[0].dnc is True
    assert found.dropped == ["phones"] * 5


@pytest.mark.parametrize(
    ("first", "last", "kept"),
    [("Jennifer", "Null", ("Jennifer", "Null")), ("Nan", "Goldin", ("Nan", "Goldin")), ("An", "Do", ("An", "Do")),
     ("Unknown", "Owner", (None, None)), ("#N/A", "Holt", (None, "Holt")), ("{{x}}", "Holt", (None, "Holt")),
     ("Mary", "Holt (Deceased)", ("Mary", "Holt"))],
)  # fmt: skip
def test_names_of_people_are_kept_and_placeholders_are_dropped(
    first: str, last: str, kept: tuple[str | None, str | None]
) -> None:
    record = normalise_home(owner_first_name=first, owner_last_name=last)
    names = {"owner_first_name": first, "owner_last_name": last}
    assert (record.facts["owner_first_name"], record.facts["owner_last_name"]) == kept
    assert [name for name in record.dropped if name in names] == [name for name in names if record.facts[name] is None]
    assert record.flags["deceased_owner"] is ("Deceased" in last)


def test_a_name_that_forbids_contact_forbids_every_contact_of_the_row() -> None:
    record = normalise_home(
        owner_first_name="DO NOT CONTACT", phones=[("7275550142", None, None)], emails=["a@example.com"]
    )
    assert [phone.dnc for phone in record.phones] == [True]
    assert (record.emails, record.flags["do_not_mail"]) == ([], True)
    assert {"owner_first_name", "emails"} <= set(record.dropped)
