"""Connections to PostgreSQL for one command: as the owner, or with the role of one service.

A command that changes a slice of the data runs with the role of the service that owns the slice, so that PostgreSQL
refuses what the service itself may not do (docs/data-model.md).
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit, urlunsplit

import asyncpg
import orjson
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from cli.shell import queries
from cli.shell.errors import CliError, CommandRefusedError, UnreachableError, UsageError
from cli.shell.settings import CliSettings
from common.ids import BrokerId

Connection = asyncpg.Connection
Row = dict[str, Any]
T = TypeVar("T")

START_ADVICE = "Start it (on this machine: `./dev up`, then `./dev equity …`), or correct DATABASE_DIRECT_URL."
URL_ADVICE = "It reads postgresql://user:password@host:5432/database."
OPERATOR = "operator"
"""Role of commands about leads and open states, which belong to no service. It is given like a service; its login is OPERATOR_DATABASE_URL."""
_DEADLOCK_ATTEMPTS, _DEADLOCK_WAIT_SECONDS = 5, 0.5
_CONNECT_SECONDS = 5
_CLOSE_SECONDS = 2


def database_address(dsn: str) -> str:
    """Return host, port and database of *dsn*, without its password."""
    url = urlsplit(dsn)
    with suppress(ValueError):  # the port is no number
        return f"{url.hostname or 'localhost'}:{url.port or 5432}{url.path}"
    return str(url.hostname)


def role_name(service: str) -> str:
    """Return the login role of *service*, or of OPERATOR."""
    return "equity_operator" if service == OPERATOR else f"svc_{service}"


def owner_dsn_as(service: str) -> str:
    """Return the owner's connection string, changed so that the session has the role of *service*."""
    url = urlsplit(CliSettings().owner_dsn)
    query = "&".join(filter(None, (url.query, urlencode({"role": role_name(service)}))))
    return urlunsplit(url._replace(query=query))


def service_dsn(service: str) -> str:
    """Return the connection string with which a command acts as *service*.

    It is the owner's with the service's role where DATABASE_DIRECT_URL is set, because that goes past any pooler. Else it is
    the service's own login, where <SERVICE>_DATABASE_URL is set.
    """
    own_login = os.environ.get(f"{service.upper()}_DATABASE_URL")
    return own_login if own_login and not CliSettings().database_direct_url else owner_dsn_as(service)


@asynccontextmanager
async def connect(dsn: str) -> AsyncIterator[Connection]:
    """Connect to *dsn* for the time of the block. Raises a CliError with the reason where that fails."""
    try:
        connection = await asyncpg.connect(
            dsn, timeout=_CONNECT_SECONDS, statement_cache_size=0, server_settings={"application_name": "equity-cli"}
        )
    except asyncpg.InvalidCatalogNameError as error:
        raise CliError(
            f"There is no database {database_address(dsn)}.", "Create it with `createdb`, then `equity db migrate`."
        ) from error
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise CommandRefusedError(
            f"PostgreSQL at {database_address(dsn)} refused the login.",
            "Check user and password in DATABASE_DIRECT_URL.",
        ) from error
    except asyncpg.InvalidParameterValueError as error:  # the role of a service that no migration has created
        raise CliError(
            f"The database {database_address(dsn)} does not fit this version: the role of a service is missing.",
            "Bring the database up to date with `equity db migrate`.",
        ) from error
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError) as error:
        raise UnreachableError(f"PostgreSQL at {database_address(dsn)} does not answer.", START_ADVICE) from error
    except (ValueError, asyncpg.InterfaceError) as error:
        raise UsageError("DATABASE_DIRECT_URL is not a connection string.", URL_ADVICE) from error
    try:
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads
        )
        yield connection
    finally:
        with suppress(TimeoutError):  # the connection is ended anyway
            await connection.close(timeout=_CLOSE_SECONDS)


def run_in_transaction(work: Callable[[Connection], Awaitable[T]], *, service: str | None = None) -> T:
    """Run *work* in one transaction and return its result: with the role of *service*, or as the owner."""

    async def run() -> T:
        dsn = service_dsn(service) if service else CliSettings().owner_dsn
        async with connect(dsn) as connection, connection.transaction():
            return await work(connection)

    return asyncio.run(run())


async def repeat_after_deadlock(transaction: Callable[[], Awaitable[T]]) -> T:
    """Run *transaction*, and repeat it after a deadlock with a service. Raises the error of the last attempt."""
    attempts = AsyncRetrying(
        retry=retry_if_exception_type((asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)),
        stop=stop_after_attempt(_DEADLOCK_ATTEMPTS),
        wait=wait_fixed(_DEADLOCK_WAIT_SECONDS),
        reraise=True,
    )
    return await attempts(transaction)


@asynccontextmanager
async def role_of(service: str, connection: Connection) -> AsyncIterator[None]:
    """Give the owner's *connection*, in a transaction, the role of *service* for the time of the block."""
    await connection.execute(f'set local role "svc_{service}"')
    yield
    await connection.execute("reset role")


async def find_broker_id(connection: Connection, name_or_id: str | None) -> BrokerId | None:
    """Return the id of the broker with this name or id; None for None. Raises UsageError when there is no such broker."""
    return None if name_or_id is None else await require_broker_id(connection, name_or_id)


async def require_broker_id(connection: Connection, name_or_id: str) -> BrokerId:
    """Return the id of the broker with this name or id. Raises UsageError when there is no such broker."""
    found = await queries.find_broker_id(connection, name_or_id=name_or_id)
    if found is None:
        raise UsageError(f"There is no broker {name_or_id!r}.", "`equity brokers list` shows them.")
    return found
