"""A feeder on a clock that the test moves, and a stand-in for Instantly."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from feeder.settings import FeederSettings
from support.databases import Database
from support.feeding import Feeder, Ranch, settings_on
from support.instantly import Workspace, instantly


@pytest.fixture
async def ranch(database: Database) -> AsyncIterator[Ranch]:
    connection = await asyncpg.connect(database.superuser_dsn)
    yield Ranch(connection, database)
    await connection.close()


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    async with instantly() as running:
        running.campaigns["A"] = {"id": "A", "name": "A"}
        running.campaigns["B"] = {"id": "B", "name": "B"}
        yield running


@pytest.fixture
def settings(database: Database, workspace: Workspace) -> FeederSettings:
    return settings_on(database, workspace)


@pytest.fixture
async def feeder(settings: FeederSettings, ranch: Ranch) -> AsyncIterator[Feeder]:
    async with Feeder(settings, ranch.clock) as feeder:
        yield feeder
