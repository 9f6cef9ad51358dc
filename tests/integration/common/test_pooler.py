"""Connection pool behind a real PgBouncer: detected, logged once, and used without prepared statements."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog

from common.database import Database
from support.databases import Database as MigratedDatabase
from support.installation import Installation
from support.pgbouncer import pgbouncer


@asynccontextmanager
async def started(installation: Installation, dsn: str, **settings: object) -> AsyncIterator[Database]:
    database = Database(installation.settings("gateway", database_url=dsn, **settings), "gateway")
    await database.start()
    try:
        yield database
    finally:
        await database.stop()


async def work(database: Database, number: int) -> None:
    for step in range(10):
        async with database.connection() as connection:
            assert await connection.fetchval("select $1::integer + $2::integer", number, step) == number + step
            assert await connection.fetchval("select $1::text", f"{number}-{step}") == f"{number}-{step}"
        async with database.transaction() as connection:
            assert await connection.fetchval("select $1::bigint * 2", number) == 2 * number


@pytest.mark.parametrize(("mode", "size"), [("transaction", 2), ("session", 8)])
async def test_a_pooler_is_detected_logged_once_and_used(
    installation: Installation, database: MigratedDatabase, mode: str, size: int
) -> None:
    with (
        pgbouncer(database.dsn("gateway"), mode=mode, size=size) as dsn,
        structlog.testing.capture_logs() as logs,
    ):
        async with started(installation, dsn) as pool:
            await asyncio.gather(*(work(pool, number) for number in range(8)))
            assert pool.behind_pooler
    logged = [line for line in logs if line["event"] == "database_pooler_found"]
    assert len(logged) == 1
    assert "DATABASE_TRANSACTION_POOLER" in logged[0]["advice"]


async def test_without_a_pooler_statements_are_prepared_and_nothing_is_logged(
    installation: Installation, database: MigratedDatabase
) -> None:
    with structlog.testing.capture_logs() as logs:
        async with started(installation, database.dsn("gateway")) as pool:
            await asyncio.gather(*(work(pool, number) for number in range(8)))
            assert not pool.behind_pooler
            async with pool.connection() as connection:
                await connection.fetchval("select $1::integer", 1)
                assert await connection.fetchval("select count(*) from pg_prepared_statements") > 0
                name = await connection.fetchval("select current_setting('application_name')")
                assert name == "equity-gateway"
    assert [line for line in logs if line["event"] == "database_pooler_found"] == []


async def test_a_configured_pooler_is_not_detected_again(
    installation: Installation, database: MigratedDatabase
) -> None:
    with (
        pgbouncer(database.dsn("gateway")) as dsn,
        structlog.testing.capture_logs() as logs,
    ):
        async with started(installation, dsn, database_transaction_pooler=True) as pool:
            await asyncio.gather(*(work(pool, number) for number in range(8)))
    assert logs == []
