"""Typed modules of the `.sql` files: they are what the generator gives, and each statement may run under its roles."""

import psycopg
from psycopg import sql

from support.databases import Database
from typed_queries.catalog import Catalog
from typed_queries.modules import ModuleWriter
from typed_queries.sql_files import ROOT, Statement, find_sql_files, read_sql_file


def test_committed_modules_are_what_the_generator_gives(database: Database) -> None:
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        catalog = Catalog(connection)
        files = [read_sql_file(path) for path in find_sql_files()]
        outdated = [
            str(file.module.relative_to(ROOT))
            for file in files
            if not file.module.exists() or file.module.read_text() != ModuleWriter(file, catalog).write()
        ]
    assert len(files) > 1
    assert outdated == [], "write them with ./dev queries"


def test_every_statement_may_run_under_its_roles(database: Database) -> None:
    """PostgreSQL starts the plan of each, and so checks the privileges on tables, columns and functions. It runs nothing."""
    statements = [(path, statement) for path in find_sql_files() for statement in read_sql_file(path).statements]
    roles = sorted({role for _, statement in statements for role in statement.roles})
    refused = []
    for role in roles:
        dsn = database.superuser_dsn if role == "owner" else database.dsn(role)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.prepare_threshold = None
            connection.execute("set plan_cache_mode = force_generic_plan")
            refused += [
                f"{path.relative_to(ROOT)}: {statement.name} as {role}: {error}"
                for path, statement in statements
                if role in statement.roles and (error := _explain(connection, statement))
            ]
    assert refused == []


def _explain(connection: "psycopg.Connection[tuple[object, ...]]", statement: Statement) -> str | None:
    """Return the error with which PostgreSQL refuses to start *statement* with nulls, or None."""
    nulls = sql.SQL(", ").join([sql.NULL] * len(statement.parameters))
    values = sql.SQL("({})").format(nulls) if statement.parameters else sql.SQL("")
    try:
        connection.execute(sql.SQL("prepare checked as {}").format(sql.SQL(statement.sql)))
        connection.execute(sql.SQL("explain execute checked{}").format(values))
    except psycopg.Error as error:
        return str(error)
    finally:
        connection.execute("deallocate all")
    return None
