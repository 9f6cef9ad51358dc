"""Migrations that wait for a lock: they do not block traffic, stay atomic, and name their blockers."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.shell.errors import CliError
from schema import migrate
from schema.migrate import LockWait, MigrationBlockedError
from support.databases import Database

FIRST = "9001.first"
SECOND = "9002.second"


@pytest.fixture(autouse=True)
def migrations(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write two further migrations: one creates a table, the other changes a busy table."""
    directory = tmp_path / "migrations"
    directory.mkdir()
    (directory / f"{FIRST}.sql").write_text("create table app.first (id integer);")
    (directory / f"{FIRST}.rollback.sql").write_text("drop table app.first;")
    (directory / f"{SECOND}.sql").write_text(
        "set local role equity_owner;\n"
        "create table app.second (id integer);\n"
        "alter table app.leads add column second integer;"
    )
    (directory / f"{SECOND}.rollback.sql").write_text(
        "alter table app.leads drop column second; drop table app.second;"
    )
    monkeypatch.setattr(migrate, "MIGRATIONS", directory)
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(migrate, "FIRST_BACKOFF_SECONDS", 0.05)
    return directory


@contextmanager
def reader(
    database: Database, application: str = "nightly-report"
) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """Open a transaction that has read the leads and stays open, like a backup."""
    with psycopg.connect(database.superuser_dsn, application_name=application) as connection:
        connection.execute("select count(*) from app.leads")
        yield connection


def write_a_lead(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    connection.execute("insert into app.leads (id, observed, source) values (%s, '{}', 'test')", (uuid4(),))
    connection.execute("select count(*) from app.leads")


def has_second(database: Database) -> bool:
    with psycopg.connect(database.superuser_dsn) as connection:
        column = "select from information_schema.columns where table_name = 'leads' and column_name = 'second'"
        found = connection.execute(f"select exists ({column}), to_regclass('app.second') is not null").fetchone()
    assert found in ((True, True), (False, False)), "a migration is applied as a whole or not at all"
    return found == (True, True)


def applied(database: Database) -> list[str]:
    return [state.id for state in migrate.status(database.superuser_dsn) if state.applied]


@pytest.mark.parametrize("direction", ["apply", "rollback"])
def test_traffic_goes_on_while_a_migration_waits_for_a_long_reader(database: Database, direction: str) -> None:
    dsn = database.superuser_dsn
    if direction == "rollback":
        migrate.apply(dsn)
    waits: list[LockWait] = []
    waited_often = threading.Event()

    def record_wait(wait: LockWait) -> None:
        waits.append(wait)
        if len(waits) == 3:
            waited_often.set()

    with ThreadPoolExecutor(1) as threads, reader(database) as holder:
        work = getattr(migrate, direction)
        done = threads.submit(work, dsn, 2, waiting=record_wait)
        with psycopg.connect(dsn, autocommit=True) as traffic:
            traffic.execute("set lock_timeout = '5s'")
            written = 0
            while not waited_often.is_set() and not done.done():
                write_a_lead(traffic)  # raises an error if it waits as long as the reader
                written += 1
            assert waited_often.is_set()
        assert not done.done()
        assert has_second(database) == (direction == "rollback")
        pid = holder.info.backend_pid
        holder.rollback()
        done.result(60)
    assert written > 0
    assert has_second(database) == (direction == "apply")
    assert applied(database) == ([FIRST, SECOND] if direction == "apply" else [])
    assert {wait.migration for wait in waits} == {SECOND}
    named = {(blocker.pid, blocker.application) for wait in waits for blocker in wait.blockers}
    assert (pid, "nightly-report") in named
    assert all(blocker.since for wait in waits for blocker in wait.blockers)


def test_a_migration_gives_up_and_leaves_the_schema_as_it_was(database: Database) -> None:
    dsn = database.superuser_dsn
    with reader(database), pytest.raises(MigrationBlockedError) as raised:
        migrate.apply(dsn, give_up_seconds=1)
    assert raised.value.migration == SECOND
    assert {blocker.application for blocker in raised.value.blockers} == {"nightly-report"}
    assert not has_second(database)
    assert applied(database) == [FIRST]
    assert migrate.apply(dsn) == [SECOND]


def test_the_command_names_the_blocking_session_and_fails(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_DIRECT_URL", database.superuser_dsn)
    with reader(database, "pg_dump") as holder:
        ran = CliRunner().invoke(app, ["db", "migrate", "--give-up-after", "2"])
        pid = holder.info.backend_pid
    assert isinstance(ran.exception, CliError)
    assert ran.exception.exit_code != 0
    progress = " ".join(ran.output.split())
    assert f"applied {FIRST}" in progress
    assert f"{SECOND} waits for a lock" in progress
    for output in (progress, ran.exception.problem):
        assert f"pid {pid}, application pg_dump" in output
        assert "in a transaction since 20" in output
    assert f"pg_terminate_backend({pid})" in ran.exception.advice
    assert not has_second(database)


def test_a_migrator_that_dies_before_it_records_the_migration_changes_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transaction makes the change and records it, so no run finds one without the other."""
    with monkeypatch.context() as patched:
        patched.setattr("yoyo.backends.base.DatabaseBackend.mark_one", lambda *_args, **_more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            migrate.apply(database.superuser_dsn)
    assert applied(database) == []
    assert migrate.apply(database.superuser_dsn) == [FIRST, SECOND]


def test_migrators_at_the_same_time_apply_each_migration_once(database: Database) -> None:
    start = threading.Barrier(4)

    def run(_: int) -> list[str]:
        start.wait()
        return migrate.apply(database.superuser_dsn)

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(run, range(4)))
    assert sorted(name for names in found for name in names) == [FIRST, SECOND]


def test_the_abandoned_lock_of_a_killed_migrator_does_not_block(database: Database) -> None:
    with psycopg.connect(database.superuser_dsn) as connection:
        connection.execute("insert into public.yoyo_lock (locked, ctime, pid) values (1, now(), %s)", (os.getpid(),))
    assert migrate.apply(database.superuser_dsn) == [FIRST, SECOND]


def test_a_migration_that_cannot_be_undone_as_a_whole_is_refused(database: Database, migrations: Path) -> None:
    (migrations / "9003.loose.sql").write_text("-- transactional: false\n\ncreate table app.loose (id integer);")
    with pytest.raises(ValueError, match=r"9003\.loose is not transactional"):
        migrate.apply(database.superuser_dsn)
    assert applied(database) == [FIRST, SECOND]
