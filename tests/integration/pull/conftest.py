"""Fixtures of the pull's tests: a sandbox in this process, and a separate database for each test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from support.databases import Database
from support.installation import Installation
from support.pull_fixture import PullFixture, connect_as_superuser
from support.vendors import run_sandbox


@asynccontextmanager
async def started_fixture(installation: Installation) -> AsyncIterator[PullFixture]:
    async with run_sandbox() as sandbox:
        connection = await connect_as_superuser(installation)
        try:
            yield PullFixture(installation, sandbox, connection)
        finally:
            await connection.close()


@pytest.fixture
async def pulling(kafka: str, database: Database, tmp_path: Path) -> AsyncIterator[PullFixture]:
    """A fixture without topics: the records stay in the outbox, where the tests read them."""
    async with started_fixture(Installation(kafka, "none.", database, tmp_path)) as fixture:
        yield fixture


@pytest.fixture
async def pulling_to_kafka(installation: Installation) -> AsyncIterator[PullFixture]:
    """A fixture whose records are relayed to Kafka."""
    async with started_fixture(installation) as fixture:
        yield fixture
