"""A fault of our own deployment or database pauses the consumer and loses no record."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg
import pytest

from support.installation import Installation

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
RECORD = {"property_city": "Tampa", "property_state": "FL", "property_zip": "33601"}


@pytest.fixture
async def db(installation: Installation) -> Any:
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    yield connection
    await connection.close()


async def produce(installation: Installation, count: int) -> None:
    import json

    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(bootstrap_servers=installation.kafka)
    await producer.start()
    for n in range(1, count + 1):
        body = json.dumps(RECORD | {"property_address": f"{n} Elm St"}).encode()
        await producer.send(f"{installation.prefix}ingest.leads", body)
    await producer.flush()
    await producer.stop()


async def wait_for_count(db: Any, table: str, expected: int, seconds: float = 40) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while (found := await db.fetchval(f"select count(*) from {table}")) != expected:
        assert asyncio.get_running_loop().time() < deadline, f"{found} in {table} instead of {expected}"
        await asyncio.sleep(0.1)


async def test_a_revoked_grant_makes_no_dead_letter(running: Running, installation: Installation, db: Any) -> None:
    await db.execute("revoke insert on app.lead_contacts, app.leads from svc_ingest")
    await db.execute("revoke execute on function app.upsert_leads(pipeline.leads_staging[]) from svc_ingest")
    async with running("ingest", "recorder") as (ingest, _recorder):
        await produce(installation, 200)
        for _ in range(300):
            if any("deployment_error" in text for text in ingest.bus.pause_reasons):
                break
            await asyncio.sleep(0.1)
        assert any("deployment_error" in text for text in ingest.bus.pause_reasons)
        await asyncio.sleep(1)
        assert await ingest.stuck_reasons() == []
        assert await db.fetchval("select count(*) from pipeline.pipeline_dlq") == 0
        assert await db.fetchval("select count(*) from svc_ingest.inbox") == 0
        await db.execute("grant insert on app.lead_contacts, app.leads to svc_ingest")
        await db.execute("grant execute on function app.upsert_leads(pipeline.leads_staging[]) to svc_ingest")
        await wait_for_count(db, "app.leads", 200)
        assert await db.fetchval("select count(*) from pipeline.pipeline_dlq") == 0


async def test_connections_that_are_cut_repeatedly_lose_no_record(
    running: Running, installation: Installation, db: Any
) -> None:
    cut = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'svc_ingest' and datname = current_database()"
    async with running("ingest", "recorder"):
        sending = asyncio.create_task(produce(installation, 3_000))
        for _ in range(12):
            await db.execute(cut)
            await asyncio.sleep(0.25)
        await sending
        await wait_for_count(db, "app.leads", 3_000)
        await wait_for_count(db, "app.pipeline_events", 3_000)
        assert await db.fetchval("select count(*) from pipeline.pipeline_dlq") == 0
