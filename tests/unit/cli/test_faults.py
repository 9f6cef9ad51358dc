"""Errors of libraries in the user's words, by kind and without values."""

import errno
import socket

import asyncpg
import pytest
from pydantic import ValidationError

from cli.shell.errors import CliError, CommandRefusedError, UnreachableError, UsageError
from cli.shell.faults import explain_error
from cli.shell.settings import CliSettings
from common.compliance.rule_file import LegalRulesError, RuleProblem
from common.pii.keyring import DecryptionError, MissingKeyError


def sqlstate(state: str, message: str = "it says why") -> Exception:
    error = asyncpg.PostgresError(message)
    error.sqlstate = state  # type: ignore[misc]
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (sqlstate("08006"), UnreachableError),
        (sqlstate("53300"), UnreachableError),
        (sqlstate("57P01"), UnreachableError),
        (sqlstate("57014"), CliError),
        (sqlstate("25006"), UnreachableError),
        (sqlstate("28P01"), CommandRefusedError),
        (sqlstate("42501"), CommandRefusedError),
        (sqlstate("23505"), CommandRefusedError),
        (sqlstate("P0001"), CommandRefusedError),
        (sqlstate("42P01"), CliError),
        (sqlstate("40P01"), CliError),
        (ConnectionResetError(), UnreachableError),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), UnreachableError),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), UnreachableError),
        (TimeoutError(), UnreachableError),
        (asyncpg.exceptions.ClientConfigurationError("invalid DSN hunter2"), UsageError),
        (OSError(errno.ENOSPC, "No space left on device"), CliError),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), CliError),
        (OSError(errno.EADDRINUSE, "address already in use"), UsageError),
        (asyncpg.InterfaceError("connection is closed"), UnreachableError),
        (MissingKeyError("ENCRYPTION_KEY"), UsageError),
        (DecryptionError("no key `k0` is here"), CommandRefusedError),
        (LegalRulesError([RuleProblem("hours-ky", "value: Field required", "Add the key.")]), UsageError),
    ],
)
def test_each_kind_has_its_exit_code(error: Exception, kind: type[CliError]) -> None:
    explained = explain_error(error)
    assert explained is not None
    assert type(explained) is kind
    assert "hunter2" not in explained.problem + explained.advice


@pytest.mark.parametrize("error", [ZeroDivisionError(), sqlstate("XX000"), KeyError("x")])
def test_an_unexpected_error_is_not_explained(error: Exception) -> None:
    assert explain_error(error) is None


def test_a_wrong_setting_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "a-secret-in-the-wrong-place")
    with pytest.raises(ValidationError) as failed:
        CliSettings()
    explained = explain_error(failed.value)
    assert explained is not None
    assert "LOG_LEVEL" in explained.problem
    assert "a-secret" not in explained.problem


def test_an_older_database_asks_for_a_migration() -> None:
    explained = explain_error(sqlstate("42P01", 'relation "app.uploads" does not exist'))
    assert explained is not None
    assert "equity db migrate" in explained.advice
