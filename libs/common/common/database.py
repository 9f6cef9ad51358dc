"""PostgreSQL: connection pool of one service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import structlog

from common import telemetry
from common.settings import Settings

log = structlog.get_logger()

ACQUIRE_SECONDS = 10
PING_SECONDS = 2
POOL_CLOSE_SECONDS = 5

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy


class Database:
    """Connection pool under the service's own login role."""

    def __init__(self, settings: Settings, application: str) -> None:
        self._settings = settings
        self._application = application
        self._pool: asyncpg.Pool | None = None
        self.behind_pooler = bool(settings.database_transaction_pooler)
        """Whether there is a pooler in front of PostgreSQL: as the settings say, or as the first connection detected."""

    async def start(self) -> None:
        """Create the pool. Connections are opened at first use, so PostgreSQL may still be down."""
        self._pool = await asyncpg.create_pool(
            self._settings.dsn,
            connect=self._connect,
            min_size=0,
            max_size=self._settings.database_pool_size,
            max_inactive_connection_lifetime=300,
            timeout=5,
            command_timeout=60,
        )

    async def _connect(self, *arguments: Any, **options: Any) -> asyncpg.Connection:
        """Open a connection. Use prepared statements and session settings only without a transaction pooler.

        A pooler that assigns a connection per transaction breaks every prepared statement. It is detected by the process
        id that it invented for the connection, so that a missing setting does not cause errors.
        """
        if not self.behind_pooler:
            connection: asyncpg.Connection = await asyncpg.connect(
                *arguments,
                **options,
                statement_cache_size=200,
                server_settings={"application_name": f"equity-{self._application}"},
            )
            if self._settings.database_transaction_pooler is False or not await _is_pooled(connection):
                return connection
            if not self.behind_pooler:
                log.warning("database_pooler_found", application=self._application, advice=_POOLER_ADVICE)
            self.behind_pooler = True
            await connection.close()
        unprepared: asyncpg.Connection = await asyncpg.connect(*arguments, **options, statement_cache_size=0)
        return unprepared

    async def stop(self) -> None:
        """Close the pool. Connections that are in use after POOL_CLOSE_SECONDS are terminated."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        try:
            async with asyncio.timeout(POOL_CLOSE_SECONDS):
                await pool.close()
        except TimeoutError:
            pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Yield a connection outside any transaction. Raises OSError, TimeoutError or asyncpg's errors if there is none.

        A migration may add a column to a row type that this connection has read before. PostgreSQL then refuses the next
        value of that type, once: the error makes all connections read their types again.
        """
        if self._pool is None:
            raise ConnectionError("the database pool is not started")
        try:
            async with self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
                try:
                    yield connection
                except asyncpg.DatatypeMismatchError:
                    await connection.reload_schema_state()
                    raise
        except Exception as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():  # a failed rollback must not replace the cancellation
                raise asyncio.CancelledError from error
            raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Yield a connection inside a transaction, which commits at the end and rolls back on an error."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def ping(self) -> None:
        """Raise unless PostgreSQL answers within PING_SECONDS."""
        async with asyncio.timeout(PING_SECONDS), self.connection() as connection:
            await connection.fetchval("select 1")

    async def end_stalled_sessions(self) -> None:
        """End this role's sessions whose client stalled in the middle of a statement, so that their locks are released.

        While PostgreSQL waits for the rest of a statement (its values, or rows to copy), the session counts neither as idle
        nor as running, and no timeout ends it. A process that is frozen there, its host alive, would keep its locks.
        """
        limit = timedelta(seconds=self._settings.database_stalled_session_seconds)
        async with self.connection() as connection:
            count = await connection.fetchval(_END_STALLED_SESSIONS, limit)
        if count:
            log.warning("stalled_sessions_ended", application=self._application, sessions=count)
            telemetry.counter("equity_sessions_ended", "Sessions ended because their client stalled").add(
                count, {"service": self._application}
            )


async def _is_pooled(connection: asyncpg.Connection) -> bool:
    """Return whether the backend process differs from the one that was named when the connection was opened.

    The statement has no parameters, so PostgreSQL's simple protocol runs it unprepared through any pooler.
    """
    try:
        await connection.execute(_COMPARE_PID_SQL.replace(":pid", str(int(connection.get_server_pid()))))
    except asyncpg.PostgresError as error:
        if error.sqlstate == _DIFFERENT_PID:
            return True
        raise
    return False


_DIFFERENT_PID = "EQ001"
_COMPARE_PID_SQL = (
    f"do $$ begin if pg_backend_pid() <> :pid then raise exception using errcode = '{_DIFFERENT_PID}'; end if; end $$"
)
_POOLER_ADVICE = (
    "There is a connection pooler in front of PostgreSQL. Statements are no longer prepared, which works and is slower. "
    "Set DATABASE_TRANSACTION_POOLER=true to avoid the detection, or connect to PostgreSQL directly."
)

_END_STALLED_SESSIONS = """
select count(*) filter (where pg_terminate_backend(pid))
from pg_stat_activity
where datname = current_database()
and usename = current_user
and state = 'active'
and wait_event = 'ClientRead'
and state_change < clock_timestamp() - $1::interval
"""
