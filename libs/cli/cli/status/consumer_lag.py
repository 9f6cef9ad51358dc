"""Lag of the services' consumer groups, as Kafka reports it."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from cli.kafka_admin import open_admin
from cli.shell.settings import CliSettings
from common.bus.kafka import connection_options

Offsets = Mapping[TopicPartition, int]


async def load_consumer_lag(settings: CliSettings, services: Collection[str]) -> dict[str, int]:
    """Return the number of messages that each service has not handled. A service that never consumed is omitted.

    Raises a CliError if Kafka does not answer.
    """
    async with open_admin(settings) as admin:
        committed = await _load_committed(admin, settings.kafka_topic_prefix, services)
        topics = {partition.topic for offsets in committed.values() for partition in offsets}
        partitions = await _list_partitions(admin, topics)
    begins, ends = await _load_bounds(settings, partitions)
    lag = Counter[str]()
    for group, offsets in committed.items():
        consumed = {partition.topic for partition in offsets}
        own_ends = {partition: end for partition, end in ends.items() if partition.topic in consumed}
        lag[group.removeprefix(settings.kafka_topic_prefix).partition(".")[0]] += count_unhandled(
            offsets, begins, own_ends
        )
    return dict(lag)


def count_unhandled(committed: Offsets, begins: Offsets, ends: Offsets) -> int:
    """Return the number of messages behind the committed offsets; without one a consumer starts at the beginning."""
    return sum(
        max(0, end - max(committed.get(partition, 0), begins.get(partition, 0))) for partition, end in ends.items()
    )


async def _load_committed(
    admin: AIOKafkaAdminClient, prefix: str, services: Collection[str]
) -> dict[str, dict[TopicPartition, int]]:
    """Return the committed offsets of each consumer group of *services*."""
    own = tuple(f"{prefix}{service}." for service in services)
    groups = sorted(name for name, *_ in await admin.list_consumer_groups() if name.startswith(own))
    found = {group: await admin.list_consumer_group_offsets(group) for group in groups}
    return {
        group: {partition: position.offset for partition, position in offsets.items() if position.offset >= 0}
        for group, offsets in found.items()
    }


async def _list_partitions(admin: AIOKafkaAdminClient, topics: Collection[str]) -> list[TopicPartition]:
    """Return the partitions of those of *topics* that exist; a group may have offsets of a deleted topic."""
    existing = sorted(set(topics) & set(await admin.list_topics()))
    described: list[dict[str, Any]] = await admin.describe_topics(existing) if existing else []
    return [TopicPartition(topic["topic"], part["partition"]) for topic in described for part in topic["partitions"]]


async def _load_bounds(settings: CliSettings, partitions: list[TopicPartition]) -> tuple[Offsets, Offsets]:
    """Return the first offset of each partition, and the offset after the last one."""
    if not partitions:
        return {}, {}
    consumer = AIOKafkaConsumer(**connection_options(settings), client_id="equity-status")
    try:
        await consumer.start()
        return await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()
