"""Backup and restore by PostgreSQL's own programs.

A backup is the whole database in `pg_dump`'s custom format. A restore takes from it what is ours (the schemas `app`,
`pipeline` and `svc_*`, and the migrations' log), in one transaction: it happens altogether or not at all. Roles and
extensions belong to the server: `equity db migrate` makes them first.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from cli.errors import CliError, RefusedError, UsageError

_OURS = r"(?:app|pipeline|svc_[a-z]+)"
_ENTRY = re.compile(
    rf"^\d+; \d+ \d+ (?:SCHEMA - {_OURS} |(?:ACL|COMMENT) - SCHEMA {_OURS} |[A-Z ]+ {_OURS} |[A-Z ]+ public _?yoyo_)"
)
_VIEW_DATA = re.compile(r" MATERIALIZED VIEW DATA (\w+) (\w+) ")
_LIBPQ = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE",
          "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "options": "PGOPTIONS"}  # fmt: skip

_PSQL = ("--no-psqlrc", "--quiet", "--no-password", "--single-transaction", "--output=/dev/null",
         "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """What a restore would overwrite, and who is in its way."""

    migrated: bool
    leads: int
    services: tuple[str, ...]


def backup(dsn: str, out: Path) -> int:
    """Write the database into the new file *out*, for its owner's eyes; its size in bytes."""
    if out.exists():
        raise RefusedError(f"{out} exists already.", "Name another file; no backup is overwritten.")
    with psycopg.connect(dsn, connect_timeout=5):
        pass  # who is not there, or refuses, is told as everywhere
    part = out.with_name(out.name + ".part")
    try:
        part.touch(mode=0o600)
    except OSError as error:
        raise UsageError(f"{part} cannot be written: {error.strerror}.") from error
    try:
        _run([_program("pg_dump"), "--format=custom", "--no-password", f"--file={part}"], dsn)
        part.rename(out)
    finally:
        part.unlink(missing_ok=True)
    return out.stat().st_size


def contents(file: Path) -> list[str]:
    """The entries of the backup *file* that a restore takes. Raises UsageError when it is no backup of ours."""
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    listed = subprocess.run([_program("pg_restore"), "--list", file], capture_output=True, text=True, check=False)
    entries = [line for line in listed.stdout.splitlines() if _ENTRY.match(line)]
    if listed.returncode or not entries:
        raise UsageError(f"{file} is no backup of Equity Connect.", "`equity db backup` makes one.")
    return entries


def target(dsn: str) -> Target:
    """What stands in the database that *dsn* names."""
    with psycopg.connect(dsn, connect_timeout=5) as connection:
        migrated = connection.execute("select to_regclass('app.leads') is not null").fetchone() == (True,)
        leads = connection.execute("select count(*) from app.leads").fetchone() if migrated else None
        services = connection.execute(
            """
            select distinct application_name from pg_stat_activity
            where datname = current_database() and application_name like 'equity-%' and application_name <> 'equity-cli'
            order by 1
            """
        ).fetchall()
    return Target(
        migrated, int(str(leads[0])) if leads else 0, tuple(str(name).removeprefix("equity-") for (name,) in services)
    )


def restore(dsn: str, file: Path, entries: list[str]) -> None:
    """Put the *entries* of the backup *file* in the place of what is there: all of it, or nothing at all."""
    with (
        _listed(entry for entry in entries if not _VIEW_DATA.search(entry)) as selection,
        tempfile.TemporaryFile("w+") as complaints,
    ):
        writing = [
            _program("psql"),
            *_PSQL,
            f"--command={_clearing(dsn)}",
            "--file=-",
            f"--command={_finishing(entries)}",
        ]
        reading = [_program("pg_restore"), "--file=-", f"--use-list={selection}", str(file)]
        with (
            subprocess.Popen(writing, env=_login(dsn), stdin=subprocess.PIPE, stderr=complaints) as writer,
            subprocess.Popen(reading, stdout=subprocess.PIPE, stderr=complaints) as reader,
        ):
            whole = _pump(reader, writer)
            if not whole:
                writer.kill()  # before it meets the end of its input and commits a part
        complaints.seek(0)
        if not whole or writer.returncode:
            raise CliError(f"{file} could not be restored: {_reason(complaints.read())}", "Nothing was changed.")


def _pump(reader: "subprocess.Popen[bytes]", writer: "subprocess.Popen[bytes]") -> bool:
    """Pass on what *reader* says; whether it came to its end and *writer* took it all."""
    with suppress(BrokenPipeError):
        statements = cast(IO[bytes], writer.stdin)
        shutil.copyfileobj(cast(IO[bytes], reader.stdout), statements, 1 << 20)
        statements.flush()
        return reader.wait() == 0
    reader.kill()
    return False


def _clearing(dsn: str) -> str:
    """SQL that takes away what the backup brings."""
    with psycopg.connect(dsn, connect_timeout=5) as connection:
        schemas = connection.execute(
            r"select nspname from pg_namespace where nspname in ('app', 'pipeline') or nspname like 'svc\_%' order by 1"
        ).fetchall()
        tables = connection.execute(
            r"select tablename from pg_tables where schemaname = 'public' and tablename ~ '^_?yoyo_' order by 1"
        ).fetchall()
        statements = [sql.SQL("drop schema {} cascade").format(sql.Identifier(str(name))) for (name,) in schemas]
        statements += [sql.SQL("drop table {}").format(sql.Identifier("public", str(name))) for (name,) in tables]
        return ";".join(["set client_min_messages = warning", *(each.as_string(connection) for each in statements)])


def _finishing(entries: list[str]) -> str:
    """SQL that fills the materialized views, whose owner is under row level security, and looks the tables over."""
    views = [found.groups() for found in map(_VIEW_DATA.search, entries) if found]
    refreshes = [f"refresh materialized view {schema}.{view}" for schema, view in views]
    return ";".join(["set row_security = on", *refreshes, "analyze"])


@contextmanager
def _listed(entries: Iterable[str]) -> Iterator[str]:
    with tempfile.NamedTemporaryFile("w", suffix=".list") as selection:
        selection.write("\n".join(entries) + "\n")
        selection.flush()
        yield selection.name


def _run(command: list[str], dsn: str) -> None:
    """Run a PostgreSQL program."""
    done = subprocess.run(command, env=_login(dsn), capture_output=True, text=True, check=False)
    if "server version mismatch" in done.stderr:
        raise UsageError("The PostgreSQL programs here are older than the server.", "Install its version's client.")
    if done.returncode:
        raise CliError(f"{Path(command[0]).name} failed: {_reason(done.stderr)}")


def _login(dsn: str) -> dict[str, str]:
    """The environment with the login in it: in a program's arguments others would see it."""
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError as error:
        raise UsageError("DATABASE_DIRECT_URL is not a connection string.") from error
    login = {variable: str(given[name]) for name, variable in _LIBPQ.items() if given.get(name) is not None}
    return {**os.environ, **login}


def _program(name: str) -> str:
    """The newest PostgreSQL program of this *name*. Raises UsageError when there is none."""
    versions = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]), reverse=True
    )
    found = str(versions[0]) if versions else shutil.which(name)
    if found is None:
        raise UsageError(
            f"{name} is not installed here.", "Install PostgreSQL's client programs: apt-get install postgresql-client"
        )
    return found


def _reason(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line]
    return next(
        (line for line in lines if "ERROR" in line or "error" in line), lines[-1] if lines else "it did not say why"
    )
