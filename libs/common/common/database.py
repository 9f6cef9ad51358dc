"""PostgreSQL: the pool of one service, and the SQL it runs by name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiosql
import asyncpg
import structlog

from common import telemetry
from common.settings import Settings

log = structlog.get_logger()

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
        self.behind_pooler = bool(settings.database_transaction_pooler)
        """Whether a pooler stands between us and PostgreSQL, as set, or as the first connection found."""

    async def start(self) -> None:
        """Make the pool. Connections are opened when first wanted, so PostgreSQL may still be down."""
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
        """Open a connection; prepared statements and session settings only where PostgreSQL itself answers.

        A pooler that hands out a connection per transaction fails every prepared statement. It is found by the process
        id that it made up for the connection, so that a forgotten setting does not end in errors.
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

    async def end_sessions_that_stand_still(self) -> None:
        """End this role's sessions whose client is silent in the middle of a statement, so that their locks are freed.

        While PostgreSQL waits for the rest of a statement (its values, or rows to copy), the session counts as neither
        idle nor as running: a process that stops there, its host alive, would keep its locks for as long as it stands.
        """
        async with self.connection() as connection:
            ended = await connection.fetchval(
                _END_STILL, timedelta(seconds=self._settings.database_stalled_session_seconds)
            )
        if ended:
            log.warning("sessions_ended", application=self._application, sessions=ended)
            telemetry.counter("equity_sessions_ended", "Sessions ended because their client stood still").add(
                ended, {"service": self._application}
            )


async def _is_pooled(connection: asyncpg.Connection) -> bool:
    """Whether the process that answers is another than the one named when the connection was made.

    Asked by a statement without parameters, which PostgreSQL's simple protocol runs unprepared through any pooler.
    """
    try:
        await connection.execute(_COMPARE_PID.replace(":pid", str(int(connection.get_server_pid()))))
    except asyncpg.PostgresError as error:
        if error.sqlstate == _OTHER_PID:
            return True
        raise
    return False


_OTHER_PID = "EQ001"
_COMPARE_PID = (
    f"do $$ begin if pg_backend_pid() <> :pid then raise exception using errcode = '{_OTHER_PID}'; end if; end $$"
)
_POOLER_ADVICE = (
    "A connection pooler stands before PostgreSQL. Statements are not prepared from here on, which works and is slower. "
    "Set DATABASE_TRANSACTION_POOLER=true to say so yourself, or connect to PostgreSQL directly."
)

_END_STILL = """
select count(*) filter (where pg_terminate_backend(pid))
from pg_stat_activity
where datname = current_database()
and usename = current_user
and state = 'active'
and wait_event = 'ClientRead'
and state_change < clock_timestamp() - $1::interval
"""
