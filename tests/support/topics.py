"""Topics under the prefix of one test."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from common.events import FUNNEL_EVENTS
from common.topics import TOPICS, Topic

_SUBJECTS_WITHOUT_SERVICE = ("emails", "consents", "calls", "appointments", "deals", "billing")
"""Modules of `common.events` whose events no service produces yet."""
_UNUSED = {event.topic for event in FUNNEL_EVENTS if event.__module__.rpartition(".")[2] in _SUBJECTS_WITHOUT_SERVICE}
USED_TOPICS = tuple(topic for topic in TOPICS if topic.name not in _UNUSED)
"""Topics that a service produces or consumes, and `ingest.deals`, the topic of the bus tests."""
UNUSED_TOPICS = tuple(topic for topic in TOPICS if topic.name in _UNUSED)
"""Topics of future services. Only the recorder subscribes to them."""


async def create(bootstrap: str, prefix: str, topics: Iterable[Topic] = TOPICS, partitions: int | None = None) -> None:
    """Create *topics*, each with *partitions* or as declared, and wait until Kafka lists them."""
    wanted = {prefix + topic.name: topic for topic in topics}
    async with _admin(bootstrap) as admin:
        await admin.create_topics(
            [
                NewTopic(name, partitions or topic.partitions, 1, topic_configs=topic.kafka_config(1))
                for name, topic in wanted.items()
            ]
        )
        async with asyncio.timeout(30):
            while not wanted.keys() <= set(await admin.list_topics()):
                await asyncio.sleep(0.05)


async def delete(bootstrap: str, prefix: str) -> None:
    """Delete every topic whose name begins with *prefix*, which must not be empty."""
    assert prefix
    async with _admin(bootstrap) as admin:
        found = [name for name in await admin.list_topics() if name.startswith(prefix)]
        await admin.delete_topics(found)


@asynccontextmanager
async def created(
    bootstrap: str, prefix: str, topics: Iterable[Topic] = TOPICS, partitions: int | None = None
) -> AsyncIterator[None]:
    """Create *topics*, and delete all topics under *prefix* afterwards."""
    await create(bootstrap, prefix, topics, partitions)
    yield
    await delete(bootstrap, prefix)


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
