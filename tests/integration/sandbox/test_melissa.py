"""Melissa's stand-in, compared with Melissa's documentation."""

from typing import Any

import pytest

from contracts import conform, melissa
from support.vendors import create_melissa_record

RECORDS = [create_melissa_record(number) for number in range(1, 41)]


async def test_a_batch_has_the_documented_shape(client: Any) -> None:
    response = await client.verify_records(*RECORDS)
    answer = conform(melissa.Answer, response.json)
    assert answer.TransmissionResults == " "
    assert [record.RecordID for record in answer.Records] == [record["RecordID"] for record in RECORDS]


async def test_the_same_record_gets_the_same_response(client: Any) -> None:
    first, second = await client.verify_records(*RECORDS), await client.verify_records(*RECORDS)
    assert first.raw == second.raw


async def test_spelling_does_not_change_the_mak_of_an_address(client: Any) -> None:
    plain = create_melissa_record(3)
    shouted = {**plain, "RecordID": "other", "AddressLine1": "3  PALMETTO AVE.", "PostalCode": "34698-4021"}
    records = conform(melissa.Answer, (await client.verify_records(plain, shouted)).json).Records
    assert records[0].MelissaAddressKey == records[1].MelissaAddressKey != " "


async def test_append_fills_in_blank_contacts(client: Any) -> None:
    answer = conform(melissa.Answer, (await client.verify_records(*RECORDS, actions="Check,Verify,Append")).json)
    with_email = [record for record in answer.Records if "DA40" in record.Results]
    assert with_email
    assert all(record.EmailAddress != " " for record in with_email)


async def test_without_append_nothing_is_filled_in(client: Any) -> None:
    answer = conform(melissa.Answer, (await client.verify_records(*RECORDS)).json)
    assert {record.EmailAddress for record in answer.Records} == {" "}


async def test_four_of_five_leads_can_be_verified(client: Any) -> None:
    """Grade A or B: the product aims at 80 in 100 leads (docs/runbooks/verification-rate.md)."""
    records = [create_melissa_record(number, EmailAddress=f"owner{number}@example.com") for number in range(100)]
    answer = conform(melissa.Answer, (await client.verify_records(*records)).json)
    good = [record for record in answer.Records if {"AS01", "VR01", "ES01"} <= set(record.Results.split(","))]
    assert len(good) >= 80


async def test_four_known_values_are_verified_in_all_six_pairs(client: Any) -> None:
    """Name, address, phone and email form six pairs: VR01 to VR06 (docs/vendors/melissa.md, Codes)."""
    known = []
    for number in range(1, 20):
        person = await client.call_control_api("GET", f"people?street={number}%20Palmetto%20Ave&state=FL&zip=34698")
        if person["phones"] and person["emails"] and person["name_is_known"] and "AS01" in person["address_codes"]:
            contacts = {"PhoneNumber": person["phones"][0]["number"], "EmailAddress": person["emails"][0]}
            known.append(create_melissa_record(number, **contacts))
    records = conform(melissa.Answer, (await client.verify_records(*known)).json).Records
    assert {code for code in records[0].Results.split(",") if code[0] == "V"} == {f"VR0{pair}" for pair in range(1, 7)}
    phones_only = [{**record, "FullName": "", "EmailAddress": ""} for record in known]
    records = conform(melissa.Answer, (await client.verify_records(*phones_only)).json).Records
    assert all("VR04" in record.Results and record.Results.count("VR") == 1 for record in records)


async def test_a_request_without_a_key_gets_its_code(client: Any) -> None:
    response = await client.send_request(
        "POST", "/melissa/v3/WEB/ContactVerify/doContactVerify", {"Records": [create_melissa_record(1)]}
    )
    assert conform(melissa.Answer, response.json).TransmissionResults == "GE04"


async def test_one_record_can_be_verified_by_get(client: Any) -> None:
    query = "id=sandbox-melissa-license&act=Check&format=json&a1=3%20Palmetto%20Ave&postal=34698&full=Marjorie%20Holt"
    response = await client.send_request("GET", f"/melissa/v3/WEB/ContactVerify/doContactVerify?{query}")
    assert conform(melissa.Answer, response.json).TotalRecords == "1"


@pytest.mark.parametrize(
    ("records", "license_key", "code"),
    [([RECORDS[0]], "wrong", "GE05"), ([], None, "GE02"), ([create_melissa_record(1)] * 101, None, "GE03")],
)
async def test_a_failed_transmission_is_a_200_with_its_code(
    client: Any, records: list[Any], license_key: str | None, code: str
) -> None:
    response = await client.verify_records(*records, license_key=license_key)
    answer = conform(melissa.Answer, response.json)
    assert (response.status, answer.TransmissionResults, answer.Records) == (200, code, [])
    assert (await client.fetch_charges("melissa"))["records"] == 0


@pytest.mark.parametrize(
    ("kind", "code"), [("invalid_key", "GE05"), ("product_disabled", "GE08"), ("out_of_credits", "GE14")]
)
async def test_faults_of_the_transmission(client: Any, kind: str, code: str) -> None:
    await client.add_fault("melissa", kind)
    answer = conform(melissa.Answer, (await client.verify_records(RECORDS[0])).json)
    assert answer.TransmissionResults == code
    assert (await client.fetch_charges("melissa"))["records"] == 0


async def test_a_partial_response_lacks_records_that_were_paid_for(client: Any) -> None:
    await client.add_fault("melissa", "partial", contains='"ld_2"')
    answer = conform(melissa.Answer, (await client.verify_records(*RECORDS[:3])).json)
    assert [record.RecordID for record in answer.Records] == ["ld_1", "ld_3"]
    assert (await client.fetch_charges("melissa"))["records"] == 3


@pytest.mark.parametrize(("kind", "code"), [("deceased", "DD01"), ("no_match", "VS00")])
async def test_faults_of_records_hit_only_records_with_the_text(client: Any, kind: str, code: str) -> None:
    await client.add_fault("melissa", kind, contains='"7 Palmetto Ave"')
    answer = conform(melissa.Answer, (await client.verify_records(RECORDS[1], RECORDS[6])).json)
    assert [code in record.Results for record in answer.Records] == [False, True]


async def test_records_above_the_limit_of_a_second_are_a_429_without_a_body(client: Any, sandbox: Any) -> None:
    sandbox.state.melissa._limit._max_units = 40
    replies = [await client.verify_records(*RECORDS) for _ in range(3)]
    refused = [response for response in replies if response.status == 429]
    assert refused
    assert all(response.raw == b"" and "Retry-After" not in response.headers for response in refused)


async def test_a_malformed_request_is_a_400_in_problem_json(client: Any) -> None:
    response = await client.send_request("POST", "/melissa/v3/WEB/ContactVerify/doContactVerify", ["no object"])
    assert response.status == 400
    conform(melissa.Problem, response.json)


async def test_a_record_that_is_paid_twice_is_reported(client: Any) -> None:
    await client.verify_records(RECORDS[0], RECORDS[1])
    await client.verify_records(RECORDS[1])
    assert await client.fetch_charges("melissa") == {
        "records": 3,
        "subjects": 2,
        "operations": {"verify": 3},
        "charged_twice": {"verify": {"ld_2": 2}},
    }
