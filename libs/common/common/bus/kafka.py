"""Kafka clients, made one way."""

import ssl
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.helpers import create_ssl_context

from common.settings import Settings
from common.topics import MAX_DEAD_LETTER_BYTES

REQUEST_LIMIT = MAX_DEAD_LETTER_BYTES + 100_000


def connection_options(settings: Settings) -> dict[str, Any]:
    """How any aiokafka client reaches and proves itself to the cluster."""
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
    """A started producer: idempotent, acknowledged by all, in batches of up to 256 kB."""
    producer = AIOKafkaProducer(
        **connection_options(settings),
        client_id=f"equity-{client_id}",
        enable_idempotence=True,
        acks="all",
        max_batch_size=262_144,
        max_request_size=REQUEST_LIMIT,
        request_timeout_ms=15_000,
    )
    try:
        await producer.start()
    except BaseException:
        await producer.stop()
        raise
    return producer


async def new_admin(settings: Settings) -> AIOKafkaAdminClient:
    """A started admin client; the caller closes it. Raises KafkaConnectionError when Kafka cannot be reached."""
    admin = AIOKafkaAdminClient(**connection_options(settings), client_id="equity-admin", request_timeout_ms=10_000)
    try:
        await admin.start()
    except BaseException:
        await admin.close()
        raise
    return admin


async def cluster_id(settings: Settings) -> str:
    """The cluster's id, which goes into the ids of messages that came without one."""
    admin = await new_admin(settings)
    try:
        return str((await admin.describe_cluster()).get("cluster_id"))
    finally:
        await admin.close()
