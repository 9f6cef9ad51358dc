"""Return of unused slots: re-queues leads that had a slot and never reached Instantly (ADR 20)."""

from functools import partial

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.calendar.business_date import business_date
from common.calendar.clock import Clock
from feeder.daily_feed import queries
from feeder.lead_status import list_transitioned, transition_leads

log = structlog.get_logger()

REQUEUE_PAGE_SIZE = 500
"""Leads that one transaction re-queues."""


async def requeue_leads(bus: Bus, clock: Clock) -> None:
    """Re-queue all leads with an unused slot of an earlier day. The next feed asks the gate about them again."""
    total = 0
    while count := await bus.transact(partial(_requeue_page, clock=clock)):
        total += count
    if total:
        counter = telemetry.counter("equity_leads_requeued", "Leads that had a slot and never reached Instantly")
        counter.add(total)
        log.warning("leads_requeued", count=total)


async def _requeue_page(tx: Tx, *, clock: Clock) -> int:
    now = clock()
    found = await queries.lock_leads_never_added(
        tx.connection, local_date=business_date(now), page_size=REQUEUE_PAGE_SIZE
    )
    if not found:
        return 0
    requeued = list_transitioned(await transition_leads(tx, found, "queued", reason="never reached Instantly"))
    await queries.cancel_desired_memberships(tx.connection, lead_ids=requeued, now=now)
    await queries.return_slots(tx.connection, lead_ids=requeued)
    await queries.clear_added_at(tx.connection, lead_ids=requeued)
    return len(requeued)
