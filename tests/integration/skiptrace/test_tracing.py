"""Tracing of leads, on real Kafka and PostgreSQL, against fake servers of Melissa and BatchData."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from common.pii.keyring import Keyring
from support.installation import SECRETS
from support.providers import FakeProviders, mak_of

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
Home = dict[str, Any]
KEYS = Keyring({"k1": bytes.fromhex(SECRETS["ENCRYPTION_KEY"])}, "k1", bytes.fromhex(SECRETS["CONTACT_HASH_KEY"]))
PERSON = {
    "phoneNumbers": [
        {"number": "7275550142", "type": "Land Line", "tested": True, "reachable": True, "dnc": False, "score": 92},
        {"number": "7275550177", "type": "Mobile", "tested": True, "reachable": True, "dnc": True, "score": 81},
    ],
    "emails": [{"address": "Marjorie.Holt@example.com", "tested": True}],
}


async def test_a_lead_with_good_contacts_costs_one_call_and_two_checks_and_is_verified(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    async with running("ingest", "skiptrace", **providers.settings()):
        await funnel.send(home)
        await funnel.until_count("app.leads where email_verified and phone_verified and mak is not null", 1)
    lead = await funnel.db.fetchrow("select * from app.leads")
    assert lead["mak"] == mak_of(home["property_address"])
    key = KEYS.unwrap_data_key(lead["id"], lead["data_key"])
    assert key.decrypt("phone", lead["phone_encrypted"]) == "+17275550142"
    assert key.decrypt("email", lead["email_encrypted"]) == "marjorie.holt@example.com"
    assert lead["phone_verification_codes"] == ["PS01", "PS07"]
    contacts = await funnel.db.fetch(
        "select channel, verified, line_type, codes from app.lead_contacts order by channel"
    )
    assert [tuple(row) for row in contacts] == [
        ("email", True, None, ["ES01"]),
        ("phone", True, "mobile", ["PS01", "PS07"]),
    ]
    assert sum(providers.melissa.charged.values()) == 1
    assert not providers.batchdata.calls
    (event,) = await funnel.events("lead_verified")
    assert (event["outcome"], event["channels"]) == ("both", ["email", "phone"])
    assert event["providers"] == ["batchdata_dnc", "batchdata_tcpa", "melissa"]
    requests = await funnel.db.fetch("select provider, outcome, records, cost_cents from app.skip_trace_requests")
    assert sorted(tuple(request) for request in requests) == [
        ("batchdata_dnc", "answered", 1, 1),
        ("batchdata_tcpa", "answered", 1, 1),
        ("melissa", "answered", 1, 3),
    ]


async def test_the_next_provider_finds_missing_contacts(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    providers.people[home["property_address"]] = PERSON
    async with running("ingest", "skiptrace", **providers.settings()):
        await funnel.send(home | {"phones": [], "emails": []})
        await funnel.until_count("app.leads where email_verified and phone_verified and mak is not null", 1)
    contacts = await funnel.db.fetch(
        "select source, verified, line_type, dnc, dnc_checked_at is not null from app.lead_contacts where channel = 'phone' order by dnc"
    )
    assert [tuple(row) for row in contacts] == [
        ("batchdata", True, "landline", False, True),
        ("batchdata", True, "mobile", True, True),
    ]
    lead = await funnel.db.fetchrow("select * from app.leads")
    key = KEYS.unwrap_data_key(lead["id"], lead["data_key"])
    assert key.decrypt("phone", lead["phone_encrypted"]) == "+17275550142"  # the phone that is on no list
    (event,) = await funnel.events("lead_verified")
    assert event["providers"] == [
        "batchdata",
        "batchdata_tcpa",
        "melissa",
    ]  # the skip trace already stated the do-not-call flags


async def test_an_unverifiable_lead_is_an_event_and_not_a_dead_letter(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    providers.melissa_fields[home["property_address"]] = {"Results": "AS01,PE01,EE04"}
    async with running("ingest", "skiptrace", **providers.settings()):
        await funnel.send(home)
        await funnel.until(lambda: _outcomes(funnel, "lead_unverifiable"), ["ruled_out"])
    assert await funnel.count("app.lead_contacts where verified is false") == 2
    assert await funnel.count("app.leads where email_verified or phone_verified") == 0
    assert await funnel.dead_letters() == 0


async def test_a_flag_stays_with_its_number(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    providers.melissa_fields[home["property_address"]] = {"Results": "AS01,PE01,ES01"}
    providers.people[home["property_address"]] = {
        "phoneNumbers": [{"number": "7275550177", "type": "Mobile", "tested": True, "reachable": True, "dnc": False}]
    }
    async with running("ingest", "skiptrace", **providers.settings()):
        await funnel.send(home)
        await funnel.until_count("app.leads where phone_verified", 1)
    rows = await funnel.db.fetch("select value_hash, verified from app.lead_contacts where channel = 'phone'")
    assert {row["value_hash"]: row["verified"] for row in rows} == {
        KEYS.hash_contact("+17275550142"): False,
        KEYS.hash_contact("+17275550177"): True,
    }


async def test_deceased_owners_and_litigators_are_reported_to_ingest_and_not_verified(
    running: Running, funnel: Any, providers: FakeProviders, many_homes: Callable[..., list[Home]]
) -> None:
    first, second = many_homes(2, phones=[], emails=[])
    providers.people = {
        first["property_address"]: PERSON | {"death": {"deceased": True}},
        second["property_address"]: {"litigator": True},
    }
    async with running("ingest", "skiptrace", **providers.settings()):
        await funnel.send(first, second)
        await funnel.until_count("app.leads where deceased_owner", 1)
        await funnel.until_count("app.leads where litigator", 1)
    assert sorted(await _outcomes(funnel, "lead_unverifiable")) == ["deceased_owner", "litigator"]
    assert await _outcomes(funnel, "lead_verified") == []


async def test_a_mak_that_another_lead_holds_is_a_conflict(
    running: Running, funnel: Any, providers: FakeProviders, many_homes: Callable[..., list[Home]]
) -> None:
    first, second = many_homes(2)
    providers.melissa_fields[second["property_address"]] = {"MelissaAddressKey": mak_of(first["property_address"])}
    async with running("ingest", "skiptrace", **providers.settings()):
        await funnel.send(first)
        await funnel.until_count("app.leads where mak is not null", 1)
        await funnel.send(second)
        await funnel.until_count("app.leads where email_verified", 2)
        await funnel.until_count("app.lead_conflicts where kind = 'key_held' and column_name = 'mak'", 1)
    assert await funnel.count("app.leads where mak is not null") == 1


async def test_a_verified_lead_is_scored_again(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    async with running("ingest", "skiptrace", **providers.settings()):
        await funnel.send(home)
        await funnel.until_count("app.leads where score_contributions ? 'verified_phone'", 1)
    lead = await funnel.db.fetchrow("select lead_score, score_contributions::text from app.leads")
    assert '"verified_email"' in lead["score_contributions"]


async def test_suppressed_values_are_neither_verified_nor_chosen(
    running: Running, funnel: Any, providers: FakeProviders, home: Home
) -> None:
    await funnel.db.execute(
        "insert into app.suppressions (channel, value_hash, hash_key_id, reason) values ('phone', $1, 'h1', 'opt_out')",
        KEYS.hash_contact("+17275550142"),
    )
    providers.people[home["property_address"]] = PERSON
    async with running("ingest", "skiptrace", **providers.settings()):
        await funnel.send(home)
        await funnel.until_count("app.leads where phone_verified", 1)
    assert all("PhoneNumber" not in body["Records"][0] for body in providers.melissa.calls[:1])
    assert await funnel.db.fetchval("select phone_hash from app.leads") == KEYS.hash_contact("+17275550177")


async def test_hundreds_of_leads_are_verified_in_batches_and_once(
    running: Running, funnel: Any, providers: FakeProviders, many_homes: Callable[..., list[Home]]
) -> None:
    providers.melissa.delay = 0.3
    async with running("ingest", "skiptrace", **providers.settings()):
        await funnel.send(*many_homes(400))
        await funnel.until_count("app.leads where email_verified and phone_verified", 400)
        await funnel.until_count("app.leads where mak is not null", 400)
    assert set(providers.melissa.charged.values()) == {1}
    assert 10 < providers.melissa.max_records <= 100
    assert len(await funnel.events("lead_verified")) == 400
    assert await funnel.count("app.skip_trace_attempts where merged_at is null") == 0


async def _outcomes(funnel: Any, name: str) -> list[str]:
    return [event["outcome"] for event in await funnel.events(name)]
