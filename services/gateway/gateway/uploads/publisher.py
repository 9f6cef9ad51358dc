"""Publication of an upload's rows as `ingest.leads` messages (docs/hazards.md, S19).

Rows do not go through the outbox. A row's id is made of upload and row number, so publishing it again has no effect. After
a crash, publishing continues at the last recorded thousand. The process that holds the lock on the file publishes. The
lease in the database is a fencing token: a process that lost the file, without knowing it, can no longer record progress.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, suppress
from uuid import uuid4

import structlog
from aiokafka import AIOKafkaProducer
from opentelemetry.trace import Span, SpanKind

from common import telemetry
from common.bus import Bus
from common.bus.failures import FailureKind, classify_error, error_code
from common.bus.kafka import new_producer
from common.events import LeadRecord
from common.ids import UploadId
from gateway.uploads import queries
from gateway.uploads.backlog import TopicBacklog
from gateway.uploads.chunks import ChunkReader, PublishChunk
from gateway.uploads.spool import Spool

log = structlog.get_logger()

UPLOAD_POLL_SECONDS = 1.0
SEND_TIMEOUT_SECONDS = 60
LEASE_RENEWAL_SECONDS = 10
MIN_RETRY_SECONDS = 0.2
MAX_RETRY_SECONDS = 5.0
PRODUCER_STOP_SECONDS = 2
MAX_OPEN_UPLOADS = 64
"""Uploads that alternate; each holds an open file."""
_MAX_UNEXPECTED_FAILURES = 5
"""Unexpected failures after which an upload counts as failed. Outages of Kafka or PostgreSQL do not count."""


class LeaseLostError(Exception):
    """Another process has taken over this upload."""


class UploadPublisher:
    """Publisher of the uploads on this gateway's disk. It publishes several uploads concurrently."""

    is_service_only = True

    def __init__(self, bus: Bus, spool: Spool, max_concurrent_sends: int, max_backlog_rows: int = 2_000) -> None:
        self._bus = bus
        self._spool = spool
        self._max_concurrent_sends = max_concurrent_sends
        # The semaphore is first come, first served. With a permit for each thousand rows it makes uploads alternate.
        self._send_permits = asyncio.Semaphore(max_concurrent_sends)
        self._backlog = TopicBacklog(bus, max_backlog_rows)
        self._lease_owner = str(uuid4())
        self._wake = asyncio.Event()
        self._tasks_by_upload: dict[UploadId, asyncio.Task[None]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._producer: AIOKafkaProducer | None = None
        self._producer_lock = asyncio.Lock()

    async def start(self) -> None:
        """Start publishing."""
        self._tasks = [asyncio.create_task(self._watch_uploads(), name="gateway-publisher")]
        self._tasks.append(asyncio.create_task(self._renew_leases(), name="gateway-leases"))

    async def stop(self) -> None:
        """Stop publishing. The next start publishes the remaining rows."""
        tasks = [*self._tasks, *self._tasks_by_upload.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._producer is not None:
            await self._discard_producer(self._producer)
        await self._backlog.stop()

    def wake(self) -> None:
        """Look for waiting uploads now, not at the next poll."""
        self._wake.set()

    async def _watch_uploads(self) -> None:
        while True:
            try:
                await self._start_waiting_uploads()
            except Exception as error:  # noqa: BLE001 - the database may be away; the uploads stay
                log.warning("upload_poll_failed", error=error_code(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(UPLOAD_POLL_SECONDS):
                    await self._wake.wait()
            self._wake.clear()

    async def _start_waiting_uploads(self) -> None:
        async with self._bus.database.connection() as connection:
            waiting = await queries.list_waiting_uploads(connection, spool_disk_id=self._spool.disk_id)
        for upload_id in waiting:
            if len(self._tasks_by_upload) >= MAX_OPEN_UPLOADS:
                break
            if upload_id not in self._tasks_by_upload:
                task = asyncio.create_task(self._publish_upload(upload_id), name=f"upload-{upload_id}")
                self._tasks_by_upload[upload_id] = task

    async def _publish_upload(self, upload_id: UploadId) -> None:
        try:
            with self._spool.lock_file(upload_id) as is_locked:
                if is_locked:
                    await self._publish_with_retries(upload_id)
                    self._wake.set()
        except FileNotFoundError:
            problem = "the gateway no longer has the file: send the same file again"
            await self._stop_upload(upload_id, "needs_resend", problem)
        except LeaseLostError:
            log.warning("upload_lease_lost", upload_id=str(upload_id))
        finally:
            del self._tasks_by_upload[upload_id]

    async def _publish_with_retries(self, upload_id: UploadId) -> None:
        """Publish, however long Kafka or PostgreSQL are away. After repeated other failures the upload counts as failed."""
        failures, delay = 0, MIN_RETRY_SECONDS
        while True:
            try:
                return await self._publish_remaining_rows(upload_id)
            except (LeaseLostError, FileNotFoundError):
                raise
            except Exception as error:
                kind = classify_error(error)
                failures += kind in (FailureKind.UNEXPECTED, FailureKind.BAD_RECORD)
                code = error_code(error)
                log.warning(
                    "upload_publish_failed", upload_id=str(upload_id), error=code, kind=kind, exc_info=failures > 0
                )
                if failures == _MAX_UNEXPECTED_FAILURES:
                    return await self._stop_upload(upload_id, "failed", f"publishing failed with {code}: tell support")
            await asyncio.sleep(delay)
            delay = min(delay * 2, MAX_RETRY_SECONDS)

    async def _stop_upload(self, upload_id: UploadId, state: str, problem: str) -> None:
        """Mark the upload as `failed` or `needs_resend`. If that fails, the next poll finds it unchanged."""
        log.error("upload_stopped", upload_id=str(upload_id), state=state, problem=problem)
        with suppress(Exception):
            async with self._bus.database.connection() as connection:
                await queries.stop_upload(
                    connection, upload_id=upload_id, spool_disk_id=self._spool.disk_id, state=state, problem=problem
                )

    async def _publish_remaining_rows(self, upload_id: UploadId) -> None:
        """Publish the rows that are not recorded as published, in chunks that alternate with those of other uploads."""
        async with self._bus.database.connection() as connection:
            upload = await queries.acquire_lease(
                connection, upload_id=upload_id, spool_disk_id=self._spool.disk_id, lease_owner=self._lease_owner
            )
        if upload is None:
            return
        producer = await self._get_producer()
        topic = self._bus.topic(LeadRecord.topic)
        with (
            _open_publish_span(topic, upload_id),
            ChunkReader(self._spool.file_path(upload_id), upload) as reader,
        ):
            await self._publish_chunks(producer, topic, reader, upload_id, upload.rows_published)

    async def _publish_chunks(
        self, producer: AIOKafkaProducer, topic: str, reader: ChunkReader, upload_id: UploadId, published: int
    ) -> None:
        """Publish chunk after chunk and record the progress after each.

        The first chunk of an upload does not wait for capacity on the topic. A small upload has no other chunk.
        """
        partitions = len(await producer.partitions_for(topic))
        read_ahead: asyncio.Future[PublishChunk] | None = None
        while True:
            if published:
                await self._backlog.wait_for_capacity()
            async with self._send_permits:
                read_ahead = read_ahead or _start_reading(reader, producer, partitions)
                chunk, read_ahead = await read_ahead, None
                if not chunk.rows:
                    break
                # With more uploads than permits, each would hold the rows that it read ahead in memory while it waits.
                if len(self._tasks_by_upload) <= self._max_concurrent_sends:
                    read_ahead = _start_reading(reader, producer, partitions)
                try:
                    await self._send_chunk(producer, topic, chunk)
                except BaseException:
                    if read_ahead:
                        await asyncio.wait({read_ahead})  # the thread reads a file that is about to be closed
                    raise
            published += chunk.rows
            telemetry.counter("equity_rows_published", "Rows published to Kafka").add(chunk.rows)
            await self._record(queries.record_progress, upload_id, published)
        await self._record(queries.finish_publishing, upload_id, published, rows_skipped=reader.skipped_rows)

    async def _record(
        self, statement: Callable[..., Awaitable[bool | None]], upload_id: UploadId, published: int, **values: int
    ) -> None:
        """Run a statement that records progress, with further *values*. Raises LeaseLostError if another process has the lease."""
        async with self._bus.database.connection() as connection:
            is_recorded = await statement(
                connection, upload_id=upload_id, lease_owner=self._lease_owner, rows_published=published, **values
            )
        if not is_recorded:
            raise LeaseLostError

    async def _send_chunk(self, producer: AIOKafkaProducer, topic: str, chunk: PublishChunk) -> None:
        """Return once Kafka has acknowledged all batches. A producer that fails is discarded (docs/hazards.md, S12)."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_SECONDS):
                acknowledgements = [
                    await producer.send_batch(batch, topic, partition=partition) for partition, batch in chunk.batches
                ]
                counts = [batch.record_count() for _, batch in chunk.batches]
                for metadata, count in zip([await future for future in acknowledgements], counts, strict=True):
                    self._backlog.offsets.record_batch(metadata.partition, metadata.offset, count)
        except BaseException:
            await self._discard_producer(producer)
            raise

    async def _get_producer(self) -> AIOKafkaProducer:
        async with self._producer_lock:
            if self._producer is None:
                self._producer = await new_producer(self._bus.settings, "gateway-rows")
            return self._producer

    async def _discard_producer(self, producer: AIOKafkaProducer) -> None:
        if producer is self._producer:
            self._producer = None
        stopping = asyncio.ensure_future(producer.stop())
        await asyncio.wait({stopping}, timeout=PRODUCER_STOP_SECONDS)
        stopping.cancel()

    async def _renew_leases(self) -> None:
        """Renew the leases of the uploads that this process publishes, also while Kafka is away."""
        while True:
            await asyncio.sleep(LEASE_RENEWAL_SECONDS)
            if not self._tasks_by_upload:
                continue
            try:
                async with self._bus.database.connection() as connection:
                    await queries.renew_leases(
                        connection, upload_ids=list(self._tasks_by_upload), lease_owner=self._lease_owner
                    )
            except Exception as error:  # noqa: BLE001 - the next renewal comes soon
                log.warning("lease_renewal_failed", error=error_code(error))


def _start_reading(reader: ChunkReader, producer: AIOKafkaProducer, partitions: int) -> asyncio.Future[PublishChunk]:
    """Read the next chunk in a thread."""
    return asyncio.ensure_future(asyncio.to_thread(reader.read_chunk, producer, partitions))


def _open_publish_span(topic: str, upload_id: UploadId) -> AbstractContextManager[Span]:
    attributes = {
        "messaging.system": "kafka",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": topic,
        "equity.upload_id": str(upload_id),
    }
    return telemetry.open_span("send rows", SpanKind.PRODUCER, attributes=attributes)
