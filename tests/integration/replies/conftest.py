"""A replies service on real Kafka and PostgreSQL, with the sandbox's OpenRouter."""

import json
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest
from pydantic import SecretStr

from common.events import (
    ConsentRevoked,
    EmailBounced,
    EmailReplied,
    EmailSent,
    InstantlyWebhook,
    ReplyClassified,
    Unsubscribed,
)
from common.ids import BrokerId
from common.topics import TOPICS
from sandbox.app import Sandbox
from support import topics as topic_support
from support.installation import Installation
from support.replies import BODY, CAMPAIGN, RepliesFixture

EVENTS = (InstantlyWebhook, EmailReplied, ReplyClassified, Unsubscribed, ConsentRevoked, EmailSent, EmailBounced)


@pytest.fixture
async def topics(kafka: str, topic_prefix: str) -> AsyncIterator[str]:
    """Create the topics that the service uses, and yield their prefix."""
    names = {"pipeline.dlq", *(event.topic for event in EVENTS)}
    async with topic_support.created(kafka, topic_prefix, [topic for topic in TOPICS if topic.name in names], 1):
        yield topic_prefix


@pytest.fixture
async def data(installation: Installation) -> AsyncIterator[RepliesFixture]:
    """A broker with one campaign, and no service."""
    db = await asyncpg.connect(installation.database.superuser_dsn)
    broker = BrokerId(uuid4())
    await db.execute("insert into app.brokers (id, name) values ($1, 'Palmetto Home Equity')", broker)
    await db.execute(
        "insert into app.campaigns (broker_id, name, vendor_campaign_id, sequence) values ($1, 'A', $2, $3)",
        broker, CAMPAIGN, json.dumps([{"day": 0, "subject": "your home", "body": BODY}]),
    )  # fmt: skip
    yield RepliesFixture(db, installation, broker)
    await db.close()


@pytest.fixture
async def by_rules(data: RepliesFixture) -> AsyncIterator[RepliesFixture]:
    """The service without a key of OpenRouter."""
    async with data.installation.running("replies", replies_poll_seconds=0.5):
        yield data


@pytest.fixture
async def by_model(data: RepliesFixture, sandbox: Sandbox) -> AsyncIterator[RepliesFixture]:
    """The service with the sandbox's OpenRouter."""
    async with data.installation.running(
        "replies",
        replies_poll_seconds=0.5,
        openrouter_base_url=f"{sandbox.url}/openrouter",
        openrouter_api_key=SecretStr("sandbox-openrouter-key"),
        openrouter_timeout_seconds=2,
        openrouter_requests_per_minute=100_000,
    ):
        yield data
