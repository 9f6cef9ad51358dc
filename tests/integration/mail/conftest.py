"""A broker and leads, mails of the service *consent*, and the sandbox's SMTP server."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from common.events import EmailSent
from common.ids import BrokerId
from common.topics import TOPICS
from sandbox.app import Sandbox
from sandbox.faults import Fault
from support import topics as topic_support
from support.consents import ConsentFixture
from support.mails import MailFixture


@pytest.fixture
async def topics(kafka: str, topic_prefix: str) -> AsyncIterator[str]:
    """Create the topic to which the mailer publishes, and yield its prefix."""
    published = [topic for topic in TOPICS if topic.name == EmailSent.topic]
    async with topic_support.created(kafka, topic_prefix, published, 1):
        yield topic_prefix


@pytest.fixture
async def mails(database: Any) -> AsyncIterator[MailFixture]:
    owner = await asyncpg.connect(database.superuser_dsn)
    consent = await asyncpg.connect(database.dsn("consent"))
    broker = BrokerId(uuid4())
    await owner.execute("insert into app.brokers (id, name) values ($1, 'Palmetto Home Equity')", broker)
    yield MailFixture(ConsentFixture(owner, consent, broker))
    await consent.close()
    await owner.close()


@pytest.fixture
def add_fault(sandbox: Sandbox) -> Callable[..., object]:
    """Return `add_fault("refused", operation="rcpt", status=450, times=1)`."""
    return lambda kind, **options: sandbox.state.faults.add_fault(Fault(vendor="smtp", kind=kind, **options))
