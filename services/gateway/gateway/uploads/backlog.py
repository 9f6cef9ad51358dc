"""Limit on the rows that are published to Kafka and not yet handled by ingest.

A topic is a queue: a small upload waits behind every row that was published before it. Rows of a large file therefore wait
in the spool, where another upload can overtake them, and not on the topic.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from aiokafka.admin import AIOKafkaAdminClient

from common.bus import Bus
from common.bus.failures import error_code
from common.bus.kafka import new_admin
from common.events import LeadRecord

log = structlog.get_logger()

INGEST_CONSUMER_GROUP = "ingest.upsert_leads"
OFFSET_POLL_SECONDS = 0.1
GROUP_STATE_POLL_SECONDS = 2.0
MEASUREMENT_TIMEOUT_SECONDS = 5
MAX_WAIT_WITHOUT_COMMIT_SECONDS = 10.0
"""Wait after which rows are published although ingest commits nothing.

The offsets that we know may be outdated then, and waiting would help no upload.
"""
_GROUP_STATES_WITHOUT_MEMBERS = frozenset({"Empty", "Dead"})


@dataclass(slots=True)
class PublishedOffsets:
    """Range of offsets, by partition, that this gateway has published to."""

    first: dict[int, int] = field(default_factory=dict)
    end: dict[int, int] = field(default_factory=dict)

    def record_batch(self, partition: int, base: int, count: int) -> None:
        """Record an acknowledged batch that begins at offset *base*; -1 if Kafka reports that it had the batch already.

        The newest batch counts, also if its offset is lower than earlier ones: then the topic was created again.
        """
        if base < 0:
            return
        self.first[partition] = min(base, self.first.get(partition, base))
        self.end[partition] = base + count

    def count_unhandled(self, committed: Mapping[int, int]) -> int:
        """Return the number of rows, up to our last one, that the group has not committed. Includes others' rows."""
        return sum(max(0, end - committed.get(partition, self.first[partition])) for partition, end in self.end.items())


class TopicBacklog:
    """Limiter of the rows of this gateway that wait on the topic."""

    def __init__(self, bus: Bus, max_rows: int) -> None:
        self.offsets = PublishedOffsets()
        self._bus = bus
        self._max_rows = max_rows
        self._admin: AIOKafkaAdminClient | None = None
        self._queue = asyncio.Lock()
        self._measured_at = self._group_checked_at = float("-inf")
        self._unhandled_rows = 0
        self._committed: dict[int, int] = {}
        self._committed_at = float("-inf")
        self._has_consumer = False

    async def stop(self) -> None:
        """Close the connection to Kafka."""
        if self._admin is not None:
            admin, self._admin = self._admin, None
            await admin.close()

    async def wait_for_capacity(self) -> None:
        """Return once fewer rows than the limit wait. Callers are served in the order in which they came.

        Without a running ingest no row is handled and no upload can be overtaken, so rows are published at once. The same
        holds if ingest commits nothing, or if Kafka does not report offsets: fairness is no reason to stop publishing.
        """
        async with self._queue:
            while await self._is_full():  # noqa: ASYNC110 - Kafka does not announce commits; it has to be polled
                await asyncio.sleep(OFFSET_POLL_SECONDS)

    async def _is_full(self) -> bool:
        now = time.monotonic()
        if now - self._measured_at >= OFFSET_POLL_SECONDS:
            await self._try_measure(now)
        if not self._has_consumer or self._unhandled_rows < self._max_rows:
            return False
        if now - self._committed_at < MAX_WAIT_WITHOUT_COMMIT_SECONDS:
            return True
        self._committed_at = now  # allows one chunk; then the next wait begins
        return False

    async def _try_measure(self, now: float) -> None:
        try:
            async with asyncio.timeout(MEASUREMENT_TIMEOUT_SECONDS):
                await self._measure(now)
        except Exception as error:  # noqa: BLE001 - no failure here may stop publishing
            log.warning("backlog_measurement_failed", error=error_code(error))
            self._has_consumer = False
            await self.stop()
        self._measured_at = time.monotonic()

    async def _measure(self, now: float) -> None:
        """Ask Kafka which offsets ingest has committed, and from time to time whether ingest runs."""
        if self._admin is None:
            self._admin = await new_admin(self._bus.settings)
        group = self._bus.prefixed(INGEST_CONSUMER_GROUP)
        if now - self._group_checked_at >= GROUP_STATE_POLL_SECONDS:
            [response] = await self._admin.describe_consumer_groups([group])
            self._has_consumer = response.groups[0][2] not in _GROUP_STATES_WITHOUT_MEMBERS
            self._group_checked_at = now
        found = await self._admin.list_consumer_group_offsets(group)
        topic = self._bus.topic(LeadRecord.topic)
        committed = {
            partition.partition: position.offset
            for partition, position in found.items()
            if partition.topic == topic and position.offset >= 0
        }
        if committed != self._committed:
            self._committed, self._committed_at = committed, now
        self._unhandled_rows = self.offsets.count_unhandled(committed)
