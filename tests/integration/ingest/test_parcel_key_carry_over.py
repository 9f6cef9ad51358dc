"""Leads from before parcel keys had county codes keep matching: their keys are carried over once, in pages."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr

from common.database import Database
from ingest.maintenance.parcel_key_carry_over import ParcelKeyCarryOver
from ingest.settings import IngestSettings
from support import databases

LEADS = [
    ("FL|DADE|3040230120010", "30-4023-012-0010", None, "DADE"),
    ("FL|MIAMI DADE|3040230120010", "30 4023 012 0010", None, "MIAMI DADE"),
    ("GA|DE KALB|1825103001", "18-251-03-001", None, "DE KALB"),
    ("VA|RICHMOND|W0000123", "W000-0123", "51760", "RICHMOND"),
    ("CA|ORANGE|123456789", "123-456-789", None, "ORANGE"),
    ("CA|ORANGE|987654321", "987654321", None, "ORANGE"),
    ("FL|PINELLAS|NA", "N/A", None, "PINELLAS"),
    ("TX|TRAVIS|111222", "333-444", None, "TRAVIS"),
    ("TX|NOWHERE|111222", "111-222", None, "NOWHERE"),
]


@pytest.fixture
async def database(database: databases.Database) -> AsyncIterator[tuple[Database, asyncpg.Connection]]:
    owner = await asyncpg.connect(database.superuser_dsn)
    for key, apn, fips, county in LEADS:
        await owner.execute(
            "insert into app.leads (id, apn_key, apn, fips, county, observed, source) values ($1, $2, $3, $4, $5, $6, 'test')",
            uuid4(), key, apn, fips, county, [None] * 5 + [9, None, 9] + [None] * 25 + [9, None],
        )  # fmt: skip
    ingest_database = Database(IngestSettings(database_url=SecretStr(database.dsn("ingest"))), "ingest")
    await ingest_database.start()
    yield ingest_database, owner
    await ingest_database.stop()
    await owner.close()


async def read_keys(owner: asyncpg.Connection) -> dict[tuple[str, str], Any]:
    rows = await owner.fetch("select apn, apn_key, fips, county from app.leads")
    return {(row["county"], row["apn"]): (row["apn_key"], row["fips"]) for row in rows}


async def test_keys_are_carried_over_in_pages_and_once(database: Any) -> None:
    ingest_database, owner = database
    await owner.execute(
        "insert into app.lead_conflicts (kind, lead_id, column_name, value)"
        " select 'key_differs', id, 'apn_key', 'GA|DE KALB|1825103001' from app.leads where county = 'TRAVIS'"
    )
    job = ParcelKeyCarryOver(ingest_database, page_size=2)
    assert await job.carry_over_parcel_keys() == {"carried": 5, "held": 1, "dropped": 3}
    found = await read_keys(owner)
    first = {key for (county, _), key in found.items() if county == "MIAMI DADE"}
    assert first == {("12086|3040230120010", "12086"), (None, "12086")}
    assert found[("DEKALB", "18-251-03-001")] == ("13089|1825103001", "13089")
    assert found[("RICHMOND CITY", "W000-0123")] == ("51760|W0000123", "51760")
    assert found[("ORANGE", "123-456-789")] == ("06059|123456789", "06059")
    assert found[("ORANGE", "987654321")] == (None, "06059")
    assert found[("PINELLAS", "N/A")] == (None, "12103")
    assert found[("TRAVIS", "111222")] == ("48453|111222", "48453"), "the shown number and the key come from one record"
    assert found[("NOWHERE", "111-222")] == (None, None)
    conflicts = {(c["kind"], c["value"]) for c in await owner.fetch("select kind, value from app.lead_conflicts")}
    assert conflicts == {("key_held", "12086|3040230120010"), ("key_differs", "13089|1825103001")}
    before = await owner.fetch("select * from app.leads order by id")
    assert await job.carry_over_parcel_keys() == {}
    assert await owner.fetch("select * from app.leads order by id") == before
