"""Leads keep their homes when the normal form of addresses changes (ADR 28)."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from common import ids
from common.bus.failures import ConsumerPausedError
from common.records.addresses.normal_form import hash_address, normalise_street
from ingest.maintenance.address_rehash import AddressRehash, require_current_hashes
from support.installation import Installation
from support.upstream import UpstreamProducer

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
ZIP = "34698"


@pytest.fixture
async def db(installation: Installation) -> Any:
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    yield connection
    await connection.close()


async def add_lead(db: Any, address: str, old_hash: bytes | None, unit: str | None = None) -> UUID:
    query = """
        insert into app.leads (
          id, property_address, property_unit, property_city, property_state, property_zip, addr_hash, source)
        values ($5, $1, $2, 'Dunedin', 'FL', $3, $4, 'upstream')
        returning id
        """
    return UUID(str(await db.fetchval(query, address, unit, ZIP, old_hash, ids.new_id())))


def new_hash(address: str, unit: str | None = None) -> bytes:
    return hash_address(*normalise_street(address, unit, "Dunedin"), ZIP)


async def hash_of(db: Any, lead: UUID) -> bytes | None:
    found: bytes | None = await db.fetchval("select addr_hash from app.leads where id = $1", lead)
    return found


async def test_hashes_are_replaced_once_and_conflicts_recorded(running: Running, db: Any) -> None:
    async with running("ingest") as (ingest,):
        first = await add_lead(db, "123 1/2 Oak Ave", b"a" * 16)
        second = await add_lead(db, "123.5 Oak Ave", b"b" * 16)
        unreadable = await add_lead(db, "100 & 3 Cobble St", b"c" * 16)
        unit = await add_lead(db, "5 Main St", b"d" * 16, "2nd Floor")
        without = await add_lead(db, "6 Main St", None)
        refused = await add_lead(db, "5 Main St", None)
        conflict = """
            insert into app.lead_conflicts (kind, lead_id, other_lead_id, column_name, value)
            values ('key_held', $1, $2, 'addr_hash', $3)
            """
        await db.execute(conflict, refused, unit, (b"d" * 16).hex())
        job = AddressRehash(ingest.bus)
        await job.rehash_addresses()

        holder, other = sorted((first, second))
        assert await hash_of(db, holder) == new_hash("123 1/2 Oak Ave")
        assert await hash_of(db, other) is None
        assert await hash_of(db, unreadable) is None
        assert await hash_of(db, unit) == new_hash("5 Main St Fl 2")
        assert await hash_of(db, without) is None
        rows = await db.fetch("select kind, lead_id, other_lead_id, value from app.lead_conflicts")
        assert {tuple(row) for row in rows} == {
            ("key_held", other, holder, new_hash("123 1/2 Oak Ave").hex()),
            ("key_held", refused, unit, new_hash("5 Main St Fl 2").hex()),
        }
        versions = await db.fetch("select id, lead_version from app.leads order by id")
        await job.rehash_addresses()
        assert await db.fetch("select id, lead_version from app.leads order by id") == versions
        await require_current_hashes(ingest.database)


async def test_intake_waits_until_no_hash_is_outdated(running: Running, installation: Installation, db: Any) -> None:
    lead = await add_lead(db, "7 Farm to Market 1960", uuid4().bytes)
    async with running("ingest") as (ingest,):
        producer = UpstreamProducer(installation)
        await producer.send_records(
            {"property_address": "7 FM 1960", "property_city": "Dunedin", "property_state": "FL", "property_zip": ZIP}
        )
        for _ in range(200):
            done = await db.fetchval("select count(*) from svc_ingest.inbox")
            if done:
                break
            await asyncio.sleep(0.1)
        assert done
        assert await db.fetchval("select count(*) from app.leads") == 1
        assert await hash_of(db, lead) == new_hash("7 FM 1960")
        await db.execute("update app.leads set addr_hash = $1", b"e" * 16)
        with pytest.raises(ConsumerPausedError):
            await require_current_hashes(ingest.database)


async def test_a_current_hash_is_not_in_the_index_of_outdated_ones(db: Any) -> None:
    await add_lead(db, "8 Main St", new_hash("8 Main St"))
    outdated = "select count(*) from app.leads where substring(addr_hash from 1 for 4) <> '\\x00000003'::bytea"
    assert await db.fetchval(outdated) == 0
