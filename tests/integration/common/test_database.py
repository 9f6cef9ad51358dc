"""Connection pool when connections break."""

import asyncio
from urllib.parse import urlsplit

import asyncpg
import pytest

from common.database import Database
from support.installation import Installation
from support.proxy import proxied


async def test_a_task_that_is_cancelled_while_the_connection_breaks_is_cancelled(installation: Installation) -> None:
    """A failed rollback must not replace the cancellation, because a loop that continues after errors would continue."""
    url = urlsplit(installation.database.superuser_dsn)
    async with proxied(str(url.hostname), url.port or 5432) as proxy:
        dsn = installation.database.superuser_dsn.replace(f":{url.port}/", f":{proxy.port}/")
        database = Database(installation.settings("ingest", database_url=dsn), "ingest")
        await database.start()
        is_sleeping = asyncio.Event()

        async def work() -> None:
            async with database.transaction() as connection:
                await connection.execute("select 1")
                is_sleeping.set()
                await connection.execute("select pg_sleep(60)")

        task = asyncio.create_task(work())
        await is_sleeping.wait()
        await proxy.cut()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 20)
        await database.stop()


async def test_connections_read_a_changed_row_type_again_after_one_error(installation: Installation) -> None:
    owner = await asyncpg.connect(installation.database.superuser_dsn)
    await owner.execute("create type app.pair as (first integer, second integer)")
    database = Database(installation.settings("ingest"), "ingest")
    await database.start()

    async def read_pairs() -> int | None:
        async with database.transaction() as connection:
            found: int | None = await connection.fetchval("select ($1::app.pair[])[1].first", [{"first": 7}])
            return found

    assert await read_pairs() == 7
    await owner.execute("alter type app.pair add attribute third integer")
    with pytest.raises(asyncpg.DatatypeMismatchError):
        await read_pairs()
    assert await read_pairs() == 7
    await owner.execute("alter type app.pair drop attribute second")
    with pytest.raises(asyncpg.DatatypeMismatchError):
        await read_pairs()
    assert await read_pairs() == 7
    await database.stop()
    await owner.close()
