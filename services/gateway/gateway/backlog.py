"""Rows that were sent to Kafka and that ingest has not handled: publishing runs only so far ahead of ingest.

A topic is a queue: a small upload waits behind every row that was sent before it. The rows of a large file therefore wait
in the spool, where another upload can pass them, and not on the topic.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog
from aiokafka.admin import AIOKafkaAdminClient

from common.bus import Bus
from common.bus.failures import code_of
from common.bus.kafka import new_admin
from common.events import LeadRecord

log = structlog.get_logger()

GROUP = "ingest.upsert_leads"
POLL_SECONDS = 0.1
MEMBERS_SECONDS = 2.0
PATIENCE_SECONDS = 10.0
"""Rows are sent after this long without a commit: what we know of the topic may be out of date, and a wait helps no one."""
_NO_MEMBERS = frozenset({"Empty", "Dead"})


@dataclass(slots=True)
class Offsets:
    """How far we have sent on each partition, and where we began."""

    began: dict[int, int] = field(default_factory=dict)
    sent: dict[int, int] = field(default_factory=dict)

    def note(self, partition: int, base: int, count: int) -> None:
        """Note an acknowledged batch that begins at the offset *base*; -1 when Kafka only says that it had it already.

        The newest one counts, also where it lies before earlier ones: then the topic has been created again.
        """
        if base < 0:
            return
        self.began[partition] = min(base, self.began.get(partition, base))
        self.sent[partition] = base + count

    def unhandled(self, committed: Mapping[int, int]) -> int:
        """Return the rows up to our last one that the group has not committed; other senders' in between count too."""
        return sum(
            max(0, end - committed.get(partition, self.began[partition])) for partition, end in self.sent.items()
        )


class Backlog:
    """Bounds the rows of this gateway that wait on the topic."""

    def __init__(self, bus: Bus, limit: int) -> None:
        self.offsets = Offsets()
        self._bus = bus
        self._limit = limit
        self._admin: AIOKafkaAdminClient | None = None
        self._turn = asyncio.Lock()
        self._measured_at = self._members_at = float("-inf")
        self._unhandled = 0
        self._committed: dict[int, int] = {}
        self._moved_at = float("-inf")
        self._consumed = False

    async def stop(self) -> None:
        """Close the connection to Kafka."""
        if self._admin is not None:
            admin, self._admin = self._admin, None
            await admin.close()

    async def wait_for_room(self) -> None:
        """Return when fewer rows than the limit wait; callers pass in the order in which they came.

        Without a running ingest nothing is handled and nothing can be passed, so rows are sent as they come. The same
        holds when ingest commits nothing or Kafka does not say how far it is: fairness is no reason to hold rows back.
        """
        async with self._turn:
            while await self._full():  # noqa: ASYNC110 - Kafka tells nobody of a commit; it has to be asked
                await asyncio.sleep(POLL_SECONDS)

    async def _full(self) -> bool:
        now = time.monotonic()
        if now - self._measured_at >= POLL_SECONDS:
            try:
                async with asyncio.timeout(5):
                    await self._measure(now)
            except Exception as error:  # noqa: BLE001 - whatever it is, rows are not held back for it
                log.warning("backlog_unknown", error=code_of(error))
                self._consumed = False
                await self.stop()
            self._measured_at = time.monotonic()
        if not self._consumed or self._unhandled < self._limit:
            return False
        if now - self._moved_at < PATIENCE_SECONDS:
            return True
        self._moved_at = now  # one thousand rows, then the next wait
        return False

    async def _measure(self, now: float) -> None:
        if self._admin is None:
            self._admin = await new_admin(self._bus.settings)
        group = self._bus.prefixed(GROUP)
        if now - self._members_at >= MEMBERS_SECONDS:
            [answer] = await self._admin.describe_consumer_groups([group])
            self._consumed = answer.groups[0][2] not in _NO_MEMBERS
            self._members_at = now
        found = await self._admin.list_consumer_group_offsets(group)
        topic = self._bus.topic(LeadRecord.topic)
        committed = {
            place.partition: at.offset for place, at in found.items() if place.topic == topic and at.offset >= 0
        }
        if committed != self._committed:
            self._committed, self._moved_at = committed, now
        self._unhandled = self.offsets.unhandled(committed)
