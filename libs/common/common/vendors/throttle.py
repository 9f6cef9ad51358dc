"""Distributed rate limiter, backoff and circuit breaker per vendor. The state is in PostgreSQL, shared by all replicas.

Backoffs use the database's clock, not the business clock, because they concern the vendor. The caller gives their length.
"""

import asyncio
import time
from dataclasses import dataclass

from common.database import Database

_ACQUIRE_PERMIT = "select granted, wait_seconds, state from pipeline.acquire_permit($1, $2, $3, $4, $5, $6, $7)"
_RECORD_SUCCESS = "select pipeline.record_success($1)"
_RECORD_FAILURE = "select pipeline.record_failure($1, $2, $3, $4, $5, $6, $7)"


@dataclass(frozen=True, slots=True)
class Permit:
    """Permit to make one call now."""

    units: int
    """Granted units of what the vendor counts, records or requests; at most as many as were wanted."""
    is_probe: bool
    """True: the circuit is open, and this call is the half-open probe."""


class SharedThrottle:
    """Throttle that issues permits for calls to vendors."""

    def __init__(self, database: Database, *, failure_threshold: int, probe_s: float) -> None:
        """Open a circuit after *failure_threshold* failures in a row; then allow one half-open probe every *probe_s* seconds."""
        self._database = database
        self._failure_threshold = failure_threshold
        self._probe_s = probe_s

    async def acquire_permit(
        self,
        vendor: str,
        wanted: int,
        *,
        per_window: int,
        window_s: float,
        until: float,
        shared_with: str | None = None,
    ) -> Permit | None:
        """Wait for a permit for up to *wanted* units. Return None if there is none before *until* (monotonic seconds).

        *shared_with* names another vendor whose rate limit these units use.
        """
        while True:
            async with self._database.connection() as connection:
                [row] = await connection.fetch(
                    _ACQUIRE_PERMIT,
                    vendor,
                    wanted,
                    per_window,
                    window_s,
                    self._failure_threshold,
                    self._probe_s,
                    shared_with,
                )
            if row["granted"]:
                return Permit(row["granted"], is_probe=row["state"] == "half_open")
            if row["state"] != "rate_limited" or time.monotonic() + row["wait_seconds"] > until:
                return None
            await asyncio.sleep(row["wait_seconds"])

    async def record_success(self, vendor: str) -> None:
        """Record a successful call, which closes the circuit."""
        async with self._database.connection() as connection:
            await connection.execute(_RECORD_SUCCESS, vendor)

    async def record_failure(
        self,
        vendor: str,
        fault: str,
        *,
        is_probe: bool,
        opens_circuit: bool,
        first_s: float,
        longest_s: float,
        least_s: float,
    ) -> None:
        """Record a failed call, which starts a backoff for all replicas.

        It lasts *first_s* seconds, doubles with each failure up to *longest_s*, and is never shorter than *least_s*. With
        *opens_circuit* the circuit opens at once.
        """
        min_failures = self._failure_threshold if opens_circuit else 0
        async with self._database.connection() as connection:
            await connection.execute(
                _RECORD_FAILURE, vendor, fault, is_probe, min_failures, first_s, longest_s, least_s
            )
