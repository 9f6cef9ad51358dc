"""Which sentence to say for which exception of the libraries; None for those that are our own mistake."""

import asyncpg
from pydantic import ValidationError

from cli.errors import CliError, RefusedError, UnreachableError, UsageError
from common.contacts import CannotOpenError, MissingKeyError

_MIGRATE = "Bring the database up to date with `equity db migrate`."
_KEYS = "Check ENCRYPTION_KEY, ENCRYPTION_KEY_ID and ENCRYPTION_KEYS_RETIRED: all keys ever used must be there."


def explain(error: BaseException) -> CliError | None:  # noqa: PLR0911 - one line a case
    """The fault behind *error* in the user's words, or None when it is unexpected."""
    match error:
        case CliError():
            return error
        case MissingKeyError():
            return UsageError(str(error))
        case CannotOpenError():
            return RefusedError(str(error).capitalize(), _KEYS)
        case ValidationError():
            return _settings(error)
        case asyncpg.PostgresError():
            return _postgres(error)
        case asyncpg.InterfaceError() | ConnectionError():
            return UnreachableError("The connection was lost on the way.", "Run the command again.")
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


def _postgres(error: asyncpg.PostgresError) -> CliError | None:  # noqa: PLR0911 - one line a case
    """By SQLSTATE, which means the same in every version and language of PostgreSQL."""
    state = error.sqlstate or ""
    match state[:2]:
        case "08" | "53" | "57":
            return UnreachableError(f"PostgreSQL cannot do it now: {error.args[0]}", "Try again in a moment.")
        case "28":
            return RefusedError("PostgreSQL refused the login.", "Check user and password in DATABASE_DIRECT_URL.")
        case "25" if state == "25006":
            return UnreachableError(
                "PostgreSQL takes no changes now: it is read-only.", "Try again, or use its primary."
            )
        case "42" if state == "42501":
            return RefusedError(
                f"PostgreSQL does not allow it: {error.args[0]}",
                "Set DATABASE_DIRECT_URL to the login of the database's owner.",
            )
        case "42" | "3F":
            return CliError(f"The database does not fit this version: {error.args[0]}", _MIGRATE)
        case "40" | "55":
            return CliError(f"Something else holds what is needed: {error.args[0]}", "Run the command again.")
        case "P0":
            return RefusedError(str(error.args[0]), getattr(error, "hint", None) or "")
        case "22" | "23":
            return RefusedError(f"The database refused the values: {error.args[0]}")
        case _:
            return None
