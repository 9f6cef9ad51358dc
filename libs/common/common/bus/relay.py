"""The relay: publishes what services committed to their outbox (design §4.3).

One transaction takes the service's advisory lock, deletes the oldest rows, publishes them and commits when Kafka has
acknowledged all. Nothing is remembered between rounds, so a row that is there is always sent, however ids interleave.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import orjson
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    MessageSizeTooLargeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
)

from common import telemetry
from common.bus.failures import Kind, classify
from common.bus.kafka import REQUEST_LIMIT, Batches, new_producer, partition_of
from common.bus.watch import Watch
from common.database import Connection, Database
from common.settings import Settings

log = structlog.get_logger()

BATCH = 1_000
POLL_SECONDS = 0.1
FLUSH_SECONDS = 15
"""Shorter than PostgreSQL lets a transaction stand idle (20 s)."""
_REFUSED_FOR_GOOD = (
    MessageSizeTooLargeError,
    RecordTooLargeError,
    InvalidTopicError,
    TopicAuthorizationFailedError,
    ValueError,
    AssertionError,  # aiokafka's answer to a message without key and value
)


def encode_headers(headers: Sequence[tuple[str, bytes | None]]) -> bytes:
    """Headers as the outbox keeps them: latin-1 text, one character a byte, so that any bytes survive."""
    return orjson.dumps([(name, None if value is None else value.decode("latin-1")) for name, value in headers])


def encode_attributes(attributes: Sequence[tuple[str, str]]) -> bytes:
    """The same for headers that are text: UTF-8, byte by byte."""
    return orjson.dumps(
        [(name, value if value.isascii() else value.encode().decode("latin-1")) for name, value in attributes]
    )


def decode_headers(stored: bytes) -> list[tuple[str, bytes]]:
    """What `encode_headers` was given."""
    return [(name, None if value is None else value.encode("latin-1")) for name, value in orjson.loads(stored)]  # type: ignore[misc]


class Relay:
    """Publishes one service's outbox."""

    def __init__(self, service: str, settings: Settings, database: Database) -> None:
        self._service = service
        self._settings = settings
        self._database = database
        self._producer: AIOKafkaProducer | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.waiting: str | None = None
        self._watch = Watch(settings.livez_limit_seconds)
        self._working = False
        schema = f"svc_{service}"
        self._take = _TAKE.format(schema=schema)
        self._bury = _BURY.format(schema=schema)

    async def start(self) -> None:
        """Begin to publish."""
        self._task = asyncio.create_task(self._run(), name=f"relay-{self._service}")

    async def stop(self) -> None:
        """Publish what is there and stop."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        with suppress(Exception):
            await asyncio.wait_for(self._round(), FLUSH_SECONDS)
        await self._discard_producer()

    def wake(self) -> None:
        """Look at the outbox now: something was committed in this process."""
        self._wake.set()

    @property
    def stuck(self) -> str | None:
        """Why it counts as stuck, or None: its task ended, which it never should, or a round does not end."""
        if self._task is None or self._task.done():
            return "the relay ended"
        late = self._working and self._watch.overdue
        return f"the relay has been in one round for over {self._watch.limit:g} s" if late else None

    async def _run(self) -> None:
        pause = POLL_SECONDS
        while True:
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                while await self._watched_round() == BATCH:
                    pass
                pause, self.waiting = POLL_SECONDS, None
            except Exception as error:  # noqa: BLE001 - sorted by kind; the rows are still there
                pause = min(max(pause * 2, 0.5), 10)
                self.waiting = type(error).__name__
                level = log.warning if classify(error) in (Kind.OURS_DOWN, Kind.REPEAT) else log.error
                level("relay_waits", service=self._service, error=type(error).__name__, pause_s=pause)

    async def _watched_round(self) -> int:
        self._watch.moved()
        self._working = True
        try:
            return await self._round()
        finally:
            self._working = False

    async def _round(self) -> int:
        """Publish up to a thousand rows; how many there were. Raises and leaves the rows when Kafka does not answer."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(self._take, f"equity-relay-{self._service}", BATCH)
            if rows:
                await self._publish(connection, sorted(rows, key=lambda row: row["id"]))
        if rows:
            telemetry.counter("equity_outbox_published", "Outbox rows published").add(
                len(rows), {"service": self._service}
            )
        return len(rows)

    async def _publish(self, connection: Connection, rows: list[Any]) -> None:
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                producer = self._producer or await self._new_producer()
                refused = await self._send(producer, rows)
        except BaseException:
            await self._discard_producer()
            raise
        for row, reason in refused:
            await self._die(connection, row, reason)

    async def _send(self, producer: AIOKafkaProducer, rows: list[Any]) -> list[tuple[Any, Exception]]:
        """Send *rows* in batches; those that Kafka will never take, and why. Rows of a refused batch go one by one."""
        topics: dict[str, Batches] = {}
        members: defaultdict[tuple[str, int], list[Any]] = defaultdict(list)
        alone: list[Any] = []
        for row in rows:
            topic = self._settings.kafka_topic_prefix + row["topic"]
            if sum(len(part or b"") for part in (row["key"], row["headers"], row["body"])) > REQUEST_LIMIT:
                alone.append(row)
                continue
            try:
                if topic not in topics:
                    topics[topic] = Batches(producer, len(await producer.partitions_for(topic)))
                place = topics[topic].add(row["key"], row["body"], decode_headers(row["headers"]))
            except _REFUSED_FOR_GOOD:
                alone.append(row)
            else:
                members[topic, place].append(row)
        pending = [
            (members[topic, place], await producer.send_batch(batch, topic, partition=partition))
            for topic, batches in topics.items()
            for place, (partition, batch) in enumerate(batches.filled)
        ]
        for number, (_, acknowledged) in enumerate(pending):
            try:
                await acknowledged
            except _REFUSED_FOR_GOOD:
                # The producer now counts on from a number that the broker never saw: what is not acknowledged goes again.
                await self._discard_producer()
                alone += [row for sent, other in pending[number:] if not _succeeded(other) for row in sent]
                break
        return [(row, reason) for row in alone if (reason := await self._refusal(row))]

    async def _refusal(self, row: Any) -> Exception | None:
        """Send one row; why Kafka will never take it, or None when it took it."""
        producer = self._producer or await self._new_producer()
        topic, headers = self._settings.kafka_topic_prefix + row["topic"], decode_headers(row["headers"])
        try:
            partition = partition_of(row["key"], row["body"], len(await producer.partitions_for(topic)))
            await producer.send_and_wait(topic, row["body"], key=row["key"], headers=headers, partition=partition)
        except _REFUSED_FOR_GOOD as error:
            await self._discard_producer()
            return error
        return None

    async def _die(self, connection: Connection, row: Any, error: Exception) -> None:
        reason = type(error).__name__
        log.error("outbox_row_refused", service=self._service, topic=row["topic"], outbox_id=row["id"], reason=reason)
        telemetry.counter("equity_outbox_dead", "Outbox rows that Kafka refused for good").add(
            1, {"service": self._service}
        )
        await connection.execute(
            self._bury, row["id"], row["topic"], row["key"], row["headers"], row["body"], row["created_at"], reason
        )

    async def _new_producer(self) -> AIOKafkaProducer:
        self._producer = await new_producer(self._settings, f"{self._service}-relay")
        return self._producer

    async def _discard_producer(self) -> None:
        """An idempotent producer never gives up a batch, so one that hangs is thrown away (hazards S12)."""
        producer, self._producer = self._producer, None
        if producer is not None:
            task = asyncio.ensure_future(producer.stop())
            await asyncio.wait({task}, timeout=5)
            task.cancel()


def _succeeded(acknowledged: asyncio.Future[Any]) -> bool:
    return acknowledged.done() and not acknowledged.cancelled() and acknowledged.exception() is None


_TAKE = """
with leader as materialized (
  select pg_try_advisory_xact_lock(hashtext($1)) as granted
)
delete from {schema}.outbox
where (select granted from leader)
and id = any (array(
  select id
  from {schema}.outbox
  where (select granted from leader)
  order by id
  limit $2
))
returning id, topic, key, headers, body, created_at
"""

_BURY = """
insert into {schema}.outbox_dead (id, topic, key, headers, body, created_at, reason)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing
"""
