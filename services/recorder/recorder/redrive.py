"""Dead letters that are due go back to the consumer they are for (design §4.7).

A redrive repeats the message as it came, with its number and its addressee in the headers, so that other consumers of the
topic skip it and the inbox takes it as a new delivery.
"""

from datetime import UTC, datetime
from typing import Any

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.contacts import CannotOpenError
from common.database import load_queries
from common.deadletters import unpack

log = structlog.get_logger()
queries = load_queries(__file__)

BATCH = 50
_OURS = {"ce_id", "ec_redrive", "ec_for", "ec_redrivetime"}


class Redriver:
    """Sends due dead letters again; parks what was sent too often or cannot be opened."""

    def __init__(self, bus: Bus, limit: int) -> None:
        self._bus = bus
        self._limit = limit

    async def run(self) -> int:
        """Redrive everything that is due; how many."""
        total = 0
        while count := await self._bus.transact(self._redrive):
            total += count
        return total

    async def _redrive(self, tx: Tx) -> int:
        due = [row async for row in queries.due_dead_letters(tx.connection, count=BATCH)]
        sent: list[int] = []
        parked: list[int] = []
        for row in due:
            (sent if row["redrive"] < self._limit and self._send(tx, row) else parked).append(row["id"])
        await queries.mark_retrying(tx.connection, ids=sent)
        await queries.park(tx.connection, ids=parked)
        redriven = telemetry.counter("equity_dead_letters_redriven", "Dead letters sent again or parked")
        redriven.add(len(sent), {"outcome": "sent"})
        redriven.add(len(parked), {"outcome": "parked"})
        if parked:
            log.warning("dead_letters_parked", count=len(parked), first=parked[0])
        return len(due)

    def _send(self, tx: Tx, row: Any) -> bool:
        try:
            sealed = self._bus.keyring.unseal("dead-letter", row["event_id"].bytes, row["payload"])
            key, headers, value = unpack(sealed)
        except (CannotOpenError, ValueError) as error:
            log.warning("dead_letter_unreadable", dead_letter=row["id"], error=type(error).__name__)
            return False
        if key is None and value is None:
            return False
        tx.emit_raw(row["source"], key, [*_kept(headers), *_address(row)], value)
        return True


def _kept(headers: list[tuple[str, bytes | None]]) -> list[tuple[str, bytes | None]]:
    return [(name, content) for name, content in headers if name not in _OURS]


def _address(row: Any) -> list[tuple[str, bytes | None]]:
    """Whom this delivery is for, its number, and the id by which the dead letter is known: its own offset would give another."""
    return [
        ("ce_id", str(row["event_id"]).encode()),
        ("ec_redrive", str(row["redrive"] + 1).encode()),
        ("ec_for", row["consumer"].encode()),
        ("ec_redrivetime", datetime.now(UTC).isoformat().encode()),
    ]
