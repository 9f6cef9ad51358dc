"""Consumer instance: one member of a consumer's group. It takes records in, commits offsets, and pauses after failures.

FastStream polls and calls the instance with raw records. An instance handles one batch at a time. It commits offsets only
when the batch and its dead letters are committed, rewinds when it has to pause, and makes a rebalance wait for the batch
in flight (docs/delivery.md#failure-kinds, docs/delivery.md#rebalance-and-deployment).
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError

from common import telemetry
from common.bus.batch_runner import BatchRunner
from common.bus.consumer import Consumer
from common.bus.failures import ConsumerPausedError, FailureKind, VendorUnavailableError
from common.bus.kafka import TopicsMissingError
from common.bus.offsets import HandledOffsets
from common.bus.poll import LosslessConsumer
from common.bus.progress import PartitionProgress
from common.bus.raw_records import split_by_bytes
from common.bus.watchdog import Watchdog

log = structlog.get_logger()

MIN_PAUSE_SECONDS = 0.25
MAX_PAUSE_SECONDS = 30.0
OFFSET_COMMIT_SECONDS = 10
"""Time limit of an offset commit, which aiokafka would retry for as long as Kafka is away."""
END_OFFSETS_SECONDS = 5


class ConsumerInstance(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    """One member of a consumer's group."""

    def __init__(self, consumer: Consumer, number: int, topics: Sequence[str]) -> None:
        self.consumer = consumer
        self.topics = topics
        self.name = f"{consumer.name}-{number}"
        self.kafka: Callable[[], LosslessConsumer | None] = lambda: None
        self.pause_reason: str | None = None
        self.watchdog = Watchdog(consumer.bus.settings.livez_limit_seconds)
        self.progress = PartitionProgress(consumer.name, consumer.bus.settings.progress_limit_seconds)
        self.offsets = HandledOffsets()
        self._runner = BatchRunner(consumer)
        self._busy = asyncio.Lock()
        self._is_asleep = False
        self._is_retry = False
        self._pause_s = 0.0

    async def on_partitions_revoked(self, revoked: Any) -> None:  # noqa: ARG002 - aiokafka's signature
        """Wait for the batch in flight before its partitions go to another member, which continues from there."""
        async with self._busy:
            self.consumer.bus.failed_attempts.clear()
            self.offsets.clear()
            self.pause_reason = None

    async def on_partitions_assigned(self, assigned: Any) -> None:
        """Prepare nothing: state is in PostgreSQL."""

    async def handle(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        """Handle polled records. FastStream calls it with one batch after the other."""
        pause: ConsumerPausedError | None = None
        comes_again = False
        async with self._busy:
            try:
                for part in split_by_bytes(records):
                    self.watchdog.mark_progress()
                    await self._handle_part(part)
                    await self._commit_offsets(part)
            except ConsumerPausedError as error:
                pause = error
                comes_again = self.offsets.rewind(self.kafka(), records)
            else:
                self.pause_reason, self._pause_s, self._is_retry = None, 0.0, False
            self.watchdog.mark_progress()
        if pause:
            await self._pause(pause)
            if not comes_again:  # the partitions are another member's now
                self.pause_reason = None

    async def _handle_part(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        started = time.perf_counter()
        await self._runner.run(records, is_retry=self._is_retry)
        labels = {"consumer": self.consumer.name}
        telemetry.counter("equity_messages_handled", "Messages handled").add(len(records), labels)
        telemetry.histogram("equity_batch_seconds", "Time of one batch").record(time.perf_counter() - started, labels)

    async def _commit_offsets(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        """Commit the offsets behind *records*. If Kafka refuses, the records come again and the inbox drops them."""
        offsets = self.offsets.advance(records)
        self._runner.clear_attempts(records)
        kafka = self.kafka()
        try:
            if kafka:
                async with asyncio.timeout(OFFSET_COMMIT_SECONDS):
                    await kafka.commit(offsets)
        except (KafkaError, ValueError, TimeoutError) as error:
            log.warning("offset_commit_failed", consumer=self.consumer.name, error=type(error).__name__)

    async def _pause(self, pause: ConsumerPausedError) -> None:
        """Sleep for at most MAX_PAUSE_SECONDS, then poll again, so that the group does not lose this member."""
        self._is_retry = True
        self.pause_reason = f"{pause.kind}: {type(pause.cause).__name__}"
        self._pause_s = min(max(self._pause_s * 2, MIN_PAUSE_SECONDS), MAX_PAUSE_SECONDS)
        if isinstance(pause.cause, VendorUnavailableError):
            self._pause_s = min(pause.cause.retry_after.total_seconds(), MAX_PAUSE_SECONDS)
        level = log.error if pause.kind is FailureKind.DEPLOYMENT_ERROR else log.warning
        level(
            "consumer_paused",
            consumer=self.consumer.name,
            kind=pause.kind,
            error=_cause_of(pause),
            pause_s=round(self._pause_s, 2),
        )
        telemetry.counter("equity_consumer_pauses", "Times a consumer paused").add(
            1, {"consumer": self.consumer.name, "kind": pause.kind}
        )
        self._is_asleep = True
        await self.consumer.bus.sleep_until_stop(self._pause_s)
        self._is_asleep = False
        self.watchdog.mark_progress()

    @property
    def stuck_reason(self) -> str | None:
        """Reason for which this instance counts as stuck, or None. An earlier pause does not excuse a batch that hangs."""
        is_late = self._busy.locked() and self.watchdog.is_overdue
        return f"{self.name} has been in one batch for over {self.watchdog.limit_seconds:g} s" if is_late else None

    @property
    def starved_reason(self) -> str | None:
        """Reason for which this instance counts as stuck if Kafka answers: there are messages and it takes none."""
        kafka = self.kafka()
        if kafka and kafka.has_ended:
            return f"{self.name}: the Kafka client has ended"
        if self._is_asleep or self._busy.locked() or (kafka and kafka.blocked):
            return None
        if not self.watchdog.was_overdue_at(self.progress.measured_at):
            return None
        return f"{self.name} has lag and makes no progress" if self.progress.lag else None

    async def measure_progress(self) -> None:
        """Compare the position in each partition with the partition's end. Raises KafkaError or TimeoutError."""
        kafka = self.kafka()
        if kafka is None:
            return
        if kafka.missing_topics(self.topics):
            kafka.refresh_metadata()
        partitions = sorted(kafka.assignment())
        async with asyncio.timeout(END_OFFSETS_SECONDS):
            ends = await kafka.end_offsets(partitions) if partitions else {}
        is_idle = not (self._busy.locked() or self.pause_reason)
        self.progress.update(
            {
                partition: (self.offsets.handled_position(kafka, partition, is_idle=is_idle), end)
                for partition, end in ends.items()
            },
            time.monotonic(),
            is_paused=self.pause_reason is not None,
        )

    @property
    def stall_reasons(self) -> list[str]:
        """Partitions of this instance that are not consumed, each with the reason."""
        kafka = self.kafka()
        if kafka is None:
            return []
        blocked = kafka.blocked
        reasons = [
            f"{self.name}: {topic_and_partition(partition)} is blocked ({reason})"
            for partition, reason in sorted(blocked.items())
        ]
        reasons += [
            f"{self.name}: {topic_and_partition(partition)} has made no progress for {seconds:.0f} s, {lag} messages behind"
            for partition, seconds, lag in self.progress.stalled
            if partition not in blocked
        ]
        if kafka.error:
            reasons.append(f"{self.name}: Kafka refuses to be polled ({kafka.error})")
        if missing := kafka.missing_topics(self.topics):
            reasons.append(f"{self.name}: {TopicsMissingError(missing)}")
        return reasons


def topic_and_partition(partition: TopicPartition) -> str:
    """Return `topic[partition]`."""
    return f"{partition.topic}[{partition.partition}]"


def _cause_of(pause: ConsumerPausedError) -> str:
    return getattr(pause.cause, "sqlstate", None) or f"{type(pause.cause).__name__}"
