"""The consumer that polls partition by partition, so that an error of one loses nothing of another.

aiokafka's own `getmany` drains one partition after the other and advances their positions. When decoding the records of a
later partition raises, the records drained before are dropped, and the next poll goes on behind them
(`Fetcher.fetched_records` in aiokafka 0.14). Here each partition is drained by a call that can only fail alone.
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
from common.bus.undecodable import RawBatch, UndecodableBatch, fetch_raw

log = structlog.get_logger()

DECODE_ATTEMPTS = 3
DECODE_RETRY_SECONDS = 0.5
BLOCKED_RETRY_SECONDS = 5.0
RESET_SECONDS = 10.0
FAILURE_SHOWN_SECONDS = 15.0
UNBOUNDED = 1_000_000_000
CAREFUL_RECORDS = 5_000
"""Records that are read one by one after a failure: more than one fetch of a partition holds, as a rule."""

Polled = dict[TopicPartition, list[ConsumerRecord[Any, Any]]]


@dataclass(slots=True)
class FailingPartition:
    """A partition whose fetched data cannot be delivered."""

    offset: int
    reason: str
    retry_at: float
    careful_records: int
    """Records that are still read one by one."""
    attempts: int = 1


class LosslessConsumer(AIOKafkaConsumer):  # type: ignore[misc] # aiokafka ships no types
    """An AIOKafkaConsumer whose polls never advance past a record that was not returned.

    It expects `auto_offset_reset="none"` and starts a partition without a committed offset at its beginning; when a committed
    offset is out of range, because Kafka lost data or expired it, this is reported before consumption restarts there.
    """

    def __init__(self, *topics: str, **options: Any) -> None:
        super().__init__(*topics, **options)
        self.name = str(options.get("group_id") or "")
        self.failing: dict[TopicPartition, FailingPartition] = {}
        self.error: str | None = None
        """The error that keeps the whole member from polling, such as a refused group."""
        self._restart: list[TopicPartition] = []

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None) -> Polled:
        """Return fetched records, or nothing after *timeout_ms*; see AIOKafkaConsumer.getmany.

        A batch that cannot be decoded comes as one UndecodableBatch. Raises ConsumerStoppedError, and KafkaError where the
        group refuses this member; nothing was drained then.
        """
        if self._closed:
            raise ConsumerStoppedError
        limit = max_records or self._max_poll_records or UNBOUNDED
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
        """Take what was fetched, partition by partition."""
        if self._subscription.reassignment_in_progress:
            await self._subscription.wait_for_assignment()
        if self._restart:
            await self._restart_partitions()
        found: Polled = {}
        for place in self._fetched(partitions):
            records = await self._poll_partition(place, limit)
            if records:
                found[place] = records
                limit -= len(records)
            if limit <= 0:
                break
        return found

    def _fetched(self, partitions: tuple[TopicPartition, ...]) -> list[TopicPartition]:
        """The partitions with fetched records or errors, without those that wait for their next attempt.

        Failing ones come first: what they wait for must not keep records that were drained already.
        """
        now = time.monotonic()
        fetched = [
            place
            for place in self._fetcher._records  # noqa: SLF001 - aiokafka does not tell which partitions have data
            if (not partitions or place in partitions)
            and (place not in self.failing or self.failing[place].retry_at <= now)
        ]
        return sorted(fetched, key=lambda place: place not in self.failing) if self.failing else fetched

    async def _wait_for_data(self, seconds: float) -> None:
        now = time.monotonic()
        waits = [failing.retry_at - now for failing in self.failing.values() if failing.retry_at > now]
        waiter = self._fetcher._create_fetch_waiter()  # noqa: SLF001 - what aiokafka's own poll waits for
        done, _ = await asyncio.wait([waiter], timeout=min([seconds, *waits]))
        if done:
            waiter.result()  # raises what the group's coordinator found
        else:
            waiter.cancel()

    async def _poll_partition(self, place: TopicPartition, limit: int) -> list[ConsumerRecord[Any, Any]]:
        """Take records of one partition; after a failure one by one, so that those before the damage are delivered."""
        failing = self.failing.get(place)
        if failing is None:
            try:
                return await self._take(place, limit)
            except Exception as error:  # noqa: BLE001 - whatever damaged data makes a decoder raise
                return await self._failed(place, error)
        records: list[ConsumerRecord[Any, Any]] = []
        try:
            while len(records) < limit and (one := await self._take(place, 1)):
                records += one
        except Exception as error:  # noqa: BLE001 - see above
            return records or await self._failed(place, error)
        failing.careful_records -= len(records)
        if records and failing.careful_records <= 0:
            del self.failing[place]
        return records

    async def _take(self, place: TopicPartition, limit: int) -> list[ConsumerRecord[Any, Any]]:
        found = await self._fetcher.fetched_records((place,), 0, max_records=limit)
        return list(found.get(place, ()))

    async def _failed(self, place: TopicPartition, error: Exception) -> list[ConsumerRecord[Any, Any]]:
        """Note that *place* raised; after some attempts return the batch that cannot be decoded in the place of its records."""
        if isinstance(error, ConsumerStoppedError | IllegalStateError) or place not in self.assignment():
            return []
        if isinstance(error, NoOffsetForPartitionError | OffsetOutOfRangeError):
            self._restart.append(place)
            if isinstance(error, OffsetOutOfRangeError):
                self._report_lost_offset(place, error)
            return []
        if isinstance(error, RecordTooLargeError):
            self.seek(place, error.args[2])  # aiokafka has stepped over the record already
        position = self.current_position(place)
        failing = self._note_failure(place, position, error)
        if position is None or failing.attempts < DECODE_ATTEMPTS or not _damaged(error):
            return []
        return await self._replace_batch(place, position, failing, error)

    def _note_failure(self, place: TopicPartition, position: int | None, error: Exception) -> FailingPartition:
        damaged, known = _damaged(error), self.failing.get(place)
        now = time.monotonic()
        failing = FailingPartition(
            offset=-1 if position is None else position,
            reason=type(error).__name__,
            retry_at=now + (DECODE_RETRY_SECONDS if damaged else BLOCKED_RETRY_SECONDS),
            careful_records=CAREFUL_RECORDS if damaged else 1,
        )
        if known and known.offset == failing.offset:
            failing.attempts = known.attempts + 1
        if failing.attempts == 1:
            log.warning(
                "poll_failed", consumer=self.name, topic=place.topic, partition=place.partition, offset=failing.offset,
                error=failing.reason,
            )  # fmt: skip
        labels = {"consumer": self.name, "topic": place.topic, "error": failing.reason}
        telemetry.counter("equity_poll_errors", "Polls of one partition that raised").add(1, labels)
        self.failing[place] = failing
        return failing

    async def _replace_batch(
        self, place: TopicPartition, position: int, failing: FailingPartition, error: Exception
    ) -> list[ConsumerRecord[Any, Any]]:
        """Step over the damaged batch at *position* and return the record that stands for it."""
        try:
            raw = RawBatch.first_of(await fetch_raw(self, place, position), position)
        except KafkaError as unreachable:
            failing.retry_at = time.monotonic() + BLOCKED_RETRY_SECONDS
            log.warning("undecodable_batch_not_fetched", consumer=self.name, error=type(unreachable).__name__)
            return []
        if raw is None:
            failing.retry_at = time.monotonic() + BLOCKED_RETRY_SECONDS
            failing.reason = f"{type(error).__name__}, and its header is damaged"
            log.error(
                "partition_blocked", consumer=self.name, topic=place.topic, partition=place.partition, offset=position
            )
            return []
        if place not in self.assignment() or self.current_position(place) != position:
            return []
        self.seek(place, raw.last_offset + 1)
        del self.failing[place]
        log.error(
            "batch_undecodable", consumer=self.name, topic=place.topic, partition=place.partition, first_offset=position,
            last_offset=raw.last_offset, codec=raw.codec, error=type(error).__name__,
        )  # fmt: skip
        labels = {"consumer": self.name, "topic": place.topic}
        telemetry.counter("equity_undecodable_batches", "Batches that became a dead letter undecoded").add(1, labels)
        return [UndecodableBatch.of(place, position, raw, error)]

    def _report_lost_offset(self, place: TopicPartition, error: OffsetOutOfRangeError) -> None:
        """Say that Kafka no longer has what comes next, or never had: it expired, or the topic was made again."""
        wanted = error.args[0].get(place) if error.args and isinstance(error.args[0], dict) else None
        log.error(
            "offset_out_of_range", consumer=self.name, topic=place.topic, partition=place.partition, offset=wanted,
            help="messages were lost in Kafka; consumption restarts at the oldest: docs/runbooks/stalled-partition.md",
        )  # fmt: skip
        labels = {"consumer": self.name, "topic": place.topic}
        telemetry.counter("equity_offsets_out_of_range", "Positions that Kafka no longer has").add(1, labels)

    async def _restart_partitions(self) -> None:
        """Begin partitions without a usable offset at their oldest message."""
        places, self._restart = [place for place in self._restart if place in self.assignment()], []
        if places:
            with suppress(IllegalStateError, TimeoutError):
                async with asyncio.timeout(RESET_SECONDS):
                    await self.seek_to_beginning(*places)

    def current_position(self, place: TopicPartition) -> int | None:
        """Return the offset that the next poll of *place* begins at; None when it is not assigned or not known yet."""
        subscription = self._subscription.subscription
        if subscription is None or subscription.assignment is None or place not in subscription.assignment.tps:
            return None
        state = subscription.assignment.state_value(place)
        return int(state.position) if state.has_valid_position else None

    def missing_topics(self, topics: Sequence[str]) -> list[str]:
        """Return those of *topics* that Kafka does not have, as far as this client knows."""
        return sorted(topic for topic in topics if not self.partitions_for_topic(topic))

    def refresh_metadata(self) -> None:
        """Ask Kafka for its topics now; aiokafka itself asks every five minutes."""
        self._client.force_metadata_update()

    @property
    def blocked(self) -> dict[TopicPartition, str]:
        """The partitions that failed a moment ago, and the reason."""
        since = time.monotonic() - FAILURE_SHOWN_SECONDS
        return {place: failing.reason for place, failing in self.failing.items() if failing.retry_at > since}

    @property
    def ended(self) -> bool:
        """Whether aiokafka's own task that fetches has ended, so that only a restart helps."""
        fetcher = self._fetcher
        return bool(fetcher is not None and not self._closed and fetcher.error_future.done())


def _damaged(error: Exception) -> bool:
    """Whether *error* comes from the data, and would come again; not from a right or a library that is missing."""
    if isinstance(error, UnsupportedCodecError):
        return bool(has_snappy() and has_lz4() and has_zstd())
    if isinstance(error, CorruptRecordException | RecordTooLargeError) or type(error) is KafkaError:
        return True
    return not isinstance(error, (KafkaError, OSError))
