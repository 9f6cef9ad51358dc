"""A dead letter whose cause was fixed is replayed to ingest and resolved, on real Kafka."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from support.installation import Installation

Running = Callable[..., AbstractAsyncContextManager[list[Any]]]


@pytest.fixture
async def db(installation: Installation) -> Any:
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    yield connection
    await connection.close()


async def wait_for_value(db: Any, query: str, expected: Any, seconds: float = 30) -> None:
    deadline = asyncio.get_running_loop().time() + seconds
    while (found := await db.fetchval(query)) != expected:
        assert asyncio.get_running_loop().time() < deadline, f"{found!r} instead of {expected!r}"
        await asyncio.sleep(0.1)


async def test_a_fixed_dead_letter_becomes_a_lead_and_is_resolved(
    running: Running, installation: Installation, db: Any
) -> None:
    broker = uuid4()
    record = {
        "property_address": "7 Elm St", "property_city": "Tampa", "property_state": "FL", "property_zip": "33601",
        "broker_id": str(broker),
    }  # fmt: skip
    async with running("ingest", "recorder", recorder_replay_seconds=0.2):
        producer = AIOKafkaProducer(bootstrap_servers=installation.kafka)
        await producer.start()
        await producer.send_and_wait(f"{installation.prefix}ingest.leads", json.dumps(record).encode())
        await producer.stop()
        await wait_for_value(db, "select reason from pipeline.pipeline_dlq", "unknown_broker")
        replay = "select count(*) from pipeline.replay_dead_letters(null, null, null, null, false, false, 'test')"
        await db.fetchval(replay)
        await wait_for_value(db, "select status || replay_number::text from pipeline.pipeline_dlq", "open1")
        assert await db.fetchval("select count(*) from app.leads") == 0
        await db.execute("insert into app.brokers (id, name) values ($1, 'fixed')", broker)
        await asyncio.sleep(6)
        await db.fetchval(replay)
        await wait_for_value(db, "select status || replay_number::text from pipeline.pipeline_dlq", "resolved2")
        assert await db.fetchval("select assigned_broker_id from app.leads") == broker
        await db.fetchval(replay)
        await asyncio.sleep(0.5)
        assert await db.fetchval("select count(*) from app.leads") == 1
