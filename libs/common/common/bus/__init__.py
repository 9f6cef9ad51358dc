"""The bus: events in and out of a service, every effect once (design §4)."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, TypeVar

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from common.bus.batch import Batch
from common.bus.consumer import Consumer, Handler
from common.bus.failures import BadRecordError, Kind, TheirsDownError, classify
from common.bus.kafka import cluster_id, new_producer
from common.bus.poll import LosslessConsumer
from common.bus.received import Caused, Failure, Received
from common.bus.relay import Relay
from common.bus.security import broker_security
from common.bus.subscribe import Lane, raw_decoder, raw_parser
from common.bus.tx import Tx
from common.contacts import Keyring
from common.database import Database
from common.events import Event
from common.settings import Settings

__all__ = ["BadRecordError", "Batch", "Bus", "Caused", "Failure", "Received", "TheirsDownError", "Tx"]

log = structlog.get_logger()

T = TypeVar("T")
REPEATS = 10

SUBSCRIBER_OPTIONS: dict[str, Any] = {
    "batch": True,
    "max_records": 500,
    "batch_timeout_ms": 20,
    "auto_offset_reset": "none",
    "isolation_level": "read_committed",
    "ack_policy": AckPolicy.MANUAL,
    "rebalance_timeout_ms": 90_000,
    "max_poll_interval_ms": 300_000,
    "session_timeout_ms": 10_000,
    "heartbeat_interval_ms": 1_000,
    "fetch_max_bytes": 8_000_000,
    "parser": raw_parser,
    "decoder": raw_decoder,
}
"""Options that `bus.on` passes to `@broker.subscriber`; see docs/bus.md. KAFKA_SESSION_SECONDS replaces the session's."""


@dataclass(frozen=True, slots=True)
class Statements:
    """The bus's own SQL, in the schema of one service."""

    claim: str
    known: str

    @classmethod
    def of(cls, service: str) -> "Statements":
        """The statements of *service*, whose name is a Python identifier of ours, never input."""
        return cls(_CLAIM.replace("SCHEMA", f"svc_{service}"), _KNOWN.replace("SCHEMA", f"svc_{service}"))


class Bus:
    """What one service subscribes to and sends."""

    def __init__(self, service: str, settings: Settings, database: Database, keyring: Keyring) -> None:
        self.service = service
        self.settings = settings
        self.database = database
        self.keyring = keyring
        self.sql = Statements.of(service)
        self.cluster = ""
        self.attempts: dict[tuple[str, int, int], tuple[int, datetime]] = {}
        self.lanes: list[Lane] = []
        self.relay = Relay(service, settings, database)
        self._stopping = asyncio.Event()
        self._producer: AIOKafkaProducer | None = None
        self._measuring: asyncio.Task[None] | None = None
        self.broker = KafkaBroker(
            settings.kafka_bootstrap_servers.split(","),
            client_id=f"equity-{service}",
            security=broker_security(settings),
            allow_auto_create_topics=False,
            apply_types=False,
            graceful_timeout=20,
            logger=_quiet_logger(),
            log_level=logging.DEBUG,
        )

    def prefixed(self, name: str) -> str:
        """The name of a topic or group in this installation's Kafka."""
        return self.settings.kafka_topic_prefix + name

    topic = prefixed

    def on(self, event: type[Event], *, lanes: int = 1, **options: Any) -> Callable[[Handler], list[Any]]:
        """Subscribe a handler to *event*; it gets batches of up to 500 messages.

        *lanes* members of the handler's group work side by side; *options* go to `@broker.subscriber`. Returns FastStream's
        own subscribers, one a lane.
        """
        return lambda handler: self._subscribe([event.topic], event, handler, lanes, options)

    def on_raw(self, topics: Sequence[str], *, lanes: int = 1, **options: Any) -> Callable[[Handler], list[Any]]:
        """Subscribe a handler to whatever bytes come on *topics*: no model, no inbox, no dead letters."""
        return lambda handler: self._subscribe(list(topics), None, handler, lanes, options)

    def _subscribe(
        self, topics: list[str], event: type[Event] | None, handler: Handler, lanes: int, options: dict[str, Any]
    ) -> list[Any]:
        consumer = Consumer(self, f"{self.service}.{handler.__name__}", handler, event)
        subscribers = []
        for number in range(lanes):
            lane = Lane(consumer, number, [*map(self.prefixed, topics)])
            subscriber = self.broker.subscriber(
                *lane.topics,
                group_id=self.prefixed(consumer.name),
                listener=lane,
                title=lane.name,
                description=handler.__doc__,
                **(SUBSCRIBER_OPTIONS | self._session_options() | options),
            )
            lane.kafka = partial(getattr, subscriber, "consumer")
            subscriber(lane.handle)
            self.lanes.append(lane)
            subscribers.append(subscriber)
        return subscribers

    def _session_options(self) -> dict[str, int]:
        """Return the time limit of a consumer's session, and the time between its heartbeats."""
        session_ms = int(self.settings.kafka_session_seconds * 1_000)
        return {"session_timeout_ms": session_ms, "heartbeat_interval_ms": min(1_000, session_ms // 5)}

    async def transact(self, write: Callable[[Tx], Awaitable[T]]) -> T:
        """Run *write* in a transaction of this service, its events written last; again when two transactions met.

        Raises what *write* or the database raises.
        """
        for attempt in range(REPEATS):
            try:
                async with self.database.transaction() as connection:
                    tx = Tx(connection, self.service)
                    result = await write(tx)
                    sent = await tx.flush()
            except Exception as error:
                if classify(error) is not Kind.REPEAT or attempt == REPEATS - 1:
                    raise
                await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter
            else:
                if sent:
                    self.relay.wake()
                return result
        raise AssertionError("unreachable")

    async def producer(self) -> AIOKafkaProducer:
        """The service's own producer, for rows that do not go through the outbox; started at first use."""
        if self._producer is None:
            self._producer = await new_producer(self.settings, self.service)
        return self._producer

    async def start(self) -> None:
        """Start to consume and to relay. Raises KafkaConnectionError without Kafka, TopicsMissingError without a topic."""
        self._stopping.clear()
        if self.lanes:
            self.cluster = await cluster_id(self.settings, chain(*(lane.topics for lane in self.lanes)))
        if self.lanes:
            await self.broker.connect()
            connected = self.broker.config.broker_config
            options = connected.builder.keywords  # type: ignore[attr-defined] # a partial of AIOKafkaConsumer
            connected.builder = partial(LosslessConsumer, **options)
            await self.broker.start()
            self._measuring = asyncio.create_task(self._measure_progress(), name=f"{self.service} progress")
        await self.relay.start()

    async def stop(self) -> None:
        """Finish the batches in flight, publish what they committed, and let go of Kafka."""
        self._stopping.set()
        if self._measuring is not None:
            self._measuring.cancel()
            self._measuring = None
        if self.lanes:
            await self.broker.stop()
        await self.relay.stop()
        if self._producer is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._producer.stop(), 10)
            self._producer = None

    async def sleep(self, seconds: float) -> None:
        """Sleep, or less when the bus is to stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _measure_progress(self) -> None:
        """Measure lag and progress of every lane, again and again; Kafka's absence is reported elsewhere."""
        while True:
            for lane in self.lanes:
                try:
                    await lane.measure_progress()
                except (KafkaError, OSError, TimeoutError) as error:
                    log.debug("progress_not_measured", consumer=lane.name, error=type(error).__name__)
            await asyncio.sleep(self.settings.progress_check_seconds)

    async def answers(self, seconds: float) -> bool:
        """Whether Kafka answers in that time."""
        return bool(await self.broker.ping(timeout=seconds))

    async def problems(self) -> list[str]:
        """Why this bus counts as stuck; empty when it is well or waits on purpose."""
        found = [lane.stuck for lane in self.lanes if lane.stuck]
        stalled = {lane: lane.stalled for lane in self.lanes if lane.stalled}
        if stalled and not await self.answers(0.5):
            for lane in stalled:
                lane.watch.moved()  # it waits for Kafka, and has its time anew when Kafka is back
            stalled.clear()
        return [*found, *filter(None, [*stalled.values(), self.relay.stuck])]

    @property
    def waiting(self) -> list[str]:
        """What this bus is waiting for on purpose."""
        found = [f"{lane.name} waits ({lane.waiting})" for lane in self.lanes if lane.waiting]
        return [*found, *([f"the relay waits ({self.relay.waiting})"] if self.relay.waiting else [])]

    @property
    def stalls(self) -> list[str]:
        """Partitions and topics that are not being consumed, and why."""
        return [stall for lane in self.lanes for stall in lane.stalls]


def _quiet_logger() -> logging.Logger:
    """FastStream tells of every batch at its log level, and of faults above it; only the faults are wanted."""
    logger = logging.getLogger("faststream.equity")
    logger.setLevel(logging.WARNING)
    return logger


_CLAIM = """
insert into SCHEMA.inbox (day, consumer, event_id, redrive, body_hash)
select wanted.day, $1, wanted.event_id, wanted.redrive, wanted.body_hash
from unnest($2::date[], $3::uuid[], $4::smallint[], $5::bigint[]) as wanted (day, event_id, redrive, body_hash)
on conflict do nothing
returning event_id, redrive
"""

_KNOWN = """
select inbox.event_id, inbox.redrive, inbox.body_hash
from unnest($2::date[], $3::uuid[], $4::smallint[]) as wanted (day, event_id, redrive)
join SCHEMA.inbox
  on inbox.day = wanted.day
  and inbox.consumer = $1
  and inbox.event_id = wanted.event_id
  and inbox.redrive = wanted.redrive
"""
