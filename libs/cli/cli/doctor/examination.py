"""All checks of `equity doctor`, in order. A group that cannot be checked is a problem, and hides no other group."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from cli import registry
from cli.diagnostics import Finding, ServiceDiagnostics, Severity
from cli.doctor.clock_checks import check_clock_file
from cli.doctor.database_checks import check_logins, check_migrations, check_owner
from cli.doctor.kafka_checks import check_kafka
from cli.doctor.key_checks import check_service_data, check_stored_values, load_keyring
from cli.doctor.legal_checks import check_due_rules
from cli.doctor.setting_checks import check_secret_files, check_variables, load_settings
from cli.shell.database import OPERATOR
from cli.shell.faults import explain_error, unexpected_error
from cli.shell.settings import CliSettings
from common.calendar.business_date import business_date
from common.pii.keyring import Keyring
from common.settings import Settings

GROUP_SECONDS = 30
"""Time limit of one group of checks."""


async def examine(*, online: bool) -> list[Finding]:
    """Return the findings of all checks. Only with *online* is a vendor called."""
    diagnostics, services = registry.load_diagnostics(), registry.service_names()
    loaded = load_settings(diagnostics)
    findings = [*loaded.findings, *check_variables(diagnostics, services)]
    findings = findings or [Finding.ok("settings", "all values can be read")]
    findings += check_secret_files()
    for service, settings in loaded.services.items():
        findings += _check_own_settings(diagnostics[service], settings)
    if loaded.command_line is None:
        advice = "Correct the settings above, and run `equity doctor` again."
        return [*findings, Finding.warning("settings", "connections, keys and clock are not checked", advice)]
    keyring, key_findings = load_keyring(loaded.command_line)
    found = await asyncio.gather(
        _check_database(loaded.command_line, diagnostics, services, keyring),
        _attempt("Kafka", check_kafka(loaded.command_line)),
        *(_check_vendors(diagnostics, loaded.services) if online else ()),
    )
    own = [check_clock_file(loaded.command_line), check_due_rules(business_date(loaded.command_line.now))]
    return [*findings, *key_findings, *own, *(finding for group in found for finding in group)]


def _check_own_settings(parts: ServiceDiagnostics[Any], settings: Settings) -> Sequence[Finding]:
    return parts.check_settings(settings) if parts.check_settings else ()


def _check_vendors(
    diagnostics: Mapping[str, ServiceDiagnostics[Any]], loaded: Mapping[str, Settings]
) -> list[Awaitable[Sequence[Finding]]]:
    return [
        _attempt("vendors", check(settings))
        for service, settings in loaded.items()
        if (check := diagnostics[service].check_vendors)
    ]


async def _check_database(
    settings: CliSettings,
    diagnostics: Mapping[str, ServiceDiagnostics[Any]],
    services: Sequence[str],
    keyring: Keyring | None,
) -> Sequence[Finding]:
    """Return the findings about PostgreSQL; where it does not answer, one problem in place of all."""
    owner = await _attempt("PostgreSQL", check_owner(settings))
    if any(finding.severity is Severity.PROBLEM and finding.check == "PostgreSQL" for finding in owner):
        advice = "Run `equity doctor` again when PostgreSQL answers."
        return [*owner, Finding.warning("PostgreSQL", "logins, migrations, grants and stored keys not checked", advice)]
    groups: list[tuple[str, Awaitable[Sequence[Finding]]]] = [
        ("PostgreSQL", check_logins([*services, OPERATOR])),
        ("migrations", check_migrations(settings)),
    ]
    if keyring:
        groups += [
            ("keys", check_stored_values(settings, keyring)),
            ("keys", check_service_data(diagnostics, keyring)),
        ]
    found = await asyncio.gather(*(_attempt(check, group) for check, group in groups))
    return [*owner, *(finding for group in found for finding in group)]


async def _attempt(check: str, checking: Awaitable[Sequence[Finding]]) -> Sequence[Finding]:
    """Return the findings of *checking*, or the reason why it fails as a problem."""
    try:
        async with asyncio.timeout(GROUP_SECONDS):
            return await checking
    except TimeoutError:
        return [Finding.problem(check, f"no answer within {GROUP_SECONDS} seconds", "See whether its server is busy.")]
    except Exception as error:  # noqa: BLE001 - one group must not hide the others
        known = explain_error(error) or unexpected_error(error)
        return [Finding.problem(check, known.problem, known.advice)]
