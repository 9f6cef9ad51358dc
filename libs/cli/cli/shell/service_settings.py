"""Settings of a service, for a command that runs a part of it."""

import os
import sys
from typing import TypeVar

import structlog
from pydantic import SecretStr

from cli.shell.database import owner_dsn_as
from common.settings import Settings

S = TypeVar("S", bound=Settings)


def load_service_settings(kind: type[S], service: str) -> S:
    """Return the settings of *service*, with its own login where that is set, else with the owner's and its role.

    Its log goes to stderr from now on: only results go to stdout.
    """
    log_to_stderr()
    if os.environ.get(f"{service.upper()}_DATABASE_URL"):
        return kind.for_service(service)
    return kind(database_url=SecretStr(owner_dsn_as(service)))


def set_service_login(service: str) -> None:
    """Set <SERVICE>_DATABASE_URL of this process to the owner's login with the service's role, where it is not set."""
    variable = f"{service.upper()}_DATABASE_URL"
    os.environ[variable] = os.environ.get(variable) or owner_dsn_as(service)


def log_to_stderr() -> None:
    """Send the log of this process to stderr."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
