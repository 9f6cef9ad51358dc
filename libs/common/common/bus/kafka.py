"""Kafka clients, all made with the same options."""

import ssl
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.helpers import create_ssl_context

from common.settings import Settings
from common.topics import MAX_DEAD_LETTER_BYTES

MAX_REQUEST_BYTES = MAX_DEAD_LETTER_BYTES + 100_000


def connection_options(settings: Settings) -> dict[str, Any]:
    """Return the options with which an aiokafka client reaches the cluster and authenticates."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap_servers.split(","),
        "security_protocol": settings.kafka_security_protocol,
    }
    if "SSL" in settings.kafka_security_protocol.replace("SASL_PLAINTEXT", ""):
        context: ssl.SSLContext = create_ssl_context(cafile=settings.kafka_ssl_cafile)
        options["ssl_context"] = context
    if settings.kafka_security_protocol.startswith("SASL"):
        password = settings.kafka_sasl_password
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": password.get_secret_value() if password else None,
        }
    return options


async def new_producer(settings: Settings, client_id: str) -> AIOKafkaProducer:
    """Start and return a producer: idempotent, acknowledged by all replicas, in batches of up to 256 kB."""
    producer = AIOKafkaProducer(
        **connection_options(settings),
        client_id=f"equity-{client_id}",
        enable_idempotence=True,
        acks="all",
        max_batch_size=262_144,
        max_request_size=MAX_REQUEST_BYTES,
        request_timeout_ms=15_000,
    )
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
    return producer


async def new_admin(settings: Settings) -> AIOKafkaAdminClient:
    """Start and return an admin client; the caller closes it. Raises KafkaConnectionError when Kafka cannot be reached."""
    admin = AIOKafkaAdminClient(**connection_options(settings), client_id="equity-admin", request_timeout_ms=10_000)
    try:
        await admin.start()
    except BaseException:
        await admin.close()
        raise
    return admin


class TopicsMissingError(RuntimeError):
    """Topics that a service consumes and that do not exist. *topics* are their names."""

    def __init__(self, topics: Sequence[str]) -> None:
        super().__init__(f"topics are missing in Kafka: {', '.join(topics[:5])}; run `equity topics apply`")


async def fetch_cluster_id(settings: Settings, topics: Iterable[str] = ()) -> str:
    """Return the cluster's id. It is part of the ids of messages that came without one.

    Raises TopicsMissingError when one of *topics* does not exist, KafkaError when Kafka cannot be reached.
    """
    admin = await new_admin(settings)
    try:
        if missing := sorted(set(topics) - set(await admin.list_topics())):
            raise TopicsMissingError(missing)
        return str((await admin.describe_cluster()).get("cluster_id"))
    finally:
        await admin.close()


def partition_of(key: bytes | None, value: bytes | None, partitions: int) -> int:
    """Return the partition of one of our messages. One key has one partition; other producers may choose another one."""
    return zlib.crc32(key or value or b"") % partitions


class KafkaBatches:
    """Messages of one topic, put into batches by key. Sending whole batches costs half as much as single messages."""

    def __init__(self, producer: AIOKafkaProducer, partitions: int) -> None:
        self.filled: list[tuple[int, Any]] = []
        """Partition and batch, in the order in which to send them."""
        self._producer = producer
        self._partitions = partitions
        self._open: dict[int, int] = {}

    def add(self, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> int:
        """Put a message into a batch and return the batch's index in `filled`. An empty batch takes a message of any size."""
        partition = partition_of(key, value, self._partitions)
        index = self._open.get(partition)
        if index is None or _append(self.filled[index][1], key, value, headers) is None:
            index = self._open[partition] = len(self.filled)
            self.filled.append((partition, self._producer.create_batch()))
            _append(self.filled[index][1], key, value, headers)
        return index


def _append(batch: Any, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> Any:
    return batch.append(key=key, value=value, headers=headers, timestamp=None)
