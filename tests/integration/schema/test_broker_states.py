"""The migration of `app.broker_states` on a filled database: applied, rolled back, and applied again."""

from collections.abc import Iterator
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from schema import migrate
from support import servers


@pytest.fixture
def dsn() -> Iterator[str]:
    server, name = servers.postgres(), f"equity_migrate_{uuid4().hex[:10]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def count(dsn: str, table: str) -> int:
    with psycopg.connect(dsn) as connection:
        [found] = connection.execute(sql.SQL("select count(*) from {}").format(sql.SQL(table))).fetchone() or [0]
        return int(found)


def test_the_migration_and_its_rollback_keep_brokers_and_leads(dsn: str) -> None:
    names = [state.id for state in migrate.status(dsn)]
    before = next(place for place, name in enumerate(names) if name.endswith("broker-states"))
    migrate.apply(dsn, steps=before)
    with psycopg.connect(dsn) as connection:
        connection.execute("insert into app.brokers (name) select 'broker ' || n from generate_series(1, 50) n")
        connection.execute(
            "insert into app.leads (id, observed, source, assigned_broker_id)"
            " select gen_random_uuid(), '{}', 'x', id from app.brokers"
        )
    migrate.apply(dsn, steps=1)
    assert count(dsn, "app.broker_states") == 0, "the product ships with no state open"
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "insert into app.broker_states (broker_id, state, licence, opened_by) select id, 'GA', 'x', 'x' from app.brokers"
        )
    migrate.rollback(dsn, 1)
    assert (count(dsn, "app.brokers"), count(dsn, "app.leads")) == (50, 50)
    migrate.apply(dsn)
    assert count(dsn, "app.broker_states") == 0


@pytest.mark.parametrize(
    "columns",
    [
        "state = 'Georgia'",
        "licence = ''",
        "registration = 'a', exemption = 'b'",
        "closed_at = now()",
        "closed_at = opened_at - interval '1 day', closed_by = 'x', close_reason = 'x'",
    ],
)
def test_a_row_that_proves_nothing_is_refused(dsn: str, columns: str) -> None:
    migrate.apply(dsn)
    with psycopg.connect(dsn) as connection:
        connection.execute("insert into app.brokers (name) values ('one')")
        connection.execute(
            "insert into app.broker_states (broker_id, state, licence, opened_by) select id, 'GA', 'x', 'x' from app.brokers"
        )
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(sql.SQL("update app.broker_states set {}").format(sql.SQL(columns)))
