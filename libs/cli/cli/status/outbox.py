"""Outboxes of all services: events that are committed and not yet in Kafka."""

from collections.abc import Collection
from dataclasses import dataclass

from cli.shell.database import Connection, role_of

_COUNT_EVENTS = """
select count(*), coalesce(extract(epoch from now() - min(created_at)), 0)::double precision
from svc_{service}.outbox
"""


@dataclass(frozen=True, slots=True)
class OutboxBacklog:
    """Number of events that wait for the relay, and the age of the oldest one."""

    waiting: int
    oldest_seconds: float


async def load_outbox_backlogs(connection: Connection, services: Collection[str]) -> dict[str, OutboxBacklog]:
    """Return the backlog of each service, read with its role. The connection is the owner's, in a transaction."""
    backlogs = {}
    for service in services:  # names of installed packages, never input
        async with role_of(service, connection):
            [[waiting, oldest_seconds]] = await connection.fetch(_COUNT_EVENTS.format(service=service))
        backlogs[service] = OutboxBacklog(waiting, oldest_seconds)
    return backlogs
