"""One connection under the owner's login, for one command."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import orjson

from cli.errors import CliError, RefusedError, UnreachableError, UsageError
from cli.settings import CliSettings
from common.database import load_queries

Connection = asyncpg.Connection
Row = dict[str, Any]
T = TypeVar("T")

queries = load_queries(__file__)

START_ADVICE = "Start it (on this machine: `./dev up`, then `./dev equity …`), or correct DATABASE_DIRECT_URL."
URL_ADVICE = "It reads postgresql://user:password@host:5432/database."


def place(dsn: str) -> str:
    """Host, port and database of *dsn*; never the password."""
    url = urlsplit(dsn)
    with suppress(ValueError):  # the port is no number
        return f"{url.hostname or 'localhost'}:{url.port or 5432}{url.path}"
    return str(url.hostname)


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Connection]:
    """A connection to *dsn*. Raises a CliError that says why there is none."""
    try:
        connection = await asyncpg.connect(
            dsn, timeout=5, statement_cache_size=0, server_settings={"application_name": "equity-cli"}
        )
    except asyncpg.InvalidCatalogNameError as error:
        raise CliError(
            f"There is no database {place(dsn)}.", "Create it with `createdb`, then `equity db migrate`."
        ) from error
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise RefusedError(
            f"PostgreSQL at {place(dsn)} refused the login.", "Check user and password in DATABASE_DIRECT_URL."
        ) from error
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError) as error:
        raise UnreachableError(f"PostgreSQL at {place(dsn)} does not answer.", START_ADVICE) from error
    except (ValueError, asyncpg.InterfaceError) as error:
        raise UsageError("DATABASE_DIRECT_URL is not a connection string.", URL_ADVICE) from error
    try:
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads
        )
        yield connection
    finally:
        await connection.close()


def in_transaction(work: Callable[[Connection], Awaitable[T]]) -> T:
    """The result of *work*, done in one transaction under the owner's login."""

    async def do() -> T:
        async with connected(CliSettings().admin_dsn) as connection, connection.transaction():
            return await work(connection)

    return asyncio.run(do())


def select(query: Callable[..., Any], **arguments: Any) -> list[Row]:
    """All rows of a named *query*."""
    return in_transaction(lambda connection: all_rows(query(connection, **arguments)))


async def all_rows(records: AsyncIterator[Any]) -> list[Row]:
    """The rows of a query that is running, as plain dictionaries."""
    return [dict(record) async for record in records]


async def broker_id(connection: Connection, named: str | None) -> UUID | None:
    """The id of the broker *named* by id or name; None for None. Raises UsageError when there is no such broker."""
    if named is None:
        return None
    found = await queries.broker_named(connection, named=named)
    if found is None:
        raise UsageError(f"There is no broker {named!r}.", "`equity brokers list` shows them.")
    return UUID(str(found))


async def partner_id(connection: Connection, named: str) -> UUID:
    """The id of the partner *named* by id or name. Raises UsageError when there is no such partner."""
    found = await queries.partner_named(connection, named=named)
    if found is None:
        raise UsageError(f"There is no partner {named!r}.", "`equity partners list` shows them; `add` makes one.")
    return UUID(str(found))
