"""Fixtures of the probe: a service of these tests with its own schema in the test's database."""

from typing import Any

import asyncpg
import pytest

from support.probe import Probe


@pytest.fixture
async def schema(database: Any) -> str:
    """Create inbox, outbox and a table of effects for a service `probe`. Return the connection string."""
    connection = await asyncpg.connect(database.superuser_dsn)
    await connection.execute(
        """
        create schema svc_probe;
        create table svc_probe.outbox (like svc_ingest.outbox including all);
        create table svc_probe.outbox_rejected (like svc_ingest.outbox_rejected including all);
        create table svc_probe.inbox (day date, consumer text, event_id uuid, replay_number smallint, body_hash bigint,
          primary key (day, consumer, event_id, replay_number));
        create table svc_probe.effects (id bigint generated always as identity, n int not null, event_id uuid);
        """
    )
    await connection.close()
    return str(database.superuser_dsn)


@pytest.fixture
def probe(schema: str, kafka: str, topics: str) -> Probe:
    return Probe(schema, kafka, topics)
