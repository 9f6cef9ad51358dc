"""Sentences for the exceptions of libraries. An exception that is this program's own fault has none."""

import errno
import re
import socket
import traceback
from pathlib import Path

import asyncpg
import psycopg
from pydantic import ValidationError
from yoyo.exceptions import LockTimeout

from cli.shell.database import START_ADVICE, URL_ADVICE, database_address
from cli.shell.errors import CliError, CommandRefusedError, UnexpectedError, UnreachableError, UsageError
from cli.shell.settings import CliSettings
from common.compliance.rule_file import LegalRulesError
from common.pii.keyring import DecryptionError, MalformedKeyError, MissingKeyError

_RETRY_ADVICE = "See whether it runs (on this machine: `./dev status`), then try again."
_MIGRATE_ADVICE = "Bring the database up to date with `equity db migrate`."
_KEYS_ADVICE = "Check ENCRYPTION_KEY, ENCRYPTION_KEY_ID and ENCRYPTION_KEYS_RETIRED: all keys ever used must be there."


def explain_error(error: BaseException) -> CliError | None:  # noqa: PLR0911 - one line a case
    """Return *error* in the user's words, or None when it is unexpected."""
    match error:
        case CliError():
            return error
        case MissingKeyError() | MalformedKeyError() | LegalRulesError():
            return UsageError(f"{error}.")
        case DecryptionError():
            text = str(error)
            return CommandRefusedError(text[:1].upper() + text[1:], _KEYS_ADVICE)  # names of settings keep their case
        case ValidationError():
            return _explain_settings(error)
        case asyncpg.PostgresError():
            return _explain_postgres(error.sqlstate or "", str(error.args[0]), getattr(error, "hint", None))
        case psycopg.Error():
            return _explain_psycopg(error)
        case LockTimeout():
            return CliError("Another migration is running, or one was killed.", "If none runs: delete from yoyo_lock.")
        case asyncpg.InterfaceError() | OSError():
            return _explain_network_or_disk(error)
        case BaseExceptionGroup(exceptions=(only,)):
            return explain_error(only)
        case _:
            return _explain_by_library(error)


def unexpected_error(error: BaseException) -> CliError:
    """Return the message for an *error* that nothing here explains: its class and place, none of its values."""
    places = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(places[-1].filename).name}:{places[-1].lineno}" if places else ""
    return UnexpectedError(
        f"This should not have happened: {type(error).__name__}{place}.",
        "Run it again with EQUITY_DEBUG=1 to see the traceback, and report that (it may hold data: read it first).",
    )


def _explain_by_library(error: BaseException) -> CliError | None:
    """Return the message for an error of a client library, by the library's name: importing them all would take a second."""
    match type(error).__module__.partition(".")[0]:
        case "aiohttp":
            return UnreachableError("The server that was asked does not answer as it should.", _RETRY_ADVICE)
        case "aiokafka":
            return UnreachableError("Kafka does not answer.", "Start it, or correct KAFKA_BOOTSTRAP_SERVERS.")
        case "yoyo":
            return CliError(
                "The migrations cannot be applied.", "Run `equity db status`, and see docs/runbooks/rollback.md."
            )
        case _:
            return None


def _explain_network_or_disk(error: asyncpg.InterfaceError | OSError) -> CliError | None:
    """Return the message for an error of the network, of the disk, or of a service's own login."""
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
        case OSError(strerror=str(reason), filename=file):
            return CliError(f"{file}: {reason}." if file else f"{reason}.", "Correct that, and run the command again.")
        case _:
            return None


def _explain_settings(error: ValidationError) -> CliError:
    """Return what is wrong with the environment: names and rules, never the values."""
    lines = [
        f"{'.'.join(map(str, problem['loc'])).upper()}: {problem['msg']}"
        for problem in error.errors(include_input=False)
    ]
    return UsageError(
        "The settings are not right. " + "; ".join(lines), "Set these environment variables and try again."
    )


def _explain_psycopg(error: psycopg.Error) -> CliError | None:
    if error.sqlstate:
        return _explain_postgres(error.sqlstate, error.diag.message_primary or "", error.diag.message_hint)
    if isinstance(error, psycopg.ProgrammingError):
        return UsageError("DATABASE_DIRECT_URL is not a connection string.", URL_ADVICE)
    if isinstance(error, psycopg.OperationalError):
        refused = "password authentication failed" in str(error)
        missing = re.search(r'database "[^"]*" does not exist', str(error))
        if refused:
            return CommandRefusedError(
                "PostgreSQL refused the login.", "Check user and password in DATABASE_DIRECT_URL."
            )
        if missing:
            return CliError(f"There is no {missing[0].removesuffix(' does not exist')}.", "Create it: createdb NAME")
        return UnreachableError(
            f"PostgreSQL at {database_address(CliSettings().owner_dsn)} does not answer.", START_ADVICE
        )
    return None


def _explain_postgres(state: str, message: str, hint: str | None) -> CliError | None:  # noqa: PLR0911 - one line a case
    """Return the message for a SQLSTATE, which is the same in every version and language of PostgreSQL."""
    match state[:2]:
        case "57" if state == "57014":
            return CliError(
                "The command needed more time in PostgreSQL than its login may take.",
                "Ask for less, for example with one more condition, and run it again.",
            )
        case "08" | "53" | "57":
            return UnreachableError(
                "PostgreSQL cannot do it now: it starts, stops, or is full.", "Try again in a moment."
            )
        case "28":
            return CommandRefusedError(
                "PostgreSQL refused the login.", "Check user and password in DATABASE_DIRECT_URL."
            )
        case "25" if state == "25006":
            return UnreachableError(
                "PostgreSQL takes no changes now: it is read-only.", "Try again, or use its primary."
            )
        case "42" if state == "42501":
            return CommandRefusedError(
                "PostgreSQL does not allow this login to do that.",
                "Set DATABASE_DIRECT_URL to the login of the database's owner.",
            )
        case "42" | "3F":
            return CliError(
                "The database does not fit this version: a table or column that is needed is missing.", _MIGRATE_ADVICE
            )
        case "40" | "55":
            return CliError("Another process holds a lock that is needed in the database.", "Run the command again.")
        case "P0" | "EC":
            return CommandRefusedError(f"{message[:1].upper()}{message[1:]}.", hint or "")
        case "22" | "23":
            return CommandRefusedError(
                f"The database does not take these values (SQLSTATE {state}).",
                "See that names, numbers and dates are as `--help` says, and that none is there already.",
            )
        case _:
            return None
