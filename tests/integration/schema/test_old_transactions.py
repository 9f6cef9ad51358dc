"""Long open transactions, such as a dump or a report, do not block the queues."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import pytest

from support.installation import Installation
from support.partner import Partner, csv_of

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]
READ_TABLES = (
    "svc_gateway.outbox",
    "svc_ingest.outbox",
    "svc_ingest.inbox",
    "app.leads",
    "app.uploads",
    "app.pipeline_events",
)


@pytest.fixture
async def old(installation: Installation) -> AsyncIterator[Any]:
    """Yield a connection with an old snapshot that has read every table and stays open."""
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    await connection.execute("begin isolation level repeatable read")
    for table in READ_TABLES:
        await connection.fetchval(f"select count(*) from {table}")
    yield connection
    await connection.close()


@pytest.fixture
async def db(installation: Installation) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    yield connection
    await connection.close()


async def test_traffic_flows_beside_an_old_snapshot(
    running: Running, installation: Installation, old: Any, db: Any
) -> None:
    rows = 5_000
    async with (
        running("gateway", "ingest", "recorder", gateway_port=0) as (gateway, *_),
        aiohttp.ClientSession() as web,
    ):
        partner = Partner(f"http://127.0.0.1:{gateway.parts[-1].port}", web, uuid4())
        for part in range(3):
            _, answer = await partner.upload(csv_of(rows, start=part * rows))
            report = await partner.wait_for_state(answer["upload_id"], "done", 60)
            assert report["inserted"] == rows
        async with asyncio.timeout(60):
            while await db.fetchval("select count(*) from app.pipeline_events") != 3 * rows + 3:
                await asyncio.sleep(0.05)
            for service in ("gateway", "ingest"):
                while await db.fetchval(f"select count(*) from svc_{service}.outbox"):
                    await asyncio.sleep(0.05)
    assert await db.fetchval("select count(*) from pipeline.pipeline_dlq") == 0
    assert await old.fetchval("select count(*) from app.leads") == 0, "the old snapshot does not change"


@pytest.mark.parametrize(
    ("work", "queue"),
    [
        ("pipeline.make_inbox_days(9)", "svc_ingest.inbox"),
        ("pipeline.drop_inbox_days(8)", "svc_ingest.inbox"),
        ("pipeline.make_event_months(9)", "app.pipeline_events"),
    ],
)
async def test_partition_jobs_give_up_instead_of_blocking_consumers(
    installation: Installation, old: Any, db: Any, work: str, queue: str
) -> None:
    """Otherwise every consumer would queue behind the lock for which the job waits, until lock_timeout."""
    old_day = "create table svc_ingest.inbox_20200101 partition of svc_ingest.inbox for values from ('2020-01-01') to ('2020-01-02')"
    await old.execute("rollback")
    await db.execute(old_day)
    await old.execute("begin isolation level repeatable read")
    for table in READ_TABLES:
        await old.fetchval(f"select count(*) from {table}")
    recorder = await asyncpg.connect(installation.database.dsn("recorder"))
    with pytest.raises(asyncpg.LockNotAvailableError):
        await recorder.execute(f"select {work}", timeout=10)
    await old.execute("rollback")
    await recorder.execute(f"select {work}", timeout=30)
    await recorder.close()
    assert await db.fetchval(f"select count(*) from {queue}") == 0
