"""Comparison of the gateway's clock with PostgreSQL's. With a wrong clock the gateway refuses every signed request."""

import time

import structlog

from common import telemetry
from common.database import Database
from gateway import queries

log = structlog.get_logger()

LOGGED_OFFSET_SECONDS = 30.0
"""Offset from which it is logged: a tenth of the signatures' tolerance, and far above the time of a query."""


def clock_offset(asked_at: float, database_time: float, answered_at: float) -> float:
    """Return the seconds by which this clock is ahead of the database's; negative: behind. All are Unix times.

    The database read its clock at some moment between request and response. A difference that this interval explains
    counts as no offset.
    """
    if asked_at <= database_time <= answered_at:
        return 0.0
    return asked_at - database_time if database_time < asked_at else answered_at - database_time


class ClockCheck:
    """Measurement of the offset for the alert `ClockSkew`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def measure_offset(self) -> None:
        """Ask PostgreSQL for its time and export the difference."""
        async with self._database.connection() as connection:
            asked_at = time.time()
            database_time = await queries.read_database_time(connection)
            offset = clock_offset(asked_at, database_time, time.time())
        telemetry.gauge("equity_clock_offset_seconds", "Our clock minus PostgreSQL's").set(offset)
        if abs(offset) > LOGGED_OFFSET_SECONDS:
            log.error("clock_skew_detected", offset_seconds=round(offset, 1))
