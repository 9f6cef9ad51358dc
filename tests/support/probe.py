"""Minimal service for tests of the bus: one consumer whose handlers the tests add, and its messages."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic import SecretStr

from common import ids
from common.bus import Batch, Bus, Received, Tx, envelope
from common.database import Database
from common.events import Event
from common.pii.keyring import Keyring
from common.settings import Settings

KEYS = Keyring({"k1": b"k" * 32}, "k1", b"p" * 32)


class Ping(Event):
    """Test message, on an existing topic."""

    topic: ClassVar[str] = "ingest.deals"
    n: int
    text: str = ""


@dataclass(eq=False)
class Counted:
    """Effect to record as a row in `effects`."""

    cause: Received[Ping]

    @property
    def n(self) -> int:
        return self.cause.event.n


class Probe:
    """Service under test: a bus with a database. Tests add the handlers."""

    def __init__(self, dsn: str, kafka: str, prefix: str, **more: Any) -> None:
        self.settings = Settings(
            database_url=SecretStr(dsn), kafka_bootstrap_servers=kafka, kafka_topic_prefix=prefix, **more
        )
        self.database = Database(self.settings, "probe")
        self.bus = Bus("probe", self.settings, self.database, KEYS)

    async def effects(self) -> list[int]:
        async with self.database.connection() as connection:
            return [row["n"] for row in await connection.fetch("select n from svc_probe.effects order by n")]

    async def scalar(self, sql: str, *arguments: object) -> Any:
        async with self.database.connection() as connection:
            return await connection.fetchval(sql, *arguments)

    async def execute(self, sql: str) -> None:
        async with self.database.connection() as connection:
            await connection.execute(sql)


async def count(tx: Tx, items: Sequence[Counted]) -> None:
    await tx.connection.executemany(
        "insert into svc_probe.effects (n, event_id) values ($1, $2)", [(item.n, item.cause.id) for item in items]
    )


async def record(batch: Batch[Ping]) -> None:
    """Record one effect per message."""
    await batch.commit([Counted(received) for received in batch], count)


@asynccontextmanager
async def running(
    probe: Probe, handler: Callable[[Batch[Ping]], Awaitable[None]] | None = record, **options: Any
) -> AsyncIterator[Probe]:
    if handler is not None:
        probe.bus.on(Ping, **options)(handler)
    await probe.database.start()
    await probe.bus.start()
    try:
        yield probe
    finally:
        await probe.bus.stop()
        await probe.database.stop()


async def send(probe: Probe, *messages: tuple[bytes | None, list[tuple[str, bytes | None]]]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=probe.settings.kafka_bootstrap_servers, max_request_size=3_000_000)
    await producer.start()
    try:
        for value, headers in messages:
            await producer.send(probe.bus.topic(Ping.topic), value, key=b"k", headers=headers)
        await producer.flush()
    finally:
        await producer.stop()


def ping(
    n: int, event_id: UUID | None = None, time: datetime | None = None, **more: bytes
) -> tuple[bytes, list[tuple[str, bytes | None]]]:
    headers: list[tuple[str, bytes | None]] = list(
        envelope.build_headers(
            id=event_id or ids.new_id(), type=Ping.topic, source="test", time=time or datetime.now(UTC)
        )
    )
    return Ping(n=n).model_dump_json().encode(), headers + list(more.items())


async def eventually(check: Callable[[], Awaitable[Any]], expected: Any, seconds: float = 15) -> None:
    """Wait until *check* returns *expected*. The failure shows its last result."""
    deadline = asyncio.get_running_loop().time() + seconds
    while (actual := await check()) != expected:
        assert asyncio.get_running_loop().time() < deadline, f"{actual!r} instead of {expected!r}"
        await asyncio.sleep(0.05)


async def dead_letters(probe: Probe, count: int) -> list[dict[str, Any]]:
    """Return the first *count* dead letters on the bus."""
    consumer = AIOKafkaConsumer(
        probe.bus.topic("pipeline.dlq"), bootstrap_servers=probe.settings.kafka_bootstrap_servers,
        auto_offset_reset="earliest", max_partition_fetch_bytes=5_000_000,
    )  # fmt: skip
    await consumer.start()
    try:
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(15):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [json.loads(record.value) for record in records]
        return found
    finally:
        await consumer.stop()
