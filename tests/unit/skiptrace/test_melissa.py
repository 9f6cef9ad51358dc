"""Melissa's contract, by the shapes of its documentation (vendor contracts §4)."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from skiptrace.lead import Found, Person, Question, Want
from skiptrace.provider import (
    BadQuestionError,
    ProviderError,
    RefusedError,
    Reply,
    ThrottledError,
    UnknownAnswerError,
    UnpaidError,
    check_status,
)
from skiptrace.vendors.melissa import Melissa

LEAD = UUID("0198a1c2-5b7e-7c31-9d10-2f6a4c11e001")
MELISSA = Melissa("https://personator.example/", "key", "Check,Verify", Decimal(3), 12, 100)
PERSON = Person("Marjorie", "Holt", None, "418 Palmetto Ave", None, "Dunedin", "FL", "34698", "PINELLAS", None)
ASKED = Question(LEAD, PERSON, "+17275550142", "marjorie.holt@example.com")
RECORD = {
    "RecordID": str(LEAD), "Results": "AS01,PS01,PS08,ES01,VR01,VR02", "AddressLine1": "418 Palmetto Ave",
    "AddressLine2": " ", "City": "Dunedin", "State": "FL", "PostalCode": "34698-4021", "AddressKey": "34698402118",
    "AddressExtras": " ", "CompanyName": " ", "EmailAddress": "marjorie.holt@example.com", "PhoneNumber": "7275550142",
    "NameFull": "Marjorie Holt", "MelissaAddressKey": "8034512097", "MelissaAddressKeyBase": " ", "RecordExtras": " ",
    "Reserved": " ",
}  # fmt: skip


def reply(*records: dict[str, Any], transmission: str = " ") -> Reply:
    body = {
        "Version": "5.6.13",
        "TransmissionReference": "ec",
        "TransmissionResults": transmission,
        "TotalRecords": str(len(records)),
        "Records": list(records),
    }
    return Reply(200, "application/json", json.dumps(body).encode())


def test_the_request_is_the_documented_one() -> None:
    request = MELISSA.request([ASKED])
    assert request.url == "https://personator.example/v3/WEB/ContactVerify/doContactVerify"
    assert request.body["CustomerID"] == "key"
    assert request.body["Records"] == [
        {
            "RecordID": str(LEAD), "FullName": "Marjorie Holt", "AddressLine1": "418 Palmetto Ave", "City": "Dunedin",
            "State": "FL", "PostalCode": "34698", "Country": "US", "EmailAddress": "marjorie.holt@example.com",
            "PhoneNumber": "7275550142",
        }
    ]  # fmt: skip


def test_codes_go_to_the_values_they_are_about() -> None:
    (finding,) = MELISSA.read([ASKED], reply(RECORD))
    assert finding.contacts == (
        Found("phone", "+17275550142", ("PS01", "PS08")),
        Found("email", "marjorie.holt@example.com", ("ES01",)),
    )
    assert (finding.mak, finding.matched, finding.person_codes) == ("8034512097", True, ())


def test_a_corrected_phone_is_another_value_and_the_one_asked_about_gets_no_verdict() -> None:
    (finding,) = MELISSA.read([ASKED], reply(RECORD | {"PhoneNumber": "8135550142", "Results": "AS01,PS01,PS03"}))
    assert finding.contacts[:2] == (Found("phone", "+17275550142"), Found("phone", "+18135550142", ("PS01", "PS03")))


def test_a_phone_that_came_back_unreadable_gets_no_verdict() -> None:
    """Seven digits may be "valid", but not the ten that were asked about."""
    (finding,) = MELISSA.read([ASKED], reply(RECORD | {"PhoneNumber": "5550142", "Results": "AS01,PS01,PS02,ES01"}))
    assert finding.contacts[0] == Found("phone", "+17275550142")


def test_codes_are_read_however_they_are_written() -> None:
    (finding,) = MELISSA.read([ASKED], reply(RECORD | {"Results": " as01 , ps01,P S08 ,,es01, dd01"}))
    assert finding.codes == ("AS01", "PS01", "PS08", "ES01", "DD01")
    assert finding.contacts[0] == Found("phone", "+17275550142", ("PS01", "PS08"))
    assert finding.person_codes == ("DD01",)


def test_blanks_are_nothing_and_the_dead_are_told() -> None:
    asked = Question(LEAD, PERSON)
    record = {"EmailAddress": " ", "PhoneNumber": " ", "MelissaAddressKey": " ", "Results": "AE02,PE02,DD01"}
    (finding,) = MELISSA.read([asked], reply(RECORD | record))
    assert (finding.contacts, finding.mak, finding.matched, finding.person_codes) == ((), None, False, ("DD01",))


def test_a_record_that_is_missing_or_has_no_code_says_nothing_of_what_was_asked() -> None:
    """Nobody has looked: a verdict, even none, would keep the value from being asked about again for months."""
    other = Question(UUID(int=1), PERSON, "+17275550199", "other@example.com")
    for odd in ([], [RECORD | {"RecordID": str(UUID(int=1)), "Results": " "}], [{"RecordID": str(UUID(int=1))}]):
        findings = MELISSA.read([ASKED, other], reply(RECORD, *odd))
        assert [finding.matched for finding in findings] == [True, False]
        assert findings[1].contacts == ()
        assert MELISSA.cost_cents(findings) == 6


def test_an_answer_about_nobody_is_none() -> None:
    with pytest.raises(UnknownAnswerError):
        MELISSA.read([ASKED], reply())


def test_records_of_one_id_count_together_in_any_order() -> None:
    again = RECORD | {"Results": "AS01,PE01,DD01", "MelissaAddressKey": "1111111111"}
    (finding,), (reverse,) = (MELISSA.read([ASKED], reply(*pair)) for pair in ((RECORD, again), (again, RECORD)))
    for one in (finding, reverse):
        assert {code for found in one.contacts for code in found.codes} == {"PS01", "PS08", "PE01", "ES01"}
        assert (one.person_codes, one.mak) == (("DD01",), None), "which address key is right nobody knows"


def test_with_append_it_finds_as_well() -> None:
    appending = Melissa("https://x.example", "key", "Check,Verify,Append", Decimal(3), 12, 100)
    assert Want.PHONE in appending.offer.finds
    assert Want.PHONE not in MELISSA.offer.finds
    assert MELISSA.cost_cents(MELISSA.read([ASKED], reply(RECORD))) == 3


@pytest.mark.parametrize(
    ("transmission", "error"),
    [
        ("GE05", RefusedError),
        ("GE08", RefusedError),
        ("GE14", RefusedError),
        ("GE03", BadQuestionError),
        ("SE01", UnpaidError),
    ],
)
def test_refusals_come_with_status_200(transmission: str, error: type[ProviderError]) -> None:
    with pytest.raises(error) as caught:
        MELISSA.read([ASKED], reply(transmission=transmission))
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"Records": 4}', b'{"TransmissionResults":" ","Records":[3]}']
)
def test_an_answer_that_cannot_be_read_may_have_been_paid_for(body: bytes) -> None:
    with pytest.raises(UnknownAnswerError):
        MELISSA.read([ASKED], Reply(200, "application/json", body))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, BadQuestionError), (401, RefusedError), (402, RefusedError), (403, RefusedError), (404, RefusedError),
        (301, RefusedError), (429, ThrottledError), (500, UnpaidError), (503, UnpaidError), (502, UnknownAnswerError),
        (504, UnknownAnswerError), (520, UnknownAnswerError), (522, UnknownAnswerError), (524, UnknownAnswerError), (521, UnpaidError),
    ],
)  # fmt: skip
def test_each_status_says_whether_it_can_have_cost_anything(status: int, error: type[ProviderError]) -> None:
    with pytest.raises(error) as caught:
        check_status(Reply(status, "text/plain", b""))
    assert type(caught.value) is error
