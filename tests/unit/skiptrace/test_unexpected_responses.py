"""Unexpected responses: any response is read, or raises a VendorCallError, and affects no other lead."""

import json
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.ids import LeadId
from common.vendors.errors import VendorCallError
from common.vendors.http_client import VendorHttpResponse
from skiptrace.rules.lead import LeadPerson, LookupRequest
from skiptrace.trace.provider import MAX_CONTACTS_PER_CHANNEL, Provider, read_response
from skiptrace.vendors.batchdata import BatchDataAdapter
from skiptrace.vendors.melissa import MelissaAdapter


def lookup(number: int, street: str | None = None, unit: str | None = None) -> LookupRequest:
    person = LeadPerson("Ana", "Ruiz", None, street or f"{number} Palm Ave", unit, "Dunedin", "FL", "34698", None, None)
    return LookupRequest(LeadId(UUID(int=number)), person, f"+1727555{number:04d}", f"owner{number}@example.com")


LOOKUPS = [lookup(1), lookup(2)]
PROVIDERS: dict[str, Provider] = {
    "melissa": MelissaAdapter("https://x.example", "key", "Check,Verify", Decimal(3), 12, 100),
    "v1": BatchDataAdapter("https://x.example", "token", "v1", Decimal(10), 3_000, 100),
    "v3": BatchDataAdapter("https://x.example", "token", "v3", Decimal(10), 3_000, 100),
}
KEYS = st.sampled_from(
    [
        "status",
        "code",
        "results",
        "result",
        "persons",
        "data",
        "request",
        "requestId",
        "input",
        "inputIndex",
        "propertyAddress",
        "street",
        "zip",
        "phoneNumbers",
        "phones",
        "number",
        "type",
        "tested",
        "reachable",
        "dnc",
        "tcpa",
        "emails",
        "email",
        "address",
        "litigator",
        "deceased",
        "death",
        "meta",
        "matched",
        "error",
        "propertyOwner",
        "Records",
        "RecordID",
        "Results",
        "TransmissionResults",
        "MelissaAddressKey",
        "PhoneNumber",
        "EmailAddress",
    ]
)
LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from([str(UUID(int=1)), str(UUID(int=2)), "AS01,PS01,ES01", "7275550001", "a@b.com", "PS\0", "200", " ", "-1"])
)  # fmt: skip
ANY = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6))
SHAPED = st.fixed_dictionaries(
    {
        "status": st.fixed_dictionaries({"code": st.just(200) | LEAVES}) | ANY,
        "results": st.fixed_dictionaries({"persons": st.lists(st.dictionaries(KEYS, ANY), max_size=3)}) | ANY,
        "result": st.fixed_dictionaries({"data": st.lists(st.dictionaries(KEYS, ANY), max_size=3)}) | ANY,
        "TransmissionResults": st.just(" ") | LEAVES,
        "Records": st.lists(st.dictionaries(KEYS, ANY), max_size=3) | ANY,
    }
)


def response_of(body: Any) -> VendorHttpResponse:
    return VendorHttpResponse(200, "application/json", json.dumps(body).encode())


def person(**fields: Any) -> dict[str, Any]:
    return {
        "request": {"requestId": str(UUID(int=1))},
        "phoneNumbers": [{"number": "7275550142", "type": "Mobile", "tested": True, "reachable": True, "dnc": False}],
        "emails": [{"email": "ana@example.com", "tested": True}],
        "meta": {"matched": True, "error": False},
    } | fields


def v1(*persons: Any) -> VendorHttpResponse:
    return response_of({"status": {"code": 200}, "results": {"persons": list(persons)}})


def numbers(provider: str, response: VendorHttpResponse, lookups: list[LookupRequest] = LOOKUPS) -> list[list[str]]:
    """Return the phones of each lookup's result."""
    results = read_response(PROVIDERS[provider], lookups, response)
    return [[found.value for found in result.contacts if found.channel == "phone"] for result in results]


@pytest.mark.parametrize("name", PROVIDERS)
@given(body=SHAPED | ANY)
def test_any_response_is_read_for_each_lookup_or_raises(name: str, body: Any) -> None:
    provider = PROVIDERS[name]
    try:
        results = read_response(provider, LOOKUPS, response_of(body))
    except VendorCallError:
        return
    assert [result.lead_id for result in results] == [one.lead_id for one in LOOKUPS]
    assert provider.calculate_cents(results) >= 0
    codes = [code for result in results for code in (*result.codes, *(c for f in result.contacts for c in f.codes))]
    assert not any("\0" in code for code in codes), "PostgreSQL rejects NUL, so the lead would become a dead letter"


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" * 400])
def test_numbers_out_of_range_make_a_response_unreadable(number: str) -> None:
    body = b'{"status":{"code":%s},"results":{"persons":[]}}' % number.encode()
    with pytest.raises(VendorCallError):
        read_response(PROVIDERS["v1"], LOOKUPS, VendorHttpResponse(200, "application/json", body))


def test_a_login_page_is_an_error_at_every_provider() -> None:
    for provider in PROVIDERS.values():
        with pytest.raises(VendorCallError, match="login_page"):
            read_response(provider, LOOKUPS, VendorHttpResponse(200, "text/html", b"<html></html>"))


def test_of_ten_thousand_phones_the_first_are_kept() -> None:
    phones = [{"number": f"727555{number:04d}", "tested": True, "reachable": True} for number in range(10_000)]
    found, _ = numbers("v1", v1(person(phoneNumbers=phones)))
    assert found == [f"+1727555{number:04d}" for number in range(MAX_CONTACTS_PER_CHANNEL)]


def test_phones_of_other_countries_are_left_out() -> None:
    phones = [{"number": number} for number in ("+442079460000", "+81 3 1234 5678", "7275550142")]
    assert numbers("v1", v1(person(phoneNumbers=phones)))[0] == ["+17275550142"]


def test_a_repeated_person_counts_once() -> None:
    assert numbers("v1", v1(person(), person())) == [["+17275550142"], []]


def test_persons_in_another_order_are_assigned_to_their_lookup() -> None:
    other = person(request={"requestId": str(UUID(int=2))}, phoneNumbers=[{"number": "7275550177"}])
    assert numbers("v1", v1(other, person())) == [["+17275550142"], ["+17275550177"]]


def test_without_ids_the_address_decides_even_if_it_was_rewritten() -> None:
    first = person(request={}, propertyAddress={"street": "1 PALM AVENUE", "zip": "34698-1234"})
    other = person(
        request={}, propertyAddress={"street": "2 Palm Ave", "zip": "34698"}, phoneNumbers=[{"number": "7275550177"}]
    )
    assert numbers("v1", v1(other, first)) == [["+17275550142"], ["+17275550177"]]


def test_a_person_of_another_address_is_ignored_in_any_order() -> None:
    other_person = person(request={}, propertyAddress={"street": "77 Elm St", "zip": "10001"})
    assert numbers("v1", v1(other_person, other_person)) == [[], []]


def test_without_id_and_address_the_position_decides() -> None:
    assert numbers("v1", v1(person(request={}), person(request={}, meta={}))) == [["+17275550142"], []]


def test_a_person_with_an_unknown_id_is_ignored() -> None:
    assert numbers("v1", v1(person(request={"requestId": str(UUID(int=99))}))) == [[], []]


@pytest.mark.parametrize("matched", ["false", "False", "true", 1, {}, None])
def test_only_true_is_a_match(matched: object) -> None:
    assert numbers("v1", v1(person(meta={"matched": matched}))) == [[], []]


@pytest.mark.parametrize(
    "odd",
    [
        {"phoneNumbers": [{"number": "7275550142", "type": 5}]}, {"phoneNumbers": [{"number": {"a": 1}}, "8135550100", None]},
        {"phoneNumbers": {"0": {}}}, {"phoneNumbers": "7275550142"}, {"emails": ["ana@example.com", 4, {"email": ["x"]}]},
        {"death": True, "dnc": [], "meta": [1]}, {"meta": None}, {"request": {"requestId": str(UUID(int=1))}, "death": "no"},
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["v1", "v3"])
def test_an_unexpected_value_of_one_lead_does_not_affect_the_others(name: str, odd: dict[str, Any]) -> None:
    """An unreadable batch would lose the paid responses of a hundred leads."""
    good = person(request={"requestId": str(UUID(int=2))}, phoneNumbers=[{"number": "7275550177"}])
    if name == "v1":
        response = v1(person() | odd, None, "person", good)
    else:
        entries = [
            {"inputIndex": place, "meta": one["meta"], "persons": [None, {"propertyOwner": True, "phones": one["phoneNumbers"]} | one]}
            for place, one in enumerate((person() | odd, good))
        ]  # fmt: skip
        response = response_of({"status": {"code": 200}, "result": {"data": [*entries, None, 7]}})
    assert numbers(name, response)[1] == ["+17275550177"]


MELISSAS = st.fixed_dictionaries(
    {
        "RecordID": st.sampled_from([str(UUID(int=1)), str(UUID(int=2)), str(UUID(int=9))]),
        "Results": st.sampled_from(["AS01,PS01,ES01", "AE02,PE01", "AS01,VR01,PS03", "DD01", " "]),
        "PhoneNumber": st.sampled_from([" ", "7275550001", "8135550100"]),
        "MelissaAddressKey": st.sampled_from([" ", "8034512097", "1111111111"]),
    }
)
V1_PERSONS = st.fixed_dictionaries(
    {
        "request": st.sampled_from([{"requestId": str(UUID(int=number))} for number in (1, 2, 9)]),
        "phoneNumbers": st.lists(
            st.fixed_dictionaries({"number": st.sampled_from(["7275550001", "8135550100"]), "dnc": st.booleans()}), max_size=2
        ),
        "litigator": st.booleans(),
        "death": st.fixed_dictionaries({"deceased": st.booleans()}),
        "meta": st.fixed_dictionaries({"matched": st.booleans()}),
    }
)  # fmt: skip


def unordered_results(name: str, body: Any) -> list[Any]:
    """Return the results of a response, without the order of their parts."""
    return [
        (f.matched, f.mak, set(f.codes), set(f.person_codes), {(c.channel, c.value, frozenset(c.codes)) for c in f.contacts})
        for f in read_response(PROVIDERS[name], LOOKUPS, response_of(body))
    ]  # fmt: skip


@given(records=st.lists(MELISSAS, min_size=1, max_size=4), random=st.randoms(use_true_random=False))
def test_melissas_records_have_the_same_result_in_any_order(records: list[Any], random: Random) -> None:
    shuffled = random.sample(records, len(records))
    if {record["RecordID"] for record in records} == {str(UUID(int=9))}:
        return
    first, second = (
        unordered_results("melissa", {"TransmissionResults": " ", "Records": some}) for some in (records, shuffled)
    )
    assert first == second


@given(persons=st.lists(V1_PERSONS, max_size=4), random=st.randoms(use_true_random=False))
def test_batchdatas_persons_have_the_same_result_in_any_order(persons: list[Any], random: Random) -> None:
    shuffled = random.sample(persons, len(persons))
    first, second = (
        unordered_results("v1", {"status": {"code": 200}, "results": {"persons": some}}) for some in (persons, shuffled)
    )
    assert first == second


@pytest.mark.parametrize("status", [{}, {"status": None}, {"status": "OK"}, {"status": {"text": "OK"}}])
def test_a_response_without_a_status_is_read(status: dict[str, Any]) -> None:
    assert numbers("v1", response_of(status | {"results": {"persons": [person()]}})) == [["+17275550142"], []]


def test_a_melissa_response_without_transmission_codes_is_read() -> None:
    record = {"RecordID": str(UUID(int=1)), "Results": "AS01,PS01", "PhoneNumber": "7275550001"}
    assert numbers("melissa", response_of({"Records": [record]}))[0] == ["+17275550001"]


def test_a_response_with_a_byte_order_mark_is_read() -> None:
    response = v1(person())
    marked = VendorHttpResponse(200, "application/json", b"\xef\xbb\xbf" + response.body)
    assert numbers("v1", marked) == numbers("v1", response)


def test_a_negative_index_is_not_counted_from_the_end() -> None:
    entry = {"inputIndex": -1, "persons": [person(propertyOwner=True, phones=[{"number": "7275550142"}])]}
    with pytest.raises(VendorCallError):
        read_response(PROVIDERS["v3"], LOOKUPS, response_of({"status": {"code": 200}, "result": {"data": [entry]}}))
