"""Fixtures: real Kafka and PostgreSQL, a database and topics for each test, and the services on them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from common.settings import Settings
from support import databases, servers
from support import topics as topic_support
from support.databases import Database
from support.installation import Installation, Spawned


def pytest_configure(config: pytest.Config) -> None:
    """The process that runs the tests, or hands them out to workers, holds the run."""
    if not hasattr(config, "workerinput"):
        servers.begin_run()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Nothing of the run stays behind."""
    if not hasattr(config, "workerinput"):
        databases.drop_template()
        servers.end_run()


@pytest.fixture(scope="session")
def kafka() -> str:
    """The run's Kafka: its bootstrap address."""
    return servers.kafka()


@pytest.fixture(scope="session")
def postgres() -> str:
    """The run's PostgreSQL: its superuser's connection string."""
    return servers.postgres()


@pytest.fixture
def database() -> Iterator[Database]:
    """A migrated database of the test's own."""
    with databases.copied() as database:
        yield database


@pytest.fixture
def topic_prefix() -> str:
    """Set before the names of the test's topics and groups."""
    return f"t{uuid4().hex[:10]}."


@pytest.fixture
def topic_partitions() -> int | None:
    """Partitions of each topic of the test. Modules that need the declared numbers return None instead."""
    return 1


@pytest.fixture
async def topics(kafka: str, topic_prefix: str, topic_partitions: int | None) -> AsyncIterator[str]:
    """The topics that services use today, under the test's prefix, which is the fixture's value."""
    async with topic_support.created(kafka, topic_prefix, topic_support.USED_TOPICS, topic_partitions):
        yield topic_prefix


@pytest.fixture
def installation(
    kafka: str, topics: str, topic_partitions: int | None, database: Database, tmp_path: Path
) -> Iterator[Installation]:
    """Database, topics and directory of the test, and the services on them."""
    installation = Installation(
        kafka, topics, database, tmp_path, recorder_topics=topic_support.UNUSED_TOPICS, partitions=topic_partitions
    )
    yield installation
    installation.close()


@pytest.fixture
def settings_for(installation: Installation) -> Callable[..., Settings]:
    """`settings_for("ingest", field=value)`: a service's settings for this test."""
    return installation.settings


@pytest.fixture
def running(installation: Installation) -> Callable[..., AbstractAsyncContextManager[list[Any]]]:
    """`async with running("ingest", "recorder"):` starts services in this process."""
    return installation.running


@pytest.fixture
def spawn(installation: Installation) -> Callable[..., Awaitable[Spawned]]:
    """`await spawn("gateway")` starts `equity run gateway` as a process of its own, which can be killed with -9."""
    return installation.spawn
