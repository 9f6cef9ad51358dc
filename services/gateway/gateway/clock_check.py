"""Comparison of the gateway's clock with PostgreSQL's. With a wrong clock the gateway refuses every signed request."""

import time

import structlog

from common import telemetry
from common.database import Database
from common.database_clock import LOGGED_OFFSET_SECONDS, database_clock_offset
from gateway import queries

log = structlog.get_logger()


class ClockCheck:
    """Measurement of the offset for the alert `ClockSkew`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def measure_offset(self) -> None:
        """Ask PostgreSQL for its time and export the difference."""
        async with self._database.connection() as connection:
            asked_at = time.time()
            database_time = await queries.read_database_time(connection)
            offset = database_clock_offset(asked_at, database_time, time.time())
        telemetry.gauge("equity_clock_offset_seconds", "Our clock minus PostgreSQL's").set(offset)
        if abs(offset) > LOGGED_OFFSET_SECONDS:
            log.error("clock_skew_detected", offset_seconds=round(offset, 1))
