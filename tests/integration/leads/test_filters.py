"""Filters select what their conditions say, in every combination, and page sizes change nothing."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cli.commands.leads.filters import NO_BROKER, LeadFilter, LeadStatus, iterate_lead_ids
from cli.shell.database import Connection
from support.databases import Database
from support.leads import LeadFixture

STATES, SOURCES, COUNTIES = ("FL", "GA"), ("propstream", "upstream"), ("PINELLAS", "HARRIS", None)
STATUSES = ("new", "queued", "paused")
NOW = datetime(2026, 11, 16, tzinfo=UTC)
LEADS = 60

FILTERS = st.builds(
    LeadFilter,
    status=st.none() | st.lists(st.sampled_from(STATUSES).map(LeadStatus), min_size=1, max_size=2).map(tuple),
    broker=st.sampled_from([None, "Ruiz", NO_BROKER]),
    state=st.sampled_from([None, *STATES]),
    county=st.sampled_from([None, "PINELLAS", "HARRIS"]),
    min_score=st.none() | st.integers(0, 100),
    max_score=st.none() | st.integers(0, 100),
    created_since=st.none() | st.integers(0, LEADS).map(lambda days: NOW - timedelta(days=days)),
    source=st.sampled_from([None, *SOURCES]),
)


@pytest.fixture
async def operator(database: Database, leads: LeadFixture) -> AsyncIterator[Connection]:
    """An operator's connection to a database with leads of many kinds."""
    broker = await leads.db.fetchval("insert into app.brokers (name) values ('Ruiz') returning id")
    for number in range(LEADS):
        await leads.add(
            status=STATUSES[number % 3],
            assigned_broker_id=broker if number % 4 else None,
            property_state=STATES[number % 2],
            county=COUNTIES[number % 5 % 3],
            lead_score=number * 7 % 101,
            source=SOURCES[number % 7 % 2],
            created_at=NOW - timedelta(days=number),
        )
    connection = await asyncpg.connect(database.dsn("operator"))
    yield connection
    await connection.close()


def matches(row: Any, wanted: LeadFilter) -> bool:
    """Decide in Python what the statement decides in PostgreSQL."""
    broker = {None: True, NO_BROKER: row["broker"] is None, "Ruiz": row["broker"] == "Ruiz"}[wanted.broker]
    return (
        broker
        and (wanted.status is None or row["status"] in wanted.status)
        and wanted.state in (None, row["property_state"])
        and wanted.county in (None, row["county"])
        and wanted.source in (None, row["source"])
        and (wanted.min_score is None or row["lead_score"] >= wanted.min_score)
        and (wanted.max_score is None or row["lead_score"] <= wanted.max_score)
        and (wanted.created_since is None or row["created_at"] >= wanted.created_since)
    )


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=FILTERS, page_size=st.integers(1, LEADS + 1))
async def test_a_filter_selects_what_its_conditions_say(
    leads: LeadFixture, operator: Connection, wanted: LeadFilter, page_size: int
) -> None:
    rows = await leads.db.fetch(
        """select l.*, l.campaign_status::text as status, b.name as broker
        from app.leads l left join app.brokers b on b.id = l.assigned_broker_id order by l.id desc"""
    )
    found = [lead async for page in iterate_lead_ids(operator, wanted, page_size=page_size) for lead in page]
    assert found == [row["id"] for row in rows if matches(row, wanted)]
