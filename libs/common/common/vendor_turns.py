"""Distributed rate limiter, backoff and circuit breaker per vendor. The state is in PostgreSQL, shared by all replicas.

Backoffs use the database's clock, not the business clock, because they concern the vendor. The caller gives their length.
"""

import asyncio
import time
from dataclasses import dataclass

from common.database import Database

_ACQUIRE_PERMIT = "select granted, wait_seconds, state from pipeline.take_turn($1, $2, $3, $4, $5, $6, $7)"
_RECORD_SUCCESS = "select pipeline.note_success($1)"
_RECORD_FAILURE = "select pipeline.note_fault($1, $2, $3, $4, $5, $6, $7)"


@dataclass(frozen=True, slots=True)
class Turn:
    """Permit to make one call now."""

    units: int
    """Granted units of what the vendor counts, records or requests; at most as many as were wanted."""
    probing: bool
    """True: the circuit is open, and this call is the half-open probe."""


class VendorTurns:
    """Throttle that issues permits for calls to vendors."""

    def __init__(self, database: Database, *, opens_after: int, probe_s: float) -> None:
        """Open a circuit after *opens_after* failures in a row; then allow one half-open probe every *probe_s* seconds."""
        self._database = database
        self._opens_after = opens_after
        self._probe_s = probe_s

    async def take(
        self,
        vendor: str,
        wanted: int,
        *,
        per_window: int,
        window_s: float,
        until: float,
        shared_with: str | None = None,
    ) -> Turn | None:
        """Wait for a permit for up to *wanted* units. Return None if there is none before *until* (monotonic seconds).

        *shared_with* names another vendor whose rate limit these units use.
        """
        while True:
            async with self._database.connection() as connection:
                [row] = await connection.fetch(
                    _ACQUIRE_PERMIT, vendor, wanted, per_window, window_s, self._opens_after, self._probe_s, shared_with
                )
            if row["granted"]:
                return Turn(row["granted"], probing=row["state"] == "probing")
            if row["state"] != "limited" or time.monotonic() + row["wait_seconds"] > until:
                return None
            await asyncio.sleep(row["wait_seconds"])

    async def went_well(self, vendor: str) -> None:
        """Record a successful call, which closes the circuit."""
        async with self._database.connection() as connection:
            await connection.execute(_RECORD_SUCCESS, vendor)

    async def went_wrong(
        self, vendor: str, fault: str, *, probing: bool, opens: bool, first_s: float, longest_s: float, least_s: float
    ) -> None:
        """Record a failed call, which starts a backoff for all replicas.

        It lasts *first_s* seconds, doubles with each failure up to *longest_s*, and is never shorter than *least_s*. With
        *opens* the circuit opens at once.
        """
        min_failures = self._opens_after if opens else 0
        async with self._database.connection() as connection:
            await connection.execute(_RECORD_FAILURE, vendor, fault, probing, min_failures, first_s, longest_s, least_s)
