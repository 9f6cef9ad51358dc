"""Relay: publishes the events that a service committed to its outbox (docs/delivery.md#relay).

One round is one transaction. It takes the service's advisory lock, deletes the oldest rows, publishes them, and commits
when Kafka has acknowledged all of them. The relay keeps no cursor between rounds, so a row that becomes visible late is
still sent, in whatever order ids were committed.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
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
from common.bus.failures import FailureKind, classify_error
from common.bus.kafka import MAX_REQUEST_BYTES, KafkaBatches, new_producer, partition_of
from common.bus.watchdog import Watchdog
from common.database import Connection, Database
from common.settings import Settings

log = structlog.get_logger()

OUTBOX_PAGE_SIZE = 1_000
OUTBOX_POLL_SECONDS = 0.1
IDLE_POLL_SECONDS = 0.5
"""Longest pause between two looks at an empty outbox. Only rows of other processes wait for a look: own commits wake the relay."""
MIN_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 10
PUBLISH_TIMEOUT_SECONDS = 15
"""Shorter than PostgreSQL lets a transaction be idle (20 s)."""
PRODUCER_STOP_SECONDS = 5
_EXPECTED_KINDS = {
    FailureKind.INFRASTRUCTURE_UNAVAILABLE,
    FailureKind.TRANSIENT_CONFLICT,
}
_REJECTED_FOR_GOOD = (
    MessageSizeTooLargeError,
    RecordTooLargeError,
    InvalidTopicError,
    TopicAuthorizationFailedError,
    ValueError,
    AssertionError,  # aiokafka raises it for a message without key and value
)


def encode_headers(headers: Sequence[tuple[str, bytes | None]]) -> bytes:
    """Encode *headers* for the outbox. Each byte becomes one latin-1 character, so that any bytes survive."""
    return orjson.dumps([(name, None if value is None else value.decode("latin-1")) for name, value in headers])


def encode_attributes(attributes: Sequence[tuple[str, str]]) -> bytes:
    """Encode headers that are text for the outbox, with the same result as `encode_headers` for their UTF-8 bytes."""
    return orjson.dumps(
        [(name, value if value.isascii() else value.encode().decode("latin-1")) for name, value in attributes]
    )


def decode_headers(stored: bytes) -> list[tuple[str, bytes]]:
    """Return the headers that `encode_headers` was given."""
    return [(name, None if value is None else value.encode("latin-1")) for name, value in orjson.loads(stored)]  # type: ignore[misc]


@dataclass(slots=True)
class _BatchedRows:
    """Outbox rows put into Kafka batches."""

    batches: dict[str, KafkaBatches] = field(default_factory=dict)
    """Batches by topic."""
    rows: defaultdict[tuple[str, int], list[Any]] = field(default_factory=lambda: defaultdict(list))
    """Rows by topic and index of the batch."""
    single: list[Any] = field(default_factory=list)
    """Rows that no batch takes; each is sent alone."""


class Relay:
    """Relay of one service's outbox."""

    def __init__(self, service: str, settings: Settings, database: Database) -> None:
        self._service = service
        self._settings = settings
        self._database = database
        self._producer: AIOKafkaProducer | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.pause_reason: str | None = None
        self._watchdog = Watchdog(settings.livez_limit_seconds)
        self._is_in_round = False
        schema = f"svc_{service}"
        self._has_rows_sql = _HAS_ROWS.format(schema=schema)
        self._take_rows_sql = _TAKE_ROWS.format(schema=schema)
        self._insert_rejected_row_sql = _INSERT_REJECTED_ROW.format(schema=schema)

    async def start(self) -> None:
        """Begin to publish."""
        self._task = asyncio.create_task(self._run(), name=f"relay-{self._service}")

    async def stop(self) -> None:
        """Publish one more page of rows and stop."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        with suppress(Exception):
            await asyncio.wait_for(self._round(), PUBLISH_TIMEOUT_SECONDS)
        await self._discard_producer()

    def wake(self) -> None:
        """Begin a round now, because this process committed events."""
        self._wake.set()

    @property
    def stuck_reason(self) -> str | None:
        """Reason for which the relay counts as stuck, or None. Its task ended, which never happens by itself, or a round hangs."""
        if self._task is None or self._task.done():
            return "the relay ended"
        is_late = self._is_in_round and self._watchdog.is_overdue
        return f"the relay has been in one round for over {self._watchdog.limit_seconds:g} s" if is_late else None

    async def _run(self) -> None:
        pause_seconds = OUTBOX_POLL_SECONDS
        while True:
            is_woken = await self._wait_for_wake(pause_seconds)
            try:
                is_busy = await self._watched_rounds(is_woken=is_woken)
                pause_seconds = OUTBOX_POLL_SECONDS if is_busy else min(pause_seconds * 2, IDLE_POLL_SECONDS)
                self.pause_reason = None
            except Exception as error:  # noqa: BLE001 - sorted by kind; the rows are still in the outbox
                pause_seconds = min(max(pause_seconds * 2, MIN_BACKOFF_SECONDS), MAX_BACKOFF_SECONDS)
                self.pause_reason = type(error).__name__
                level = log.warning if classify_error(error) in _EXPECTED_KINDS else log.error
                level("relay_paused", service=self._service, error=type(error).__name__, backoff_seconds=pause_seconds)

    async def _wait_for_wake(self, seconds: float) -> bool:
        """Wait for a commit of this process, at most *seconds*; return whether there was one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        is_woken = self._wake.is_set()
        self._wake.clear()
        return is_woken

    async def _watched_rounds(self, *, is_woken: bool) -> bool:
        """Publish all rows; return False if a look found none. Unless woken, look first, since an idle round costs four round trips."""
        self._watchdog.mark_progress()
        self._is_in_round = True
        try:
            if not is_woken and not await self._has_rows():
                return False
            while await self._round() == OUTBOX_PAGE_SIZE:
                self._watchdog.mark_progress()
            return True
        finally:
            self._is_in_round = False

    async def _has_rows(self) -> bool:
        async with self._database.connection() as connection:
            return bool(await connection.fetchval(self._has_rows_sql))

    async def _round(self) -> int:
        """Publish one page of rows and return their number. Raises, and leaves the rows, when Kafka does not answer."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(self._take_rows_sql, f"equity-relay-{self._service}", OUTBOX_PAGE_SIZE)
            if rows:
                await self._publish(connection, sorted(rows, key=lambda row: row["id"]))
        if rows:
            telemetry.counter("equity_outbox_published", "Outbox rows published").add(
                len(rows), {"service": self._service}
            )
        return len(rows)

    async def _publish(self, connection: Connection, rows: list[Any]) -> None:
        try:
            async with asyncio.timeout(PUBLISH_TIMEOUT_SECONDS):
                rejected = await self._send_rows(rows)
        except BaseException:
            await self._discard_producer()
            raise
        for row, error in rejected:
            await self._store_rejected_row(connection, row, error)

    async def _send_rows(self, rows: list[Any]) -> list[tuple[Any, Exception]]:
        """Send *rows* in batches, and the rows of a rejected batch one by one. Return rows that Kafka rejected for good."""
        producer = self._producer or await self._new_producer()
        batched = await self._fill_batches(producer, rows)
        unsent = await self._send_batches(producer, batched)
        return [(row, error) for row in batched.single + unsent if (error := await self._send_single(row))]

    async def _fill_batches(self, producer: AIOKafkaProducer, rows: list[Any]) -> _BatchedRows:
        """Put *rows* into batches; rows that are too large, or whose topic Kafka rejects, stay single."""
        batched = _BatchedRows()
        for row in rows:
            topic = self._topic_of(row)
            if sum(len(part or b"") for part in (row["key"], row["headers"], row["body"])) > MAX_REQUEST_BYTES:
                batched.single.append(row)
                continue
            try:
                if topic not in batched.batches:
                    batched.batches[topic] = KafkaBatches(producer, len(await producer.partitions_for(topic)))
                index = batched.batches[topic].add(row["key"], row["body"], decode_headers(row["headers"]))
            except _REJECTED_FOR_GOOD:
                batched.single.append(row)
            else:
                batched.rows[topic, index].append(row)
        return batched

    async def _send_batches(self, producer: AIOKafkaProducer, batched: _BatchedRows) -> list[Any]:
        """Send all batches. Return the rows that were not acknowledged because Kafka rejected a batch for good."""
        pending = [
            (batched.rows[topic, index], await producer.send_batch(batch, topic, partition=partition))
            for topic, batches in batched.batches.items()
            for index, (partition, batch) in enumerate(batches.filled)
        ]
        for number, (_, acknowledgement) in enumerate(pending):
            try:
                await acknowledgement
            except _REJECTED_FOR_GOOD:
                # The producer now counts from a sequence number that the broker never saw, so it is of no more use.
                # The rows of every batch that is not acknowledged are sent again, each alone.
                await self._discard_producer()
                return [row for rows, other in pending[number:] if not _is_acknowledged(other) for row in rows]
        return []

    async def _send_single(self, row: Any) -> Exception | None:
        """Send one row. Return the error if Kafka rejects it for good, or None."""
        producer = self._producer or await self._new_producer()
        topic, headers = self._topic_of(row), decode_headers(row["headers"])
        try:
            partition = partition_of(row["key"], row["body"], len(await producer.partitions_for(topic)))
            await producer.send_and_wait(topic, row["body"], key=row["key"], headers=headers, partition=partition)
        except _REJECTED_FOR_GOOD as error:
            await self._discard_producer()
            return error
        return None

    async def _store_rejected_row(self, connection: Connection, row: Any, error: Exception) -> None:
        reason = type(error).__name__
        log.error("outbox_row_rejected", service=self._service, topic=row["topic"], outbox_id=row["id"], reason=reason)
        telemetry.counter("equity_outbox_rejected", "Outbox rows that Kafka rejected for good").add(
            1, {"service": self._service}
        )
        values = (row["id"], row["topic"], row["key"], row["headers"], row["body"], row["created_at"], reason)
        await connection.execute(self._insert_rejected_row_sql, *values)

    def _topic_of(self, row: Any) -> str:
        return str(self._settings.kafka_topic_prefix + row["topic"])

    async def _new_producer(self) -> AIOKafkaProducer:
        self._producer = await new_producer(self._settings, f"{self._service}-relay")
        return self._producer

    async def _discard_producer(self) -> None:
        """Discard the producer. An idempotent producer never gives up a batch, so one that hangs is of no more use.

        See docs/hazards.md#s12-one-bad-row-blocks-the-outbox.
        """
        producer, self._producer = self._producer, None
        if producer is not None:
            task = asyncio.ensure_future(producer.stop())
            await asyncio.wait({task}, timeout=PRODUCER_STOP_SECONDS)
            task.cancel()


def _is_acknowledged(acknowledgement: asyncio.Future[Any]) -> bool:
    return acknowledgement.done() and not acknowledgement.cancelled() and acknowledgement.exception() is None


_HAS_ROWS = "select exists (select from {schema}.outbox)"
_TAKE_ROWS = """
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

_INSERT_REJECTED_ROW = """
insert into {schema}.outbox_rejected (id, topic, key, headers, body, created_at, reason)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing
"""
