"""State transitions of a lead: the transitions of each service, and refusals as results, not errors."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from support.databases import Database

MOVE = "select result from app.transition_lead(array[$1::uuid], $2::app.campaign_status, 'test')"


@pytest.fixture
async def owner(database: Database) -> Any:
    connection = await asyncpg.connect(database.superuser_dsn)
    yield connection
    await connection.close()


async def insert_lead(owner: Any, status: str = "new", paused_from: str | None = None) -> UUID:
    lead = uuid4()
    await owner.execute(
        "insert into app.leads (id, observed, source, campaign_status, paused_from) values ($1, '{}', 'test', $2, $3)",
        lead, status, paused_from,
    )  # fmt: skip
    return lead


async def move(database: Database, role: str, lead: UUID, to: str) -> str:
    connection = await asyncpg.connect(database.dsn(role))
    try:
        return str(await connection.fetchval(MOVE, lead, to))
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("role", "start", "to", "result"),
    [
        ("feeder", "new", "queued", "transitioned"), ("feeder", "queued", "active", "transitioned"), ("feeder", "new", "active", "refused"),
        ("replies", "active", "replied", "transitioned"), ("ingest", "new", "queued", "refused"),
        ("voice", "bounced", "converted", "transitioned"),
        ("voice", "do_not_contact", "converted", "refused"), ("consent", "active", "unsubscribed", "transitioned"),
        ("consent", "converted", "unsubscribed", "transitioned"), ("replies", "converted", "bounced", "refused"),
        ("consent", "unsubscribed", "do_not_contact", "transitioned"), ("replies", "unsubscribed", "replied", "refused"),
        ("feeder", "queued", "queued", "already"), ("replies", "bounced", "replied", "transitioned"),
        ("voice", "active", "paused", "transitioned"), ("voice", "new", "paused", "refused"),
        ("consent", "queued", "replied", "transitioned"), ("consent", "active", "replied", "transitioned"),
        ("consent", "new", "replied", "refused"),
    ],
)  # fmt: skip
async def test_a_service_makes_only_its_own_transitions(
    database: Database, owner: Any, role: str, start: str, to: str, result: str
) -> None:
    lead = await insert_lead(owner, start)
    assert await move(database, role, lead, to) == result
    now = await owner.fetchval("select campaign_status from app.leads where id = $1", lead)
    assert now == (to if result != "refused" else start)


async def test_a_paused_lead_returns_to_its_previous_state(database: Database, owner: Any) -> None:
    lead = await insert_lead(owner, "queued")
    assert await move(database, "feeder", lead, "paused") == "transitioned"
    assert await move(database, "feeder", lead, "active") == "refused"
    assert await move(database, "feeder", lead, "queued") == "transitioned"
    assert await owner.fetchval("select paused_from from app.leads where id = $1", lead) is None


async def test_an_unknown_lead_is_refused_without_an_error(database: Database) -> None:
    assert await move(database, "feeder", uuid4(), "queued") == "refused"


async def test_the_trigger_rejects_a_forbidden_transition(database: Database, owner: Any) -> None:
    lead = await insert_lead(owner, "do_not_contact")
    with pytest.raises(asyncpg.PostgresError) as refused:
        await owner.execute("update app.leads set campaign_status = 'active' where id = $1", lead)
    assert refused.value.sqlstate == "EC001"


async def test_becoming_active_stamps_the_campaign(database: Database, owner: Any) -> None:
    lead = await insert_lead(owner, "queued")
    await move(database, "feeder", lead, "active")
    assert await owner.fetchval("select added_to_campaign_at is not null from app.leads where id = $1", lead)
