"""Clean-up jobs of all services on a real PostgreSQL: old rows are deleted, and evidence stays."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from common.jobs.scheduler import JobScheduler
from common.service import Service
from feeder.app import build as build_feeder
from gateway.app import build as build_gateway
from recorder.app import build as build_recorder
from schema import migrate
from skiptrace.app import build as build_skiptrace
from support.installation import Installation

BUILDERS: dict[str, Callable[..., Service]] = {
    "feeder": build_feeder,
    "gateway": build_gateway,
    "recorder": build_recorder,
    "skiptrace": build_skiptrace,
}


@pytest.fixture
async def db(installation: Installation) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(installation.database.superuser_dsn)
    yield connection
    await connection.close()


async def run_clean_up(installation: Installation, service: str) -> None:
    settings: Any = installation.settings(service)
    built = BUILDERS[service](settings)
    await built.database.start()
    try:
        await built.jobs.run_job(f"{service}.clean_up")
    finally:
        await built.database.stop()


async def insert_lead(db: Any) -> UUID:
    lead_id: UUID = await db.fetchval(
        "insert into app.leads (id, observed, source) values (gen_random_uuid(), '{}', 'test') returning id"
    )
    return lead_id


async def test_every_service_with_old_data_has_a_clean_up_job(installation: Installation) -> None:
    for service, build in BUILDERS.items():
        settings: Any = installation.settings(service)
        jobs: JobScheduler = build(settings).jobs
        assert f"{service}.clean_up" in [job.name for job in jobs._daily]


async def test_old_unused_consent_tokens_are_deleted_and_used_ones_stay_as_evidence(
    installation: Installation, db: Any
) -> None:
    await db.execute(
        """insert into app.consent_tokens (nonce_hash, created_at, used_at) values
        ('old and unused', now() - interval '31 days', null),
        ('young and unused', now() - interval '29 days', null),
        ('very old and used', now() - interval '3 years', now() - interval '3 years')"""
    )
    await run_clean_up(installation, "recorder")
    kept = await db.fetch("select nonce_hash from app.consent_tokens order by 1")
    assert [row[0] for row in kept] == ["very old and used", "young and unused"]


async def test_decisions_stay_until_five_years_after_the_last_one_about_the_lead(
    installation: Installation, db: Any
) -> None:
    gone, contacted = uuid4(), uuid4()
    for lead_id, years in ((gone, 6), (gone, 5.1), (contacted, 6), (contacted, 4.9)):
        await db.execute(
            """insert into pipeline.contact_decisions (lead_id, channel, allowed, reason, at)
            values ($1, 'email', true, 'allowed', now() - $2 * interval '1 year')""",
            lead_id,
            years,
        )
    await run_clean_up(installation, "recorder")
    assert await db.fetchval("select array_agg(lead_id) from pipeline.contact_decisions") == [contacted, contacted]


async def test_old_months_of_events_are_archived_until_a_rollback(installation: Installation, db: Any) -> None:
    dsn = installation.database.superuser_dsn
    await db.execute(
        """create table app.pipeline_events_202301 partition of app.pipeline_events
        for values from ('2023-01-01 00:00:00+00') to ('2023-02-01 00:00:00+00');
        alter table app.pipeline_events_202301 owner to equity_owner;
        insert into app.pipeline_events (event_id, event_type, occurred_at, created_at) values
        (gen_random_uuid(), 'email_sent', '2023-01-05', '2023-01-05'), (gen_random_uuid(), 'email_sent', now(), now())"""
    )
    await run_clean_up(installation, "recorder")
    assert await db.fetchval("select count(*) from app.pipeline_events") == 1
    assert await db.fetchval("select count(*) from pipeline.pipeline_events_202301") == 1
    readers = (
        "select count(*) from pg_roles where rolname ~ '^svc_' and has_table_privilege(oid, $1::regclass, 'SELECT')"
    )
    assert await db.fetchval(readers, "pipeline.pipeline_events_202301") == 0
    later = [state.id for state in migrate.status(dsn) if state.id >= "0008"]
    await asyncio.to_thread(migrate.rollback, dsn, len(later))
    assert await db.fetchval("select to_regclass('pipeline.pipeline_events_202301')") is None


async def test_rejected_events_are_counted_and_deleted_after_a_month(installation: Installation, db: Any) -> None:
    for id_, days in ((1, 31), (2, 29)):
        await db.execute(
            """insert into svc_gateway.outbox_rejected (id, topic, headers, created_at, reason, rejected_at)
            values ($1, 'x', '', now(), 'MessageSizeTooLargeError', now() - $2 * interval '1 day')""",
            id_,
            days,
        )
    assert await db.fetchrow("select service, waiting from pipeline.rejected_outbox_rows()") == ("gateway", 2)
    await run_clean_up(installation, "recorder")
    assert await db.fetchval("select array_agg(id) from svc_gateway.outbox_rejected") == [2]


async def test_the_runbooks_statement_returns_rejected_events_to_the_relay(installation: Installation, db: Any) -> None:
    page = (Path(__file__).parents[3] / "docs/runbooks/dead-letters.md").read_text()
    await db.execute(
        """insert into svc_gateway.outbox_rejected (id, topic, key, headers, body, created_at, reason)
        values (1, 'funnel.upload_received', 'k', 'h', 'b', now(), 'TopicAuthorizationFailedError')"""
    )
    statement = page[page.index("    with rejected as") :]
    await db.execute(statement[: statement.index(";")])
    assert await db.fetchrow("select topic, key, headers, body from svc_gateway.outbox") == (
        "funnel.upload_received",
        b"k",
        b"h",
        b"b",
    )
    assert await db.fetchval("select count(*) from svc_gateway.outbox_rejected") == 0


async def test_old_inbox_days_and_job_runs_are_deleted(installation: Installation, db: Any) -> None:
    await db.execute(
        """create table svc_ingest.inbox_20200101 partition of svc_ingest.inbox for values from ('2020-01-01') to ('2020-01-02');
        alter table svc_ingest.inbox_20200101 owner to equity_owner;
        insert into pipeline.job_runs (job, local_date, outcome) values
        ('feeder.feed', current_date - 500, 'ok'), ('feeder.feed', current_date - 300, 'ok')"""
    )
    await run_clean_up(installation, "recorder")
    assert await db.fetchval("select to_regclass('svc_ingest.inbox_20200101')") is None
    feeds = await db.fetchval("select count(*) from pipeline.job_runs where job = 'feeder.feed'")
    assert feeds == 1


async def test_a_failed_step_is_reported_and_does_not_stop_the_others(installation: Installation, db: Any) -> None:
    await db.execute(
        """drop function pipeline.drop_inbox_days(integer);
        insert into app.consent_tokens (nonce_hash, created_at) values ('old', now() - interval '31 days')"""
    )
    with pytest.raises(asyncpg.UndefinedFunctionError):
        await run_clean_up(installation, "recorder")
    assert await db.fetchval("select count(*) from app.consent_tokens") == 0
    assert await db.fetchval("select outcome from pipeline.job_runs where job = 'recorder.clean_up'") == "failed"


async def test_old_replay_guards_feed_skips_and_provider_permits_are_deleted(
    installation: Installation, db: Any
) -> None:
    await db.execute("insert into app.partners (id, name) values ($1, 'p')", UUID(int=1))
    for day in (8, 6):
        await db.execute(
            """insert into app.ingest_replay_guard (partner_id, content_sha256, upload_id, received_at)
            values ($1, $2, gen_random_uuid(), now() - $3 * interval '1 day')""",
            UUID(int=1),
            bytes([day]),
            day,
        )
    broker = await db.fetchval("insert into app.brokers (name) values ('b') returning id")
    for days in (40, 20):
        await db.execute(
            """insert into app.feed_skips (lead_id, broker_id, local_date, reason)
            values ($1, $2, current_date - $3::integer, 'suppressed')""",
            await insert_lead(db),
            broker,
            days,
        )
    await db.execute(
        """insert into pipeline.provider_states (provider) values ('tlo');
        insert into pipeline.provider_permits (provider, at, units) values
        ('tlo', now() - interval '2 days', 1), ('tlo', now(), 1)"""
    )
    for service in ("gateway", "feeder", "skiptrace"):
        await run_clean_up(installation, service)
    assert await db.fetchval("select array_agg(content_sha256) from app.ingest_replay_guard") == [bytes([6])]
    assert await db.fetchval("select count(*) from app.feed_skips") == 1
    assert await db.fetchval("select count(*) from pipeline.provider_permits") == 1
