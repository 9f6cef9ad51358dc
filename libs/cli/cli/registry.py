"""Entry points of the installed packages: their commands, services, diagnostics, demo steps and encrypted columns.

A package declares them in its `pyproject.toml`. The command line imports no service: it finds each here, by name.
"""

import ast
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cli.shell.errors import UsageError

COMMANDS = "equity.commands"
"""Entry points: a command's name, and the Typer app that runs it."""
SERVICES = "equity.services"
"""Entry points: a service's name, and the function that builds it."""
DEMO_STEPS = "equity.demo"
"""Entry points: a step of `equity demo`, and the service's function for it."""
ENCRYPTED_COLUMNS = "equity.encrypted_columns"
"""Entry points: a service, and its columns with encrypted values."""
PERSONAL_TEXTS = "equity.personal_texts"
"""Entry points: a service, and its stored texts that may name any person."""
DIAGNOSTICS = "equity.diagnostics"
"""Entry points: a service, and its part of `equity status` and `equity doctor`."""

LEAD_FUNCTIONS = "equity.leads"
"""Entry points: a function of a service that `equity leads` calls, such as the outlook of the feed."""

SANDBOX = "sandbox"
"""The stand-in for the vendors. `equity run all` leaves it out."""

_PANELS = ("Leads in", "Leads", "Watching", "Campaigns", "Partners and brokers", "Running it")
"""Sections of `equity --help` in their order; further ones follow by name."""


@dataclass(frozen=True, slots=True)
class CommandSummary:
    """One command as `equity --help` shows it."""

    panel: str
    summary: str
    order: int

    @property
    def position(self) -> tuple[int, str, int]:
        """Sort key: sections in their order, then commands by *order*."""
        known = self.panel in _PANELS
        return (_PANELS.index(self.panel) if known else len(_PANELS), self.panel, self.order)


def command_names() -> tuple[str, ...]:
    """Return the names of all installed commands."""
    return tuple(_named(COMMANDS))


def load_command_app(name: str) -> Any:
    """Import the command *name* and return its Typer app."""
    return _named(COMMANDS)[name].load()


@cache
def summarize_command(name: str) -> CommandSummary:
    """Return the summary of the command *name* from the source of its module, without importing it.

    Importing the modules of all commands would make `equity --help` take seconds.
    Raises LookupError where the module has no `NAME = new_app(..., panel="...", summary="...")`.
    """
    entry = _named(COMMANDS)[name]
    spec = find_spec(entry.module)
    if spec is None or spec.origin is None:
        raise LookupError(f"the module {entry.module} of the command {name} is missing")
    for statement in ast.parse(Path(spec.origin).read_bytes()).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=entry.attr)], value=ast.Call(keywords=keywords)):
                given = {word.arg: word.value.value for word in keywords if isinstance(word.value, ast.Constant)}
                return CommandSummary(str(given["panel"]), str(given["summary"]), int(str(given.get("order", 100))))
    raise LookupError(f"{entry.module} assigns no app to {entry.attr}")


def service_names() -> tuple[str, ...]:
    """Return the names of the installed services, without the sandbox."""
    return tuple(name for name in _named(SERVICES) if name != SANDBOX)


def load_service_builder(service: str) -> Any:
    """Import the *service* and return the function that builds it. Raises UsageError where it is not installed."""
    try:
        return _named(SERVICES)[service].load()
    except KeyError as error:
        raise UsageError(
            f"The service {service} is not installed here.", f"Install it: pip install equity-{service}"
        ) from error


def load_demo_step(step: str) -> Any:
    """Import the function of one *step* of the demo. Raises UsageError where no installed service has it."""
    try:
        return _named(DEMO_STEPS)[step].load()
    except KeyError as error:
        raise UsageError(
            f"No installed service does the demo's step {step!r}.", "Run it where all services are installed."
        ) from error


def load_lead_function(name: str) -> Any:
    """Import the function *name* of `equity leads`. Raises UsageError where no installed service has it."""
    try:
        return _named(LEAD_FUNCTIONS)[name].load()
    except KeyError as error:
        raise UsageError(
            f"No installed service has the function {name!r}.", "Run it where all services are installed."
        ) from error


def load_encrypted_columns() -> dict[str, Any]:
    """Import the encrypted columns of every installed service, by service."""
    return {service: entry.load() for service, entry in _named(ENCRYPTED_COLUMNS).items()}


def load_personal_texts() -> dict[str, Any]:
    """Import the stored texts of every installed service that may name any person, by service."""
    return {service: entry.load() for service, entry in _named(PERSONAL_TEXTS).items()}


def load_diagnostics() -> dict[str, Any]:
    """Import the diagnostics of every installed service, by service."""
    return {service: entry.load() for service, entry in _named(DIAGNOSTICS).items()}


@cache
def _named(group: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in sorted(entry_points(group=group), key=lambda entry: entry.name)}
