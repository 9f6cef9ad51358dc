"""Property records become leads, on real Kafka and PostgreSQL, from messages that any client could have sent."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from common.csv.rejects import decrypt_row
from common.pii.keyring import Keyring
from support.installation import SECRETS, Installation
from support.upstream import UpstreamProducer

KEYRING = Keyring({"k1": bytes.fromhex(SECRETS["ENCRYPTION_KEY"])}, "k1", bytes.fromhex(SECRETS["CONTACT_HASH_KEY"]))
HOME = {
    "property_address": "418 N Palmetto Ave",
    "property_city": "Dunedin",
    "property_state": "FL",
    "property_zip": "34698",
    "county": "Pinellas",
    "apn": "27-28-15-66078-000-0100",
    "owner_last_name": "Holt",
    "est_value": "$412,000",
    "est_equity": 351000,
    "phones": ["(727) 555-0142"],
    "emails": ["Marjorie.Holt@Example.com"],
}


@pytest.fixture
def topic_partitions() -> None:
    """Topics have their declared numbers of partitions."""


@pytest.fixture
def producer(installation: Installation) -> UpstreamProducer:
    return UpstreamProducer(installation)


@pytest.fixture
async def db(installation: Installation) -> Any:
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    yield connection
    await connection.close()


Running = Callable[..., AbstractAsyncContextManager[list[Any]]]


async def wait_for_value(check: Callable[[], Awaitable[Any]], expected: Any, seconds: float = 20) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while (actual := await check()) != expected:
        assert asyncio.get_running_loop().time() < deadline, f"{actual!r} instead of {expected!r}"
        await asyncio.sleep(0.05)


def row_counter(db: Any, table: str) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        return int(await db.fetchval(f"select count(*) from {table}"))

    return count


async def test_a_record_without_any_headers_becomes_a_lead(
    running: Running, producer: UpstreamProducer, db: Any
) -> None:
    async with running("ingest"):
        await producer.send_records(HOME)
        await wait_for_value(row_counter(db, "app.leads"), 1)
    lead = await db.fetchrow("select * from app.leads")
    assert (lead["property_zip"], lead["county"], lead["est_value"], lead["campaign_status"]) == (
        "34698",
        "PINELLAS",
        412000,
        "new",
    )
    assert sum(json.loads(lead["score_contributions"]).values()) == lead["lead_score"] > 0
    contacts = {row["channel"]: row for row in await db.fetch("select * from app.lead_contacts")}
    key = KEYRING.unwrap_data_key(lead["id"], lead["data_key"])
    assert key.decrypt("phone", contacts["phone"]["value_ciphertext"]) == "+17275550142"
    assert contacts["email"]["value_hash"] == KEYRING.hash_contact("marjorie.holt@example.com")
    assert contacts["phone"]["verified"] is None


async def test_one_home_in_several_spellings_is_one_lead(running: Running, producer: UpstreamProducer, db: Any) -> None:
    async with running("ingest"):
        await producer.send_records(HOME)
        await wait_for_value(row_counter(db, "app.leads"), 1)
        await producer.send_records(
            HOME | {"apn": "272815660780000100", "property_address": "418 NORTH PALMETTO AVENUE", "mak": "8034512097"},
            {key: HOME[key] for key in ("property_address", "property_city", "property_state", "property_zip")}
            | {"phones": ["727-555-0177"], "mak": "8034512097"},
        )
        await wait_for_value(row_counter(db, "app.lead_contacts"), 3)
    assert await db.fetchval("select count(*) from app.leads") == 1
    assert await db.fetchval("select mak from app.leads") == "8034512097"
    lead = await db.fetchrow("select id, data_key from app.leads")
    key = KEYRING.unwrap_data_key(lead["id"], lead["data_key"])
    phones = await db.fetch("select value_ciphertext from app.lead_contacts where channel = 'phone'")
    assert {key.decrypt("phone", row["value_ciphertext"]) for row in phones} == {"+17275550142", "+17275550177"}


async def test_an_invalid_upstream_record_becomes_a_dead_letter(
    running: Running, producer: UpstreamProducer, installation: Installation, db: Any
) -> None:
    async with running("ingest", "recorder"):
        await producer.send_records(
            b"no json",
            {**HOME, "property_zip": ""},
            {**HOME, "phones": {"x": 1}},
            {**HOME, "property_address": "\x00 Elm St"},
            HOME,
        )
        await wait_for_value(row_counter(db, "app.leads"), 1)
        await wait_for_value(row_counter(db, "pipeline.pipeline_dlq"), 4)
    reasons = {row["reason"] for row in await db.fetch("select reason from pipeline.pipeline_dlq")}
    assert reasons == {"invalid_message", "missing_zip", "invalid_characters"}
    assert all(
        "Palmetto" not in str(dict(row))
        for row in await db.fetch("select reason, detail, exception_type from pipeline.pipeline_dlq")
    )


async def test_an_upstream_record_counts_for_no_upload(running: Running, producer: UpstreamProducer, db: Any) -> None:
    upload = uuid4()
    async with running("ingest", "recorder"):
        await producer.send_upload_rows(
            upload, {"cells": {"Address": "12 Elm St", "City": "Tampa", "State": "FL", "Zip": "33601"}}
        )
        await producer.send_records(
            {**HOME, "upload_id": str(upload), "row": 1},
            {**HOME, "upload_id": str(upload)},
            {**HOME, "upload_id": str(uuid4()), "row": 1, "property_zip": ""},
        )
        await wait_for_value(row_counter(db, "pipeline.pipeline_dlq"), 3)
        await wait_for_value(row_counter(db, "app.leads"), 1)
    assert await db.fetch("select distinct reason from pipeline.pipeline_dlq") == [("foreign_upload_id",)]
    assert await db.fetchval("select sum(inserted + updated + duplicate + rejected) from app.upload_tallies") == 1
    assert await db.fetchval("select count(*) from app.upload_rejects") == 0


async def test_rows_of_an_upload_are_all_accounted_for(running: Running, producer: UpstreamProducer, db: Any) -> None:
    upload = uuid4()
    cells = {
        "Address": "12 Elm St",
        "City": "Tampa",
        "State": "FL",
        "Zip": "33601",
        "Phone 1": "8135550100",
        "=Notes": "x",
    }
    rows = [
        cells,
        cells,
        cells | {"Owner 1 Last Name": "Ruiz"},
        {**cells, "Zip": "", "Notes": "=1+1"},
        {**cells, "Address": "PO Box 7", "State": "Narnia"},
        {**cells, "Address": "PO Box 7"},
    ]
    async with running("ingest"):
        await producer.send_upload_rows(upload, *({"source": "propstream", "cells": row} for row in rows))

        async def total() -> Any:
            return tuple(
                await db.fetchrow(
                    "select sum(inserted), sum(updated + duplicate), sum(rejected) from app.upload_tallies where upload_id = $1",
                    upload,
                )
            )

        await wait_for_value(total, (1, 2, 3))
    rejects = await db.fetch("select * from app.upload_rejects order by row")
    assert [(r["row"], list(r["reasons"])) for r in rejects] == [
        (4, ["missing_zip"]),
        (5, ["invalid_state"]),
        (6, ["po_box"]),
    ]
    assert decrypt_row(KEYRING, upload, 4, rejects[0]["row_encrypted"])["Notes"] == "=1+1"


async def test_the_broker_is_the_one_named_or_the_one_of_the_territory(
    running: Running, producer: UpstreamProducer, db: Any
) -> None:
    wide, narrow, named = [
        await db.fetchval("insert into app.brokers (name) values ($1) returning id", n) for n in "abc"
    ]
    await db.execute("insert into app.territories (broker_id, state) values ($1, 'FL')", wide)
    await db.execute("insert into app.territories (broker_id, state, zip) values ($1, 'FL', '34698')", narrow)
    elsewhere = {**HOME, "property_zip": "33601", "apn": None}
    async with running("ingest"):
        await producer.send_records(
            HOME,
            elsewhere,
            {**elsewhere, "property_address": "1 Oak Ct", "broker_id": str(named)},
            {**elsewhere, "property_address": "2 Oak Ct", "allowed_broker_ids": [str(named)]},
        )
        await wait_for_value(row_counter(db, "app.leads"), 4)
    found = {
        row["property_address"] + row["property_zip"]: row["assigned_broker_id"]
        for row in await db.fetch("select * from app.leads")
    }
    assert found == {
        "418 N Palmetto Ave34698": narrow, "418 N Palmetto Ave33601": wide, "1 Oak Ct33601": named, "2 Oak Ct33601": None,
    }  # fmt: skip


async def test_a_territory_that_moved_counts_for_the_next_record(
    running: Running, producer: UpstreamProducer, db: Any
) -> None:
    first, second = [
        await db.fetchval("insert into app.brokers (name) values ($1) returning id", name) for name in ("A", "B")
    ]
    territory = "insert into app.territories (broker_id, state) values ($1, 'FL')"
    await db.execute(territory, first)
    homes = [HOME | {"property_address": f"{number} Elm St", "apn": None} for number in (1, 2, 3, 4)]
    moves = (
        ("delete from app.territories where broker_id <> $1", first),
        ("update app.territories set broker_id = $1", second),
        (territory, first),
        ("update app.brokers set active = false where id <> $1", first),
    )
    async with running("ingest"):
        for number, (home, (move, broker)) in enumerate(zip(homes, moves, strict=True), 1):
            await db.execute(move, broker)
            await producer.send_records(home)
            await wait_for_value(row_counter(db, "app.leads"), number)
    brokers = await db.fetch("select assigned_broker_id as id from app.leads order by property_address")
    assert [row["id"] for row in brokers] == [first, second, second, first]


async def test_the_brokers_that_senders_allow_are_saved_for_leads_without_one(
    running: Running, producer: UpstreamProducer, db: Any
) -> None:
    first, second = [await db.fetchval("insert into app.brokers (name) values ($1) returning id", n) for n in "ab"]
    homes = [{**HOME, "property_address": f"{number} Oak Ct", "apn": None, "mak": None} for number in (1, 2, 3)]

    async def kept() -> dict[str, Any]:
        rows = await db.fetch("select property_address, assignable_broker_ids from app.leads")
        return {
            row["property_address"]: row["assignable_broker_ids"] and set(row["assignable_broker_ids"]) for row in rows
        }

    async with running("ingest"):
        await producer.send_records(*({**home, "allowed_broker_ids": [str(first)]} for home in homes[:2]), homes[2])
        await wait_for_value(kept, {"1 Oak Ct": {first}, "2 Oak Ct": {first}, "3 Oak Ct": None})
        more = {"allowed_broker_ids": [str(second)], "est_value": 1}
        await producer.send_records({**homes[0], **more}, {**homes[1], "est_value": 1}, {**homes[2], **more})
        await wait_for_value(kept, {"1 Oak Ct": {first, second}, "2 Oak Ct": None, "3 Oak Ct": None})


async def test_a_placeholder_replaces_no_name_and_a_remark_marks_the_owner_deceased(
    running: Running, producer: UpstreamProducer, db: Any
) -> None:
    placeholder = {"owner_first_name": "Unknown", "owner_last_name": "#N/A", "bedrooms": 3}
    dead = {"owner_last_name": f"{HOME['owner_last_name']} (Deceased)"}
    async with running("ingest"):
        await producer.send_records({**HOME, "observed_on": "2026-01-01"})
        await wait_for_value(row_counter(db, "app.leads"), 1)
        await producer.send_records({**HOME, **placeholder, "observed_on": "2026-01-02"})
        await wait_for_value(row_counter(db, "app.leads where bedrooms = 3 and not deceased_owner"), 1)
        await producer.send_records({**HOME, **dead, "observed_on": "2026-01-03"})
        await wait_for_value(row_counter(db, "app.leads where deceased_owner"), 1)
    lead = await db.fetchrow("select owner_first_name, owner_last_name from app.leads")
    assert tuple(lead) == (HOME.get("owner_first_name"), HOME["owner_last_name"])
    assert await db.fetchval("select count(*) from app.lead_conflicts") == 0


async def test_another_brokers_lead_does_not_change(running: Running, producer: UpstreamProducer, db: Any) -> None:
    first, second = [await db.fetchval("insert into app.brokers (name) values ($1) returning id", n) for n in "ab"]
    async with running("ingest"):
        await producer.send_records({**HOME, "broker_id": str(first)})
        await wait_for_value(row_counter(db, "app.leads"), 1)
        before = await db.fetchrow("select * from app.leads")
        cells = {
            "Address": "418 N Palmetto Ave",
            "City": "Dunedin",
            "State": "FL",
            "Zip": "34698",
            "Phone 1": "7275550199",
            "Est. Value": "1",
        }
        await producer.send_upload_rows(uuid4(), {"broker_id": str(second), "cells": cells})
        await wait_for_value(row_counter(db, "app.upload_tallies"), 1)
    assert await db.fetchval("select duplicate from app.upload_tallies") == 1
    assert dict(await db.fetchrow("select * from app.leads")) == dict(before)
    assert await db.fetchval("select count(*) from app.lead_contacts") == 2
