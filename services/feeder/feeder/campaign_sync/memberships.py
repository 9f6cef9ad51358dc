"""Memberships in the database: records the outcomes of calls to Instantly (docs/feeding.md, Memberships).

`desired` is the wanted state and `actual` the state that Instantly last reported. Every method that takes a claim changes
only rows that the claim still holds.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.calendar.clock import Clock
from common.events import CampaignAdded
from common.ids import CampaignId, LeadId
from feeder.campaign_sync import queries
from feeder.campaign_sync.claims import CampaignClaim, ClaimedMembership
from feeder.campaign_sync.queries import ClaimedRemoval
from feeder.lead_status import transition_leads
from feeder.settings import FeederSettings

log = structlog.get_logger()

NOT_CREATED_PROBLEM = "not created"
"""`problem` of a lead that an add did not create; a reason of Instantly's follows after a colon."""
REFUSED_PROBLEM = "refused"
"""`problem` of a lead that Instantly does not take; a reason of Instantly's follows after a colon."""
MISSING_CAMPAIGN_PROBLEM = "missing"
"""`problem` of a campaign that Instantly no longer has. `equity campaigns sync` creates it again."""
REJECTING_CAMPAIGN_PROBLEM = "rejects every add (400)"
INVALID_REQUEST_RETRY = timedelta(hours=1)
"""Wait before a lookup or removal is repeated that Instantly called invalid."""
LONGEST_LOOKUP_WAIT = timedelta(seconds=15)


class Memberships:
    """Writes the outcomes of calls. Each public method is one transaction, except `record_presence`."""

    def __init__(self, bus: Bus, clock: Clock, settings: FeederSettings) -> None:
        self._bus = bus
        self._clock = clock
        self._late_add_time = timedelta(seconds=settings.reconcile_late_add_seconds)

    async def mark_present(self, claim: CampaignClaim, vendor_ids: Mapping[LeadId, str]) -> None:
        """Mark the leads of *vendor_ids* (lead to Instantly's id) as members of the campaign, even if the claim expired."""

        async def write(tx: Tx) -> None:
            await self.record_presence(tx, claim.campaign_id, vendor_ids)

        if vendor_ids:
            await self._bus.transact(write)

    async def record_presence(self, tx: Tx, campaign_id: CampaignId, vendor_ids: Mapping[LeadId, str]) -> None:
        """Mark the leads of *vendor_ids* as members, within *tx*.

        Confirm their slots, emit `campaign_added` once for each lead, and request the removal of leads that were
        suppressed meanwhile. The rows stay locked, so a suppression is either seen here or comes later.
        """
        now, lead_ids = self._clock(), sorted(vendor_ids)
        await queries.lock_memberships(tx.connection, campaign_id=campaign_id, lead_ids=lead_ids)
        await queries.mark_present(
            tx.connection,
            campaign_id=campaign_id,
            lead_ids=lead_ids,
            vendor_lead_ids=[vendor_ids[lead_id] for lead_id in lead_ids],
            now=now,
        )
        await self._confirm_slots(tx, campaign_id, lead_ids, now)
        suppressed = await queries.request_suppressed_removals(
            tx.connection, now=now, lead_ids=lead_ids, campaign_id=campaign_id
        )
        if suppressed:
            log.info("members_suppressed_after_add", count=len(suppressed), campaign_id=str(campaign_id))

    async def _confirm_slots(self, tx: Tx, campaign_id: CampaignId, lead_ids: Sequence[LeadId], now: datetime) -> None:
        campaign = await queries.read_campaign(tx.connection, campaign_id=campaign_id)
        for slot in await queries.confirm_slots(tx.connection, lead_ids=lead_ids, campaign_id=campaign_id):
            event = CampaignAdded(
                lead_id=slot.lead_id,
                lead_version=slot.lead_version,
                broker_id=slot.broker_id,
                occurred_at=now,
                campaign_id=campaign_id,
                persona_id=campaign.persona_id,
                local_date=slot.local_date,
            )
            tx.emit(event)

    async def mark_not_created(self, claim: CampaignClaim, lead_ids: Sequence[LeadId], reason: str | None) -> None:
        """Mark leads that a successful add did not create, with Instantly's *reason* if known, and look them up next.

        They may be members already: Instantly skips those.
        """
        problem = f"{NOT_CREATED_PROBLEM}: {reason}" if reason else NOT_CREATED_PROBLEM
        await self._schedule_retry(claim, lead_ids, self._clock(), problem)

    async def schedule_lookup(self, claim: CampaignClaim, lead_ids: Sequence[LeadId]) -> None:
        """Schedule a lookup soon, because a call had no clear response."""
        await self._schedule_retry(claim, lead_ids, self._next_lookup_at())

    async def postpone_lookup(self, claim: CampaignClaim, lead_id: LeadId) -> None:
        """Postpone a lookup that Instantly calls invalid, and log an error: a person has to look at it."""
        log.error("lookup_refused", lead_id=str(lead_id), campaign_id=str(claim.campaign_id))
        await self._schedule_retry(claim, [lead_id], self._clock() + INVALID_REQUEST_RETRY)

    async def requeue_adds(self, claim: CampaignClaim, lead_ids: Sequence[LeadId]) -> None:
        """Make adds due again that certainly were not executed."""
        await self._mark_out(claim, lead_ids, retry_at=self._clock())

    async def mark_absent(self, claim: CampaignClaim, memberships: Sequence[ClaimedMembership]) -> None:
        """Record that a lookup did not find *memberships*.

        A lead that an add did not create is refused. Any other is out once its add can no longer arrive late; before that
        it is looked up again.
        """
        certain_before = self._clock() - self._late_add_time
        refused: dict[str, list[LeadId]] = {}
        out, uncertain = list[LeadId](), list[LeadId]()
        for membership in memberships:
            if (membership.problem or "").startswith(NOT_CREATED_PROBLEM):
                refused.setdefault(membership.problem or "", []).append(membership.lead_id)
            elif membership.attempted_at is None or membership.attempted_at <= certain_before:
                out.append(membership.lead_id)
            else:
                uncertain.append(membership.lead_id)
        for problem, lead_ids in refused.items():
            await self.refuse_leads(claim, lead_ids, problem.partition(": ")[2] or None)
        await self._mark_out(claim, out)
        await self.schedule_lookup(claim, uncertain)

    async def refuse_leads(self, claim: CampaignClaim, lead_ids: Sequence[LeadId], reason: str | None) -> None:
        """Pause leads that Instantly does not take, for a person to look at. Their slots become free.

        *reason* (`in_blocklist`, `invalid`, …) is stored in `problem`. A block list is no opt-out (ADR 20).
        """
        if not lead_ids:
            return
        problem = f"{REFUSED_PROBLEM}: {reason}" if reason else REFUSED_PROBLEM
        now = self._clock()
        campaign_id = claim.campaign_id

        async def write(tx: Tx) -> None:
            claimed = await queries.list_claimed_leads(
                tx.connection, campaign_id=campaign_id, lead_ids=lead_ids, claimed_until=claim.until
            )
            ours = sorted(claimed)
            await transition_leads(tx, ours, "paused", reason="refused by Instantly")
            await queries.lock_memberships(tx.connection, campaign_id=campaign_id, lead_ids=ours)
            await queries.request_removal(tx.connection, now=now, campaign_id=campaign_id, lead_ids=ours)
            await queries.mark_out(
                tx.connection,
                now=now,
                retry_at=None,
                problem=problem,
                campaign_id=campaign_id,
                lead_ids=ours,
                claimed_until=claim.until,
            )

        await self._bus.transact(write)
        counter = telemetry.counter("equity_adds_refused", "Leads that Instantly did not take, by reason")
        counter.add(len(lead_ids), {"reason": reason or "unknown"})
        log.warning("leads_refused", count=len(lead_ids), reason=reason, campaign_id=str(campaign_id))

    async def mark_removed(self, removals: Sequence[ClaimedRemoval]) -> None:
        """Mark members as out of their campaigns."""
        for claim, lead_ids in _group_by_claim(removals):
            await self._mark_out(claim, lead_ids)

    async def retry_removals(self, removals: Sequence[ClaimedRemoval]) -> None:
        """Schedule removals with an unknown outcome again soon. A removal may be repeated."""
        retry_at = self._next_lookup_at()
        for claim, lead_ids in _group_by_claim(removals):
            await self._schedule_retry(claim, lead_ids, retry_at)

    async def postpone_removal(self, removal: ClaimedRemoval) -> None:
        """Postpone a removal that Instantly calls invalid, and log an error: a person has to look at it."""
        log.error("removal_refused", lead_id=str(removal.lead_id), campaign_id=str(removal.campaign_id))
        retry_at = self._clock() + INVALID_REQUEST_RETRY
        for claim, lead_ids in _group_by_claim([removal]):
            await self._schedule_retry(claim, lead_ids, retry_at, "removal refused")

    async def cancel_claim(self, claim: CampaignClaim) -> None:
        """Mark all leads of *claim* as out, because their campaign no longer exists, and stop the campaign.

        Leads that were to be added are re-queued the next morning.
        """
        lead_ids = [membership.lead_id for membership in claim.memberships]
        await self._mark_out(claim, lead_ids, problem="campaign missing")
        await self.stop_missing_campaign(claim.campaign_id)

    async def stop_missing_campaign(self, campaign_id: CampaignId) -> None:
        """Stop adds to a campaign that Instantly no longer has, until a person has looked at it."""
        await self._stop_campaign(campaign_id, MISSING_CAMPAIGN_PROBLEM, "`equity campaigns sync` creates it again")

    async def stop_rejecting_campaign(self, campaign_id: CampaignId) -> None:
        """Stop adds to a campaign for which Instantly rejects every lead, until a person has looked at it.

        Then the request is wrong and not the leads.
        """
        advice = "`equity campaigns list`; docs/runbooks/feed-missed.md"
        await self._stop_campaign(campaign_id, REJECTING_CAMPAIGN_PROBLEM, advice)

    async def return_unused_slots(self) -> None:
        """Return the slots of leads that are in no campaign and are not wanted in one."""

        async def write(tx: Tx) -> int:
            return await queries.return_unused_slots(tx.connection)

        if count := await self._bus.transact(write):
            log.info("slots_returned", count=count)

    def _next_lookup_at(self) -> datetime:
        return self._clock() + min(self._late_add_time / 8, LONGEST_LOOKUP_WAIT)

    async def _stop_campaign(self, campaign_id: CampaignId, problem: str, advice: str) -> None:
        log.error("campaign_stopped", campaign_id=str(campaign_id), problem=problem, advice=advice)

        async def write(tx: Tx) -> None:
            await queries.set_campaign_problem(tx.connection, campaign_id=campaign_id, problem=problem)

        await self._bus.transact(write)

    async def _mark_out(
        self,
        claim: CampaignClaim,
        lead_ids: Sequence[LeadId],
        *,
        retry_at: datetime | None = None,
        problem: str | None = None,
    ) -> None:
        async def write(tx: Tx) -> None:
            await queries.lock_memberships(tx.connection, campaign_id=claim.campaign_id, lead_ids=lead_ids)
            await queries.mark_out(
                tx.connection,
                now=self._clock(),
                retry_at=retry_at,
                problem=problem,
                campaign_id=claim.campaign_id,
                lead_ids=lead_ids,
                claimed_until=claim.until,
            )

        if lead_ids:
            await self._bus.transact(write)

    async def _schedule_retry(
        self, claim: CampaignClaim, lead_ids: Sequence[LeadId], retry_at: datetime, problem: str | None = None
    ) -> None:
        async def write(tx: Tx) -> None:
            await queries.lock_memberships(tx.connection, campaign_id=claim.campaign_id, lead_ids=lead_ids)
            await queries.schedule_retry(
                tx.connection,
                retry_at=retry_at,
                problem=problem,
                campaign_id=claim.campaign_id,
                lead_ids=lead_ids,
                claimed_until=claim.until,
            )

        if lead_ids:
            await self._bus.transact(write)


def _group_by_claim(removals: Sequence[ClaimedRemoval]) -> list[tuple[CampaignClaim, list[LeadId]]]:
    """Group *removals* by campaign and end of the claim, in that order."""
    groups: dict[tuple[CampaignId, datetime], list[LeadId]] = {}
    for removal in sorted(removals, key=lambda removal: (removal.campaign_id, removal.until)):
        groups.setdefault((removal.campaign_id, removal.until), []).append(removal.lead_id)
    return [(CampaignClaim(campaign_id, "", [], until), lead_ids) for (campaign_id, until), lead_ids in groups.items()]
