"""Records of an erased person come again: by file, from an upstream system, and while the person is erased."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from common.csv.rejects import decrypt_row
from support.commandline import Equity
from support.feeding import KEYS
from support.installation import Installation
from support.upstream import UpstreamProducer

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
REASON = ("--reason", "letter", "--yes", "--json")
CELLS = {
    "Address": "418 Palmetto Ave", "City": "Dunedin", "State": "FL", "Zip": "34698", "Owner First Name": "Marjorie",
    "Owner Last Name": "Holt", "Phone 1": "7275550142", "Email 1": "marjorie.holt@example.com", "APN": "15-27-00",
    "County": "Pinellas",
}  # fmt: skip
UPSTREAM = {
    "property_address": "418 Palmetto Avenue", "property_city": "Dunedin", "property_state": "FL", "property_zip": "34698",
    "owner_first_name": "M", "owner_last_name": "HOLT", "phones": ["7275550142"],
}  # fmt: skip
NEW_OWNER = {"Owner First Name": "Dana", "Owner Last Name": "Reyes", "Phone 1": "7275550142", "Phone 2": "7275550177"}


@pytest.fixture
def producer(installation: Installation) -> UpstreamProducer:
    return UpstreamProducer(installation)


async def take(
    db: Any, producer: UpstreamProducer, *rows: dict[str, str]
) -> tuple[UUID, tuple[int, int, dict[str, int]]]:
    """Send *rows* as an upload; return it, and how many rows became leads, were rejected, and why."""
    upload = uuid4()
    await producer.send_upload_rows(upload, *({"cells": row} for row in rows))
    async with asyncio.timeout(60):
        while True:
            found = await db.fetch("select * from app.upload_tallies where upload_id = $1", upload)
            stored = sum(row["inserted"] + row["updated"] + row["duplicate"] for row in found)
            rejected = sum(row["rejected"] for row in found)
            if stored + rejected == len(rows):
                reasons = next((row["reasons"] for row in found if row["rejected"]), "{}")
                return upload, (stored, rejected, json.loads(reasons))
            await asyncio.sleep(0.05)


async def list_owners(db: Any) -> list[str | None]:
    rows = await db.fetch("select owner_last_name from app.leads where erased_at is null order by id")
    return [row["owner_last_name"] for row in rows]


async def erase_only_lead(equity: Equity, db: Any) -> UUID:
    lead = await db.fetchval("select id from app.leads where erased_at is null")
    (await equity.soon("erase", lead, *REASON)).ok()
    return UUID(str(lead))


async def test_next_weeks_file_does_not_bring_the_person_back(
    running: Running, producer: UpstreamProducer, db: Any, equity: Equity
) -> None:
    async with running("ingest"):
        await take(db, producer, CELLS)
        await erase_only_lead(equity, db)
        other_spelling = CELLS | {"Address": "418 Palmetto Avenue", "Owner First Name": "MARJORIE ANN", "APN": ""}
        other_home = CELLS | {"Address": "9 Elm St", "APN": "", "Owner Last Name": "Holt-Baker"}
        nameless = CELLS | {"Owner First Name": "", "Owner Last Name": ""}
        rows = (CELLS, other_spelling, other_home, nameless)
        upload, counted = await take(db, producer, *rows)
    assert counted == (0, 4, {"erased": 4})
    assert await list_owners(db) == []
    assert await db.fetchval("select count(*) from app.lead_contacts") == 0
    rejects = await db.fetch("select * from app.upload_rejects order by row")
    assert [row["reasons"] for row in rejects] == [["erased"]] * 4
    assert [decrypt_row(KEYS, upload, row["row"], row["row_encrypted"]) for row in rejects] == [{}] * 4


async def test_a_new_owner_comes_in_without_the_erased_number(
    running: Running, producer: UpstreamProducer, db: Any, equity: Equity
) -> None:
    async with running("ingest"):
        await take(db, producer, CELLS)
        erased = await erase_only_lead(equity, db)
        _, counted = await take(db, producer, CELLS | NEW_OWNER)
        assert counted == (1, 0, {})
        lead = await db.fetchrow("select * from app.leads where erased_at is null")
        assert (lead["owner_last_name"], lead["property_city"]) == ("Reyes", "Dunedin")
        assert lead["id"] != erased
        contacts = await db.fetch("select value_hash from app.lead_contacts where channel = 'phone'")
        assert [row["value_hash"] for row in contacts] == [KEYS.hash_contact("+17275550177")]
        nameless = CELLS | {"Owner First Name": "", "Owner Last Name": "", "Beds": "4", "Phone 1": "", "Email 1": ""}
        _, counted = await take(db, producer, nameless)
        assert counted == (1, 0, {}), "it says something about the home of the new owner"
        _, counted = await take(db, producer, CELLS)
        assert counted == (0, 1, {"erased": 1})
    assert await list_owners(db) == ["Reyes"]


async def test_a_record_of_an_upstream_system_is_dropped_without_a_dead_letter(
    running: Running, producer: UpstreamProducer, db: Any, equity: Equity, sent: Any
) -> None:
    async with running("ingest"):
        await take(db, producer, CELLS)
        await erase_only_lead(equity, db)
        await producer.send_records(UPSTREAM, UPSTREAM | {"property_address": "9 Elm St", "owner_last_name": "Reyes"})
        async with asyncio.timeout(60):
            while await list_owners(db) != ["Reyes"]:
                await asyncio.sleep(0.05)
    assert await db.fetchval("select count(*) from app.lead_contacts") == 0
    assert await db.fetchval("select count(*) from app.upload_rejects") == 0
    assert await sent("pipeline.dlq") == []


async def test_what_a_refused_record_forbids_takes_effect(
    running: Running, producer: UpstreamProducer, db: Any, equity: Equity
) -> None:
    async with running("ingest"):
        await take(db, producer, CELLS)
        await erase_only_lead(equity, db)
        forbidden = {"Email 1": "m.holt@example.com", "Email 1 Opt Out": "Yes"}
        _, counted = await take(db, producer, CELLS | forbidden)
    assert counted == (0, 1, {"erased": 1})
    found = await db.fetchval(
        "select reason from app.active_suppressions where value_hash = $1", KEYS.hash_contact("m.holt@example.com")
    )
    assert found == "forbidden_by_source"


async def test_records_that_arrive_during_an_erasure_leave_nothing(
    installation: Installation, running: Running, producer: UpstreamProducer, db: Any, equity: Equity
) -> None:
    """Rows of the person arrive without a pause while the person is erased, several times."""
    async with running("ingest"):
        await take(db, producer, CELLS)
        sending = asyncio.create_task(send_without_pause(installation, producer))
        for _ in range(3):
            lead = await db.fetchval("select id from app.leads order by id limit 1")
            (await equity.soon("erase", lead, *REASON)).ok()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        _, counted = await take(db, producer, CELLS)
        assert counted == (0, 1, {"erased": 1})
    assert await list_owners(db) == []
    assert await db.fetchval("select count(*) from app.lead_contacts") == 0
    assert await db.fetchval("select count(*) from app.leads") == 1


async def send_without_pause(installation: Installation, producer: UpstreamProducer) -> None:
    db = await asyncpg.connect(installation.database.superuser_dsn)
    try:
        while True:
            await take(db, producer, CELLS, CELLS | {"Phone 2": "7275550143"})
    finally:
        await db.close()
