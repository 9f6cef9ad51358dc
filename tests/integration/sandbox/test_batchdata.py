"""BatchData's stand-in, compared with BatchData's documentation."""

from typing import Any

import pytest

from contracts import batchdata, conform
from support.vendors import BATCHDATA_HEADERS, create_trace_request

REQUESTS = [create_trace_request(number) for number in range(1, 61)]
V3_PATH = "/api/v3/property/skip-trace"


async def test_v1_has_the_documented_shape(client: Any) -> None:
    answer = conform(batchdata.AnswerV1, (await client.trace_properties(*REQUESTS)).json)
    counts = answer.results.meta.results
    assert counts.requestCount == 60 == counts.matchCount + counts.noMatchCount
    assert counts.noMatchCount > 0


async def test_v3_has_the_documented_shape(client: Any) -> None:
    answer = conform(batchdata.AnswerV3, (await client.trace_properties(*REQUESTS, path=V3_PATH)).json)
    assert [entry.inputIndex for entry in answer.result.data] == list(range(60))


async def test_no_match_is_an_entry_with_empty_lists(client: Any) -> None:
    await client.add_fault("batchdata", "no_match", contains='"ld_2"')
    persons = conform(batchdata.AnswerV1, (await client.trace_properties(*REQUESTS[:3])).json).results.persons
    missing = next(person for person in persons if person.request["requestId"] == "ld_2")
    assert (missing.meta.matched, missing.phoneNumbers, missing.emails) == (False, [], [])


async def test_only_matches_are_paid_for(client: Any) -> None:
    answer = conform(batchdata.AnswerV1, (await client.trace_properties(*REQUESTS)).json)
    assert (await client.fetch_charges("batchdata"))["records"] == answer.results.meta.results.matchCount


async def test_a_litigator_comes_without_phones(client: Any) -> None:
    await client.add_fault("batchdata", "litigator")
    for path, persons in (("/api/v1/property/skip-trace", "phoneNumbers"), (V3_PATH, "phones")):
        body = (await client.trace_properties(create_trace_request(1), path=path)).json
        person = body["results"]["persons"][0] if "results" in body else body["result"]["data"][0]["persons"][0]
        assert (person["litigator"], person[persons]) == (True, [])


async def test_v1_omits_phones_on_tcpa_lists_and_v3_flags_them(client: Any) -> None:
    requests = [create_trace_request(number) for number in range(100)]
    v1 = conform(batchdata.AnswerV1, (await client.trace_properties(*requests)).json)
    v3 = conform(batchdata.AnswerV3, (await client.trace_properties(*requests, path=V3_PATH)).json)
    shown = {phone.number for person in v1.results.persons for phone in person.phoneNumbers}
    flagged = {
        phone.number for entry in v3.result.data for person in entry.persons for phone in person.phones if phone.tcpa
    }
    assert flagged
    assert not shown & flagged


async def test_the_control_api_shows_the_phones_that_a_trace_finds(client: Any, sandbox: Any) -> None:
    body = (await client.trace_properties(create_trace_request(1), includeTCPABlacklistedPhones=True)).json
    known = await client.call_control_api("GET", "people?street=1%20Palmetto%20Ave&city=Dunedin&state=FL&zip=34698")
    found = [phone["number"] for phone in body["results"]["persons"][0]["phoneNumbers"]]
    assert found == [phone["number"] for phone in known["phones"]]


async def test_the_key_of_an_email_may_be_address(client: Any) -> None:
    await client.add_fault("batchdata", "email_as_address")
    persons = conform(batchdata.AnswerV1, (await client.trace_properties(*REQUESTS)).json).results.persons
    assert all(email.address and email.email is None for person in persons for email in person.emails)


async def test_the_request_id_may_be_missing(client: Any) -> None:
    await client.add_fault("batchdata", "no_request_id")
    persons = conform(batchdata.AnswerV1, (await client.trace_properties(*REQUESTS)).json).results.persons
    assert all(person.request == {} for person in persons)


@pytest.mark.parametrize("path", ["/api/v1/property/skip-trace", V3_PATH])
async def test_some_requests_may_fail_among_others(client: Any, path: str) -> None:
    await client.add_fault("batchdata", "partial", contains='"ld_2"')
    body = (await client.trace_properties(*REQUESTS[:3], path=path)).json
    entries = body["results"]["persons"] if "results" in body else body["result"]["data"]
    assert [entry["meta"]["error"] for entry in entries] == [False, True, False]


async def test_a_parcel_can_replace_an_address(client: Any) -> None:
    response = await client.trace_properties({"apn": "12-34-56", "county": "Pinellas", "state": "FL"})
    assert conform(batchdata.AnswerV1, response.json).results.meta.results.errorCount == 0


async def test_refusals_have_the_documented_shape(client: Any) -> None:
    too_many = await client.trace_properties(*[create_trace_request(1)] * 101)
    no_key = await client.send_request("POST", "/batchdata/api/v1/property/skip-trace", {"requests": []})
    await client.add_fault("batchdata", "no_balance")
    no_balance = await client.trace_properties(create_trace_request(1))
    assert [response.status for response in (too_many, no_key, no_balance)] == [400, 401, 403]
    for response in (too_many, no_key, no_balance):
        conform(batchdata.Failure, response.json)


async def test_calls_above_the_limit_of_a_minute_are_a_429(client: Any, sandbox: Any) -> None:
    sandbox.state.batchdata._limit._max_units = 2
    statuses = [(await client.trace_properties(create_trace_request(1))).status for _ in range(5)]
    assert 429 in statuses


@pytest.mark.parametrize(("kind", "deliveries"), [(None, 1), ("callback_twice", 2), ("callback_lost", 0)])
async def test_an_asynchronous_trace_is_delivered_later(
    client: Any, sandbox: Any, listener: Any, kind: str | None, deliveries: int
) -> None:
    if kind:
        await client.add_fault("batchdata", kind)
    path = "/api/v1/property/skip-trace/async"
    response = await client.trace_properties(create_trace_request(1), path=path, webhookUrl=listener.url)
    conform(batchdata.Accepted, response.json)
    await sandbox.state.deliveries.wait_until_done()
    assert len(listener.received) == deliveries
    for _, body in listener.received:
        conform(batchdata.AnswerV1, body)


async def search_properties(client: Any, **options: Any) -> batchdata.Found:
    criteria = {"query": "Pinellas County, FL", "valuation": {"equityPercent": {"min": 50}}}
    body = {"searchCriteria": criteria, "options": options}
    response = await client.send_request("POST", "/batchdata/api/v1/property/search", body, BATCHDATA_HEADERS)
    return conform(batchdata.Found, response.json)


async def test_a_search_pages_through_all_properties_once(client: Any) -> None:
    total = (await search_properties(client, take=0)).results.meta.results.resultsFound
    found: list[str] = []
    while len(found) < total:
        page = (await search_properties(client, skip=len(found), take=100)).results.properties
        assert all(entry.valuation.equityPercent >= 50 for entry in page)
        found += [entry.id for entry in page]
    assert len(found) == len(set(found)) == total
    assert (await search_properties(client, skip=total, take=100)).results.properties == []


async def test_a_page_may_be_shorter_than_requested(client: Any) -> None:
    await client.add_fault("batchdata", "short_page")
    assert len((await search_properties(client, take=100)).results.properties) == 25


async def test_counting_costs_nothing(client: Any) -> None:
    await search_properties(client, take=0)
    assert (await client.fetch_charges("batchdata"))["records"] == 0


async def test_a_property_can_be_looked_up(client: Any) -> None:
    place = (await search_properties(client, take=1)).results.properties[0].address
    body = {
        "requests": [
            {"address": place.model_dump(exclude={"county"})},
            {"address": {"county": "King", "state": "WA"}, "apn": "1"},
        ]
    }
    response = await client.send_request(
        "POST", "/batchdata/api/v1/property/lookup/all-attributes", body, BATCHDATA_HEADERS
    )
    assert len(conform(batchdata.Found, response.json).results.properties) == 2


each_check = pytest.mark.parametrize(
    ("path", "status"), [("verification", "reachable"), ("dnc", "dnc"), ("tcpa", "tcpa")]
)


@each_check
async def test_phones_can_be_checked(client: Any, path: str, status: str) -> None:
    response = await client.send_request(
        "POST", f"/batchdata/api/v1/phone/{path}", {"requests": ["7275550142"]}, BATCHDATA_HEADERS
    )
    conform(batchdata.Checked, response.json)
    assert status in response.json["results"]["phoneNumbers"][0]


@each_check
@pytest.mark.parametrize(("kind", "deliveries"), [(None, 1), ("callback_twice", 2), ("callback_lost", 0)])
async def test_an_asynchronous_check_is_delivered_later_and_paid_once(
    client: Any, sandbox: Any, listener: Any, path: str, status: str, kind: str | None, deliveries: int
) -> None:
    if kind:
        await client.add_fault("batchdata", kind)
    body = {"requests": ["7275550142"], "options": {"webhookUrl": listener.url}}
    response = await client.send_request("POST", f"/batchdata/api/v1/phone/{path}/async", body, BATCHDATA_HEADERS)
    conform(batchdata.Accepted, response.json)
    await sandbox.state.deliveries.wait_until_done()
    assert [
        conform(batchdata.Checked, document).results.phoneNumbers[0].number for _, document in listener.received
    ] == ["7275550142"] * deliveries
    assert all(status in document["results"]["phoneNumbers"][0] for _, document in listener.received)
    assert (await client.fetch_charges("batchdata"))["operations"] == {f"phone_{path}": 1}


async def test_an_asynchronous_check_needs_a_callback_url(client: Any) -> None:
    response = await client.send_request(
        "POST", "/batchdata/api/v1/phone/dnc/async", {"requests": ["7275550142"]}, BATCHDATA_HEADERS
    )
    assert response.status == 400
    assert (await client.fetch_charges("batchdata"))["records"] == 0


@pytest.mark.parametrize("number", ["", "x", "555-0142"])
async def test_a_malformed_phone_number_is_refused_and_free(client: Any, number: str) -> None:
    body = {"requests": ["7275550142", number]}
    assert (await client.send_request("POST", "/batchdata/api/v1/phone/dnc", body, BATCHDATA_HEADERS)).status == 400
    assert (await client.fetch_charges("batchdata"))["records"] == 0


@pytest.mark.parametrize(
    ("parcel", "is_accepted"),
    [
        ({"apn": "12-1", "county": "Pinellas", "state": "FL"}, True),
        ({"apn": "12-1", "countyFipsCode": "12103"}, True),
        ({"apn": "12-1", "county": "Pinellas"}, False),
        ({"apn": "12-1"}, False),
    ],
)
async def test_a_parcel_is_accepted_only_with_its_county(
    client: Any, parcel: dict[str, str], is_accepted: bool
) -> None:
    [person] = conform(batchdata.AnswerV1, (await client.trace_properties(parcel)).json).results.persons
    assert person.meta.error is not is_accepted


async def test_litigators_have_no_phones_but_may_have_emails(client: Any) -> None:
    await client.add_fault("batchdata", "litigator")
    v1 = conform(batchdata.AnswerV1, (await client.trace_properties(*REQUESTS)).json).results.persons
    assert {(person.litigator, len(person.phoneNumbers)) for person in v1 if person.meta.matched} == {(True, 0)}
    assert any(person.emails for person in v1)


async def test_a_trace_and_a_phone_check_agree_on_a_phone(client: Any) -> None:
    persons = conform(batchdata.AnswerV1, (await client.trace_properties(*REQUESTS)).json).results.persons
    traced = {phone.number: phone.dnc for person in persons for phone in person.phoneNumbers}
    response = await client.send_request(
        "POST", "/batchdata/api/v1/phone/dnc", {"requests": list(traced)[:100]}, BATCHDATA_HEADERS
    )
    checked = {phone.number: phone.dnc for phone in conform(batchdata.Checked, response.json).results.phoneNumbers}
    assert checked.items() <= traced.items()
    assert set(checked.values()) == {True, False}
