"""Sends the rows of taken files to Kafka, as `ingest.leads` messages (design §9, hazards S19).

Rows do not go through the outbox: a row's id is made of upload and row, so sending it again changes nothing, and after
a crash sending goes on from the last thousand that is noted. Whoever holds the lock on the file sends; the lease in the
database is there so that one who lost the file, without knowing it, can note nothing any more.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

import structlog
from aiokafka import AIOKafkaProducer
from opentelemetry.trace import Span, SpanKind

from common import csv_rows, telemetry
from common.bus import Bus
from common.bus.failures import Kind, classify, code_of
from common.bus.kafka import Batches, new_producer
from common.database import load_queries
from common.events import LeadRecord
from gateway.backlog import Backlog
from gateway.messages import Message, RowMessages
from gateway.spool import Spool

log = structlog.get_logger()
queries = load_queries(__file__)

CHUNK_ROWS = 1_000
CHUNK_BYTES = 4_000_000
POLL_SECONDS = 1.0
SEND_SECONDS = 60
RENEW_SECONDS = 10
FIRST_PAUSE = 0.2
OPEN_UPLOADS = 64
"""Uploads that take turns; each holds an open file."""
_TRIES = 5
"""Unexpected failures before an upload counts as failed; waiting for Kafka or PostgreSQL is none."""


class LeaseLostError(Exception):
    """Somebody else has taken this upload over."""


@dataclass(slots=True)
class Chunk:
    """Rows on their way, as Kafka wants them."""

    rows: int = 0
    batches: list[tuple[int, Any]] = field(default_factory=list)
    """Partition and filled batch."""


class Publisher:
    """Sends what waits on this gateway's disk, several uploads side by side."""

    serves = True

    def __init__(self, bus: Bus, spool: Spool, at_once: int, ahead_rows: int = 2_000) -> None:
        self._bus = bus
        self._spool = spool
        self._at_once = at_once
        self._turns = asyncio.Semaphore(at_once)  # first come, first served: with a turn for each thousand, round-robin
        self._backlog = Backlog(bus, ahead_rows)
        self._me = str(uuid4())
        self._wake = asyncio.Event()
        self._sending: dict[UUID, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Begin to send."""
        self._tasks = [asyncio.create_task(self._watch(), name="gateway-publisher")]
        self._tasks.append(asyncio.create_task(self._renew(), name="gateway-leases"))

    async def stop(self) -> None:
        """Stop; what is not sent is sent by the next start."""
        tasks = [*self._tasks, *self._sending.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._producer is not None:
            await self._discard(self._producer)
        await self._backlog.stop()

    def wake(self) -> None:
        """Look for uploads now."""
        self._wake.set()

    async def _watch(self) -> None:
        while True:
            try:
                await self._begin_waiting()
            except Exception as error:  # noqa: BLE001 - the database may be away; the uploads stay
                log.warning("publisher_waits", error=code_of(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._wake.wait()
            self._wake.clear()

    async def _begin_waiting(self) -> None:
        async with self._bus.database.connection() as connection:
            waiting = [row["id"] async for row in queries.waiting_uploads(connection, spool_host=self._spool.disk)]
        for upload_id in waiting:
            if len(self._sending) >= OPEN_UPLOADS:
                break
            if upload_id not in self._sending:
                self._sending[upload_id] = asyncio.create_task(self._send_upload(upload_id), name=f"upload-{upload_id}")

    async def _send_upload(self, upload_id: UUID) -> None:
        try:
            with self._spool.locked(upload_id) as mine:
                if mine:
                    await self._send_patiently(upload_id)
                    self._wake.set()
        except FileNotFoundError:
            await self._give_up(
                upload_id, "needs_resend", "the gateway no longer has the file: send the same file again"
            )
        except LeaseLostError:
            log.warning("upload_taken_over", upload_id=str(upload_id))
        finally:
            del self._sending[upload_id]

    async def _send_patiently(self, upload_id: UUID) -> None:
        """Send, however long Kafka or PostgreSQL are away. An upload that keeps failing otherwise counts as failed."""
        tries, pause = 0, FIRST_PAUSE
        while True:
            try:
                return await self._send_rest(upload_id)
            except (LeaseLostError, FileNotFoundError):
                raise
            except Exception as error:
                kind = classify(error)
                tries += kind in (Kind.UNEXPECTED, Kind.BAD_RECORD)
                code = code_of(error)
                log.warning("upload_waits", upload_id=str(upload_id), error=code, kind=kind, exc_info=tries > 0)
                if tries == _TRIES:
                    return await self._give_up(upload_id, "failed", f"sending failed with {code}: tell support")
            await asyncio.sleep(pause)
            pause = min(pause * 2, 5)

    async def _give_up(self, upload_id: UUID, state: str, problem: str) -> None:
        log.error("upload_given_up", upload_id=str(upload_id), state=state, problem=problem)
        with suppress(Exception):  # the next look finds it as it is now
            async with self._bus.database.connection() as connection:
                await queries.give_up_upload(
                    connection, id=upload_id, spool_host=self._spool.disk, state=state, problem=problem
                )

    async def _send_rest(self, upload_id: UUID) -> None:
        """Send the rows that are not noted as sent, thousand by thousand, in turn with other uploads.

        The first thousand of an upload waits for no room on the topic: that is all of a small one.
        """
        async with self._bus.database.connection() as connection:
            upload = await queries.take_lease(
                connection, id=upload_id, spool_host=self._spool.disk, lease_owner=self._me
            )
        if upload is None:
            return
        producer = await self._get_producer()
        topic = self._bus.topic(LeadRecord.topic)
        partitions = len(await producer.partitions_for(topic))
        sent = upload["rows_published"]
        with _span(topic, upload_id), _Reading(self._spool.path(upload_id), dict(upload)) as reading:
            following: asyncio.Future[Chunk] | None = None
            while True:
                if sent:
                    await self._backlog.wait_for_room()
                async with self._turns:
                    following = following or self._read_next(reading, producer, partitions)
                    chunk, following = await following, None
                    if not chunk.rows:
                        break
                    if len(self._sending) <= self._at_once:  # else everyone would hold rows in memory between turns
                        following = self._read_next(reading, producer, partitions)
                    try:
                        await self._send(producer, topic, chunk)
                    except BaseException:
                        if following:
                            await asyncio.wait({following})  # the thread reads a file that is about to be closed
                        raise
                sent += chunk.rows
                telemetry.counter("equity_rows_published", "Rows sent to Kafka").add(chunk.rows)
                await self._note(queries.keep_progress, upload_id, sent)
            await self._note(queries.finish_publishing, upload_id, sent)

    def _read_next(self, reading: "_Reading", producer: AIOKafkaProducer, partitions: int) -> asyncio.Future[Chunk]:
        return asyncio.ensure_future(asyncio.to_thread(reading.chunk, producer, partitions))

    async def _note(self, statement: Any, upload_id: UUID, sent: int) -> None:
        async with self._bus.database.connection() as connection:
            noted = await statement(connection, id=upload_id, lease_owner=self._me, rows_published=sent)
        if not noted:
            raise LeaseLostError

    async def _send(self, producer: AIOKafkaProducer, topic: str, chunk: Chunk) -> None:
        """Return when Kafka has acknowledged all. A producer that does not get there is thrown away (hazards S12)."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                acknowledged = [
                    await producer.send_batch(batch, topic, partition=partition) for partition, batch in chunk.batches
                ]
                counts = [batch.record_count() for _, batch in chunk.batches]
                for metadata, count in zip([await future for future in acknowledged], counts, strict=True):
                    self._backlog.offsets.note(metadata.partition, metadata.offset, count)
        except BaseException:
            await self._discard(producer)
            raise

    async def _get_producer(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                self._producer = await new_producer(self._bus.settings, "gateway-rows")
            return self._producer

    async def _discard(self, producer: AIOKafkaProducer) -> None:
        if producer is self._producer:
            self._producer = None
        stopping = asyncio.ensure_future(producer.stop())
        await asyncio.wait({stopping}, timeout=2)
        stopping.cancel()

    async def _renew(self) -> None:
        """Say that the uploads in hand are in hand, also while Kafka is away."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            if not self._sending:
                continue
            try:
                async with self._bus.database.connection() as connection:
                    await queries.renew_leases(connection, ids=list(self._sending), lease_owner=self._me)
            except Exception as error:  # noqa: BLE001 - the next round comes soon
                log.warning("leases_wait", error=code_of(error))


def _span(topic: str, upload_id: UUID) -> AbstractContextManager[Span]:
    attributes = {
        "messaging.system": "kafka",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": topic,
        "equity.upload_id": str(upload_id),
    }
    return telemetry.span("send rows", SpanKind.PRODUCER, attributes=attributes)


class _Reading:
    """An upload's file, read from where sending stopped. Used by one thread at a time."""

    def __init__(self, file: Path, upload: dict[str, Any]) -> None:
        self._text = csv_rows.open_text(file, upload["encoding"])
        reader = csv_rows.Reader(self._text, upload["delimiter"])
        reader.header()
        self._messages = RowMessages(
            upload["id"],
            upload["received_at"],
            upload["columns"],
            upload["delimiter"],
            broker_id=upload["broker_id"],
            broker_ids=upload["broker_ids"],
            traceparent=telemetry.current_traceparent(),
        )
        self._rows = self._from(reader.rows(len(upload["columns"])), upload["rows_published"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._text.close()

    def _from(self, found: Iterator[csv_rows.Row], sent: int) -> Iterator[Message]:
        for number, row in enumerate(islice(found, sent, None), start=sent + 1):
            yield self._messages.message(number, row)

    def chunk(self, producer: AIOKafkaProducer, partitions: int) -> Chunk:
        """The next rows: a thousand, or fewer large ones; none at the end."""
        batches, count, size = Batches(producer, partitions), 0, 0
        for key, value, headers in islice(self._rows, CHUNK_ROWS):
            batches.add(key, value, headers)
            count += 1
            size += len(value)
            if size > CHUNK_BYTES:
                break
        return Chunk(count, batches.filled)
