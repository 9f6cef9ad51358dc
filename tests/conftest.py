"""Fixtures: real Kafka and PostgreSQL, a database and topics for each test, and the services on them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import pytest

from common.settings import Settings
from support import databases, servers
from support import topics as topic_support
from support.databases import Database
from support.installation import Installation, Spawned

hypothesis.settings.register_profile("project", deadline=None)  # no test asserts a time
hypothesis.settings.load_profile("project")


def pytest_configure(config: pytest.Config) -> None:
    """Begin the run in the process that runs the tests or distributes them to workers."""
    if not hasattr(config, "workerinput"):
        servers.begin_run()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the servers and databases of the run."""
    if not hasattr(config, "workerinput"):
        databases.drop_template()
        servers.end_run()


@pytest.fixture(scope="session")
def kafka() -> str:
    """Return the bootstrap address of Kafka."""
    return servers.kafka()


@pytest.fixture(scope="session")
def postgres() -> str:
    """Return the connection string of the superuser of PostgreSQL."""
    return servers.postgres()


@pytest.fixture
def database() -> Iterator[Database]:
    """Yield a migrated database for this test only."""
    with databases.create_database() as database:
        yield database


@pytest.fixture
def topic_prefix() -> str:
    """Return the prefix of the topics and consumer groups of the test."""
    return f"t{uuid4().hex[:10]}."


@pytest.fixture
def topic_partitions() -> int | None:
    """Return the number of partitions per topic. Modules that need the declared numbers return None instead."""
    return 1


@pytest.fixture
async def topics(kafka: str, topic_prefix: str, topic_partitions: int | None) -> AsyncIterator[str]:
    """Create the topics that services use today, and yield their prefix."""
    async with topic_support.created(kafka, topic_prefix, topic_support.USED_TOPICS, topic_partitions):
        yield topic_prefix


@pytest.fixture
def installation(
    kafka: str, topics: str, topic_partitions: int | None, database: Database, tmp_path: Path
) -> Iterator[Installation]:
    """Yield the database, topics and directory of the test, and the services on them."""
    installation = Installation(
        kafka, topics, database, tmp_path, recorder_topics=topic_support.UNUSED_TOPICS, partitions=topic_partitions
    )
    yield installation
    installation.close()


@pytest.fixture
def settings_for(installation: Installation) -> Callable[..., Settings]:
    """Return `settings_for("ingest", field=value)`: the settings of a service for this test."""
    return installation.settings


@pytest.fixture
def running(installation: Installation) -> Callable[..., AbstractAsyncContextManager[list[Any]]]:
    """Return `running`: `async with running("ingest", "recorder"):` starts services in this process."""
    return installation.running


@pytest.fixture
def spawn(installation: Installation) -> Callable[..., Awaitable[Spawned]]:
    """Return `spawn`: `await spawn("gateway")` starts `equity run gateway` as a process that a test can kill."""
    return installation.spawn
