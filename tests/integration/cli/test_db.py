"""The database made, undone, backed up and restored by the command line."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from common.pii.keyring import Keyring
from common.settings import Settings
from support.commandline import Equity
from support.databases import Database
from support.installation import SECRETS


@pytest.fixture
def empty(postgres: str) -> Iterator[str]:
    """An empty database's connection string."""
    name = f"equity_test_{uuid4().hex[:12]}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        try:
            yield urlunsplit(urlsplit(postgres)._replace(path=f"/{name}"))
        finally:
            connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def lead_ids(dsn: str) -> set[object]:
    with psycopg.connect(dsn) as connection:
        return {row[0] for row in connection.execute("select id from app.leads")}


def add_leads(dsn: str, count: int = 50) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "insert into app.leads (id, observed, source, mak) "
            "select gen_random_uuid(), '{}', 'test', lpad(n::text, 10, '0') "
            "from generate_series(1, %s) n",
            (count,),
        )


def test_an_empty_database_is_brought_up_to_date_and_undone(empty: str) -> None:
    equity = Equity({"DATABASE_DIRECT_URL": empty})
    assert equity("db", "status").code == 1
    applied = equity("db", "migrate", "--json").ok().json["applied"]
    assert equity("db", "migrate", "--json").ok().json["applied"] == []
    assert all(row["applied"] for row in equity("db", "status", "--json").ok().json)
    refused = equity("db", "rollback")
    assert refused.code == 3
    assert "--yes" in refused.err
    assert equity("db", "rollback", "--yes", "--json").ok().json["undone"] == applied[-1:]
    equity("db", "rollback", "--steps", 99, "--yes").ok()
    assert not any(row["applied"] for row in equity("db", "status", "--json").json)


def test_migrate_gives_services_their_passwords(empty: str) -> None:
    url = urlsplit(empty)
    password = "s3cret/with:signs"
    own = urlunsplit(url._replace(netloc=f"svc_notify:s3cret%2Fwith%3Asigns@{url.hostname}:{url.port}"))
    ran = Equity({"DATABASE_DIRECT_URL": empty, "NOTIFY_DATABASE_URL": own})("db", "migrate", "--json").ok()
    assert ran.json["passwords"] == ["svc_notify"]
    assert password not in ran.out + ran.err
    with psycopg.connect(own) as connection:
        assert connection.execute("select current_user").fetchone() == ("svc_notify",)


def test_a_backup_comes_back_whole_with_its_rights(equity: Equity, database: Database, tmp_path: Path) -> None:
    dsn = database.superuser_dsn
    add_leads(dsn)
    before = lead_ids(dsn)
    file = tmp_path / "equity.dump"
    assert equity("db", "backup", "--out", file, "--json").ok().json["bytes"] == file.stat().st_size
    assert file.stat().st_mode & 0o777 == 0o600
    with psycopg.connect(dsn) as connection:
        connection.execute("delete from app.leads where mak < '0000000010'")
        connection.execute("create table app.made_later (id uuid references app.brokers)")
    assert equity("db", "restore", file).code == 3
    assert equity("db", "restore", file, "--yes", "--json").ok().json == {
        "leads": 50, "migrations_missing": [], "suppressions_kept": 0, "erasures_to_repeat": 0, "erasures_file": None,
    }  # fmt: skip
    assert lead_ids(dsn) == before
    with psycopg.connect(database.dsn("ingest")) as connection:
        connection.execute("select mak from leads limit 1")
    with psycopg.connect(database.dsn("gateway")) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("update app.leads set mak = null")
    equity("db", "rollback", "--steps", 99, "--yes").ok()


def test_a_backup_moves_to_a_new_database(equity: Equity, database: Database, empty: str, tmp_path: Path) -> None:
    add_leads(database.superuser_dsn)
    file = tmp_path / "equity.dump"
    equity("db", "backup", "--out", file).ok()
    there = Equity({"DATABASE_DIRECT_URL": empty})
    assert "equity db migrate" in there("db", "restore", file, "--yes").err
    there("db", "migrate").ok()
    there("db", "restore", file, "--yes").ok()
    assert lead_ids(empty) == lead_ids(database.superuser_dsn)


def test_a_broken_backup_changes_nothing(equity: Equity, database: Database, tmp_path: Path) -> None:
    add_leads(database.superuser_dsn, 2000)
    before = lead_ids(database.superuser_dsn)
    file = tmp_path / "equity.dump"
    equity("db", "backup", "--out", file).ok()
    whole = file.read_bytes()
    file.write_bytes(whole[:-20_000] + bytes(19_000) + whole[-1_000:])
    broken = equity("db", "restore", file, "--yes")
    assert broken.code == 1
    assert "Nothing was changed" in broken.err
    assert lead_ids(database.superuser_dsn) == before
    file.write_bytes(b"Address,City\n")
    assert equity("db", "restore", file, "--yes").code == 2


def test_nothing_is_restored_under_running_services(equity: Equity, database: Database, tmp_path: Path) -> None:
    file = tmp_path / "equity.dump"
    equity("db", "backup", "--out", file).ok()
    with psycopg.connect(database.superuser_dsn, application_name="equity-ingest"):
        refused = equity("db", "restore", file, "--yes")
    assert refused.code == 3
    assert "ingest" in refused.err


def test_no_backup_is_overwritten(equity: Equity, tmp_path: Path) -> None:
    file = tmp_path / "equity.dump"
    file.write_text("precious")
    assert equity("db", "backup", "--out", file).code == 3
    assert file.read_text() == "precious"
    assert equity("db", "backup", "--out", tmp_path / "no" / "such" / "folder.dump").code == 2


def test_legacy_contacts_are_encrypted_and_open_again(empty: str) -> None:
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute(
            "create table public.leads (id uuid primary key, email text, phone text, created_at timestamptz)"
        )
        connection.execute(
            "insert into public.leads values (gen_random_uuid(), ' Marjorie@Example.com ', '(727) 555-0142', now()), "
            "(gen_random_uuid(), 'no email', '12', now())"
        )
    equity = Equity({"DATABASE_DIRECT_URL": empty, **SECRETS})
    equity("db", "migrate").ok()
    assert equity("db", "backfill", "--json").ok().json["encrypted"] == 2
    assert equity("db", "backfill", "--json").ok().json["encrypted"] == 0
    keyring = Keyring.from_settings(
        Settings(encryption_key=SECRETS["ENCRYPTION_KEY"], contact_hash_key=SECRETS["CONTACT_HASH_KEY"])
    )
    with psycopg.connect(empty) as connection:
        rows = connection.execute(
            "select l.id, l.data_key, c.channel, c.value_ciphertext, c.value_hash from app.lead_contacts c "
            "join app.leads l on l.id = c.lead_id"
        ).fetchall()
    opened = {
        keyring.unwrap_data_key(lead, key).decrypt(channel, encrypted): held
        for lead, key, channel, encrypted, held in rows
    }
    assert opened == {value: keyring.hash_contact(value) for value in ("marjorie@example.com", "+17275550142")}
