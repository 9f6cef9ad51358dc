"""The command line with the rights of all services, and a connection of the database's owner."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from support.commandline import Equity
from support.databases import Database
from support.erasure import ErasedPersonFixture
from support.installation import SECRETS
from support.leads import LeadFixture


@pytest.fixture
def equity(database: Database) -> Equity:
    return Equity({"DATABASE_DIRECT_URL": database.superuser_dsn, **SECRETS})


@pytest.fixture
async def db(database: Database) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(database.superuser_dsn)
    yield connection
    await connection.close()


@pytest.fixture
def leads(db: Any) -> LeadFixture:
    return LeadFixture(db)


@pytest.fixture
async def person(db: Any) -> ErasedPersonFixture:
    """A person whose data is in every table that can hold it."""
    fixture = ErasedPersonFixture(db)
    await fixture.write()
    return fixture
