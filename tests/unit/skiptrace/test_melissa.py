"""Adapter of Melissa, with the shapes of its documentation (docs/vendors/melissa.md)."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from common.ids import LeadId
from common.vendors.errors import (
    AccessDeniedError,
    InvalidRequestError,
    NotExecutedError,
    OutcomeUnknownError,
    RateLimitedError,
    VendorCallError,
)
from common.vendors.http_client import VendorHttpResponse, check_status
from skiptrace.rules.lead import ContactMatch, DataNeed, LeadPerson, LookupRequest
from skiptrace.trace.provider import read_response
from skiptrace.vendors.melissa import MelissaAdapter

LEAD = LeadId(UUID("0198a1c2-5b7e-7c31-9d10-2f6a4c11e001"))
MELISSA = MelissaAdapter("https://personator.example/", "key", "Check,Verify", Decimal(3), 12, 100)
PERSON = LeadPerson("Marjorie", "Holt", None, "418 Palmetto Ave", None, "Dunedin", "FL", "34698", "PINELLAS", None)
LOOKUP = LookupRequest(LEAD, PERSON, "+17275550142", "marjorie.holt@example.com")
RECORD = {
    "RecordID": str(LEAD), "Results": "AS01,PS01,PS08,ES01,VR01,VR02", "AddressLine1": "418 Palmetto Ave",
    "AddressLine2": " ", "City": "Dunedin", "State": "FL", "PostalCode": "34698-4021", "AddressKey": "34698402118",
    "AddressExtras": " ", "CompanyName": " ", "EmailAddress": "marjorie.holt@example.com", "PhoneNumber": "7275550142",
    "NameFull": "Marjorie Holt", "MelissaAddressKey": "8034512097", "MelissaAddressKeyBase": " ", "RecordExtras": " ",
    "Reserved": " ",
}  # fmt: skip


def response_of(*records: dict[str, Any], transmission: str = " ") -> VendorHttpResponse:
    body = {
        "Version": "5.6.13",
        "TransmissionReference": "ec",
        "TransmissionResults": transmission,
        "TotalRecords": str(len(records)),
        "Records": list(records),
    }
    return VendorHttpResponse(200, "application/json", json.dumps(body).encode())


def test_the_request_is_the_documented_one() -> None:
    request = MELISSA.build_request([LOOKUP])
    assert request.url == "https://personator.example/v3/WEB/ContactVerify/doContactVerify"
    assert request.body["CustomerID"] == "key"
    assert request.body["Records"] == [
        {
            "RecordID": str(LEAD), "FullName": "Marjorie Holt", "AddressLine1": "418 Palmetto Ave", "City": "Dunedin",
            "State": "FL", "PostalCode": "34698", "Country": "US", "EmailAddress": "marjorie.holt@example.com",
            "PhoneNumber": "7275550142",
        }
    ]  # fmt: skip


def test_codes_are_assigned_to_their_values() -> None:
    (result,) = MELISSA.read_results([LOOKUP], response_of(RECORD))
    assert result.contacts == (
        ContactMatch("phone", "+17275550142", ("PS01", "PS08")),
        ContactMatch("email", "marjorie.holt@example.com", ("ES01",)),
    )
    assert (result.mak, result.matched, result.person_codes) == ("8034512097", True, ())


def test_a_corrected_phone_gets_the_codes_and_the_requested_one_gets_none() -> None:
    (result,) = MELISSA.read_results(
        [LOOKUP], response_of(RECORD | {"PhoneNumber": "8135550142", "Results": "AS01,PS01,PS03"})
    )
    assert result.contacts[:2] == (
        ContactMatch("phone", "+17275550142"),
        ContactMatch("phone", "+18135550142", ("PS01", "PS03")),
    )


def test_a_phone_that_returns_unreadable_gets_no_codes() -> None:
    """Seven digits may be "valid", but they are not the ten digits of the request."""
    (result,) = MELISSA.read_results(
        [LOOKUP], response_of(RECORD | {"PhoneNumber": "5550142", "Results": "AS01,PS01,PS02,ES01"})
    )
    assert result.contacts[0] == ContactMatch("phone", "+17275550142")


def test_codes_are_read_with_any_case_and_spacing() -> None:
    (result,) = MELISSA.read_results([LOOKUP], response_of(RECORD | {"Results": " as01 , ps01,P S08 ,,es01, dd01"}))
    assert result.codes == ("AS01", "PS01", "PS08", "ES01", "DD01")
    assert result.contacts[0] == ContactMatch("phone", "+17275550142", ("PS01", "PS08"))
    assert result.person_codes == ("DD01",)


def test_blanks_are_no_values_and_deceased_owners_get_a_person_code() -> None:
    lookup = LookupRequest(LEAD, PERSON)
    record = {"EmailAddress": " ", "PhoneNumber": " ", "MelissaAddressKey": " ", "Results": "AE02,PE02,DD01"}
    (result,) = MELISSA.read_results([lookup], response_of(RECORD | record))
    assert (result.contacts, result.mak, result.matched, result.person_codes) == ((), None, False, ("DD01",))


def test_a_missing_record_or_one_without_codes_makes_no_statement() -> None:
    """It was not verified. A result, even without a statement, would prevent another request for months."""
    other = LookupRequest(LeadId(UUID(int=1)), PERSON, "+17275550199", "other@example.com")
    for odd in ([], [RECORD | {"RecordID": str(UUID(int=1)), "Results": " "}], [{"RecordID": str(UUID(int=1))}]):
        results = MELISSA.read_results([LOOKUP, other], response_of(RECORD, *odd))
        assert [result.matched for result in results] == [True, False]
        assert results[1].contacts == ()
        assert MELISSA.calculate_cents(results) == 6


def test_a_response_without_our_records_has_an_unknown_outcome() -> None:
    with pytest.raises(OutcomeUnknownError):
        MELISSA.read_results([LOOKUP], response_of())


def test_records_of_one_id_count_together_in_any_order() -> None:
    again = RECORD | {"Results": "AS01,PE01,DD01", "MelissaAddressKey": "1111111111"}
    (result,), (reverse,) = (
        MELISSA.read_results([LOOKUP], response_of(*pair)) for pair in ((RECORD, again), (again, RECORD))
    )
    for one in (result, reverse):
        assert {code for found in one.contacts for code in found.codes} == {"PS01", "PS08", "PE01", "ES01"}
        assert (one.person_codes, one.mak) == (("DD01",), None), "two address keys contradict each other"


def test_with_append_it_also_finds() -> None:
    appending = MelissaAdapter("https://x.example", "key", "Check,Verify,Append", Decimal(3), 12, 100)
    assert DataNeed.PHONE in appending.capabilities.finds
    assert DataNeed.PHONE not in MELISSA.capabilities.finds
    assert MELISSA.calculate_cents(MELISSA.read_results([LOOKUP], response_of(RECORD))) == 3


@pytest.mark.parametrize(
    ("transmission", "error"),
    [
        ("GE05", AccessDeniedError),
        ("GE08", AccessDeniedError),
        ("GE14", AccessDeniedError),
        ("GE03", InvalidRequestError),
        ("SE01", NotExecutedError),
    ],
)
def test_errors_with_status_200_are_raised(transmission: str, error: type[VendorCallError]) -> None:
    with pytest.raises(error) as caught:
        MELISSA.read_results([LOOKUP], response_of(transmission=transmission))
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"Records": 4}', b'{"TransmissionResults":" ","Records":[3]}']
)
def test_an_unreadable_response_has_an_unknown_outcome(body: bytes) -> None:
    with pytest.raises(OutcomeUnknownError):
        read_response(MELISSA, [LOOKUP], VendorHttpResponse(200, "application/json", body))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, InvalidRequestError), (401, AccessDeniedError), (402, AccessDeniedError), (403, AccessDeniedError), (404, AccessDeniedError),
        (301, AccessDeniedError), (429, RateLimitedError), (500, NotExecutedError), (503, NotExecutedError), (502, OutcomeUnknownError),
        (504, OutcomeUnknownError), (520, OutcomeUnknownError), (522, OutcomeUnknownError), (524, OutcomeUnknownError), (521, NotExecutedError),
    ],
)  # fmt: skip
def test_each_status_states_whether_the_call_can_have_been_charged(status: int, error: type[VendorCallError]) -> None:
    with pytest.raises(error) as caught:
        check_status("melissa", VendorHttpResponse(status, "text/plain", b""))
    assert type(caught.value) is error
