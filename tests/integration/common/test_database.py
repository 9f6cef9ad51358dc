"""Connection pool when connections break."""

import asyncio
from urllib.parse import urlsplit

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
