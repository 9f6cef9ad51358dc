"""Database for each test, copied from a migrated template."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from cli.shell.database import role_name
from schema import migrate
from support import servers

PASSWORD = "test"
LOGIN_ROLES = r"select rolname from pg_roles where rolname like 'svc\_%' or rolname = 'equity_operator' order by 1"


@dataclass(frozen=True, slots=True)
class Database:
    """Migrated database of one test."""

    superuser_dsn: str

    @property
    def name(self) -> str:
        """Name of the database."""
        return urlsplit(self.superuser_dsn).path.lstrip("/")

    def dsn(self, role: str) -> str:
        """Return the connection string of the service *role*: "ingest" logs in as `svc_ingest`; or of "operator"."""
        url = urlsplit(self.superuser_dsn)
        return urlunsplit(url._replace(netloc=f"{role_name(role)}:{PASSWORD}@{url.hostname}:{url.port}"))


@contextmanager
def create_database() -> Iterator[Database]:
    """Create a copy of the migrated template, and drop it afterwards."""
    server = servers.postgres()
    template = servers.make_once("template", _make_template)
    name = f"equity_test_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        create = sql.SQL("create database {} template {}")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(template)))
        _copy_settings(connection, template, name)
    try:
        yield Database(_with_name(server, name))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            _drop(connection, name)


@contextmanager
def create_database_of_new_run() -> Iterator[Database]:
    """Begin a separate run with one migrated database, for programs that are not a test."""
    servers.begin_run()
    try:
        with create_database() as database:
            yield database
    finally:
        drop_template()
        servers.end_run()


def drop_template() -> None:
    """Drop the template of the run, for servers that outlive the run."""
    if template := servers.find_made("template"):
        with psycopg.connect(servers.postgres(), autocommit=True) as connection:
            _drop(connection, template)


def _make_template() -> str:
    server = servers.postgres()
    name = f"equity_template_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(hashtext('equity test template'))")  # roles belong to the server
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        migrate.apply(_with_name(server, name))
        roles = connection.execute(LOGIN_ROLES).fetchall()
        migrate.set_passwords(server, {role: PASSWORD for (role,) in roles})
        close = sql.SQL("alter database {} allow_connections false")  # a template with an open session cannot be copied
        connection.execute(close.format(sql.Identifier(name)))
        connection.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", (name,))
    return name


def _copy_settings(connection: "psycopg.Connection[tuple[object, ...]]", template: str, name: str) -> None:
    """Copy the settings and privileges of the database itself, which `create database` does not copy."""
    connection.execute(
        """
        insert into pg_db_role_setting (setdatabase, setrole, setconfig)
        select new.oid, setting.setrole, setting.setconfig
        from pg_db_role_setting setting
        join pg_database old on old.oid = setting.setdatabase and old.datname = %s
        join pg_database new on new.datname = %s
        """,
        (template, name),
    )
    connection.execute(
        "update pg_database set datacl = (select datacl from pg_database where datname = %s) where datname = %s",
        (template, name),
    )


def _with_name(dsn: str, name: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


def _drop(connection: "psycopg.Connection[tuple[object, ...]]", name: str) -> None:
    connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
