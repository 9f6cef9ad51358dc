"""Assignment of leads that came before their broker's territory, by the rule that intake uses.

Whatever changes the territories of active brokers (added, removed, a broker enabled) is seen by comparing them with those of the
last pass. Records in flight were prepared with the territories of before, so a second pass follows when they are in.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.database import load_queries
from common.events import DedupeSuccess
from ingest.territory import BrokerMap, read_broker_map

log = structlog.get_logger()
queries = load_queries(__file__)

PAGE_SIZE = 500
"""Leads of one transaction: each is locked, and intake waits for none of them for long."""
LONGEST_BATCH = timedelta(seconds=120)
"""Longer than a batch of records may take (bus: 90 s)."""
_NO_ID = UUID(int=0)


class Assignment:
    """The job that gives leads without a broker to the broker of their territory."""

    def __init__(self, bus: Bus, cache_seconds: float) -> None:
        self._bus = bus
        self._settle = timedelta(seconds=cache_seconds) + LONGEST_BATCH

    async def run(self) -> None:
        """Assign what waits, if the territories changed since the last pass or that pass must be repeated."""
        async with self._bus.database.connection() as connection:
            brokers, rows = await read_broker_map(connection)
            now = sha256(repr(rows).encode()).digest()
            due = await queries.pass_due(connection, territories=now, settle=self._settle)
        if due is None:
            return
        assigned = await self._pass(brokers) if rows else 0
        await self._bus.transact(partial(self._note, territories=now, settled=due == "again"))
        if assigned:
            log.info("leads_assigned", count=assigned)

    async def _pass(self, brokers: BrokerMap) -> int:
        after, assigned = _NO_ID, 0
        counter = telemetry.counter("equity_leads_assigned", "Leads that got their broker by a territory added later")
        while True:
            page = await self._bus.transact(partial(self._page, brokers=brokers, after=after))
            if page is None:
                return assigned
            after, count = page
            assigned += count
            counter.add(count)

    async def _page(self, tx: Tx, *, brokers: BrokerMap, after: UUID) -> tuple[UUID, int] | None:
        """Assign the leads of the next page; the page's last id and how many were assigned, or None behind the last page."""
        waiting = [row async for row in queries.leads_without_broker(tx.connection, after=after, many=PAGE_SIZE)]
        if not waiting:
            return None
        found = {row["id"]: broker for row in waiting if (broker := broker_of(row, brokers))}
        count = 0
        if found:
            rows = queries.assign_leads(tx.connection, ids=list(found), broker_ids=list(found.values()))
            async for row in rows:
                _notify(tx, row)
                count += 1
        return UUID(bytes=waiting[-1]["id"].bytes), count

    async def _note(self, tx: Tx, *, territories: bytes, settled: bool) -> None:
        await queries.note_pass(tx.connection, territories=territories, settled=settled)
        unassigned = await queries.count_leads_without_broker(tx.connection)
        telemetry.gauge("equity_leads_without_broker", "Leads in no broker's territory, as of the last pass").set(
            unassigned
        )


def broker_of(lead: Any, brokers: BrokerMap) -> UUID | None:
    """Return the broker that *lead*, a row of `leads_without_broker`, goes to: of its territory, where its senders may assign it."""
    found = brokers.broker_for(lead["property_state"] or "", lead["county"], lead["property_zip"] or "")
    allowed: Sequence[UUID] | None = lead["assignable_broker_ids"]
    return found if found is not None and (allowed is None or found in allowed) else None


def _notify(tx: Tx, lead: Any) -> None:
    """Notify the bus: who reads the lead again finds its broker."""
    tx.emit(
        DedupeSuccess(
            lead_id=lead["id"],
            lead_version=lead["lead_version"],
            broker_id=lead["assigned_broker_id"],
            occurred_at=tx.now,
            outcome="assigned",
            verdict="updated",
            score=lead["lead_score"],
        )
    )
