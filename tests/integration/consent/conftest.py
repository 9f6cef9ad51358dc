"""A broker, two texts, and connections of the owner and of the service *consent*."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from common.events import ConsentRevoked, Unsubscribed
from common.ids import BrokerId
from common.topics import TOPICS
from support import topics as topic_support
from support.consents import ConsentFixture


@pytest.fixture
async def topics(kafka: str, topic_prefix: str) -> AsyncIterator[str]:
    """Create the topics to which the service publishes, and yield their prefix."""
    published = [topic for topic in TOPICS if topic.name in (Unsubscribed.topic, ConsentRevoked.topic)]
    async with topic_support.created(kafka, topic_prefix, published, 1):
        yield topic_prefix


@pytest.fixture
async def data(database: Any) -> AsyncIterator[ConsentFixture]:
    owner = await asyncpg.connect(database.superuser_dsn)
    consent = await asyncpg.connect(database.dsn("consent"))
    broker = BrokerId(uuid4())
    await owner.execute("insert into app.brokers (id, name) values ($1, 'Palmetto Home Equity')", broker)
    await owner.execute("insert into app.consent_texts (version, text, covers) values (1, 'I agree.', '{calls}')")
    await owner.execute("insert into app.consent_texts (version, text, covers) values (2, 'I agree.', '{calls,texts}')")
    yield ConsentFixture(owner, consent, broker)
    await consent.close()
    await owner.close()
