"""What lies on a topic."""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition


async def everything_on(bootstrap: str, topic: str) -> list[Any]:
    """Every message that is there by now, partition by partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        for _ in range(100):  # a new topic is not known everywhere at once
            if numbers := (await consumer._client.fetch_all_metadata()).partitions_for_topic(topic):
                break
            await asyncio.sleep(0.1)
        places = [TopicPartition(topic, number) for number in numbers]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        records = []
        for place in places:
            consumer.seek(place, 0)
        while [place for place, end in ends.items() if await consumer.position(place) < end]:
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                records += batch
        return records
    finally:
        await consumer.stop()
