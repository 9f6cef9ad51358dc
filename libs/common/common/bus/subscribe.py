"""A consumer's loop: records in, offsets out, and what happens in between when something fails (design §4.5, §4.8).

FastStream polls and starts the handler with raw records. A lane handles one batch at a time; it commits offsets only
when the batch is settled, rewinds when it has to hold, and makes a rebalance wait for the batch in flight.
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import structlog
from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaMessage
from opentelemetry.trace import Span, SpanKind

from common import telemetry
from common.bus.batch import Batch
from common.bus.consumer import Consumer
from common.bus.failures import HOLDING, HoldError, Kind, TheirsDownError, classify
from common.bus.kafka import TopicsMissingError
from common.bus.poll import LosslessConsumer
from common.bus.progress import PartitionProgress
from common.bus.received import Failure, Received
from common.bus.undecodable import first_offset
from common.bus.watch import Watch

log = structlog.get_logger()

MAX_BATCH_BYTES = 8_000_000
MAX_HOLD = 30.0
OFFSETS_SECONDS = 10
"""For a commit of offsets, which aiokafka would try for as long as Kafka is away."""
UNEXPECTED_ATTEMPTS = 3
END_OFFSETS_SECONDS = 5


async def raw_parser(records: Sequence[ConsumerRecord[Any, Any]]) -> KafkaMessage:
    """FastStream's message round untouched records: a header that is null or not UTF-8 must not stop a batch."""
    return KafkaMessage(
        body=b"", raw_message=tuple(records), headers={}, message_id="", correlation_id="", consumer=_NONE
    )


async def raw_decoder(message: KafkaMessage) -> Any:
    """The records themselves."""
    return message.raw_message


class _NoConsumer:
    """Stands where FastStream wants a consumer to acknowledge with; lanes commit explicit offsets themselves."""

    async def commit(self) -> None:
        """Nothing: see Lane."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Nothing: see Lane."""


_NONE = _NoConsumer()


class Lane(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    """One member of a consumer's group."""

    def __init__(self, consumer: Consumer, number: int, topics: Sequence[str]) -> None:
        self.consumer = consumer
        self.topics = topics
        self.name = f"{consumer.name}-{number}"
        self.kafka: Callable[[], LosslessConsumer | None] = lambda: None
        self.waiting: str | None = None
        self.watch = Watch(consumer.bus.settings.livez_limit_seconds)
        self.progress = PartitionProgress(consumer.name, consumer.bus.settings.progress_limit_seconds)
        self._busy = asyncio.Lock()
        self._asleep = False
        self._next: dict[TopicPartition, int] = {}
        self._pause = 0.0
        self._retaking = False

    async def on_partitions_revoked(self, revoked: Any) -> None:  # noqa: ARG002 - aiokafka's signature
        """Let the batch in flight finish before its partitions go to another member."""
        async with self._busy:
            self.consumer.bus.attempts.clear()
            self._next.clear()  # others go on from there
            self.waiting = None  # and wait for what it takes

    async def on_partitions_assigned(self, assigned: Any) -> None:
        """Nothing to prepare: state lives in PostgreSQL."""

    async def handle(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        """Handle what was polled; FastStream calls it with one batch after the other."""
        hold: HoldError | None = None
        again = False
        async with self._busy:
            try:
                for part in _bounded(records):
                    self.watch.moved()
                    await self._handle(part)
                    await self._advance(part)
            except HoldError as error:
                hold = error
                again = self._rewind(records)
            else:
                self.waiting, self._pause, self._retaking = None, 0.0, False
            self.watch.moved()
        if hold:
            await self._wait(hold)
            if not again:
                self.waiting = None

    async def _handle(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        started = time.perf_counter()
        received, unreadable = self.consumer.read(records)
        if self._retaking:
            received = await self._not_yet_done(received)
        with self._span(records, received):
            failures = unreadable + await self._run(received)
            await self._settle(received, failures)
        labels = {"consumer": self.consumer.name}
        telemetry.counter("equity_messages_handled", "Messages handled").add(len(records), labels)
        telemetry.histogram("equity_batch_seconds", "Time of one batch").record(time.perf_counter() - started, labels)

    def _span(
        self, records: Sequence[ConsumerRecord[Any, Any]], received: list[Received[Any]]
    ) -> AbstractContextManager[Span]:
        """A span that links to those which sent the messages."""
        return telemetry.span(
            f"process {self.consumer.name}",
            SpanKind.CONSUMER,
            links=telemetry.links(r.traceparent for r in received),
            attributes={
                "messaging.system": "kafka",
                "messaging.operation.name": "process",
                "messaging.operation.type": "process",
                "messaging.consumer.group.name": self.consumer.name,
                "messaging.batch.message_count": len(records),
            },
        )

    async def _run(self, received: list[Received[Any]]) -> list[Failure]:
        """Run the handler; on a fault that may be one record's, run it on halves. Raises HoldError."""
        if not received:
            return []
        batch = self._batch(received)
        try:
            await self.consumer.handler(batch)
        except Exception as error:
            kind = classify(error)
            if isinstance(error, HoldError):
                raise
            if kind in HOLDING:
                raise HoldError(kind, error) from error
            if len(received) > 1:
                middle = len(received) // 2
                return await self._run(received[:middle]) + await self._run(received[middle:])
            log.warning(
                "handler_failed", consumer=self.consumer.name, event_id=str(received[0].id), error=type(error).__name__
            )
            batch.failures = [Failure.of(received[0], error)]
        self._count(batch)
        return batch.failures

    def _count(self, batch: Batch[Any]) -> None:
        unexpected = [failure for failure in batch.failures if failure.kind is Kind.UNEXPECTED]
        self.consumer.outcomes.succeeded(len(batch) - len(unexpected))
        for _ in unexpected:
            self.consumer.outcomes.failed()
        if unexpected and self.consumer.outcomes.nearly_all_fail:
            raise HoldError(Kind.OUR_MISTAKE, RuntimeError(unexpected[-1].code))

    async def _settle(self, received: list[Received[Any]], failures: list[Failure]) -> None:
        """Dead letters for what is bad; what failed unexpectedly is tried again first."""
        again = [f for f in failures if f.kind is Kind.UNEXPECTED and self._note_attempt(f) < UNEXPECTED_ATTEMPTS]
        batch = self._batch([r for r in received if not any(f.received is r for f in again)])
        batch.failures = [failure for failure in failures if failure not in again]
        batch._settled = {r.inbox_key for r in received if not r.redrive}  # noqa: SLF001 - the lane's own batch
        try:
            await batch.settle()
        except Exception as error:
            raise HoldError(classify(error) if classify(error) in HOLDING else Kind.OUR_MISTAKE, error) from error
        if again:
            raise HoldError(Kind.REPEAT, RuntimeError(again[0].code))

    def _note_attempt(self, failure: Failure) -> int:
        record = failure.received.record
        place = (record.topic, record.partition, record.offset)
        count, first = self.consumer.bus.attempts.get(place, (0, datetime.now(UTC)))
        self.consumer.bus.attempts[place] = (count + 1, first)
        return count + 1

    async def _not_yet_done(self, received: list[Received[Any]]) -> list[Received[Any]]:
        """Without the messages that an earlier try committed: their paid calls are not made again."""
        if self.consumer.event is None or not received:
            return received
        keys = ([r.day for r in received], [r.id for r in received], [r.redrive for r in received])
        try:
            async with self.consumer.bus.database.connection() as connection:
                known = await connection.fetch(self.consumer.bus.sql.known, self.consumer.name, *keys)
        except Exception as error:
            raise HoldError(classify(error) if classify(error) in HOLDING else Kind.OUR_MISTAKE, error) from error
        done = {(row["event_id"], row["redrive"]) for row in known}
        return [r for r in received if r.inbox_key not in done]

    def _batch(self, received: list[Received[Any]]) -> Batch[Any]:
        return Batch(self.consumer.bus, self.consumer.name, received, inbox=self.consumer.event is not None)

    async def _advance(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        """Commit the offsets behind these records. A refused commit only means that the inbox will drop repeats."""
        offsets: dict[TopicPartition, int] = {}
        for record in records:
            place = TopicPartition(record.topic, record.partition)
            offsets[place] = max(record.offset + 1, offsets.get(place, 0))
            if self.consumer.bus.attempts:
                self.consumer.bus.attempts.pop((record.topic, record.partition, record.offset), None)
        self._next |= offsets
        kafka = self.kafka()
        try:
            if kafka:
                async with asyncio.timeout(OFFSETS_SECONDS):
                    await kafka.commit(offsets)
        except (KafkaError, ValueError, TimeoutError) as error:
            log.warning("offset_commit_refused", consumer=self.consumer.name, error=type(error).__name__)

    def _rewind(self, records: Sequence[ConsumerRecord[Any, Any]]) -> bool:
        """Go back to the first of *records*; whether any of them will come again, because they are not others' by now."""
        kafka, again = self.kafka(), False
        earliest: dict[TopicPartition, int] = {}
        for record in records:
            place = TopicPartition(record.topic, record.partition)
            earliest[place] = min(first_offset(record), earliest.get(place, record.offset))
        for place, offset in earliest.items():
            if kafka and place in kafka.assignment():
                kafka.seek(place, offset)
                self._next[place] = offset
                again = True
        return again

    async def _wait(self, hold: HoldError) -> None:
        """Wait, at most half a minute at a time, then poll again: the group must not lose this member."""
        self._retaking = True
        self.waiting = f"{hold.kind}: {type(hold.cause).__name__}"
        self._pause = min(max(self._pause * 2, 0.25), MAX_HOLD)
        if isinstance(hold.cause, TheirsDownError):
            self._pause = min(hold.cause.retry_after.total_seconds(), MAX_HOLD)
        level = log.error if hold.kind is Kind.OUR_MISTAKE else log.warning
        level(
            "consumer_waits",
            consumer=self.consumer.name,
            kind=hold.kind,
            error=_cause(hold),
            pause_s=round(self._pause, 2),
        )
        telemetry.counter("equity_consumer_holds", "Times a consumer had to wait").add(
            1, {"consumer": self.consumer.name, "kind": hold.kind}
        )
        self._asleep = True
        await self.consumer.bus.sleep(self._pause)
        self._asleep = False
        self.watch.moved()

    @property
    def stuck(self) -> str | None:
        """Why this lane counts as stuck, or None. What it waited for before is no excuse for a batch that does not end."""
        late = self._busy.locked() and self.watch.overdue
        return f"{self.name} has been in one batch for over {self.watch.limit:g} s" if late else None

    @property
    def stalled(self) -> str | None:
        """Why this lane counts as stuck if Kafka answers, or None: there are messages and it does not take them."""
        kafka = self.kafka()
        if kafka and kafka.ended:
            return f"{self.name}: the Kafka client has ended"
        if self._asleep or self._busy.locked() or (kafka and kafka.blocked):
            return None
        if not self.watch.overdue_at(self.progress.measured_at):
            return None
        return f"{self.name} has lag and makes no progress" if self.progress.lag else None

    async def measure_progress(self) -> None:
        """Compare the position in each partition with Kafka's end of it. Raises KafkaError or TimeoutError."""
        kafka = self.kafka()
        if kafka is None:
            return
        if kafka.missing_topics(self.topics):
            kafka.refresh_metadata()
        places = sorted(kafka.assignment())
        async with asyncio.timeout(END_OFFSETS_SECONDS):
            ends = await kafka.end_offsets(places) if places else {}
        idle = not (self._busy.locked() or self.waiting)
        self.progress.update(
            {place: (self._settled_position(kafka, place, idle=idle), end) for place, end in ends.items()},
            time.monotonic(),
            waits=self.waiting is not None,
        )

    def _settled_position(self, kafka: LosslessConsumer, place: TopicPartition, *, idle: bool) -> int:
        """The offset up to which everything is handled. Between batches the client's own counts: it passes control records."""
        position = kafka.current_position(place)
        settled = position if idle else self._next.get(place, position)
        return 0 if settled is None else settled

    @property
    def stalls(self) -> list[str]:
        """Why partitions of this lane are not being consumed."""
        kafka = self.kafka()
        if kafka is None:
            return []
        blocked = kafka.blocked
        found = [
            f"{self.name}: {topic_and_partition(place)} is blocked ({reason})"
            for place, reason in sorted(blocked.items())
        ]
        found += [
            f"{self.name}: {topic_and_partition(place)} has made no progress for {seconds:.0f} s, {lag} messages behind"
            for place, seconds, lag in self.progress.stalled
            if place not in blocked
        ]
        if kafka.error:
            found.append(f"{self.name}: Kafka refuses to be polled ({kafka.error})")
        if missing := kafka.missing_topics(self.topics):
            found.append(f"{self.name}: {TopicsMissingError(missing)}")
        return found


def topic_and_partition(place: TopicPartition) -> str:
    """Return `topic[partition]`."""
    return f"{place.topic}[{place.partition}]"


def _cause(hold: HoldError) -> str:
    return getattr(hold.cause, "sqlstate", None) or f"{type(hold.cause).__name__}"


def _bounded(records: Sequence[ConsumerRecord[Any, Any]]) -> Iterator[Sequence[ConsumerRecord[Any, Any]]]:
    """The records in parts of at most eight megabytes."""
    part: list[ConsumerRecord[Any, Any]] = []
    size = 0
    for record in records:
        size += len(record.value or b"")
        if part and size > MAX_BATCH_BYTES:
            yield part
            part, size = [], len(record.value or b"")
        part.append(record)
    yield part
