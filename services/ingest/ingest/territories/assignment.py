"""Assignment of leads that arrived before their broker's territory, by the rule that intake uses.

A pass over all leads without a broker follows every change of the territories of active brokers: the job compares the
territories with those of the last pass. Records in flight were prepared with the former territories, so a second pass
follows once they are written.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from hashlib import sha256
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.events import DedupeSuccess
from common.ids import BrokerId, LeadId
from ingest.territories import queries
from ingest.territories.broker_map import BrokerMap, read_broker_map
from ingest.territories.queries import ActiveTerritory, AssignedLead, LeadWithoutBroker

log = structlog.get_logger()

ASSIGNMENT_PAGE_SIZE = 500
"""Leads of one transaction. It locks each of them, so a larger page would delay intake."""
MAX_BATCH_TIME = timedelta(seconds=120)
"""More than a batch of records may take on the bus (90 s)."""
_FIRST_ID = LeadId(UUID(int=0))


class LeadAssignment:
    """Assignment of leads without a broker to the broker of their territory."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def assign_leads(self) -> None:
        """Assign leads if the territories changed since the last pass, or if that pass must be repeated."""
        async with self._bus.database.connection() as connection:
            brokers, territories = await read_broker_map(connection)
            digest = _digest_territories(territories)
            due = await queries.find_due_pass(connection, territories=digest, in_flight_time=MAX_BATCH_TIME)
        if due is None:
            return
        assigned = await self._assign_all_pages(brokers) if territories else 0
        await self._bus.transact(partial(_save_pass, territories=digest, is_final=due == "again"))
        if assigned:
            log.info("leads_assigned", count=assigned)

    async def _assign_all_pages(self, brokers: BrokerMap) -> int:
        after, assigned = _FIRST_ID, 0
        counter = telemetry.counter("equity_leads_assigned", "Leads that got their broker by a territory added later")
        while True:
            page = await self._bus.transact(partial(_assign_page, brokers=brokers, after=after))
            if page is None:
                return assigned
            after, count = page
            assigned += count
            counter.add(count)


def _digest_territories(territories: Sequence[ActiveTerritory]) -> bytes:
    values = [(str(one.broker_id), one.state, one.county, one.zip) for one in territories]
    return sha256(repr(values).encode()).digest()


async def _assign_page(tx: Tx, *, brokers: BrokerMap, after: LeadId) -> tuple[LeadId, int] | None:
    """Assign the leads of the next page; return its last id and the number of assigned leads, or None after the last page."""
    leads = await queries.list_leads_without_broker(tx.connection, after=after, page_size=ASSIGNMENT_PAGE_SIZE)
    if not leads:
        return None
    broker_by_lead = {lead.id: broker for lead in leads if (broker := find_assignable_broker(lead, brokers))}
    if not broker_by_lead:
        return leads[-1].id, 0
    assigned = await queries.assign_leads(
        tx.connection, lead_ids=list(broker_by_lead), broker_ids=list(broker_by_lead.values())
    )
    for lead in assigned:
        _emit_assigned(tx, lead)
    return leads[-1].id, len(assigned)


async def _save_pass(tx: Tx, *, territories: bytes, is_final: bool) -> None:
    await queries.save_pass(tx.connection, territories=territories, is_final=is_final)
    unassigned = await queries.count_leads_without_broker(tx.connection)
    telemetry.gauge("equity_leads_without_broker", "Leads in no broker's territory, as of the last pass").set(
        unassigned
    )


def find_assignable_broker(lead: LeadWithoutBroker, brokers: BrokerMap) -> BrokerId | None:
    """Return the broker of the territory of *lead*, if the lead's senders may assign it."""
    broker = brokers.find_broker(lead.property_state or "", lead.county, lead.property_zip or "")
    allowed = lead.assignable_broker_ids
    return broker if broker is not None and (allowed is None or broker in allowed) else None


def _emit_assigned(tx: Tx, lead: AssignedLead) -> None:
    """Emit the event of an updated lead; services that read the lead again find its broker."""
    tx.emit(
        DedupeSuccess(
            lead_id=lead.id,
            lead_version=lead.lead_version,
            broker_id=lead.assigned_broker_id,
            occurred_at=tx.now,
            outcome="assigned",
            score=lead.lead_score,
        )
    )
