"""PostgreSQL: the pool of one service, and the SQL it runs by name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosql
import asyncpg

from common.settings import Settings

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy


def load_queries(beside: str, name: str = "queries.sql") -> Any:
    """The named statements of the file *name* beside the module file *beside*, as aiosql makes them."""
    return aiosql.from_path(Path(beside).with_name(name), "asyncpg", mandatory_parameters=False)


class Database:
    """A pool of connections under the service's own login role."""

    def __init__(self, settings: Settings, application: str) -> None:
        self._settings = settings
        self._application = application
        self._pool: asyncpg.Pool | None = None

    async def start(self) -> None:
        """Make the pool. Connections are opened when first wanted, so PostgreSQL may still be down."""
        pooled = self._settings.database_transaction_pooler
        self._pool = await asyncpg.create_pool(
            self._settings.dsn,
            min_size=0,
            max_size=self._settings.database_pool_size,
            max_inactive_connection_lifetime=300,
            timeout=5,
            command_timeout=60,
            statement_cache_size=0 if pooled else 200,
            server_settings={} if pooled else {"application_name": f"equity-{self._application}"},
        )

    async def stop(self) -> None:
        """Close the pool; connections still in use are cut after five seconds."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        try:
            async with asyncio.timeout(5):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection outside any transaction. Raises OSError, TimeoutError or asyncpg's errors when there is none."""
        if self._pool is None:
            raise ConnectionError("the database pool is not started")
        try:
            async with self._pool.acquire(timeout=10) as connection:
                yield connection
        except Exception as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():  # a failed rollback must not take the place of the cancellation
                raise asyncio.CancelledError from error
            raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside a transaction, committed at the end and rolled back on an error."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def ping(self) -> None:
        """Raise unless PostgreSQL answers within two seconds."""
        async with asyncio.timeout(2), self.connection() as connection:
            await connection.fetchval("select 1")
