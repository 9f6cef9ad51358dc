"""Whose turn it is to call a vendor: its rate, its pauses and its breaker, kept in PostgreSQL for all replicas together.

Pauses follow the database's clock, for they are about the vendor's. How long one lasts is said by whoever calls.
"""

import asyncio
import time
from dataclasses import dataclass

from common.database import Database

_TAKE = "select granted, wait_seconds, state from pipeline.take_turn($1, $2, $3, $4, $5, $6, $7)"
_NOTE_SUCCESS = "select pipeline.note_success($1)"
_NOTE_FAULT = "select pipeline.note_fault($1, $2, $3, $4, $5, $6, $7)"


@dataclass(frozen=True, slots=True)
class Turn:
    """Leave to make one call now."""

    units: int
    """So many of what the vendor counts, records or requests; at most as many as were wanted."""
    probing: bool
    """True: the vendor was down, and this call finds out whether it still is."""


class VendorTurns:
    """Turns at vendors, for as many calls as their rates have room for."""

    def __init__(self, database: Database, *, opens_after: int, probe_s: float) -> None:
        """After *opens_after* failures in a row one call at a time goes through, and the next *probe_s* seconds later."""
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
        """Wait for leave to use up to *wanted* units; None when there is none before *until* (monotonic seconds).

        *shared_with* names the vendor under whose rate these count, where that is another.
        """
        while True:
            async with self._database.connection() as connection:
                [row] = await connection.fetch(
                    _TAKE, vendor, wanted, per_window, window_s, self._opens_after, self._probe_s, shared_with
                )
            if row["granted"]:
                return Turn(row["granted"], probing=row["state"] == "probing")
            if row["state"] != "limited" or time.monotonic() + row["wait_seconds"] > until:
                return None
            await asyncio.sleep(row["wait_seconds"])

    async def went_well(self, vendor: str) -> None:
        """A call was answered: the vendor is up."""
        async with self._database.connection() as connection:
            await connection.execute(_NOTE_SUCCESS, vendor)

    async def went_wrong(
        self, vendor: str, fault: str, *, probing: bool, opens: bool, first_s: float, longest_s: float, least_s: float
    ) -> None:
        """A call failed: nobody calls before a pause of *first_s* seconds, twice as long with each failure up to *longest_s*.

        It is at least *least_s*, whatever the longest is. With *opens* the breaker opens at once.
        """
        at_least = self._opens_after if opens else 0
        async with self._database.connection() as connection:
            await connection.execute(_NOTE_FAULT, vendor, fault, probing, at_least, first_s, longest_s, least_s)
