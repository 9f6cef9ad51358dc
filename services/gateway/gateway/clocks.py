"""The gateway's clock compared with PostgreSQL's: a wrong clock refuses every signed request."""

import time

import structlog

from common import telemetry
from common.database import Database, load_queries

log = structlog.get_logger()
queries = load_queries(__file__)

SKEW_SECONDS = 30.0
"""Offset from which on the log says so: a tenth of the window of signatures, and far above the time of a query."""


def clock_offset(asked_at: float, database_time: float, answered_at: float) -> float:
    """Return the seconds by which this clock is ahead of the database's; negative: behind. All are Unix times.

    The database read its clock somewhere between the question and the answer. What that interval explains is no offset.
    """
    if asked_at <= database_time <= answered_at:
        return 0.0
    return asked_at - database_time if database_time < asked_at else answered_at - database_time


class ClockCheck:
    """Measures the offset for the alert `ClockSkew`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        """Ask PostgreSQL for its time and record by how much ours differs."""
        async with self._database.connection() as connection:
            asked_at = time.time()
            database_time = float(await queries.database_time(connection))
            offset = clock_offset(asked_at, database_time, time.time())
        telemetry.gauge("equity_clock_offset_seconds", "Our clock minus PostgreSQL's").set(offset)
        if abs(offset) > SKEW_SECONDS:
            log.error("clock_skew_found", offset_seconds=round(offset, 1))
