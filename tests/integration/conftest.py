"""Fixtures of all integration tests."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from sandbox.app import Sandbox
from support.databases import Database
from support.feeding import FeedFixture
from support.vendors import run_sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox in this process, with its default settings."""
    async with run_sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def feed_data(database: Database) -> AsyncIterator[FeedFixture]:
    """Brokers, campaigns and leads in the database of the test."""
    connection = await asyncpg.connect(database.superuser_dsn)
    yield FeedFixture(connection, database)
    await connection.close()
