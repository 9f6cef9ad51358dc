"""Leads, and the command line with the login of an operator."""

import pytest

from support.commandline import Equity
from support.databases import Database
from support.feeding import FeedFixture
from support.installation import SECRETS
from support.leads import LeadFixture


@pytest.fixture
def leads(feed_data: FeedFixture) -> LeadFixture:
    return LeadFixture(feed_data.db)


@pytest.fixture
def equity(database: Database) -> Equity:
    """`equity(...)` of a user who knows the operators' login and no other."""
    login = database.dsn("operator")
    return Equity({"OPERATOR_DATABASE_URL": login, "DATABASE_URL": "postgresql://unknown@127.0.0.1:1/none", **SECRETS})
