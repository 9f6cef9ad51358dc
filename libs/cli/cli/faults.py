"""Which sentence to say for which exception of the libraries; None for those that are our own mistake."""

import errno
import re
import socket

import asyncpg
import psycopg
from pydantic import ValidationError
from yoyo.exceptions import LockTimeout

from cli.database import START_ADVICE, URL_ADVICE, place
from cli.errors import CliError, RefusedError, UnreachableError, UsageError
from cli.settings import CliSettings
from common.contacts import CannotOpenError, MissingKeyError, WrongKeyError

_MIGRATE = "Bring the database up to date with `equity db migrate`."
_KEYS = "Check ENCRYPTION_KEY, ENCRYPTION_KEY_ID and ENCRYPTION_KEYS_RETIRED: all keys ever used must be there."


def explain(error: BaseException) -> CliError | None:  # noqa: PLR0911 - one line a case
    """The fault behind *error* in the user's words, or None when it is unexpected."""
    match error:
        case CliError():
            return error
        case MissingKeyError() | WrongKeyError():
            return UsageError(f"{error}.")
        case CannotOpenError():
            return RefusedError(str(error).capitalize(), _KEYS)
        case ValidationError():
            return _settings(error)
        case asyncpg.PostgresError():
            return _postgres(error.sqlstate or "", str(error.args[0]), getattr(error, "hint", None))
        case psycopg.Error():
            return _psycopg(error)
        case LockTimeout():
            return CliError("Another migration is at work, or one was killed.", "If none runs: delete from yoyo_lock.")
        case asyncpg.InterfaceError() | OSError():
            return _machine(error)
        case _:
            return None


def _machine(error: asyncpg.InterfaceError | OSError) -> CliError | None:
    """What the network, the disk or a service's own login would not do."""
    match error:
        case asyncpg.ClientConfigurationError():
            return UsageError("The service's own DATABASE_URL is not a connection string.", URL_ADVICE)
        case ConnectionRefusedError() | socket.gaierror() | TimeoutError():
            return UnreachableError(
                "PostgreSQL does not answer.", "Start it, or correct the service's own DATABASE_URL."
            )
        case asyncpg.InterfaceError() | ConnectionError():
            return UnreachableError("The connection was lost on the way.", "Run the command again.")
        case OSError(errno=errno.EADDRINUSE):
            return UsageError(
                "Another program listens on a port that is needed here.",
                "Stop it, or set HEALTH_PORT and, for the gateway, GATEWAY_PORT.",
            )
        case OSError(strerror=str(said), filename=file):
            return CliError(f"{file}: {said}." if file else f"{said}.", "Mend that, and run the command again.")
        case _:
            return None


def _settings(error: ValidationError) -> CliError:
    """What is wrong with the environment: names and rules, never the values."""
    lines = [
        f"{'.'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in error.errors(include_input=False)
    ]
    return UsageError(
        "The settings are not right. " + "; ".join(lines), "Set these environment variables and try again."
    )


def _psycopg(error: psycopg.Error) -> CliError | None:
    if error.sqlstate:
        return _postgres(error.sqlstate, error.diag.message_primary or "", error.diag.message_hint)
    if isinstance(error, psycopg.ProgrammingError):
        return UsageError("DATABASE_DIRECT_URL is not a connection string.", URL_ADVICE)
    if isinstance(error, psycopg.OperationalError):
        refused = "password authentication failed" in str(error)
        missing = re.search(r'database "[^"]*" does not exist', str(error))
        if refused:
            return RefusedError("PostgreSQL refused the login.", "Check user and password in DATABASE_DIRECT_URL.")
        if missing:
            return CliError(f"There is no {missing[0].removesuffix(' does not exist')}.", "Create it: createdb NAME")
        return UnreachableError(f"PostgreSQL at {place(CliSettings().admin_dsn)} does not answer.", START_ADVICE)
    return None


def _postgres(state: str, said: str, hint: str | None) -> CliError | None:  # noqa: PLR0911 - one line a case
    """By SQLSTATE, which means the same in every version and language of PostgreSQL."""
    match state[:2]:
        case "08" | "53" | "57":
            return UnreachableError(f"PostgreSQL cannot do it now: {said}", "Try again in a moment.")
        case "28":
            return RefusedError("PostgreSQL refused the login.", "Check user and password in DATABASE_DIRECT_URL.")
        case "25" if state == "25006":
            return UnreachableError(
                "PostgreSQL takes no changes now: it is read-only.", "Try again, or use its primary."
            )
        case "42" if state == "42501":
            return RefusedError(
                f"PostgreSQL does not allow it: {said}",
                "Set DATABASE_DIRECT_URL to the login of the database's owner.",
            )
        case "42" | "3F":
            return CliError(f"The database does not fit this version: {said}", _MIGRATE)
        case "40" | "55":
            return CliError(f"Something else holds what is needed: {said}", "Run the command again.")
        case "P0" | "EC":
            return RefusedError(f"{said[:1].upper()}{said[1:]}.", hint or "")
        case "22" | "23":
            return RefusedError(f"The database refused the values: {said}")
        case _:
            return None
