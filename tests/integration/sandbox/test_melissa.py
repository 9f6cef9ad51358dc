"""Melissa's stand-in against Melissa's documents."""

from typing import Any

import pytest

from contracts import conform, melissa
from support.vendors import melissa_record

SEVERAL = [melissa_record(number) for number in range(1, 41)]


async def test_a_batch_is_answered_in_the_documented_shape(call: Any) -> None:
    reply = await call.verify(*SEVERAL)
    answer = conform(melissa.Answer, reply.json)
    assert answer.TransmissionResults == " "
    assert [record.RecordID for record in answer.Records] == [record["RecordID"] for record in SEVERAL]


async def test_the_same_record_gets_the_same_answer(call: Any) -> None:
    first, second = await call.verify(*SEVERAL), await call.verify(*SEVERAL)
    assert first.raw == second.raw


async def test_a_mak_names_the_address_however_it_is_written(call: Any) -> None:
    plain = melissa_record(3)
    shouted = {**plain, "RecordID": "other", "AddressLine1": "3  PALMETTO AVE.", "PostalCode": "34698-4021"}
    records = conform(melissa.Answer, (await call.verify(plain, shouted)).json).Records
    assert records[0].MelissaAddressKey == records[1].MelissaAddressKey != " "


async def test_append_fills_in_what_is_blank(call: Any) -> None:
    answer = conform(melissa.Answer, (await call.verify(*SEVERAL, actions="Check,Verify,Append")).json)
    with_email = [record for record in answer.Records if "DA40" in record.Results]
    assert with_email
    assert all(record.EmailAddress != " " for record in with_email)


async def test_without_append_nothing_is_filled_in(call: Any) -> None:
    answer = conform(melissa.Answer, (await call.verify(*SEVERAL)).json)
    assert {record.EmailAddress for record in answer.Records} == {" "}


async def test_four_of_five_leads_can_be_verified(call: Any) -> None:
    """Grade A or B of contracts §4: the documents' success number."""
    records = [melissa_record(number, EmailAddress=f"owner{number}@example.com") for number in range(100)]
    answer = conform(melissa.Answer, (await call.verify(*records)).json)
    good = [record for record in answer.Records if {"AS01", "VR01", "ES01"} <= set(record.Results.split(","))]
    assert len(good) >= 80


async def test_whoever_is_known_by_all_four_is_verified_by_all_pairs(call: Any) -> None:
    """Name, address, phone and email belong together in six pairs: VR01 to VR06 (contracts §4)."""
    known = []
    for number in range(1, 20):
        person = await call.control("GET", f"people?street={number}%20Palmetto%20Ave&state=FL&zip=34698")
        if person["phones"] and person["emails"] and person["name_is_known"] and "AS01" in person["address_codes"]:
            contacts = {"PhoneNumber": person["phones"][0]["number"], "EmailAddress": person["emails"][0]}
            known.append(melissa_record(number, **contacts))
    records = conform(melissa.Answer, (await call.verify(*known)).json).Records
    assert {code for code in records[0].Results.split(",") if code[0] == "V"} == {f"VR0{pair}" for pair in range(1, 7)}
    phones_only = [{**record, "FullName": "", "EmailAddress": ""} for record in known]
    records = conform(melissa.Answer, (await call.verify(*phones_only)).json).Records
    assert all("VR04" in record.Results and record.Results.count("VR") == 1 for record in records)


async def test_a_request_without_a_key_is_told_so(call: Any) -> None:
    reply = await call("POST", "/melissa/v3/WEB/ContactVerify/doContactVerify", {"Records": [melissa_record(1)]})
    assert conform(melissa.Answer, reply.json).TransmissionResults == "GE04"


async def test_one_record_can_be_asked_for_by_get(call: Any) -> None:
    query = "id=sandbox-melissa-license&act=Check&format=json&a1=3%20Palmetto%20Ave&postal=34698&full=Marjorie%20Holt"
    reply = await call("GET", f"/melissa/v3/WEB/ContactVerify/doContactVerify?{query}")
    assert conform(melissa.Answer, reply.json).TotalRecords == "1"


@pytest.mark.parametrize(
    ("records", "license_key", "code"),
    [([SEVERAL[0]], "wrong", "GE05"), ([], None, "GE02"), ([melissa_record(1)] * 101, None, "GE03")],
)
async def test_a_failed_transmission_is_a_200_with_its_code(
    call: Any, records: list[Any], license_key: str | None, code: str
) -> None:
    reply = await call.verify(*records, license_key=license_key)
    answer = conform(melissa.Answer, reply.json)
    assert (reply.status, answer.TransmissionResults, answer.Records) == (200, code, [])
    assert (await call.paid("melissa"))["records"] == 0


@pytest.mark.parametrize(
    ("kind", "code"), [("invalid_key", "GE05"), ("product_disabled", "GE08"), ("out_of_credits", "GE14")]
)
async def test_faults_of_the_transmission(call: Any, kind: str, code: str) -> None:
    await call.fault("melissa", kind)
    answer = conform(melissa.Answer, (await call.verify(SEVERAL[0])).json)
    assert answer.TransmissionResults == code
    assert (await call.paid("melissa"))["records"] == 0


async def test_a_partial_answer_lacks_records_that_were_paid_for(call: Any) -> None:
    await call.fault("melissa", "partial", contains='"ld_2"')
    answer = conform(melissa.Answer, (await call.verify(*SEVERAL[:3])).json)
    assert [record.RecordID for record in answer.Records] == ["ld_1", "ld_3"]
    assert (await call.paid("melissa"))["records"] == 3


@pytest.mark.parametrize(("kind", "code"), [("deceased", "DD01"), ("no_match", "VS00")])
async def test_faults_of_records_hit_those_that_are_named(call: Any, kind: str, code: str) -> None:
    await call.fault("melissa", kind, contains='"7 Palmetto Ave"')
    answer = conform(melissa.Answer, (await call.verify(SEVERAL[1], SEVERAL[6])).json)
    assert [code in record.Results for record in answer.Records] == [False, True]


async def test_more_records_a_second_than_the_licence_allows_are_a_429_without_words(call: Any, sandbox: Any) -> None:
    sandbox.world.melissa._limit._most = 40
    replies = [await call.verify(*SEVERAL) for _ in range(3)]
    refused = [reply for reply in replies if reply.status == 429]
    assert refused
    assert all(reply.raw == b"" and "Retry-After" not in reply.headers for reply in refused)


async def test_a_broken_request_is_a_400_in_problem_json(call: Any) -> None:
    reply = await call("POST", "/melissa/v3/WEB/ContactVerify/doContactVerify", ["no object"])
    assert reply.status == 400
    conform(melissa.Problem, reply.json)


async def test_paying_twice_for_a_record_shows(call: Any) -> None:
    await call.verify(SEVERAL[0], SEVERAL[1])
    await call.verify(SEVERAL[1])
    assert await call.paid("melissa") == {
        "records": 3,
        "subjects": 2,
        "operations": {"verify": 3},
        "paid_again": {"verify": {"ld_2": 2}},
    }
