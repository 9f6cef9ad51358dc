"""Adapter of BatchData, v1 and v3, with the shapes of its documentation (docs/vendors/batchdata.md)."""

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
from common.vendors.http_client import VendorHttpResponse
from skiptrace.rules.lead import ContactMatch, LeadPerson, LookupRequest
from skiptrace.trace.provider import read_response
from skiptrace.vendors.batchdata import BatchDataAdapter

LEAD, OTHER = LeadId(UUID(int=1)), LeadId(UUID(int=2))
V1 = BatchDataAdapter("https://api.example", "token", "v1", Decimal(10), 3_000, 100)
V3 = BatchDataAdapter("https://api.example", "token", "v3", Decimal(10), 3_000, 100)


def lookup(lead_id: LeadId = LEAD, street: str = "418 Palmetto Ave") -> LookupRequest:
    return LookupRequest(
        lead_id, LeadPerson("Marjorie", "Holt", None, street, None, "Dunedin", "FL", "34698", None, None)
    )


PERSON: dict[str, Any] = {
    "request": {"requestId": str(LEAD)},
    "name": {"first": "Marjorie", "middle": "A", "last": "Holt", "full": "Marjorie A Holt"},
    "propertyAddress": {"street": "418 Palmetto Ave", "city": "Dunedin", "state": "FL", "zip": "34698"},
    "phoneNumbers": [
        {
            "number": "7275550142",
            "type": "Land Line",
            "carrier": "Frontier",
            "tested": True,
            "reachable": True,
            "dnc": False,
        },
        {
            "number": "7275550177",
            "type": "Mobile",
            "carrier": "Verizon",
            "tested": True,
            "reachable": False,
            "dnc": True,
        },
    ],
    "emails": [{"email": "marjorie.holt@example.com", "tested": True}, {"address": "M.Holt@example.com"}],
    "bankruptcy": {},
    "death": {"deceased": False},
    "dnc": {"tcpa": False},
    "litigator": False,
    "meta": {"matched": True, "error": False, "errorMessage": None},
}


def v1(*persons: dict[str, Any], code: int = 200) -> VendorHttpResponse:
    body = {"status": {"code": code, "text": "OK"}, "results": {"persons": list(persons), "meta": {}}}
    return VendorHttpResponse(200, "application/json", json.dumps(body).encode())


def test_the_request_is_the_documented_one() -> None:
    request = V1.build_request([lookup()])
    assert request.url == "https://api.example/api/v1/property/skip-trace"
    assert request.headers["Authorization"] == "Bearer token"
    assert request.body["requests"] == [
        {
            "requestId": str(LEAD),
            "propertyAddress": {"street": "418 Palmetto Ave", "city": "Dunedin", "state": "FL", "zip": "34698"},
            "name": {"first": "Marjorie", "last": "Holt"},
        }
    ]
    assert "token" not in repr(request)


def test_phones_and_emails_come_with_their_codes_under_either_key() -> None:
    (result,) = V1.read_results([lookup()], v1(PERSON))
    assert result.matched
    assert result.contacts == (
        ContactMatch("phone", "+17275550142", ("landline", "reachable", "not_dnc")),
        ContactMatch("phone", "+17275550177", ("mobile", "unreachable", "dnc")),
        ContactMatch("email", "marjorie.holt@example.com", ("tested",)),
        ContactMatch("email", "m.holt@example.com", ()),
    )


def test_persons_without_a_request_id_are_assigned_by_address_else_by_position() -> None:
    nameless = {name: value for name, value in PERSON.items() if name != "request"}
    elsewhere = nameless | {"propertyAddress": {"street": "9 Elm St", "zip": "33601"}, "emails": [], "phoneNumbers": []}
    asked = [lookup(OTHER, "9 Elm St"), lookup()]
    results = V1.read_results(asked, v1(nameless, elsewhere))
    assert [len(result.contacts) for result in results] == [0, 4]
    homeless = nameless | {"propertyAddress": {}}
    results = V1.read_results(asked, v1(elsewhere | {"propertyAddress": {}}, homeless))
    assert [len(result.contacts) for result in results] == [0, 4]


def test_no_match_costs_nothing_and_a_match_does() -> None:
    no_match = {"request": {"requestId": str(LEAD)}, "phoneNumbers": [], "emails": [], "meta": {"matched": False}}
    results = V1.read_results([lookup()], v1(no_match))
    assert not results[0].matched
    assert V1.calculate_cents(results) == 0
    assert V1.calculate_cents(V1.read_results([lookup()], v1(PERSON))) == 10


def test_litigators_and_deceased_owners_get_person_codes() -> None:
    (result,) = V1.read_results(
        [lookup()], v1(PERSON | {"litigator": True, "phoneNumbers": [], "death": {"deceased": True}})
    )
    assert result.person_codes == ("deceased", "litigator")


@pytest.mark.parametrize(("flag", "codes"), [("true", ("dnc",)), (1, ("dnc",)), ("false", ()), (None, ())])
def test_a_do_not_call_yes_counts_in_any_type_and_a_no_only_as_false(flag: object, codes: Any) -> None:
    phones = [{"number": "7275550142", "dnc": flag}]
    [result] = V1.read_results([lookup()], v1(PERSON | {"phoneNumbers": phones, "emails": []}))
    assert result.contacts == (ContactMatch("phone", "+17275550142", codes),)


def test_a_number_of_two_owners_has_the_codes_of_both() -> None:
    phone = {"number": "7275550142", "type": "Mobile", "dnc": True}
    other = PERSON | {"phoneNumbers": [phone], "emails": []}
    (result,) = V1.read_results([lookup()], v1(PERSON, other))
    assert result.contacts[0] == ContactMatch(
        "phone", "+17275550142", ("landline", "reachable", "not_dnc", "mobile", "dnc")
    )


@pytest.mark.parametrize(
    ("flag", "stated"), [(True, True), ("true", True), ("Yes", True), (1, True), ("", False), (0, False), (None, False)]
)
def test_a_flag_against_contacting_a_person_counts_in_any_type(flag: Any, stated: bool) -> None:
    (result,) = V1.read_results([lookup()], v1(PERSON | {"litigator": flag, "death": {"deceased": flag}}))
    assert result.person_codes == (("deceased", "litigator") if stated else ())


def test_a_property_with_a_living_owner_is_not_deceased() -> None:
    (result,) = V1.read_results([lookup()], v1(PERSON | {"death": {"deceased": True}}, PERSON))
    assert result.person_codes == ()


def test_only_owners_of_a_v3_response_count() -> None:
    owner = {
        "propertyOwner": True, "litigator": False, "deceased": False,
        "phones": [{"rank": 1, "number": "7275550142", "type": "Mobile", "tested": True, "reachable": True, "dnc": False, "tcpa": True}],
        "emails": [{"rank": 1, "email": "marjorie.holt@example.com", "tested": True}],
    }  # fmt: skip
    tenant = owner | {"propertyOwner": False, "phones": [{"number": "8135550100"}]}
    data = {
        "inputIndex": 0,
        "input": {"requestId": str(LEAD)},
        "persons": [tenant, owner],
        "meta": {"matched": True, "error": False},
    }
    body = {"status": {"code": 200}, "result": {"data": [data], "meta": {"apiVersion": "3"}}}
    (result,) = V3.read_results([lookup()], VendorHttpResponse(200, "application/json", json.dumps(body).encode()))
    assert result.contacts == (
        ContactMatch("phone", "+17275550142", ("mobile", "tcpa", "reachable", "not_dnc")),
        ContactMatch("email", "marjorie.holt@example.com", ("tested",)),
    )
    assert V3.build_request([lookup()]).url.endswith("/api/v3/property/skip-trace")


def test_a_litigator_counts_without_a_match() -> None:
    (result,) = V1.read_results(
        [lookup()], v1(PERSON | {"litigator": True, "phoneNumbers": [], "meta": {"matched": False}})
    )
    assert (result.matched, result.contacts, result.person_codes) == (False, (), ("litigator",))


def v3(*entries: dict[str, Any]) -> VendorHttpResponse:
    body = {"status": {"code": 200}, "result": {"data": list(entries)}}
    return VendorHttpResponse(200, "application/json", json.dumps(body).encode())


def test_a_v3_match_without_an_owner_is_charged() -> None:
    tenant = {"propertyOwner": "false", "phones": [{"number": "8135550100"}], "emails": []}
    entry = {"inputIndex": 0, "input": None, "persons": [tenant], "meta": {"matched": True}}
    results = V3.read_results([lookup()], v3(entry))
    assert results[0].matched
    assert results[0].contacts == ()
    assert V3.calculate_cents(results) == 10


def test_repeated_v3_entries_count_together() -> None:
    owner = {"propertyOwner": True, "phones": [{"number": "7275550142", "dnc": True}]}
    entry = {"inputIndex": 0, "input": {"requestId": str(LEAD)}, "persons": [owner], "meta": {"matched": True}}
    (result,) = V3.read_results([lookup()], v3(entry, entry | {"persons": [owner | {"litigator": True}]}))
    assert (result.contacts, result.person_codes) == (
        (ContactMatch("phone", "+17275550142", ("dnc",)),),
        ("litigator",),
    )


def test_a_response_of_the_other_version_is_read() -> None:
    """It may have been stored before the version setting changed."""
    assert V3.read_results([lookup()], v1(PERSON)) == V1.read_results([lookup()], v1(PERSON))


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (400, InvalidRequestError), (401, AccessDeniedError), (403, AccessDeniedError), (429, RateLimitedError), (500, NotExecutedError),
        ("503", NotExecutedError), (504, OutcomeUnknownError),
    ],
)  # fmt: skip
def test_an_error_inside_a_200_is_raised(code: Any, error: type[VendorCallError]) -> None:
    with pytest.raises(error) as caught:
        V1.read_results([lookup()], v1(code=code))
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"status":{"code":200}}', b'{"status":{"code":200},"results":{"persons":[4]}}']
)
def test_an_unreadable_response_has_an_unknown_outcome(body: bytes) -> None:
    with pytest.raises(OutcomeUnknownError):
        read_response(V1, [lookup()], VendorHttpResponse(200, "application/json", body))


def test_every_number_of_an_entry_is_read_and_a_remark_forbids_it() -> None:
    numbers = [
        {"number": "7275550142 / 7275550177 DNC"},
        {"number": "7275550199", "type": "Wrong number"},
        {"number": 7275550188.0},
    ]
    person = PERSON | {
        "phoneNumbers": numbers,
        "emails": [{"email": "Rosa <rosa@example.com>; b@example.com (opted out)"}],
    }
    found = V1.read_results([lookup()], v1(person))[0].contacts
    assert [(one.value, one.forbidden) for one in found] == [
        ("+17275550142", True), ("+17275550177", True), ("+17275550199", True), ("+17275550188", False), ("rosa@example.com", False),
    ]  # fmt: skip
