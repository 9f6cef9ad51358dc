"""Checks of PostgreSQL: logins, clock, migrations and privileges."""

import asyncio
import os
import time
from collections.abc import Collection, Iterable, Sequence

from cli.diagnostics import Finding
from cli.doctor import queries
from cli.shell.database import connect, database_address, owner_dsn_as, role_name
from cli.shell.errors import CliError
from cli.shell.settings import CliSettings
from common.database_clock import LOGGED_OFFSET_SECONDS, database_clock_offset
from schema import migrate
from schema.privileges import list_privileges, read_expected_privileges

PRIVILEGES_SHOWN = 5
"""Missing privileges that are named; the others are counted."""


async def check_owner(settings: CliSettings) -> list[Finding]:
    """Return whether the owner can log in, and whether the clocks agree. Raises a CliError if the login fails."""
    async with connect(settings.owner_dsn) as connection:
        asked_at = time.time()
        session = await queries.read_session(connection)
        offset = database_clock_offset(asked_at, session.database_time, time.time())
    address = database_address(settings.owner_dsn)
    return [Finding.ok("PostgreSQL", f"{address} answers, as {session.role}"), describe_offset(offset)]


def describe_offset(offset: float) -> Finding:
    """Return the finding about this machine's clock, *offset* seconds ahead of the database's."""
    if abs(offset) > LOGGED_OFFSET_SECONDS:
        direction = "ahead of" if offset > 0 else "behind"
        advice = "Switch on automatic time on both machines; docs/runbooks/failed-uploads.md#the-clock-is-wrong."
        return Finding.problem("clock", f"this machine is {abs(offset):.0f} s {direction} the database", advice)
    return Finding.ok("clock", "this machine and the database agree")


async def check_logins(services: Iterable[str]) -> list[Finding]:
    """Return whether each of *services*, and the operators, can log in and have their role."""
    return list(await asyncio.gather(*(_check_login(service) for service in services)))


async def _check_login(service: str) -> Finding:
    variable, role = f"{service.upper()}_DATABASE_URL", role_name(service)
    own_login = os.environ.get(variable)
    try:
        async with connect(own_login or owner_dsn_as(service)) as connection:
            session = await queries.read_session(connection)
    except CliError as error:
        advice = f"Check {variable}. `equity db migrate` makes the roles and sets their passwords."
        return Finding.problem("PostgreSQL", f"{service} cannot log in: {error.problem}", advice)
    if session.role != role:
        advice = f"Set {variable} to the login of {role}: with another role PostgreSQL does not limit the service."
        return Finding.problem("PostgreSQL", f"{service} logs in as {session.role}", advice)
    return Finding.ok("PostgreSQL", f"{service} logs in as {role}" if own_login else f"the role {role} exists")


async def check_migrations(settings: CliSettings) -> list[Finding]:
    """Return whether all migrations are applied, and then whether each role has its privileges and no others."""
    states = await asyncio.to_thread(migrate.status, settings.owner_dsn)
    waiting = [state.id for state in states if not state.applied]
    if waiting:
        text = f"{len(waiting)} of {len(states)} wait, the first is {waiting[0]}"
        return [Finding.problem("migrations", text, "`equity db migrate` (grants are compared after it)")]
    applied = Finding.ok("migrations", f"all {len(states)} are applied")
    actual = await asyncio.to_thread(list_privileges, settings.owner_dsn)
    return [applied, *compare_privileges(read_expected_privileges(), actual)]


def compare_privileges(expected: Collection[str], actual: Collection[str]) -> Sequence[Finding]:
    """Return which of the *expected* privileges are missing, and which others there are."""
    missing, further = sorted(set(expected) - set(actual)), sorted(set(actual) - set(expected))
    findings = []
    if missing:
        advice = "Grant them again as the owner; schema/schema/privileges.txt lists all."
        findings.append(Finding.problem("grants", f"missing: {_name_some(missing)}", advice))
    if further:
        advice = "Revoke them: a service needs no more than its slice (docs/data-model.md)."
        findings.append(Finding.warning("grants", f"more than a service needs: {_name_some(further)}", advice))
    return findings or [Finding.ok("grants", f"all {len(expected)} privileges are as they should be")]


def _name_some(privileges: Sequence[str]) -> str:
    named = "; ".join(line.replace(" | ", " ") for line in privileges[:PRIVILEGES_SHOWN])
    rest = len(privileges) - PRIVILEGES_SHOWN
    return f"{named}; and {rest} more" if rest > 0 else named
