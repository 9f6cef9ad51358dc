"""Kafka consumer that polls partition by partition, so that an error of one partition loses no record of another.

aiokafka's own `getmany` drains one partition after the other and advances their positions. When the decoding of a later
partition raises, the records that were drained before are dropped, and the next poll continues after them
(`Fetcher.fetched_records` in aiokafka 0.14). Here each partition is drained by a separate call, which fails alone.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.codec import has_lz4, has_snappy, has_zstd
from aiokafka.errors import (
    ConsumerStoppedError,
    CorruptRecordException,
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
    UnsupportedCodecError,
)

from common import telemetry
from common.bus.undecodable import RawBatch, UndecodableBatch, fetch_undecoded

log = structlog.get_logger()

DECODE_ATTEMPTS = 3
DECODE_RETRY_SECONDS = 0.5
BLOCKED_RETRY_SECONDS = 5.0
SEEK_SECONDS = 10.0
BLOCKED_SHOWN_SECONDS = 15.0
"""How long after its last failure a partition is reported as blocked."""
UNLIMITED_RECORDS = 1_000_000_000
SINGLE_READ_RECORDS = 5_000
"""Records that are read one by one after a failure: usually more than one fetch of a partition holds."""

Polled = dict[TopicPartition, list[ConsumerRecord[Any, Any]]]


@dataclass(slots=True)
class FailingPartition:
    """Partition whose fetched data cannot be delivered."""

    offset: int
    reason: str
    retry_at: float
    single_reads_left: int
    """Records that are still read one by one."""
    attempts: int = 1


class LosslessConsumer(AIOKafkaConsumer):  # type: ignore[misc] # aiokafka ships no types
    """AIOKafkaConsumer whose polls never advance past a record that was not returned.

    It expects `auto_offset_reset="none"` and starts a partition without a committed offset at its beginning. A committed
    offset is out of range when Kafka lost data or deleted expired data. This is reported, and consumption restarts at the
    partition's oldest message.
    """

    def __init__(self, *topics: str, **options: Any) -> None:
        super().__init__(*topics, **options)
        self.name = str(options.get("group_id") or "")
        self.failing: dict[TopicPartition, FailingPartition] = {}
        self.error: str | None = None
        """Error that keeps the whole member from polling, such as a denied group."""
        self._partitions_to_restart: list[TopicPartition] = []

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None) -> Polled:
        """Return fetched records, or nothing after *timeout_ms*; see AIOKafkaConsumer.getmany.

        A batch that cannot be decoded comes as one UndecodableBatch. Raises ConsumerStoppedError, and KafkaError if the
        group refuses this member. Neither loses a record, because nothing was drained before.
        """
        if self._closed:
            raise ConsumerStoppedError
        limit = max_records or self._max_poll_records or UNLIMITED_RECORDS
        deadline = time.monotonic() + timeout_ms / 1000
        self._subscription._fetch_count += 1  # noqa: SLF001 - its own context manager does not end when something raises
        try:
            self._raise_member_errors()
            while True:
                found = await self._drain(partitions, limit)
                left = deadline - time.monotonic()
                if found or left <= 0 or self._closed:
                    return found
                await self._wait_for_data(left)
        except KafkaError as error:
            if not isinstance(error, ConsumerStoppedError):
                self.error = type(error).__name__
            raise
        finally:
            self._end_poll()

    def _end_poll(self) -> None:
        state = self._subscription
        state._fetch_count -= 1  # noqa: SLF001 - see getmany
        if state._fetch_count == 0:  # noqa: SLF001
            state._last_fetch_ended = time.monotonic()  # noqa: SLF001

    def _raise_member_errors(self) -> None:
        self._coordinator.check_errors()
        if self._fetcher.error_future.done() and not self._closed:
            raise KafkaError("the fetch task ended")
        self.error = None

    async def _drain(self, partitions: tuple[TopicPartition, ...], limit: int) -> Polled:
        """Drain the fetched data, partition by partition."""
        if self._subscription.reassignment_in_progress:
            await self._subscription.wait_for_assignment()
        if self._partitions_to_restart:
            await self._restart_partitions()
        found: Polled = {}
        for partition in self._fetched_partitions(partitions):
            records = await self._poll_partition(partition, limit)
            if records:
                found[partition] = records
                limit -= len(records)
            if limit <= 0:
                break
        return found

    def _fetched_partitions(self, partitions: tuple[TopicPartition, ...]) -> list[TopicPartition]:
        """Return the partitions with fetched records or errors, except those that wait for their next attempt.

        Failing partitions come first: their requests to Kafka must not delay records that were drained already.
        """
        now = time.monotonic()
        fetched = [
            partition
            for partition in self._fetcher._records  # noqa: SLF001 - aiokafka has no public list of partitions with data
            if (not partitions or partition in partitions)
            and (partition not in self.failing or self.failing[partition].retry_at <= now)
        ]
        return sorted(fetched, key=lambda partition: partition not in self.failing) if self.failing else fetched

    async def _wait_for_data(self, seconds: float) -> None:
        now = time.monotonic()
        waits = [failing.retry_at - now for failing in self.failing.values() if failing.retry_at > now]
        waiter = self._fetcher._create_fetch_waiter()  # noqa: SLF001 - aiokafka's own poll waits for it too
        done, _ = await asyncio.wait([waiter], timeout=min([seconds, *waits]))
        if done:
            waiter.result()  # raises an error of the group's coordinator
        else:
            waiter.cancel()

    async def _poll_partition(self, partition: TopicPartition, limit: int) -> list[ConsumerRecord[Any, Any]]:
        """Return records of one partition: after a failure one by one, so that records before the damage are delivered."""
        failing = self.failing.get(partition)
        if failing is None:
            try:
                return await self._fetch_records(partition, limit)
            except Exception as error:  # noqa: BLE001 - a decoder may raise anything on damaged data
                return await self._on_failure(partition, error)
        records: list[ConsumerRecord[Any, Any]] = []
        try:
            while len(records) < limit and (one := await self._fetch_records(partition, 1)):
                records += one
        except Exception as error:  # noqa: BLE001 - see above
            return records or await self._on_failure(partition, error)
        failing.single_reads_left -= len(records)
        if records and failing.single_reads_left <= 0:
            del self.failing[partition]
        return records

    async def _fetch_records(self, partition: TopicPartition, limit: int) -> list[ConsumerRecord[Any, Any]]:
        found = await self._fetcher.fetched_records((partition,), 0, max_records=limit)
        return list(found.get(partition, ()))

    async def _on_failure(self, partition: TopicPartition, error: Exception) -> list[ConsumerRecord[Any, Any]]:
        """Note that *partition* raised. After DECODE_ATTEMPTS return one record that replaces the undecodable batch."""
        if isinstance(error, ConsumerStoppedError | IllegalStateError) or partition not in self.assignment():
            return []
        if isinstance(error, NoOffsetForPartitionError | OffsetOutOfRangeError):
            self._partitions_to_restart.append(partition)
            if isinstance(error, OffsetOutOfRangeError):
                self._report_lost_offset(partition, error)
            return []
        if isinstance(error, RecordTooLargeError):
            self.seek(partition, error.args[2])  # aiokafka has already advanced past the record
        position = self.current_position(partition)
        failing = self._record_failure(partition, position, error)
        if position is None or failing.attempts < DECODE_ATTEMPTS or not _is_damaged(error):
            return []
        return await self._replace_batch(partition, position, failing, error)

    def _record_failure(self, partition: TopicPartition, position: int | None, error: Exception) -> FailingPartition:
        is_damaged, known = _is_damaged(error), self.failing.get(partition)
        now = time.monotonic()
        failing = FailingPartition(
            offset=-1 if position is None else position,
            reason=type(error).__name__,
            retry_at=now + (DECODE_RETRY_SECONDS if is_damaged else BLOCKED_RETRY_SECONDS),
            single_reads_left=SINGLE_READ_RECORDS if is_damaged else 1,
        )
        if known and known.offset == failing.offset:
            failing.attempts = known.attempts + 1
        if failing.attempts == 1:
            log.warning(
                "poll_failed", consumer=self.name, topic=partition.topic, partition=partition.partition, offset=failing.offset,
                error=failing.reason,
            )  # fmt: skip
        labels = {"consumer": self.name, "topic": partition.topic, "error": failing.reason}
        telemetry.counter("equity_poll_errors", "Polls of one partition that raised").add(1, labels)
        self.failing[partition] = failing
        return failing

    async def _replace_batch(
        self, partition: TopicPartition, position: int, failing: FailingPartition, error: Exception
    ) -> list[ConsumerRecord[Any, Any]]:
        """Seek past the damaged batch at *position* and return the record that replaces it."""
        try:
            raw = RawBatch.first_of(await fetch_undecoded(self, partition, position), position)
        except KafkaError as unreachable:
            failing.retry_at = time.monotonic() + BLOCKED_RETRY_SECONDS
            log.warning("undecodable_batch_not_fetched", consumer=self.name, error=type(unreachable).__name__)
            return []
        if raw is None:
            failing.retry_at = time.monotonic() + BLOCKED_RETRY_SECONDS
            failing.reason = f"{type(error).__name__}, and its header is damaged"
            log.error(
                "partition_blocked",
                consumer=self.name,
                topic=partition.topic,
                partition=partition.partition,
                offset=position,
            )
            return []
        if partition not in self.assignment() or self.current_position(partition) != position:
            return []
        self.seek(partition, raw.last_offset + 1)
        del self.failing[partition]
        log.error(
            "batch_undecodable", consumer=self.name, topic=partition.topic, partition=partition.partition, first_offset=position,
            last_offset=raw.last_offset, codec=raw.codec, error=type(error).__name__,
        )  # fmt: skip
        labels = {"consumer": self.name, "topic": partition.topic}
        telemetry.counter("equity_undecodable_batches", "Batches that became a dead letter undecoded").add(1, labels)
        return [UndecodableBatch.replacing(partition, position, raw, error)]

    def _report_lost_offset(self, partition: TopicPartition, error: OffsetOutOfRangeError) -> None:
        """Report that Kafka does not have the next offset: the messages expired, or the topic was created again."""
        wanted = error.args[0].get(partition) if error.args and isinstance(error.args[0], dict) else None
        log.error(
            "offset_out_of_range", consumer=self.name, topic=partition.topic, partition=partition.partition, offset=wanted,
            help="messages were lost in Kafka; consumption restarts at the oldest: docs/runbooks/stalled-partition.md",
        )  # fmt: skip
        labels = {"consumer": self.name, "topic": partition.topic}
        telemetry.counter("equity_offsets_out_of_range", "Positions that Kafka no longer has").add(1, labels)

    async def _restart_partitions(self) -> None:
        """Seek to the oldest message of partitions without a usable offset."""
        places, self._partitions_to_restart = (
            [partition for partition in self._partitions_to_restart if partition in self.assignment()],
            [],
        )
        if places:
            with suppress(IllegalStateError, TimeoutError):
                async with asyncio.timeout(SEEK_SECONDS):
                    await self.seek_to_beginning(*places)

    def current_position(self, partition: TopicPartition) -> int | None:
        """Return the offset at which the next poll of *partition* begins; None if it is not assigned or not known yet."""
        subscription = self._subscription.subscription
        if subscription is None or subscription.assignment is None or partition not in subscription.assignment.tps:
            return None
        state = subscription.assignment.state_value(partition)
        return int(state.position) if state.has_valid_position else None

    def missing_topics(self, topics: Sequence[str]) -> list[str]:
        """Return the topics of *topics* that do not exist, as far as this client knows."""
        return sorted(topic for topic in topics if not self.partitions_for_topic(topic))

    def refresh_metadata(self) -> None:
        """Request the list of topics from Kafka now. aiokafka itself requests it every five minutes."""
        self._client.force_metadata_update()

    @property
    def blocked(self) -> dict[TopicPartition, str]:
        """Partitions that failed within BLOCKED_SHOWN_SECONDS, each with the reason."""
        since = time.monotonic() - BLOCKED_SHOWN_SECONDS
        return {partition: failing.reason for partition, failing in self.failing.items() if failing.retry_at > since}

    @property
    def has_ended(self) -> bool:
        """Whether aiokafka's own fetch task has ended, so that only a restart helps."""
        fetcher = self._fetcher
        return bool(fetcher is not None and not self._closed and fetcher.error_future.done())


def _is_damaged(error: Exception) -> bool:
    """Return whether *error* comes from the data, so that it would repeat, and not from a missing permission or library."""
    if isinstance(error, UnsupportedCodecError):
        return bool(has_snappy() and has_lz4() and has_zstd())
    if isinstance(error, CorruptRecordException | RecordTooLargeError) or type(error) is KafkaError:
        return True
    return not isinstance(error, (KafkaError, OSError))
