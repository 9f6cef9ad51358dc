"""The declared topics under a prefix of the test's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient

from common import topics


@asynccontextmanager
async def created(bootstrap: str, prefix: str) -> AsyncIterator[None]:
    """All declared topics, deleted afterwards."""
    await create(bootstrap, prefix)
    yield
    await delete(bootstrap, prefix)


async def create(bootstrap: str, prefix: str) -> None:
    """All declared topics, deleted by somebody else or with their server."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await topics.ensure(admin, prefix)
    finally:
        await admin.close()


async def delete(bootstrap: str, prefix: str) -> None:
    """Take all declared topics away."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([prefix + topic.name for topic in topics.TOPICS])
    finally:
        await admin.close()
