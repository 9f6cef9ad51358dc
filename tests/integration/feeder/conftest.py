"""A feeder on a clock that the test moves, and a fake of Instantly."""

from collections.abc import AsyncIterator

import pytest

from feeder.settings import FeederSettings
from support.databases import Database
from support.feeding import Feeder, FeedFixture, make_feeder_settings
from support.instantly import FakeWorkspace, run_fake_instantly
from support.invariants import find_offenders


@pytest.fixture
async def workspace() -> AsyncIterator[FakeWorkspace]:
    async with run_fake_instantly() as running:
        running.campaigns["A"] = {"id": "A", "name": "A"}
        running.campaigns["B"] = {"id": "B", "name": "B"}
        yield running


@pytest.fixture
def settings(database: Database, workspace: FakeWorkspace) -> FeederSettings:
    return make_feeder_settings(database, workspace)


@pytest.fixture
async def feeder(settings: FeederSettings, feed_data: FeedFixture, database: Database) -> AsyncIterator[Feeder]:
    """Yield the feeder. Whatever a test does, no invariant may be broken at its end."""
    async with Feeder(settings, feed_data.clock) as feeder:
        yield feeder
    assert await find_offenders(database.superuser_dsn) == []
