"""The command line against a database, and Kafka, of the test's own."""

import pytest

from support.commandline import Equity
from support.databases import Database
from support.installation import SECRETS


@pytest.fixture
def equity(database: Database) -> Equity:
    """`equity(...)` against the test's database."""
    return Equity({"DATABASE_DIRECT_URL": database.superuser_dsn, **SECRETS})
