"""A sandbox in this process, and a database of the test's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sandbox.app import build
from support.databases import Database
from support.installation import Installation
from support.pulling import Well, connected
from support.vendors import SETTINGS


@asynccontextmanager
async def dug(installation: Installation) -> AsyncIterator[Well]:
    sandbox = build(SETTINGS)
    await sandbox.start()
    connection = await connected(installation)
    try:
        yield Well(installation, sandbox, connection)
    finally:
        await connection.close()
        await sandbox.stop()


@pytest.fixture
async def well(kafka: str, database: Database, tmp_path: Path) -> AsyncIterator[Well]:
    """A well without topics: what is pulled stays in the outbox, where the tests look at it."""
    async with dug(Installation(kafka, "none.", database, tmp_path)) as well:
        yield well


@pytest.fixture
async def flowing_well(installation: Installation) -> AsyncIterator[Well]:
    """A well whose records go on to Kafka."""
    async with dug(installation) as well:
        yield well
