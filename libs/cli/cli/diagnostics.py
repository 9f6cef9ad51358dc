"""Parts of `equity status` and `equity doctor` that a service contributes (entry points `equity.diagnostics`)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

from cli.shell.database import Connection
from cli.shell.output import DataclassRow
from common.pii.keyring import Keyring
from common.settings import Settings

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Matter:
    """Fact that needs a person. *advice* names the command or the page that helps."""

    text: str
    advice: str


@dataclass(frozen=True, slots=True)
class StatusSection:
    """Section of `equity status`: rows as a table, or *empty* where there are none."""

    name: str
    rows: Sequence[Mapping[str, Any] | DataclassRow]
    columns: Mapping[str, str]
    """Field to heading."""
    empty: str
    matters: Sequence[Matter] = ()
    source: str = ""
    """Origin of the facts, where that is not PostgreSQL alone."""


class Severity(StrEnum):
    """Result of a check."""

    OK = "ok"
    WARNING = "warning"
    """It works, and deserves a look."""
    PROBLEM = "problem"
    """A part of the product does not work, or not safely."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check of `equity doctor`. No text holds a secret."""

    check: str
    severity: Severity
    text: str
    advice: str = ""

    @classmethod
    def ok(cls, check: str, text: str) -> "Finding":
        """Return the finding of a check without a problem."""
        return cls(check, Severity.OK, text)

    @classmethod
    def warning(cls, check: str, text: str, advice: str) -> "Finding":
        """Return a finding that deserves a look."""
        return cls(check, Severity.WARNING, text, advice)

    @classmethod
    def problem(cls, check: str, text: str, advice: str) -> "Finding":
        """Return a finding that must be corrected."""
        return cls(check, Severity.PROBLEM, text, advice)


@dataclass(frozen=True)  # with slots, Python 3.11 cannot make a generic one
class ServiceDiagnostics(Generic[S]):
    """Contribution of one service."""

    settings: type[S]
    """Settings class, whose values and variables `equity doctor` checks."""
    report_status: Callable[[Connection, datetime], Awaitable[Sequence[StatusSection]]] | None = None
    """Returns sections at a time of the business clock. It runs with the service's role."""
    check_settings: Callable[[S], Sequence[Finding]] | None = None
    """Checks valid settings against each other and this machine. It makes no call to a vendor."""
    check_data: Callable[[Connection, Keyring], Awaitable[Sequence[Finding]]] | None = None
    """Checks the keys of this process against stored data, with the service's role."""
    check_vendors: Callable[[S], Awaitable[Sequence[Finding]]] | None = None
    """Makes one read-only call to each vendor that has one, at the configured address. Only `--online` asks for it."""
