"""BatchData's stand-in against BatchData's documents."""

from typing import Any

import pytest

from contracts import batchdata, conform
from support.vendors import BATCHDATA, trace_request

SEVERAL = [trace_request(number) for number in range(1, 61)]
V3 = "/api/v3/property/skip-trace"


async def test_v1_answers_in_the_documented_shape(call: Any) -> None:
    answer = conform(batchdata.AnswerV1, (await call.trace(*SEVERAL)).json)
    counts = answer.results.meta.results
    assert counts.requestCount == 60 == counts.matchCount + counts.noMatchCount
    assert counts.noMatchCount > 0


async def test_v3_answers_in_the_documented_shape(call: Any) -> None:
    answer = conform(batchdata.AnswerV3, (await call.trace(*SEVERAL, path=V3)).json)
    assert [entry.inputIndex for entry in answer.result.data] == list(range(60))


async def test_no_match_is_an_entry_with_empty_lists(call: Any) -> None:
    await call.fault("batchdata", "no_match", contains='"ld_2"')
    persons = conform(batchdata.AnswerV1, (await call.trace(*SEVERAL[:3])).json).results.persons
    missing = next(person for person in persons if person.request["requestId"] == "ld_2")
    assert (missing.meta.matched, missing.phoneNumbers, missing.emails) == (False, [], [])


async def test_only_matches_are_paid_for(call: Any) -> None:
    answer = conform(batchdata.AnswerV1, (await call.trace(*SEVERAL)).json)
    assert (await call.paid("batchdata"))["records"] == answer.results.meta.results.matchCount


async def test_a_litigator_comes_without_phones(call: Any) -> None:
    await call.fault("batchdata", "litigator")
    for path, persons in (("/api/v1/property/skip-trace", "phoneNumbers"), (V3, "phones")):
        body = (await call.trace(trace_request(1), path=path)).json
        person = body["results"]["persons"][0] if "results" in body else body["result"]["data"][0]["persons"][0]
        assert (person["litigator"], person[persons]) == (True, [])


async def test_v1_leaves_out_phones_on_tcpa_lists_and_v3_flags_them(call: Any) -> None:
    requests = [trace_request(number) for number in range(100)]
    v1 = conform(batchdata.AnswerV1, (await call.trace(*requests)).json)
    v3 = conform(batchdata.AnswerV3, (await call.trace(*requests, path=V3)).json)
    shown = {phone.number for person in v1.results.persons for phone in person.phoneNumbers}
    flagged = {
        phone.number for entry in v3.result.data for person in entry.persons for phone in person.phones if phone.tcpa
    }
    assert flagged
    assert not shown & flagged


async def test_both_vendors_know_the_same_phones(call: Any, sandbox: Any) -> None:
    body = (await call.trace(trace_request(1), includeTCPABlacklistedPhones=True)).json
    known = await call.control("GET", "people?street=1%20Palmetto%20Ave&city=Dunedin&state=FL&zip=34698")
    found = [phone["number"] for phone in body["results"]["persons"][0]["phoneNumbers"]]
    assert found == [phone["number"] for phone in known["phones"]]


async def test_the_key_of_an_email_may_be_address(call: Any) -> None:
    await call.fault("batchdata", "email_as_address")
    persons = conform(batchdata.AnswerV1, (await call.trace(*SEVERAL)).json).results.persons
    assert all(email.address and email.email is None for person in persons for email in person.emails)


async def test_the_request_id_may_be_missing(call: Any) -> None:
    await call.fault("batchdata", "no_request_id")
    persons = conform(batchdata.AnswerV1, (await call.trace(*SEVERAL)).json).results.persons
    assert all(person.request == {} for person in persons)


@pytest.mark.parametrize("path", ["/api/v1/property/skip-trace", V3])
async def test_some_requests_may_fail_among_others(call: Any, path: str) -> None:
    await call.fault("batchdata", "partial", contains='"ld_2"')
    body = (await call.trace(*SEVERAL[:3], path=path)).json
    entries = body["results"]["persons"] if "results" in body else body["result"]["data"]
    assert [entry["meta"]["error"] for entry in entries] == [False, True, False]


async def test_a_parcel_stands_for_an_address(call: Any) -> None:
    reply = await call.trace({"apn": "12-34-56", "county": "Pinellas", "state": "FL"})
    assert conform(batchdata.AnswerV1, reply.json).results.meta.results.errorCount == 0


async def test_refusals_have_their_shape(call: Any) -> None:
    too_many = await call.trace(*[trace_request(1)] * 101)
    no_key = await call("POST", "/batchdata/api/v1/property/skip-trace", {"requests": []})
    await call.fault("batchdata", "no_balance")
    no_balance = await call.trace(trace_request(1))
    assert [reply.status for reply in (too_many, no_key, no_balance)] == [400, 401, 403]
    for reply in (too_many, no_key, no_balance):
        conform(batchdata.Failure, reply.json)


async def test_calls_over_the_minutes_limit_are_a_429(call: Any, sandbox: Any) -> None:
    sandbox.world.batchdata._limit._most = 2
    statuses = [(await call.trace(trace_request(1))).status for _ in range(5)]
    assert 429 in statuses


@pytest.mark.parametrize(("kind", "deliveries"), [(None, 1), ("callback_twice", 2), ("callback_lost", 0)])
async def test_an_asynchronous_trace_is_delivered_later(
    call: Any, sandbox: Any, hooks: Any, kind: str | None, deliveries: int
) -> None:
    if kind:
        await call.fault("batchdata", kind)
    path = "/api/v1/property/skip-trace/async"
    reply = await call.trace(trace_request(1), path=path, webhookUrl=hooks.url)
    conform(batchdata.Accepted, reply.json)
    await sandbox.world.deliveries.settle()
    assert len(hooks.received) == deliveries
    for _, body in hooks.received:
        conform(batchdata.AnswerV1, body)


async def search(call: Any, **options: Any) -> batchdata.Found:
    criteria = {"query": "Pinellas County, FL", "valuation": {"equityPercent": {"min": 50}}}
    body = {"searchCriteria": criteria, "options": options}
    reply = await call("POST", "/batchdata/api/v1/property/search", body, BATCHDATA)
    return conform(batchdata.Found, reply.json)


async def test_a_search_pages_through_all_properties_once(call: Any) -> None:
    in_all = (await search(call, take=0)).results.meta.results.resultsFound
    found: list[str] = []
    while len(found) < in_all:
        page = (await search(call, skip=len(found), take=100)).results.properties
        assert all(entry.valuation.equityPercent >= 50 for entry in page)
        found += [entry.id for entry in page]
    assert len(found) == len(set(found)) == in_all
    assert (await search(call, skip=in_all, take=100)).results.properties == []


async def test_a_page_may_be_shorter_than_asked_for(call: Any) -> None:
    await call.fault("batchdata", "short_page")
    assert len((await search(call, take=100)).results.properties) == 25


async def test_counting_costs_nothing(call: Any) -> None:
    await search(call, take=0)
    assert (await call.paid("batchdata"))["records"] == 0


async def test_a_property_can_be_looked_up(call: Any) -> None:
    place = (await search(call, take=1)).results.properties[0].address
    body = {
        "requests": [
            {"address": place.model_dump(exclude={"county"})},
            {"address": {"county": "King", "state": "WA"}, "apn": "1"},
        ]
    }
    reply = await call("POST", "/batchdata/api/v1/property/lookup/all-attributes", body, BATCHDATA)
    assert len(conform(batchdata.Found, reply.json).results.properties) == 2


CHECKS = pytest.mark.parametrize(("path", "verdict"), [("verification", "reachable"), ("dnc", "dnc"), ("tcpa", "tcpa")])


@CHECKS
async def test_phones_can_be_checked(call: Any, path: str, verdict: str) -> None:
    reply = await call("POST", f"/batchdata/api/v1/phone/{path}", {"requests": ["7275550142"]}, BATCHDATA)
    conform(batchdata.Checked, reply.json)
    assert verdict in reply.json["results"]["phoneNumbers"][0]


@CHECKS
@pytest.mark.parametrize(("kind", "deliveries"), [(None, 1), ("callback_twice", 2), ("callback_lost", 0)])
async def test_an_asynchronous_check_is_delivered_later_and_paid_once(
    call: Any, sandbox: Any, hooks: Any, path: str, verdict: str, kind: str | None, deliveries: int
) -> None:
    if kind:
        await call.fault("batchdata", kind)
    body = {"requests": ["7275550142"], "options": {"webhookUrl": hooks.url}}
    reply = await call("POST", f"/batchdata/api/v1/phone/{path}/async", body, BATCHDATA)
    conform(batchdata.Accepted, reply.json)
    await sandbox.world.deliveries.settle()
    assert [conform(batchdata.Checked, document).results.phoneNumbers[0].number for _, document in hooks.received] == [
        "7275550142"
    ] * deliveries
    assert all(verdict in document["results"]["phoneNumbers"][0] for _, document in hooks.received)
    assert (await call.paid("batchdata"))["operations"] == {f"phone_{path}": 1}


async def test_an_asynchronous_check_needs_an_address_to_answer_to(call: Any) -> None:
    reply = await call("POST", "/batchdata/api/v1/phone/dnc/async", {"requests": ["7275550142"]}, BATCHDATA)
    assert reply.status == 400
    assert (await call.paid("batchdata"))["records"] == 0


@pytest.mark.parametrize("number", ["", "x", "555-0142"])
async def test_what_is_no_phone_number_is_refused_and_free(call: Any, number: str) -> None:
    body = {"requests": ["7275550142", number]}
    assert (await call("POST", "/batchdata/api/v1/phone/dnc", body, BATCHDATA)).status == 400
    assert (await call.paid("batchdata"))["records"] == 0


@pytest.mark.parametrize(
    ("parcel", "is_taken"),
    [
        ({"apn": "12-1", "county": "Pinellas", "state": "FL"}, True),
        ({"apn": "12-1", "countyFipsCode": "12103"}, True),
        ({"apn": "12-1", "county": "Pinellas"}, False),
        ({"apn": "12-1"}, False),
    ],
)
async def test_a_parcel_is_named_with_its_county(call: Any, parcel: dict[str, str], is_taken: bool) -> None:
    [person] = conform(batchdata.AnswerV1, (await call.trace(parcel)).json).results.persons
    assert person.meta.error is not is_taken


async def test_whoever_sues_has_no_phones(call: Any) -> None:
    await call.fault("batchdata", "litigator")
    v1 = conform(batchdata.AnswerV1, (await call.trace(*SEVERAL)).json).results.persons
    assert {(person.litigator, len(person.phoneNumbers)) for person in v1 if person.meta.matched} == {(True, 0)}
    assert any(person.emails for person in v1)


async def test_a_trace_and_the_checks_say_the_same_of_a_phone(call: Any) -> None:
    persons = conform(batchdata.AnswerV1, (await call.trace(*SEVERAL)).json).results.persons
    traced = {phone.number: phone.dnc for person in persons for phone in person.phoneNumbers}
    reply = await call("POST", "/batchdata/api/v1/phone/dnc", {"requests": list(traced)[:100]}, BATCHDATA)
    checked = {phone.number: phone.dnc for phone in conform(batchdata.Checked, reply.json).results.phoneNumbers}
    assert checked.items() <= traced.items()
    assert set(checked.values()) == {True, False}
