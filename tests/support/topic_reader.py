"""Reader of all messages of a topic."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition


async def read_all_messages(bootstrap: str, topic: str) -> list[Any]:
    """Return every message of *topic* so far, partition by partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        for _ in range(100):  # the metadata of a new topic arrive later
            if numbers := (await consumer._client.fetch_all_metadata()).partitions_for_topic(topic):
                break
            await asyncio.sleep(0.1)
        partitions = [TopicPartition(topic, number) for number in numbers]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        records = []
        for partition in partitions:
            consumer.seek(partition, 0)
        while [partition for partition, end in ends.items() if await consumer.position(partition) < end]:
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                records += batch
        return records
    finally:
        await consumer.stop()
