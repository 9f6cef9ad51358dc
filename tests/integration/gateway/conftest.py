"""A gateway in this process, a partner, and what arrives on Kafka."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from support.installation import Installation
from support.partner import Partner


@pytest.fixture
async def db(installation: Installation) -> AsyncIterator[Any]:
    """A superuser's connection."""
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def address(service: Any) -> str:
    """Where a gateway in this process listens."""
    return f"http://127.0.0.1:{service.parts[-1].port}"


@pytest.fixture
async def base(running: Callable[..., AbstractAsyncContextManager[list[Any]]]) -> AsyncIterator[str]:
    """The address of a gateway in this process."""
    async with running("gateway", gateway_port=0, gateway_key_cache_seconds=0) as (service,):
        yield address(service)


@pytest.fixture
def partner(base: str, session: aiohttp.ClientSession) -> Partner:
    """The documents' partner with the single key of HMAC_SECRET_KEY."""
    return Partner(base, session, uuid4())


@pytest.fixture
async def sent(installation: Installation) -> Callable[[str], Awaitable[list[Any]]]:
    """`await sent("ingest.leads")`: every message there is on a topic by now."""

    async def read(topic: str) -> list[Any]:
        consumer = AIOKafkaConsumer(bootstrap_servers=installation.kafka, auto_offset_reset="earliest")
        await consumer.start()
        try:
            name = installation.prefix + topic
            for _ in range(100):  # a new topic is not known everywhere at once
                if numbers := (await consumer._client.fetch_all_metadata()).partitions_for_topic(name):
                    break
                await asyncio.sleep(0.1)
            places = [TopicPartition(name, number) for number in numbers]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            records = []
            for place in places:
                consumer.seek(place, 0)
            while [place for place, end in ends.items() if await consumer.position(place) < end]:
                for batch in (await consumer.getmany(timeout_ms=500)).values():
                    records += batch
            return records
        finally:
            await consumer.stop()

    return read
