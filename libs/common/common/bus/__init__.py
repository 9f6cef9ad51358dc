"""Event bus of a service: subscribed handlers, transactions with inbox and outbox, and the relay.

docs/bus.md shows the API. docs/delivery.md says what it guarantees: every effect happens once.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, TypeVar

import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from common.bus.batch import Batch
from common.bus.batch_runner import BatchRunner
from common.bus.consumer import Consumer, Handler
from common.bus.consumer_instance import ConsumerInstance
from common.bus.failures import BadRecordError, FailureKind, RecentOutcomes, VendorUnavailableError, classify_error
from common.bus.kafka import fetch_cluster_id, new_producer
from common.bus.poll import LosslessConsumer
from common.bus.raw_records import raw_decoder, raw_parser
from common.bus.received import Caused, MessageFailure, Received
from common.bus.relay import Relay
from common.bus.security import broker_security
from common.bus.tx import Tx
from common.database import Database
from common.events import Event
from common.pii.keyring import Keyring
from common.settings import Settings

__all__ = ["BadRecordError", "Batch", "Bus", "Caused", "MessageFailure", "Received", "Tx", "VendorUnavailableError"]

log = structlog.get_logger()

T = TypeVar("T")
TRANSACTION_ATTEMPTS = 10
KAFKA_PING_SECONDS = 0.5
PRODUCER_STOP_SECONDS = 10


def subscriber_options(settings: Settings) -> dict[str, Any]:
    """Return the options that `bus.on` passes to `@broker.subscriber`; see docs/bus.md."""
    session_ms = int(settings.kafka_session_seconds * 1_000)
    return {
        "batch": True,
        "max_records": 500,
        "batch_timeout_ms": 20,
        "auto_offset_reset": "none",
        "isolation_level": "read_committed",
        "ack_policy": AckPolicy.MANUAL,
        "rebalance_timeout_ms": 90_000,
        "max_poll_interval_ms": 300_000,
        "session_timeout_ms": session_ms,
        "heartbeat_interval_ms": min(1_000, session_ms // 5),
        "fetch_max_bytes": 8_000_000,
        "parser": raw_parser,
        "decoder": raw_decoder,
    }


@dataclass(frozen=True, slots=True)
class InboxStatements:
    """SQL statements of one service's inbox."""

    claim: str
    known: str

    @classmethod
    def in_schema(cls, schema: str) -> "InboxStatements":
        """Return the statements for *schema*, whose name comes from our code, never from input."""
        return cls(_CLAIM.format(schema=schema), _KNOWN.format(schema=schema))


class Bus:
    """Event bus of one service: the events that it consumes and the events that it publishes."""

    def __init__(self, service: str, settings: Settings, database: Database, keyring: Keyring) -> None:
        self.service = service
        self.settings = settings
        self.database = database
        self.keyring = keyring
        self.inbox_statements = InboxStatements.in_schema(f"svc_{service}")
        self.cluster_id = ""
        self.failed_attempts: dict[tuple[str, int, int], tuple[int, datetime]] = {}
        """Attempts of messages that failed unexpectedly, by topic, partition and offset: their number, and the first time."""
        self.consumer_instances: list[ConsumerInstance] = []
        self.relay = Relay(service, settings, database)
        self._stopping = asyncio.Event()
        self._producer: AIOKafkaProducer | None = None
        self._progress_task: asyncio.Task[None] | None = None
        self.broker = KafkaBroker(
            settings.kafka_bootstrap_servers.split(","),
            client_id=f"equity-{service}",
            security=broker_security(settings),
            allow_auto_create_topics=False,
            apply_types=False,
            graceful_timeout=20,
            logger=_faststream_logger(),
            log_level=logging.DEBUG,
        )

    def prefixed(self, name: str) -> str:
        """Return the name that the topic or group *name* has in this installation's Kafka."""
        return self.settings.kafka_topic_prefix + name

    topic = prefixed

    def on(self, event: type[Event], *, instances: int = 1, **options: Any) -> Callable[[Handler], list[Any]]:
        """Subscribe a handler to *event*. It gets batches of up to 500 messages.

        *instances* members of the handler's consumer group work in parallel. *options* go to `@broker.subscriber`. Returns
        FastStream's own subscribers, one for each member.
        """
        return lambda handler: self._subscribe([event.topic], event, handler, instances, options)

    def on_raw(self, topics: Sequence[str], *, instances: int = 1, **options: Any) -> Callable[[Handler], list[Any]]:
        """Subscribe a handler to any bytes that come on *topics*: no model, no inbox, no dead letters."""
        return lambda handler: self._subscribe(list(topics), None, handler, instances, options)

    def _subscribe(
        self, topics: list[str], event: type[Event] | None, handler: Handler, instances: int, options: dict[str, Any]
    ) -> list[Any]:
        consumer = Consumer(self, f"{self.service}.{handler.__name__}", handler, event)
        subscribers = []
        for number in range(instances):
            instance = ConsumerInstance(consumer, number, [*map(self.prefixed, topics)])
            subscriber = self.broker.subscriber(
                *instance.topics,
                group_id=self.prefixed(consumer.name),
                listener=instance,
                title=instance.name,
                description=handler.__doc__,
                **(subscriber_options(self.settings) | options),
            )
            instance.kafka = partial(getattr, subscriber, "consumer")
            subscriber(instance.handle)
            self.consumer_instances.append(instance)
            subscribers.append(subscriber)
        return subscribers

    async def run_ahead(self, event: type[Event], records: Sequence[ConsumerRecord[Any, Any]]) -> int:
        """Run the handler of *event* on *records* that Kafka does not have yet; see BatchRunner.run_ahead.

        Outcomes are counted apart: a message that fails in every attempt must not pause the consumer of Kafka.
        """
        consumer = next(one.consumer for one in self.consumer_instances if one.consumer.event is event)
        return await BatchRunner(replace(consumer, outcomes=RecentOutcomes())).run_ahead(records)

    async def transact(self, write: Callable[[Tx], Awaitable[T]]) -> T:
        """Run *write* in a transaction of this service, with its events written last.

        When the transaction conflicts with another one, *write* runs again, up to TRANSACTION_ATTEMPTS times. Raises what
        *write* or the database raises.
        """
        for attempt in range(TRANSACTION_ATTEMPTS):
            try:
                async with self.database.transaction() as connection:
                    tx = Tx(connection, self.service)
                    result = await write(tx)
                    event_count = await tx.write_outbox()
            except Exception as error:
                if classify_error(error) is not FailureKind.TRANSIENT_CONFLICT or attempt == TRANSACTION_ATTEMPTS - 1:
                    raise
                await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311 - jitter
            else:
                if event_count:
                    self.relay.wake()
                return result
        raise AssertionError("unreachable")

    async def producer(self) -> AIOKafkaProducer:
        """Return the service's own producer, for rows that do not go through the outbox. It is started at first use."""
        if self._producer is None:
            self._producer = await new_producer(self.settings, self.service)
        return self._producer

    async def start(self) -> None:
        """Start to consume and to relay. Raises KafkaConnectionError without Kafka, TopicsMissingError without a topic."""
        self._stopping.clear()
        if self.consumer_instances:
            self.cluster_id = await fetch_cluster_id(
                self.settings, chain(*(instance.topics for instance in self.consumer_instances))
            )
            await self.broker.connect()
            connected = self.broker.config.broker_config
            options = connected.builder.keywords  # type: ignore[attr-defined] # a partial of AIOKafkaConsumer
            connected.builder = partial(LosslessConsumer, **options)
            await self.broker.start()
            self._progress_task = asyncio.create_task(self._measure_progress(), name=f"{self.service} progress")
        await self.relay.start()

    async def stop(self) -> None:
        """Finish the batches in flight, publish their events, and close the connections to Kafka."""
        self._stopping.set()
        if self._progress_task is not None:
            self._progress_task.cancel()
            self._progress_task = None
        if self.consumer_instances:
            await self.broker.stop()
        await self.relay.stop()
        if self._producer is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._producer.stop(), PRODUCER_STOP_SECONDS)
            self._producer = None

    async def sleep_until_stop(self, seconds: float) -> None:
        """Sleep for *seconds*, or until the bus stops."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _measure_progress(self) -> None:
        """Measure lag and progress of every instance repeatedly. The absence of Kafka is reported elsewhere."""
        while True:
            for instance in self.consumer_instances:
                try:
                    await instance.measure_progress()
                except (KafkaError, OSError, TimeoutError) as error:
                    log.debug("progress_not_measured", consumer=instance.name, error=type(error).__name__)
            await asyncio.sleep(self.settings.progress_check_seconds)

    async def is_kafka_reachable(self, seconds: float) -> bool:
        """Return whether Kafka answers within *seconds*."""
        return bool(await self.broker.ping(timeout=seconds))

    async def stuck_reasons(self) -> list[str]:
        """Return why this bus counts as stuck; empty if it works or is paused on purpose."""
        stuck = [instance.stuck_reason for instance in self.consumer_instances]
        starved = {instance: instance.starved_reason for instance in self.consumer_instances if instance.starved_reason}
        if starved and not await self.is_kafka_reachable(KAFKA_PING_SECONDS):
            for instance in starved:
                instance.watchdog.mark_progress()  # it waits for Kafka, and its time limit begins when Kafka is back
            starved.clear()
        return [reason for reason in (*stuck, *starved.values(), self.relay.stuck_reason) if reason]

    @property
    def pause_reasons(self) -> list[str]:
        """Consumers, and the relay, that are paused on purpose, each with the reason."""
        reasons = [
            f"{instance.name} is paused ({instance.pause_reason})"
            for instance in self.consumer_instances
            if instance.pause_reason
        ]
        return [*reasons, *([f"the relay is paused ({self.relay.pause_reason})"] if self.relay.pause_reason else [])]

    @property
    def stall_reasons(self) -> list[str]:
        """Partitions and topics that are not consumed, each with the reason."""
        return [reason for instance in self.consumer_instances for reason in instance.stall_reasons]


def _faststream_logger() -> logging.Logger:
    """Return a logger that drops FastStream's line about every batch, and keeps its warnings and errors."""
    logger = logging.getLogger("faststream.equity")
    logger.setLevel(logging.WARNING)
    return logger


_CLAIM = """
insert into {schema}.inbox (day, consumer, event_id, replay_number, body_hash)
select wanted.day, $1, wanted.event_id, wanted.replay_number, wanted.body_hash
from unnest($2::date[], $3::uuid[], $4::smallint[], $5::bigint[]) as wanted (day, event_id, replay_number, body_hash)
on conflict do nothing
returning event_id, replay_number
"""

_KNOWN = """
select inbox.event_id, inbox.replay_number, inbox.body_hash
from unnest($2::date[], $3::uuid[], $4::smallint[]) as wanted (day, event_id, replay_number)
join {schema}.inbox
  on inbox.day = wanted.day
  and inbox.consumer = $1
  and inbox.event_id = wanted.event_id
  and inbox.replay_number = wanted.replay_number
"""
