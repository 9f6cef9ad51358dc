"""Fixtures of all integration tests."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import asyncpg
import pytest

from sandbox.app import Sandbox
from support.databases import Database
from support.feeding import FeedFixture
from support.installation import Installation
from support.topic_reader import read_all_messages
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


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Yield a client of HTTP servers."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def sent(installation: Installation) -> Callable[[str], Awaitable[list[Any]]]:
    """Return a function that reads all messages of a topic: `await sent("ingest.leads")`."""
    return lambda topic: read_all_messages(installation.kafka, installation.prefix + topic)
