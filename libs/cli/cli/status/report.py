"""Report of `equity status`, made of parts that are loaded at the same time. A part that fails is named, and the rest is shown."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import TypeVar
from urllib.parse import urlencode, urlsplit, urlunsplit

from cli import registry
from cli.diagnostics import Matter, ServiceDiagnostics, StatusSection
from cli.shell import errors
from cli.shell.database import connect, service_dsn
from cli.shell.errors import CliError, UnreachableError
from cli.shell.faults import explain_error, unexpected_error
from cli.shell.settings import CliSettings
from cli.status import queries
from cli.status.consumer_lag import load_consumer_lag
from cli.status.legal_section import describe_due_rules
from cli.status.outbox import OutboxBacklog, load_outbox_backlogs
from cli.status.owner_sections import describe_jobs, describe_migrations, describe_vendors
from cli.status.queries import UnavailableVendor
from cli.status.readiness import load_readiness
from cli.status.service_states import ServiceFacts, describe_services, find_silent_services
from common.calendar.business_date import business_date
from common.jobs.queries import JobState, list_job_states
from common.settings import Settings
from schema import migrate
from schema.migrate import MigrationState

PART_SECONDS = 8
"""Time limit of a part. Parts are loaded at the same time."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StatusReport:
    """State of the installation at a time of the business clock."""

    at: datetime
    sections: Sequence[StatusSection] = ()
    failures: Sequence[CliError] = field(default=())
    """Reasons for which parts are missing, each once."""

    @property
    def matters(self) -> list[Matter]:
        """Facts that need a person."""
        return list(chain.from_iterable(section.matters for section in self.sections))

    @property
    def exit_code(self) -> int:
        """0: well; 1: something needs a person, or a part cannot be read; 4: PostgreSQL or Kafka does not answer."""
        if any(isinstance(failure, UnreachableError) for failure in self.failures):
            return errors.UNREACHABLE
        return errors.FAILED if self.failures or self.matters else errors.OK


@dataclass(frozen=True, slots=True)
class OwnerFacts:
    """Facts that one session of the owner reads."""

    jobs: Sequence[JobState]
    outboxes: dict[str, OutboxBacklog]
    vendors: Sequence[UnavailableVendor]


async def build_report(settings: CliSettings) -> StatusReport:
    """Return the state of the installation. Takes a few seconds at most, also if nothing answers."""
    services = registry.service_names()
    now = settings.now
    owner, lag, migrations, readiness, own = await asyncio.gather(
        _attempt(_load_owner_facts(settings, services), "PostgreSQL"),
        _attempt(load_consumer_lag(settings, services), "Kafka"),
        _attempt(_load_migrations(settings), "PostgreSQL"),
        load_readiness(settings),
        _load_own_sections(now),
    )
    sections = [_describe_services(services, owner, lag, readiness, now)]
    sections += chain.from_iterable(part for part in own if not isinstance(part, CliError))
    if not isinstance(owner, CliError):
        silent = find_silent_services(services, owner.jobs, now)
        sections += [describe_jobs(owner.jobs, silent, now), describe_vendors(owner.vendors)]
    if not isinstance(migrations, CliError):
        sections.append(describe_migrations(migrations))
    sections.append(describe_due_rules(business_date(now)))
    failures = [part for part in (owner, lag, migrations, *own) if isinstance(part, CliError)]
    return StatusReport(now, sections, list({failure.problem: failure for failure in failures}.values()))


def _describe_services(
    services: Sequence[str],
    owner: OwnerFacts | CliError,
    lag: dict[str, int] | CliError,
    readiness: dict[str, list[str]],
    now: datetime,
) -> StatusSection:
    jobs, outboxes = (None, None) if isinstance(owner, CliError) else (owner.jobs, owner.outboxes)
    facts = ServiceFacts(jobs, None if isinstance(lag, CliError) else lag, outboxes, readiness)
    return describe_services(services, facts, now)


async def _attempt(loading: Awaitable[T], source: str) -> T | CliError:
    """Return what *loading* returns, or within PART_SECONDS the reason why it fails."""
    try:
        async with asyncio.timeout(PART_SECONDS):
            return await loading
    except TimeoutError:
        return UnreachableError(
            f"{source} did not answer within {PART_SECONDS} seconds.", "`equity doctor` looks closer."
        )
    except Exception as error:  # noqa: BLE001 - one part must not hide the others
        return explain_error(error) or unexpected_error(error)


async def _load_owner_facts(settings: CliSettings, services: Sequence[str]) -> OwnerFacts:
    async with connect(settings.owner_dsn) as connection, connection.transaction(readonly=True):
        return OwnerFacts(
            await list_job_states(connection, service=None),
            await load_outbox_backlogs(connection, services),
            await queries.list_unavailable_vendors(connection),
        )


async def _load_migrations(settings: CliSettings) -> list[MigrationState]:
    async with connect(settings.owner_dsn):  # a server that hangs ends here, and not in a thread that cannot be stopped
        pass
    return await asyncio.to_thread(migrate.status, _with_connect_timeout(settings.owner_dsn))


def _with_connect_timeout(dsn: str) -> str:
    url = urlsplit(dsn)
    query = "&".join(filter(None, (url.query, urlencode({"connect_timeout": PART_SECONDS}))))
    return urlunsplit(url._replace(query=query))


async def _load_own_sections(now: datetime) -> list[Sequence[StatusSection] | CliError]:
    """Return the sections that each service declares, or why they cannot be read."""
    parts = registry.load_diagnostics().items()
    loading = (_load_service_sections(service, diagnostics, now) for service, diagnostics in parts)
    return await asyncio.gather(*(_attempt(part, "PostgreSQL") for part in loading))


async def _load_service_sections(
    service: str, diagnostics: ServiceDiagnostics[Settings], now: datetime
) -> Sequence[StatusSection]:
    if diagnostics.report_status is None:
        return ()
    async with connect(service_dsn(service)) as connection, connection.transaction(readonly=True):
        return await diagnostics.report_status(connection, now)
