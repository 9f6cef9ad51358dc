"""A broker, two texts, and connections of the owner and of the service *consent*."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import pytest

from common.events import ConsentGranted, ConsentRefused, ConsentRevoked, LeadRecord, Unsubscribed
from common.ids import BrokerId
from common.topics import TOPICS
from support import topics as topic_support
from support.consent_forms import FormVisitor, offer_form
from support.consents import ConsentFixture


@pytest.fixture
async def topics(kafka: str, topic_prefix: str) -> AsyncIterator[str]:
    """Create the topics to which the service publishes, and yield their prefix."""
    names = {event.topic for event in (ConsentGranted, ConsentRefused, ConsentRevoked, LeadRecord, Unsubscribed)}
    published = [topic for topic in TOPICS if topic.name in names]
    async with topic_support.created(kafka, topic_prefix, published, 1):
        yield topic_prefix


@pytest.fixture
async def offered(data: ConsentFixture) -> ConsentFixture:
    """`data` with what a form needs: a published text, and the broker's legal name."""
    await offer_form(data)
    return data


@pytest.fixture
async def form_pages(running: Any) -> AsyncIterator[str]:
    """Run the service and yield the address of its form. Kafka is away, so that the outbox keeps every event."""
    async with running(
        "consent",
        consent_port=0,
        consent_forms_per_minute=1_000_000,
        consent_trusted_hops=1,
        form_link_retired_secrets="retired-secret",
        kafka_bootstrap_servers="127.0.0.1:9",
    ) as (service,):
        yield f"http://127.0.0.1:{service.parts[-1].port}/consent"


@pytest.fixture
def visitor(form_pages: str, session: aiohttp.ClientSession) -> FormVisitor:
    """Return a person who opens and signs forms."""
    return FormVisitor(form_pages, session)


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
