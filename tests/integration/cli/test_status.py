"""`equity status` on real servers: all is well, servers away, and each fact that needs a person."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import psycopg
import pytest

from schema import migrate
from support.commandline import Equity, Ran
from support.databases import Database
from support.installation import SECRETS, Installation, Spawned

SERVICES = ("consent", "feeder", "gateway", "ingest", "pull", "recorder", "replies", "skiptrace")
NOWHERE = "127.0.0.1:1"


@pytest.fixture
def equity(database: Database, kafka: str, topic_prefix: str) -> Equity:
    return Equity(
        {
            "DATABASE_DIRECT_URL": database.superuser_dsn,
            "KAFKA_BOOTSTRAP_SERVERS": kafka,
            "KAFKA_TOPIC_PREFIX": topic_prefix,
            "HEALTH_PORT": "1",
            **SECRETS,
        }
    )


@pytest.fixture
async def silent_server() -> AsyncIterator[str]:
    """Address of a server that accepts connections and never answers."""

    async def never_answer(*_: object) -> None:
        await asyncio.Event().wait()

    server = await asyncio.start_server(never_answer, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture(autouse=True)
def published(database: Database) -> None:
    """Publish a text, without which the consent form needs a person."""
    execute(database, "insert into app.consent_texts (version, text, covers) values (1, 'I agree.', '{calls}')")


RULES_ARE_DUE = "legal rules to check"
"""Begin of a fact that appears with time, and not by a fault of the services."""


def execute(database: Database, statement: str) -> None:
    with psycopg.connect(database.superuser_dsn) as connection:
        connection.execute(statement)


def needs(ran: Ran) -> list[str]:
    return [matter["text"] for matter in ran.json["needs_a_person"]]


def states(ran: Ran) -> dict[str, Any]:
    return {row["service"]: row["state"] for row in ran.json["services"]}


async def test_running_services_are_well(spawn: Callable[..., Awaitable[Spawned]], installation: Installation) -> None:
    process = await spawn(*SERVICES)
    ran = await Equity(process.environment).soon("status", "--json")
    assert [text for text in needs(ran) if not text.startswith(RULES_ARE_DUE)] == []
    assert ran.json["missing"] == []
    assert states(ran) == dict.fromkeys(SERVICES, "running")
    assert {row["service"]: row["lag"] for row in ran.json["services"]}["ingest"] == 0
    text = await Equity(process.environment).soon("status")
    assert ("All is well." in text.out) == (needs(ran) == [])


async def test_without_postgresql_it_shows_what_runs_here(
    spawn: Callable[..., Awaitable[Spawned]], installation: Installation
) -> None:
    process = await spawn("ingest")
    away = {"DATABASE_DIRECT_URL": f"postgresql://u:hunter2@{NOWHERE}/d", "INGEST_DATABASE_URL": ""}
    ran = await Equity(process.environment).soon("status", "--json", **away)
    assert ran.code == 4
    assert [failure["problem"] for failure in ran.json["missing"]] == [f"PostgreSQL at {NOWHERE}/d does not answer."]
    assert states(ran)["ingest"] == "running"
    assert {row["service"]: row["lag"] for row in ran.json["services"]}["ingest"] == 0
    assert "hunter2" not in ran.out + ran.err


def test_without_kafka_it_shows_the_rest(equity: Equity, database: Database) -> None:
    execute(
        database,
        "insert into pipeline.pipeline_dlq (source, consumer, event_id, created_at) values "
        "('ingest.leads', 'ingest.upsert_leads', gen_random_uuid(), now() - interval '3 days')",
    )
    ran = equity("status", "--json", KAFKA_BOOTSTRAP_SERVERS=NOWHERE)
    assert ran.code == 4
    assert [failure["problem"] for failure in ran.json["missing"]] == [f"Kafka at {NOWHERE} does not answer."]
    assert "open dead letters: 1, the oldest for 3 d" in needs(ran)


@pytest.mark.timeout(90)
async def test_servers_that_hang_do_not_hang_the_command(equity: Equity, silent_server: str) -> None:
    dsn = f"postgresql://u:hunter2@{silent_server}/d"
    ran = await equity.soon("status", "--json", KAFKA_BOOTSTRAP_SERVERS=silent_server, DATABASE_DIRECT_URL=dsn)
    assert ran.code == 4
    assert {failure["problem"].split()[0] for failure in ran.json["missing"]} == {"Kafka", "PostgreSQL"}


def test_an_old_database_asks_for_its_migrations(equity: Equity, database: Database) -> None:
    migrate.rollback(database.superuser_dsn)
    assert "migrations that wait: 1" in needs(equity("status", "--json"))


@pytest.mark.parametrize(
    ("statement", "fact"),
    [
        (
            "insert into pipeline.jobs (job, every_seconds, known_since) values ('feeder.reconcile', 5, now() - interval '2 hours')",
            "feeder has had no heartbeat for 2 h",
        ),
        (
            """insert into pipeline.jobs (job, local_time, weekdays, window_minutes, known_since) values
            ('recorder.clean_up', '00:00', '{1,2,3,4,5,6,7}', 0, now() - interval '9 days')""",
            "recorder.clean_up: missed on ",
        ),
        (
            "insert into svc_ingest.outbox (topic, headers, created_at) values ('x', '', now() - interval '1 hour')",
            "events of ingest that wait for Kafka: 1, the oldest for 1 h",
        ),
        (
            "insert into svc_ingest.outbox_rejected (id, topic, headers, created_at, reason) values (1, 'x', '', now(), 'x')",
            "events of ingest that Kafka rejected for good: 1",
        ),
        (
            "insert into pipeline.provider_states (provider, access_denied, last_failure) values ('melissa', true, 'http_401')",
            "melissa denies access (http_401)",
        ),
        (
            "delete from app.consent_texts",
            "no consent text is published, so the form is not available and no lead is fed",
        ),
        (
            "insert into app.brokers (id, name) values (gen_random_uuid(), 'Dana Ruiz')",
            "brokers without a legal name, whose leads cannot consent: Dana Ruiz",
        ),
    ],
)
def test_a_fact_that_needs_a_person_is_named_and_sets_the_exit_code(
    statement: str, fact: str, equity: Equity, database: Database
) -> None:
    execute(database, statement)
    ran = equity("status", "--json")
    assert ran.code == 1
    assert any(text.startswith(fact) for text in needs(ran)), needs(ran)


def test_jobs_of_a_silent_service_are_one_fact(equity: Equity, database: Database) -> None:
    execute(
        database,
        "insert into pipeline.jobs (job, every_seconds, known_since) "
        "select 'feeder.' || name, 5, now() - interval '2 hours' from unnest('{reconcile,sync_campaigns,top_up}'::text[]) name",
    )
    assert needs(equity("status", "--json")) == ["feeder has had no heartbeat for 2 h"]


def test_the_last_feed_is_shown(equity: Equity, database: Database) -> None:
    execute(
        database,
        """
        with broker as (insert into app.brokers (id, name, daily_limit) values (gen_random_uuid(), 'Dana Ruiz', 2) returning id),
        lead as (insert into app.leads (id, observed, source) values (gen_random_uuid(), '{}', 'test') returning id)
        insert into app.feed_slots (broker_id, local_date, lead_id, state)
        select broker.id, (now() at time zone 'America/Los_Angeles')::date, lead.id, 'added' from broker, lead
        """,
    )
    [feed] = equity("status", "--json").json["last_feed"]
    assert (feed["broker"], feed["fed"], feed["daily_limit"], feed["ended"]) == ("Dana Ruiz", 1, 2, "below the limit")
