"""Services by name: the command line starts them and imports none of them itself."""

import importlib
import os
import sys
from types import ModuleType
from typing import Any

import structlog

from cli.errors import UsageError
from cli.settings import CliSettings
from common.service import Runnable

SERVICES = ("pull", "gateway", "ingest", "recorder", "skiptrace", "feeder")
"""Every service, in the order of a lead's way."""
SANDBOX = "sandbox"
"""The vendors' stand-ins; `all` leaves them out."""


def module(service: str, name: str) -> ModuleType:
    """The module *name* of *service*. Raises UsageError where the service is not installed."""
    try:
        return importlib.import_module(f"{service}.{name}")
    except ModuleNotFoundError as error:
        if error.name not in (service, f"{service}.{name}"):
            raise
        raise UsageError(
            f"The service {service} is not installed here.", f"Install it: pip install equity-{service}"
        ) from error


def build(service: str) -> Runnable:
    """The *service*, ready to start, as its environment sets it."""
    built: Runnable = module(service, "app").build()
    return built


def administered(service: str) -> Any:
    """The settings of *service* for one command: with its own login where that is set, else with the owner's.

    What the service logs meanwhile goes to stderr: only results stand on stdout.
    """
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    kind = getattr(module(service, "settings"), f"{service.title()}Settings")
    if os.environ.get(f"{service.upper()}_DATABASE_URL"):
        return kind.for_service(service)
    return kind(database_url=CliSettings().admin_dsn)
