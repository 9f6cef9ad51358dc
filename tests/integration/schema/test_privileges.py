"""Privileges on every relation, column and function of our schemas, compared with privileges.txt."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from schema import migrate
from schema.privileges import list_privileges, read_expected_privileges
from support import servers
from support.databases import Database

BROKER_A, BROKER_B = uuid4(), uuid4()

LIKE_SUPABASE = """
do $$
declare
  name text;
begin
  foreach name in array '{anon,authenticated,service_role}'::text[] loop
    begin
      execute format('create role %I nologin', name);
    exception when duplicate_object then null;
    end;
  end loop;
end $$;
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
alter default privileges grant all on tables to anon, authenticated, service_role;
alter default privileges grant execute on functions to anon, authenticated, service_role;
alter default privileges grant all on sequences to anon, authenticated, service_role;
"""


def test_a_platform_that_opens_new_objects_changes_nothing() -> None:
    with _database(LIKE_SUPABASE) as dsn:
        assert list_privileges(dsn) == read_expected_privileges()


@contextmanager
def _database(first: str) -> Iterator[str]:
    server, name = servers.postgres(), f"equity_like_{uuid4().hex[:10]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        dsn = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        try:
            with psycopg.connect(dsn, autocommit=True) as new:
                new.execute(first)
            migrate.apply(dsn)
            yield dsn
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture
def two_brokers(database: Database) -> str:
    with psycopg.connect(database.superuser_dsn) as connection:
        for broker in (BROKER_A, BROKER_B):
            connection.execute("insert into app.brokers (id, name) values (%s, %s)", (broker, str(broker)))
        for number, broker in enumerate((BROKER_A, BROKER_A, BROKER_B)):
            lead = UUID(int=number + 1)
            connection.execute(
                "insert into app.leads (id, observed, source, assigned_broker_id, campaign_status, email_verified)"
                " values (%s, '{}', 'test', %s, 'queued', true)",
                (lead, broker),
            )
            connection.execute(
                "insert into app.pipeline_events (event_id, event_type, broker_id, occurred_at, created_at) values (%s, 'x', %s, now(), now())",
                (uuid4(), broker),
            )
            reply, address = uuid4(), b"h" * 32
            connection.execute(
                "insert into app.replies (id, event_id, lead_id, broker_id, matched_by, at, received_at, state)"
                " values (%s, %s, %s, %s, 'address', now(), now(), 'received')",
                (reply, uuid4(), lead, broker),
            )
            connection.execute(
                "insert into app.reply_classifications (reply_id, classification, intent, classified_by, route)"
                " values (%s, 1, 'interested', 'rules', 'consent_link')",
                (reply,),
            )
            connection.execute(
                "insert into app.reply_answers"
                " (id, reply_id, lead_id, broker_id, template, template_version, state, value_hash, hash_key_id)"
                " values (%s, %s, %s, %s, 'consent_link', 1, 'due', %s, 'h1')",
                (uuid4(), reply, lead, broker, address),
            )
        connection.execute("select app.refresh_contactable_leads()")
    return database.superuser_dsn


def test_a_broker_reads_only_its_own_rows(two_brokers: str) -> None:
    with psycopg.connect(two_brokers) as connection:
        connection.execute("SET ROLE authenticated")
        connection.execute(sql.SQL("SET request.jwt.claims.sub TO {}").format(sql.Literal(str(BROKER_A))))
        assert connection.execute("SELECT COUNT(*) FROM leads").fetchone() == (2,)
        assert connection.execute("select count(*) from pipeline_events").fetchone() == (2,)
        assert connection.execute("select count(*) from contactable_leads").fetchone() == (2,)
        assert connection.execute("select count(*) from brokers").fetchone() == (1,)
        for table in ("replies", "reply_classifications", "reply_answers"):
            query = sql.SQL("select count(*) from {}").format(sql.Identifier(table))
            assert connection.execute(query).fetchone() == (2,), table


def test_a_broker_writes_notes_on_own_leads_and_nothing_else(two_brokers: str) -> None:
    with psycopg.connect(two_brokers, autocommit=True) as connection:
        connection.execute("SET ROLE authenticated")
        connection.execute(sql.SQL("SET request.jwt.claims TO {}").format(sql.Literal(f'{{"sub": "{BROKER_A}"}}')))
        assert connection.execute("update leads set notes = 'called'").rowcount == 2
        for forbidden in (
            "update leads set consent = true, consented_at = now()",
            "update leads set assigned_broker_id = null",
            "insert into leads (id, observed, source) values (gen_random_uuid(), '{}', 'x')",
            "delete from leads",
            "select data_key from leads",
            "select text_ciphertext from replies",
            "select text_ciphertext from reply_answers",
            "select * from instantly_events",
            "select * from lead_contacts",
            "select * from mv_contactable_leads",
            "select * from pipeline.pipeline_dlq",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden)


def test_a_claim_gives_no_service_privileges(two_brokers: str) -> None:
    with psycopg.connect(two_brokers, autocommit=True) as connection:
        connection.execute("SET ROLE authenticated")
        connection.execute("""SET request.jwt.claims TO '{"role": "service_role", "sub": null}'""")
        connection.execute("SET request.jwt.claim.role TO 'service_role'")
        assert connection.execute("select count(*) from leads").fetchone() == (0,)


def test_anon_sees_nothing_and_the_service_role_sees_all(two_brokers: str) -> None:
    with psycopg.connect(two_brokers, autocommit=True) as connection:
        connection.execute("SET ROLE anon")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select count(*) from app.leads")
        connection.execute("RESET ROLE")
        connection.execute("SET ROLE service_role")
        assert connection.execute("select count(*) from leads").fetchone() == (3,)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("ingest", "update app.leads set consent = true, consented_at = now()"),
        ("ingest", "update app.leads set email_verified = true"),
        ("ingest", "update app.leads set campaign_status = 'queued'"),
        ("ingest", "update app.uploads set state = 'done'"),
        ("ingest", "delete from app.leads"),
        ("gateway", "select id from app.leads"),
        ("gateway", "insert into app.upload_tallies (upload_id) values (gen_random_uuid())"),
        ("gateway", "update app.partner_keys set active = false"),
        ("recorder", "update app.pipeline_events set outcome = 'x'"),
        ("recorder", "delete from app.pipeline_events"),
        ("recorder", "select id from app.leads"),
        ("skiptrace", "update app.leads set consent = true, consented_at = now()"),
        ("feeder", "update app.lead_contacts set verified = true"),
        (
            "voice",
            "insert into app.suppressions (channel, value_hash, hash_key_id, reason) values ('phone', '', '', '')",
        ),
        ("feeder", "select reason from app.suppressions"),
        ("replies", "select value_ciphertext from app.lead_contacts"),
        ("replies", "select signer_ciphertext from app.lead_consent_audit"),
        ("replies", "delete from app.replies"),
        ("replies", "update app.reply_classifications set route = 'none'"),
        ("replies", "update app.reply_answers set reply_id = gen_random_uuid()"),
        ("consent", "select text_ciphertext from app.replies"),
        ("billing", "select owner_last_name from app.leads"),
        (
            "consent",
            "insert into app.lead_consent_audit (lead_id, seq, action, row_hash) select id, 1, 'voided', '' from app.leads",
        ),
        ("gateway", "insert into svc_ingest.outbox (topic, headers) values ('x', '')"),
        ("ingest", "delete from svc_ingest.inbox"),
        ("dashboard", "select id from app.leads"),
        ("pull", "select id from app.leads"),
        ("pull", "select email from app.brokers"),
        ("pull", "update pipeline.saved_searches set daily_records = null"),
    ],
)
def test_a_service_is_refused_outside_its_slice(database: Database, role: str, statement: str) -> None:
    with psycopg.connect(database.dsn(role)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_service_roles_have_timeouts(database: Database) -> None:
    with psycopg.connect(database.dsn("ingest")) as connection:
        found = {
            name: connection.execute(sql.SQL("show {}").format(sql.Identifier(name))).fetchone()
            for name in (
                "statement_timeout",
                "lock_timeout",
                "idle_in_transaction_session_timeout",
                "tcp_keepalives_idle",
                "tcp_user_timeout",
            )
        }
    assert found["idle_in_transaction_session_timeout"] == ("20s",)
    assert found["tcp_user_timeout"] == ("15000",)
    assert found["statement_timeout"] != ("0",)
    assert found["lock_timeout"] != ("0",)
