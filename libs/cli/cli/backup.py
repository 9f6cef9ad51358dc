"""Backup and restore by PostgreSQL's own programs.

A backup is the whole database in `pg_dump`'s custom format. A restore takes the product's part of it: the schemas `app`,
`pipeline` and `svc_*`, and the log of migrations. It is one transaction, so all of it happens or nothing. Suppressions that
are newer than the backup stay. Roles and extensions belong to the server: `equity db migrate` makes them first.
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

from cli import kept_suppressions
from cli.kept_suppressions import KeptSuppressions
from cli.shell.errors import CliError, CommandRefusedError, UsageError

_SCHEMAS = r"(?:app|pipeline|svc_[a-z]+)"
_ENTRY = re.compile(
    rf"^\d+; \d+ \d+ (?:SCHEMA - {_SCHEMAS} |(?:ACL|COMMENT) - SCHEMA {_SCHEMAS} |[A-Z ]+ {_SCHEMAS} |[A-Z ]+ public _?yoyo_)"
)
_VIEW_DATA = re.compile(r" MATERIALIZED VIEW DATA (\w+) (\w+) ")
_LIBPQ = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE",
          "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "options": "PGOPTIONS"}  # fmt: skip

_PSQL = ("--no-psqlrc", "--quiet", "--no-password", "--single-transaction", "--tuples-only", "--no-align", "--output=/dev/null",
         "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=terse")  # fmt: skip


@dataclass(frozen=True, slots=True)
class RestoreTarget:
    """The database that a restore would overwrite, and the services that are connected to it."""

    is_migrated: bool
    lead_count: int
    services: tuple[str, ...]
    has_erasures: bool
    """Whether it has the table of erasures."""
    suppression_count: int
    """Suppressions that are active."""


def write_backup(dsn: str, out: Path) -> int:
    """Write the database into the new file *out*, readable by its owner alone; return its size in bytes."""
    if out.exists():
        raise CommandRefusedError(f"{out} exists already.", "Name another file; no backup is overwritten.")
    with psycopg.connect(dsn, connect_timeout=5):
        pass  # a server that does not answer, or refuses, gives the same message as in every other command
    part = out.with_name(out.name + ".part")
    try:
        part.touch(mode=0o600)
    except OSError as error:
        raise UsageError(f"{part} cannot be written: {error.strerror}.") from error
    try:
        _run_program([_find_program("pg_dump"), "--format=custom", "--no-password", f"--file={part}"], dsn)
        part.rename(out)
    finally:
        part.unlink(missing_ok=True)
    return out.stat().st_size


def list_entries(file: Path) -> list[str]:
    """Return the entries of the backup *file* that a restore takes. Raises UsageError when it is no backup of this product."""
    if not file.is_file():
        raise UsageError(f"There is no file {file}.")
    listed = subprocess.run([_find_program("pg_restore"), "--list", file], capture_output=True, text=True, check=False)
    entries = [line for line in listed.stdout.splitlines() if _ENTRY.match(line)]
    if listed.returncode or not entries:
        raise UsageError(f"{file} is no backup of Equity Connect.", "`equity db backup` makes one.")
    return entries


def inspect_target(dsn: str) -> RestoreTarget:
    """Return the state of the database that *dsn* names."""
    with psycopg.connect(dsn, connect_timeout=5) as connection:
        migrated = connection.execute("select to_regclass('app.leads') is not null").fetchone() == (True,)
        leads = connection.execute("select count(*) from app.leads").fetchone() if migrated else None
        has_erasures = connection.execute("select to_regclass('pipeline.erasures') is not null").fetchone() == (True,)
        suppressions = None
        if connection.execute("select to_regclass('app.active_suppressions') is not null").fetchone() == (True,):
            suppressions = connection.execute("select count(*) from app.active_suppressions").fetchone()
        services = connection.execute(
            """
            select distinct application_name from pg_stat_activity
            where datname = current_database() and application_name like 'equity-%' and application_name <> 'equity-cli'
            order by 1
            """
        ).fetchall()
    return RestoreTarget(
        migrated,
        int(str(leads[0])) if leads else 0,
        tuple(str(name).removeprefix("equity-") for (name,) in services),
        has_erasures,
        int(str(suppressions[0])) if suppressions else 0,
    )


def restore_backup(dsn: str, file: Path, entries: list[str], *, keeps_suppressions: bool) -> KeptSuppressions:
    """Replace the content of the database by the *entries* of the backup *file*: all of it, or nothing at all.

    With *keeps_suppressions* the active suppressions of the replaced data stay, in the same transaction.
    """
    with (
        _selection_file(entry for entry in entries if not _VIEW_DATA.search(entry)) as selection,
        tempfile.TemporaryFile("w+") as complaints,
        tempfile.NamedTemporaryFile("w+") as counts,
    ):
        keeping = kept_suppressions.add_commands(Path(counts.name)) if keeps_suppressions else []
        writing = [
            _find_program("psql"),
            *_PSQL,
            *([f"--command={kept_suppressions.SAVE_STATEMENT}"] if keeps_suppressions else []),
            f"--command={_removal_statements(dsn)}",
            "--file=-",
            "--command=set row_security = on",  # the owner of tables and materialized views is under it
            *(f"--command={command}" for command in keeping),
            f"--command={_completion_statements(entries)}",
        ]
        reading = [_find_program("pg_restore"), "--file=-", f"--use-list={selection}", str(file)]
        with (
            subprocess.Popen(writing, env=_login_environment(dsn), stdin=subprocess.PIPE, stderr=complaints) as writer,
            subprocess.Popen(reading, stdout=subprocess.PIPE, stderr=complaints) as reader,
        ):
            is_complete = _copy_statements(reader, writer)
            if not is_complete:
                writer.kill()  # before it reaches the end of its input and commits a part
        complaints.seek(0)
        if not is_complete or writer.returncode:
            raise CliError(f"{file} could not be restored: {_find_reason(complaints.read())}", "Nothing was changed.")
        return kept_suppressions.read_counts(Path(counts.name)) if keeps_suppressions else KeptSuppressions()


def _copy_statements(reader: "subprocess.Popen[bytes]", writer: "subprocess.Popen[bytes]") -> bool:
    """Copy the output of *reader* to *writer*; return whether it is complete."""
    with suppress(BrokenPipeError):
        statements = cast(IO[bytes], writer.stdin)
        shutil.copyfileobj(cast(IO[bytes], reader.stdout), statements, 1 << 20)
        statements.flush()
        return reader.wait() == 0
    reader.kill()
    return False


def _removal_statements(dsn: str) -> str:
    """Return SQL that removes everything that the backup brings."""
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


def _completion_statements(entries: list[str]) -> str:
    """Return SQL that fills the materialized views and analyzes the tables."""
    views = [found.groups() for found in map(_VIEW_DATA.search, entries) if found]
    refreshes = [f"refresh materialized view {schema}.{view}" for schema, view in views]
    return ";".join([*refreshes, "analyze"])


@contextmanager
def _selection_file(entries: Iterable[str]) -> Iterator[str]:
    with tempfile.NamedTemporaryFile("w", suffix=".list") as selection:
        selection.write("\n".join(entries) + "\n")
        selection.flush()
        yield selection.name


def _run_program(command: list[str], dsn: str) -> None:
    """Run a PostgreSQL program."""
    done = subprocess.run(command, env=_login_environment(dsn), capture_output=True, text=True, check=False)
    if "server version mismatch" in done.stderr:
        raise UsageError("The PostgreSQL programs here are older than the server.", "Install its version's client.")
    if done.returncode:
        raise CliError(f"{Path(command[0]).name} failed: {_find_reason(done.stderr)}")


def _login_environment(dsn: str) -> dict[str, str]:
    """Return the environment with the login in it: other users of the machine can see a program's arguments."""
    try:
        given = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError as error:
        raise UsageError("DATABASE_DIRECT_URL is not a connection string.") from error
    login = {variable: str(given[name]) for name, variable in _LIBPQ.items() if given.get(name) is not None}
    return {**os.environ, **login}


def _find_program(name: str) -> str:
    """Return the newest PostgreSQL program of this *name*. Raises UsageError when there is none."""
    versions = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]), reverse=True
    )
    found = str(versions[0]) if versions else shutil.which(name)
    if found is None:
        raise UsageError(
            f"{name} is not installed here.", "Install PostgreSQL's client programs: apt-get install postgresql-client"
        )
    return found


def _find_reason(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line]
    return next(
        (line for line in lines if "ERROR" in line or "error" in line), lines[-1] if lines else "it did not say why"
    )
