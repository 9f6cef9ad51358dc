"""Migrations applied, rolled back and applied again, on an empty and on a legacy database."""

from collections.abc import Iterator
from datetime import date
from itertools import product
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from cli import legacy_leads
from common.records.normalise import PropertyRecord, normalise
from schema import backfill, migrate
from support import servers

LEGACY = """
create table public.leads (
  id uuid primary key default gen_random_uuid(), mak text, apn text, county text, property_state text, property_address text,
  status text, email text, phone text, consent boolean default false, consented_at timestamptz, consent_method text,
  assigned_broker_id uuid, lead_score integer, created_at timestamptz default now()
);
insert into public.leads (mak, apn, county, property_state, status, email, phone, consent, consented_at, assigned_broker_id, lead_score)
values
  ('8034512097', '12-3', 'Pinellas County', 'FL', 'new', 'a@example.com', '7275550142', false, null, null, 50),
  ('8034512097', '12-3', 'Pinellas', 'FL', 'contacted', 'b@example.com', null, true, now(), '00000000-0000-0000-0000-000000000001', 900),
  (null, '12-3', 'Hillsborough', 'FL', 'closed_lost', '', ' ', true, null, null, -4),
  ('short', null, null, null, 'funded', null, '7275550177', false, null, null, null),
  (null, null, null, null, null, null, null, false, null, null, null);
"""


@pytest.fixture
def dsn() -> Iterator[str]:
    server, name = servers.postgres(), f"equity_migrate_{uuid4().hex[:10]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def ask(dsn: str, query: str) -> list[Any]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query).fetchall()


OBJECTS = r"""
select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname in ('app', 'pipeline') or n.nspname like 'svc\_%'
union all
select n.nspname, p.oid::regprocedure || ' ' || md5(p.prosrc)
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where n.nspname in ('app', 'pipeline')
order by 1, 2
"""


def test_up_down_and_up_again(dsn: str) -> None:
    applied = migrate.apply(dsn)
    first = ask(dsn, OBJECTS)
    assert all(state.applied for state in migrate.status(dsn))
    assert migrate.apply(dsn) == []
    assert migrate.rollback(dsn, len(applied)) == applied[::-1]
    assert ask(dsn, OBJECTS) == []
    assert not any(state.applied for state in migrate.status(dsn))
    assert migrate.apply(dsn) == applied
    assert ask(dsn, OBJECTS) == first


def test_each_migration_can_be_undone_alone(dsn: str) -> None:
    for _ in migrate.status(dsn):
        before = ask(dsn, OBJECTS)
        [name] = migrate.apply(dsn, steps=1)
        after = ask(dsn, OBJECTS)
        assert migrate.rollback(dsn, 1) == [name]
        assert ask(dsn, OBJECTS) == before
        migrate.apply(dsn, steps=1)
        assert ask(dsn, OBJECTS) == after


SLOT = """
insert into app.brokers (id, name) values ('00000000-0000-0000-0000-000000000001', 'B');
insert into app.leads (id, observed, source)
select ('00000000-0000-0000-0000-00000000000' || n)::uuid, '{}', 'x' from generate_series(2, 4) n;
insert into app.feed_slots (broker_id, local_date, lead_id, state)
values ('00000000-0000-0000-0000-000000000001', '2026-11-16', '00000000-0000-0000-0000-000000000002', 'added');
insert into pipeline.saved_searches (name, criteria) values ('S', '{"query": "Pinellas County, FL"}');
"""
SLOT_WITH_FACTS = """
insert into app.feed_slots (
  broker_id, local_date, lead_id, score_model, lead_score, score_contributions, features, propensity, drawn
) values ('00000000-0000-0000-0000-000000000001', '2026-11-17', %s, 0, 62, '{"base": 10}', '{"equity": 300000}', %s, %s)
"""


def test_slots_and_searches_get_new_columns_and_lose_only_these_in_a_rollback(dsn: str) -> None:
    names = [state.id for state in migrate.status(dsn)]
    migrate.apply(dsn, steps=names.index("0018.feed-slot-facts"))
    with psycopg.connect(dsn) as connection:
        connection.execute(SLOT)
    before = ask(dsn, "select * from app.feed_slots")
    migrate.apply(dsn, steps=2)
    assert ask(dsn, "select product, reason from pipeline.saved_searches") == [(None, None)]
    assert ask(dsn, "select lead_score, features, propensity from app.feed_slots") == [(None, None, None)]
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(SLOT_WITH_FACTS, ("00000000-0000-0000-0000-000000000003", 1, False))
        for propensity, drawn in ((0, False), (1.5, True), (1, None)):
            with pytest.raises(psycopg.errors.CheckViolation):
                connection.execute(SLOT_WITH_FACTS, ("00000000-0000-0000-0000-000000000004", propensity, drawn))
    migrate.rollback(dsn, 2)
    assert ask(dsn, "select name from pipeline.saved_searches") == [("S",)]
    assert ask(dsn, "select * from app.feed_slots order by local_date limit 1") == before
    assert ask(dsn, "select count(*) from app.feed_slots") == [(2,)]
    migrate.apply(dsn)
    assert ask(dsn, "select count(features) from app.feed_slots") == [(0,)]


def test_a_legacy_database_is_carried_over_and_nothing_is_lost(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(LEGACY)
    migrate.apply(dsn)
    assert ask(dsn, "select campaign_status::text, count(*) from app.leads group by 1 order by 1") == [
        ("active", 1), ("converted", 1), ("do_not_contact", 1), ("new", 2),
    ]  # fmt: skip
    assert ask(dsn, "select count(mak), count(apn_key), max(lead_score), min(lead_score) from app.leads") == [
        (1, 0, 100, 0)
    ]
    assert ask(dsn, "select column_name, value from app.lead_conflicts") == [("mak", "8034512097")]
    assert ask(dsn, "select consent from app.leads where consented_at is not null") == [(True,)]
    assert ask(dsn, "select action from app.lead_consent_audit") == [("legacy_consent_without_time",)]
    assert ask(dsn, "select channel, count(*) from pipeline.legacy_contacts group by 1 order by 1") == [
        ("email", 2),
        ("phone", 2),
    ]


def test_placeholder_amounts_of_a_legacy_database_are_not_imported(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "create table public.leads (id uuid default gen_random_uuid(), property_value text, equity text)"
        )
        connection.execute(
            "insert into public.leads (property_value, equity)"
            " values ('400000.50', '300000'), ('9999', '-5'), ('400000', '99000000'), ('0', '999999999'), ('n/a', '')"
        )
    migrate.apply(dsn)
    assert ask(dsn, "select est_value, est_equity from app.leads order by 1, 2") == [
        (400_000, None),
        (400_001, 300_000),
        (None, -5),
        (None, None),
        (None, None),
    ]


COUNTIES = (
    "Pinellas", "PINELLAS COUNTY", "St. Johns", "Saint Johns County", "Miami-Dade", "Dade", "Lake Co.", "County of Orange", " De  Soto ",
    "County", "", "Richmond City",
)  # fmt: skip
PARCELS = ("12-345-6", "12.345 a", "000-00", "", "1.42815E+11", "-", "12E5", "123456789", "999-999-999", "N/A")


def test_a_legacy_lead_gets_the_keys_that_ingest_computes(dsn: str) -> None:
    homes = [{"county": county, "apn": f"{apn}"} for county, apn in product(COUNTIES, PARCELS)]
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "create table public.leads (id uuid default gen_random_uuid(), county text, apn text, property_state text)"
        )
        connection.cursor().executemany("insert into public.leads values (default, %(county)s, %(apn)s, 'FL')", homes)
    migrate.apply(dsn)
    place = {
        "property_address": "1 Elm St",
        "property_city": "Dunedin",
        "property_state": "FL",
        "property_zip": "34698",
    }
    records = [normalise(place | home, date(2026, 11, 21)) for home in homes]
    keys = {record.facts["apn_key"] for record in records if isinstance(record, PropertyRecord)}
    assert legacy_leads.assign_parcel_keys(dsn) == len(keys - {None})
    assigned = {key for (key,) in ask(dsn, "select apn_key from app.leads where apn_key is not null")}
    assert assigned == keys - {None}
    assert "12086|123456" in assigned
    conflicts = ask(dsn, "select count(*) from app.lead_conflicts where kind = 'key_held'")
    assert conflicts > [(0,)], "a lead whose key another lead has is a conflict"
    assert legacy_leads.assign_parcel_keys(dsn) == 0
    assert ask(dsn, "select count(*) from app.lead_conflicts where kind = 'key_held'") == conflicts
    assert ask(dsn, "select distinct county, fips from app.leads where fips = '12086'") == [("MIAMI DADE", "12086")]


def test_legacy_contacts_are_encrypted_in_batches_and_then_cleared(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(LEGACY)
    migrate.apply(dsn)

    def encrypt(values: Any, _keys: Any) -> list[backfill.Encrypted]:
        return [
            backfill.Encrypted(v.lead_id, v.channel, f"h{v.value}".encode(), "h1", f"c{v.value}".encode(), b"key")
            for v in values
        ]

    assert backfill.encrypt_contacts(dsn, encrypt) == 4
    assert backfill.encrypt_contacts(dsn, encrypt) == 0
    assert ask(dsn, "select count(*) from app.lead_contacts") == [(4,)]
    assert ask(dsn, "select count(email), count(phone) from public.leads_legacy") == [(0, 0)]
    assert ask(dsn, "select bool_or(phone_verified) from app.leads") == [(False,)]
    assert backfill.trust_contacts(dsn) == 3


def test_a_legacy_database_rolls_back_to_what_it_was(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(LEGACY)
    before = ask(dsn, "select * from public.leads order by id")
    migrate.rollback(dsn, len(migrate.apply(dsn)))
    assert ask(dsn, "select * from public.leads order by id") == before


def test_passwords_reach_the_server_hashed(dsn: str) -> None:
    migrate.apply(dsn)
    migrate.set_passwords(dsn, {"svc_notify": "p'; drop"})
    [(stored,)] = ask(dsn, "select rolpassword from pg_authid where rolname = 'svc_notify'")
    assert stored.startswith("SCRAM-SHA-256$")
    url = urlsplit(dsn)
    with psycopg.connect(
        host=url.hostname, port=url.port, dbname=url.path[1:], user="svc_notify", password="p'; drop"
    ) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    migrate.set_passwords(dsn, {"svc_notify": "test"})


ACCEPTANCE_QUERIES = {
    "1.1 columns": """
      SELECT column_name, data_type FROM information_schema.columns
      WHERE table_name = 'leads' AND column_name IN ('email_verified', 'phone_verified', 'campaign_status', 'vapi_call_id')""",
    "1.1 tables": """
      SELECT table_name FROM information_schema.tables
      WHERE table_name IN ('consent_tokens', 'verification_code_map', 'pipeline_dlq', 'leads_staging')""",
    "1.1 view": "SELECT matviewname FROM pg_matviews WHERE matviewname = 'mv_contactable_leads'",
    "3.1": "SELECT refresh_contactable_leads()",
    "3.2": """
      SELECT * FROM mv_contactable_leads WHERE campaign_status = 'queued' AND added_to_campaign_at IS NULL
      ORDER BY lead_score DESC LIMIT 250""",
    "6.2": "UPDATE leads SET campaign_status = 'queued' WHERE id IN (SELECT id FROM leads LIMIT 10) RETURNING id",
    "7.1": """
      SELECT event_type, COUNT(*) as count, AVG(duration_ms) as avg_duration_ms FROM pipeline_events
      WHERE created_at > NOW() - INTERVAL '24 hours' GROUP BY event_type ORDER BY count DESC""",
}


def test_the_acceptance_queries_run_as_written(dsn: str) -> None:
    migrate.apply(dsn)
    with psycopg.connect(dsn) as connection:
        connection.execute("insert into app.leads (id, observed, source) values (gen_random_uuid(), '{}', 'x')")
        found = {name: len(connection.execute(query).fetchall()) for name, query in ACCEPTANCE_QUERIES.items()}
    assert found == {"1.1 columns": 4, "1.1 tables": 4, "1.1 view": 1, "3.1": 1, "3.2": 0, "6.2": 1, "7.1": 0}


def test_the_refreshed_snapshot_contains_contactable_leads(dsn: str) -> None:
    migrate.apply(dsn)
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "insert into app.leads (id, observed, source, campaign_status, email_verified, litigator)"
            " values (gen_random_uuid(), '{}', 'x', 'queued', true, false), (gen_random_uuid(), '{}', 'x', 'queued', true, true)"
        )
        connection.execute("select refresh_contactable_leads()")
        assert connection.execute("select count(*) from mv_contactable_leads").fetchone() == (1,)


def test_the_functions_of_the_original_specification_exist(dsn: str) -> None:
    migrate.apply(dsn)
    names = {
        "set_added_to_campaign_at", "upsert_lead", "refresh_contactable_leads", "run_with_lock", "encrypt_email", "decrypt_email",
        "hash_email", "cleanup_old_replay_guards", "cleanup_old_consent_tokens",
    }  # fmt: skip
    assert names <= {name for (name,) in ask(dsn, "select proname from pg_proc")}
    assert ask(dsn, "select decrypt_email(encrypt_email(' A@Example.com ', 'k'), 'k')") == [("a@example.com",)]
    assert ask(dsn, "select run_with_lock(7, 'select 1')") == [(True,)]


def test_opt_outs_of_several_people_become_one_when_they_are_rolled_back(dsn: str) -> None:
    names = [state.id for state in migrate.status(dsn)]
    place = names.index("0035.own-opt-outs-and-proof")
    migrate.apply(dsn, steps=place + 1)
    leads = ["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002", None]
    with psycopg.connect(dsn) as connection:
        for lead in leads[:2]:
            connection.execute("insert into app.leads (id, source) values (%s, 'test')", (lead,))
        for day, lead in enumerate(leads, 1):
            connection.execute(
                "select app.opt_out('phone', '\\x01', 'h1', 'opt_out', %s, make_timestamptz(2026, 11, %s, 0, 0, 0), null)",
                (lead, day),
            )
    query = "select count(*), extract(day from max(at)) from app.suppressions where lifted_at is null"
    assert ask(dsn, query) == [(3, 3)]
    migrate.rollback(dsn, 1)
    assert ask(dsn, query) == [(1, 3)]
    migrate.apply(dsn)
    assert ask(dsn, query) == [(1, 3)]
