"""Facts and prohibitions about a phone or an email are kept, in whatever order the records arrive."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from common.pii.keyring import Keyring
from support.installation import SECRETS, Installation
from support.upstream import UpstreamProducer

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
KEYRING = Keyring({"k1": bytes.fromhex(SECRETS["ENCRYPTION_KEY"])}, "k1", bytes.fromhex(SECRETS["CONTACT_HASH_KEY"]))
CELLS = {"Address": "12 Elm St", "City": "Tampa", "State": "FL", "Zip": "33601", "Phone 1": "8135550100"}


@pytest.fixture
def producer(installation: Installation) -> UpstreamProducer:
    return UpstreamProducer(installation)


@pytest.fixture
async def db(installation: Installation) -> Any:
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    yield connection
    await connection.close()


async def outcomes_of(
    db: Any, producer: UpstreamProducer, *rows: dict[str, str], seconds: float = 20
) -> tuple[int, int, int]:
    """Send *rows* as an upload; return how many were inserted, updated and duplicate."""
    upload = uuid4()
    await producer.send_upload_rows(upload, *({"cells": row} for row in rows))
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        found = await read_tallies(db, upload)
        if sum(found) == len(rows):
            return found
        assert asyncio.get_running_loop().time() < deadline, found
        await asyncio.sleep(0.05)


async def read_tallies(db: Any, upload: UUID) -> tuple[int, int, int]:
    inserted, updated, duplicate = await db.fetchrow(
        "select sum(inserted), sum(updated), sum(duplicate) from app.upload_tallies where upload_id = $1", upload
    )
    return int(inserted or 0), int(updated or 0), int(duplicate or 0)


async def test_a_forbidden_phone_stays_forbidden_in_any_order_of_records(
    running: Running, producer: UpstreamProducer, db: Any
) -> None:
    async with running("ingest"):
        for flag in ({}, {"Phone 1 DNC": "No"}, {"Phone 1 DNC": "Yes"}, {"Phone 1 DNC": "No"}, {}):
            await outcomes_of(db, producer, CELLS | flag)
    assert await db.fetch("select dnc from app.lead_contacts") == [(True,)]


async def test_a_batch_in_which_only_one_row_forbids_a_phone_forbids_it(
    running: Running, producer: UpstreamProducer, db: Any
) -> None:
    rows = [CELLS, CELLS | {"Phone 1 DNC": "Yes", "Phone 1 Type": "Mobile"}, CELLS | {"Phone 1 DNC": "No"}]
    async with running("ingest"):
        assert sum(await outcomes_of(db, producer, *rows)) == len(rows)
    assert await db.fetch("select dnc, line_type from app.lead_contacts") == [(True, "mobile")]


async def test_a_row_that_brings_a_new_contact_updates_the_lead(
    running: Running, producer: UpstreamProducer, db: Any
) -> None:
    async with running("ingest"):
        assert await outcomes_of(db, producer, CELLS) == (1, 0, 0)
        assert await outcomes_of(db, producer, CELLS) == (0, 0, 1)
        before = await db.fetchval("select lead_score from app.leads")
        assert await outcomes_of(db, producer, CELLS | {"Phone 2": "8135550177", "Email 1": "ann@example.com"}) == (
            0,
            1,
            0,
        )
        assert await outcomes_of(db, producer, CELLS | {"Phone 1 DNC": "Yes"}) == (0, 1, 0)
        assert await outcomes_of(db, producer, CELLS | {"Phone 1 DNC": "Yes", "Email 1": "ann@example.com"}) == (
            0,
            0,
            1,
        )
    assert await db.fetchval("select count(*) from app.lead_contacts") == 3
    assert await db.fetchval("select lead_score from app.leads") > before


async def test_a_prohibition_of_a_file_reaches_the_gate_and_is_never_lifted(
    running: Running, producer: UpstreamProducer, db: Any
) -> None:
    cells = CELLS | {"Email 1": "ann@example.com", "Email 2": "bob@example.com"}
    async with running("ingest"):
        await outcomes_of(db, producer, cells)
        await outcomes_of(db, producer, cells | {"Email 2 Opt Out": "Yes"})
        assert await db.fetchval("select count(*) from app.suppressions where channel = 'email'") == 1
        assert await db.fetchval("select campaign_status::text from app.leads") == "new"
        await outcomes_of(db, producer, cells | {"Do Not Contact": "see notes"})
        await outcomes_of(db, producer, cells | {"Do Not Contact": "No", "Phone 1 DNC": "No"})
    assert await db.fetchval("select campaign_status::text from app.leads") == "do_not_contact"
    assert await db.fetchval("select count(*) from app.suppressions where channel = 'email'") == 2
    assert await db.fetch("select dnc from app.lead_contacts where channel = 'phone'") == [(True,)]


async def test_a_lead_without_a_data_key_gets_one_with_its_first_contacts(
    running: Running, producer: UpstreamProducer, db: Any
) -> None:
    """A legacy lead that had no contacts has no key. Two spellings of one address reach it as two homes of one batch."""
    async with running("ingest"):
        await outcomes_of(db, producer, CELLS | {"Phone 1": ""})
        await db.execute("update app.leads set data_key = null")
        rows = (
            CELLS | {"APN": "1"},
            CELLS | {"APN": "2", "Phone 1": "8135550177"},
            CELLS | {"Email 1": "ann@example.com"},
        )
        await outcomes_of(db, producer, *rows)
        key = await db.fetchval("select data_key from app.leads")
        await outcomes_of(db, producer, CELLS | {"Phone 2": "8135550188"})
    assert await db.fetchval("select data_key from app.leads") == key
    assert await read_contacts(db) == {"+18135550100", "+18135550177", "+18135550188", "ann@example.com"}


async def test_the_data_key_that_another_process_saved_first_stays(
    running: Running, producer: UpstreamProducer, db: Any, installation: Installation
) -> None:
    other = await asyncpg.connect(installation.database.superuser_dsn)
    async with running("ingest"):
        await outcomes_of(db, producer, CELLS | {"Phone 1": ""})
        await db.execute("update app.leads set data_key = null")
        lead_id = await db.fetchval("select id from app.leads")
        _, wrapped = KEYRING.create_data_key(lead_id)
        async with other.transaction():
            await other.execute("update app.leads set data_key = $1", wrapped)
            waiting = asyncio.create_task(outcomes_of(db, producer, CELLS))
            await wait_for_blocked_session(installation)
        await waiting
    await other.close()
    assert await db.fetchval("select data_key from app.leads") == wrapped
    assert await read_contacts(db) == {"+18135550100"}


async def read_contacts(db: Any) -> set[str]:
    """Return the contacts of all leads, decrypted with the keys of their leads."""
    rows = await db.fetch(
        "select l.id, l.data_key, c.channel, c.value_ciphertext from app.lead_contacts c join app.leads l on l.id = c.lead_id"
    )
    return {
        KEYRING.unwrap_data_key(row["id"], row["data_key"]).decrypt(row["channel"], row["value_ciphertext"])
        for row in rows
    }


async def wait_for_blocked_session(installation: Installation, seconds: float = 20) -> None:
    """Wait until a session waits for a lock on a row."""
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    try:
        async with asyncio.timeout(seconds):
            while not await connection.fetchval(_IS_A_SESSION_BLOCKED):
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


_IS_A_SESSION_BLOCKED = """
select exists (
  select from pg_stat_activity where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0
)
"""
