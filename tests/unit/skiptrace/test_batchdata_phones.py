"""Adapter of BatchData's phone checks: only a plain `false` states that a number is on no list (docs/vendors/batchdata.md)."""

import json
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from common.ids import LeadId
from common.vendors.errors import AccessDeniedError, NotExecutedError, OutcomeUnknownError
from common.vendors.http_client import VendorHttpResponse
from skiptrace.rules.lead import ContactMatch, DataNeed, LeadPerson, LookupRequest
from skiptrace.trace.provider import read_response
from skiptrace.vendors.batchdata_phones import BatchDataPhonesAdapter

PERSON = LeadPerson("Marjorie", "Holt", None, "418 Palmetto Ave", None, "Dunedin", "FL", "34698", None, None)
P1, P2 = "+17275550142", "+17275550177"
LOOKUPS = [
    LookupRequest(LeadId(UUID(int=1)), PERSON, phones=(P1, P2)),
    LookupRequest(LeadId(UUID(int=2)), PERSON, phones=(P2,)),
]


def check(need: DataNeed = DataNeed.DNC) -> BatchDataPhonesAdapter:
    return BatchDataPhonesAdapter("https://api.example/", "token", need, Decimal(2), 3_000)


def response_of(*entries: Any, code: Any = 200) -> VendorHttpResponse:
    body = {"status": {"code": code, "text": "OK"}, "results": {"phoneNumbers": list(entries)}}
    return VendorHttpResponse(200, "application/json", json.dumps(body).encode())


def test_each_number_is_requested_and_charged_once() -> None:
    request = check(DataNeed.TCPA).build_request(LOOKUPS)
    assert request.url == "https://api.example/api/v1/phone/tcpa"
    assert request.headers["Authorization"] == "Bearer token"
    assert request.body == {"requests": ["7275550142", "7275550177"]}
    assert check().calculate_cents(check().read_results(LOOKUPS, response_of())) == 4


def test_flags_are_assigned_to_the_requested_numbers_in_any_notation() -> None:
    entries = (
        {"number": 7275550142, "dnc": False},
        {"number": "(727) 555-0177", "dnc": True},
        {"number": "8135550100", "dnc": True},
    )
    first, second = check().read_results(LOOKUPS, response_of(*entries))
    assert first.contacts == (
        ContactMatch("phone", P1, ("not_dnc",), is_check=True),
        ContactMatch("phone", P2, ("dnc",), is_check=True),
    )
    assert second.contacts == (ContactMatch("phone", P2, ("dnc",), is_check=True),)


@pytest.mark.parametrize(
    "entry",
    [
        {"number": "7275550142", "dnc": "false"}, {"number": "7275550142", "dnc": None}, {"number": "7275550142"},
        {"number": "7275550142", "dnc": 0}, {"number": "7275550142", "dnc": {}}, {"dnc": False}, {"number": None, "dnc": False},
        {"number": "7275550142", "tcpa": False}, {"number": "5550142", "dnc": False}, "7275550142", None, 7275550142,
    ],
)  # fmt: skip
def test_a_missing_flag_or_one_of_another_type_makes_no_statement(entry: Any) -> None:
    (result, _) = check().read_results(LOOKUPS, response_of(entry))
    assert result.contacts[0] == ContactMatch("phone", P1, (), is_check=True)
    assert not result.matched


@pytest.mark.parametrize("flag", [True, "true", "Yes", 1])
def test_a_yes_counts_in_any_type(flag: Any) -> None:
    for need in (DataNeed.DNC, DataNeed.TCPA):
        (result, _) = check(need).read_results(LOOKUPS, response_of({"number": "7275550142", need.value: flag}))
        assert result.contacts[0].codes == (need.value,)


def test_a_repeated_number_has_both_codes() -> None:
    entries = ({"number": "7275550142", "dnc": False}, {"number": "7275550142", "dnc": True})
    assert check().read_results(LOOKUPS, response_of(*entries))[0].contacts[0].codes == ("dnc", "not_dnc")


def test_errors_in_a_200_are_raised() -> None:
    with pytest.raises(AccessDeniedError):
        read_response(check(), LOOKUPS, VendorHttpResponse(200, "text/html", b"<html>Log in</html>"))
    with pytest.raises(AccessDeniedError):
        check().read_results(LOOKUPS, response_of(code=403))
    with pytest.raises(NotExecutedError):
        check().read_results(LOOKUPS, response_of(code="500"))


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'{"status":{"code":200}}', b'{"status":{"code":200},"results":[]}',
        b'{"status":{"code":200},"results":{"phoneNumbers":{"0":{"number":"7275550142","dnc":false}}}}',
    ],
)  # fmt: skip
def test_an_unreadable_response_has_an_unknown_outcome(body: bytes) -> None:
    with pytest.raises(OutcomeUnknownError):
        read_response(check(), LOOKUPS, VendorHttpResponse(200, "application/json", body))
