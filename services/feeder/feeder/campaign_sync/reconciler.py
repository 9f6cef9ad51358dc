"""Reconciler: brings memberships at Instantly to their desired state (docs/feeding.md, Memberships; docs/hazards.md, S7).

It is the only writer of members at Instantly, with the audit. A round removes members, then looks up unknown ones, then adds
new ones; rounds repeat until nothing is due. An add is a `once` operation (docs/delivery.md, Vendor operations): after a
timeout it is not repeated, but looked up at Instantly. A removal may be repeated.
"""

import asyncio
from collections.abc import Sequence

import structlog

from common.ids import LeadId
from common.vendors.errors import InvalidRequestError, NotExecutedError, OutcomeUnknownError, VendorCallError
from common.vendors.instantly import INSTANTLY, InstantlyNotFoundError
from common.vendors.throttle import VendorThrottle
from feeder.campaign_sync.claims import CampaignClaim, ClaimedMembership, MembershipClaims
from feeder.campaign_sync.link_check import LinkCheck
from feeder.campaign_sync.memberships import Memberships
from feeder.campaign_sync.queries import ClaimedRemoval
from feeder.vendors.instantly import InstantlyClient
from feeder.vendors.instantly_responses import AddResult, Member

log = structlog.get_logger()

PARALLEL_REMOVALS = 10


class Reconciler:
    """Reconciler of one replica. Replicas share the work by claims on rows."""

    def __init__(
        self,
        claims: MembershipClaims,
        memberships: Memberships,
        client: InstantlyClient,
        throttle: VendorThrottle,
        link_check: LinkCheck,
    ) -> None:
        self._claims = claims
        self._memberships = memberships
        self._client = client
        self._throttle = throttle
        self._link_check = link_check
        self._removal_slots = asyncio.Semaphore(PARALLEL_REMOVALS)

    async def reconcile_memberships(self) -> None:
        """Reconcile until nothing is due, or until Instantly is in a backoff."""
        await self._memberships.return_unused_slots()
        if (await self._throttle.load_state(INSTANTLY)).backoff_seconds:
            return
        try:
            while await self._remove_members() or await self._look_up_members() or await self._add_members():
                pass
        except VendorCallError as error:
            log.info("reconciliation_paused", error=str(error))
        await self._memberships.return_unused_slots()

    async def _remove_members(self) -> bool:
        """Remove members that are due; return whether there were any. Raises the first error that is not the request's."""
        removals = await self._claims.claim_removals()
        if not removals:
            return False
        outcomes = await asyncio.gather(*map(self._remove_member, removals), return_exceptions=True)
        removed, invalid, failed, errors = [], [], [], []
        for removal, outcome in zip(removals, outcomes, strict=True):
            if outcome is None:
                removed.append(removal)
            elif isinstance(outcome, InvalidRequestError):
                invalid.append(removal)
            else:
                failed.append(removal)
                errors.append(outcome)
        await self._memberships.mark_removed(removed)
        for removal in invalid:
            await self._memberships.postpone_removal(removal)
        await self._memberships.retry_removals(failed)
        if errors:
            raise errors[0]
        return True

    async def _remove_member(self, removal: ClaimedRemoval) -> None:
        async with self._removal_slots:
            await self._client.remove_member(removal.vendor_lead_id)

    async def _look_up_members(self) -> bool:
        """Look up members whose state is unknown; return whether there were any."""
        claim = await self._claims.claim_lookups()
        if claim is None:
            return False
        await self._look_up(claim, claim.memberships)
        return True

    async def _look_up(self, claim: CampaignClaim, memberships: Sequence[ClaimedMembership]) -> None:
        """Look up *memberships* in one call. If Instantly calls it invalid (400), look up each half."""
        emails = [membership.member.email for membership in memberships if membership.member]
        try:
            members = await self._client.find_members(claim.vendor_campaign_id, emails) if emails else []
        except InvalidRequestError:
            middle = len(memberships) // 2
            if not middle:
                await self._memberships.postpone_lookup(claim, memberships[0].lead_id)
                return
            await self._look_up(claim, memberships[:middle])
            await self._look_up(claim, memberships[middle:])
        except InstantlyNotFoundError:
            await self._memberships.cancel_claim(claim)
        except VendorCallError:
            await self._memberships.schedule_lookup(claim, [membership.lead_id for membership in memberships])
            raise
        else:
            found = match_members(memberships, members)
            absent = [membership for membership in memberships if membership.lead_id not in found]
            await self._memberships.mark_present(claim, found)
            await self._memberships.mark_absent(claim, absent)

    async def _add_members(self) -> bool:
        """Add leads of one campaign that are due; return whether there were any. While links are dead, none is (ADR 27)."""
        if await self._link_check.find_problem():
            return False  # the check logs and counts the problem
        claim = await self._claims.claim_adds()
        if claim is None:
            return False
        unreadable = [membership.lead_id for membership in claim.memberships if membership.member is None]
        await self._memberships.refuse_leads(claim, unreadable, "no_address")
        readable = [membership for membership in claim.memberships if membership.member is not None]
        invalid = await self._add(claim, readable)
        if len(invalid) == len(readable) > 1:
            await self._memberships.requeue_adds(claim, invalid)
            await self._memberships.stop_rejecting_campaign(claim.campaign_id)
        else:
            await self._memberships.refuse_leads(claim, invalid, "invalid")
        return True

    async def _add(self, claim: CampaignClaim, memberships: Sequence[ClaimedMembership]) -> list[LeadId]:
        """Add *memberships* in one call; return the leads that Instantly calls invalid.

        If it calls the request invalid (400), each half is added until the invalid leads are alone. The claim is renewed
        before each call, because this process may have been frozen and a lead may have been suppressed meanwhile.
        """
        memberships = await self._renew_claim(claim, memberships)
        members = [membership.member for membership in memberships if membership.member is not None]
        lead_ids = [membership.lead_id for membership in memberships]
        if not members:
            return []
        try:
            result = await self._client.add_members(claim.vendor_campaign_id, members)
        except InvalidRequestError:
            if len(memberships) == 1:
                return lead_ids
            middle = len(memberships) // 2
            return [*await self._add(claim, memberships[:middle]), *await self._add(claim, memberships[middle:])]
        except InstantlyNotFoundError:
            await self._memberships.requeue_adds(claim, lead_ids)
            await self._memberships.stop_missing_campaign(claim.campaign_id)
        except NotExecutedError:
            await self._memberships.requeue_adds(claim, lead_ids)
            raise
        except OutcomeUnknownError:
            await self._memberships.schedule_lookup(claim, lead_ids)
            raise
        else:
            await self._record_add(claim, lead_ids, result)
        return []

    async def _renew_claim(
        self, claim: CampaignClaim, memberships: Sequence[ClaimedMembership]
    ) -> list[ClaimedMembership]:
        """Renew *claim*; return those of *memberships* that it still holds and that are still to be added.

        Leads that it holds but that are no longer wanted are marked as out: no call was made for them.
        """
        desired = await self._claims.renew_claim(claim)
        unwanted = [membership.lead_id for membership in memberships if desired.get(membership.lead_id) == "out"]
        await self._memberships.requeue_adds(claim, unwanted)
        return [membership for membership in memberships if desired.get(membership.lead_id) == "in"]

    async def _record_add(self, claim: CampaignClaim, lead_ids: Sequence[LeadId], result: AddResult) -> None:
        created = {lead_ids[position]: vendor_id for position, vendor_id in result.ids.items()}
        missing = [lead_id for lead_id in lead_ids if lead_id not in created]
        await self._memberships.mark_present(claim, created)
        if result.is_contradictory:
            await self._memberships.schedule_lookup(claim, missing)
        else:
            await self._memberships.mark_not_created(claim, missing, result.reason)


def match_members(memberships: Sequence[ClaimedMembership], members: Sequence[Member]) -> dict[LeadId, str]:
    """Return Instantly's id for each lead among *members*: matched by the variable `lead_id`, else by its address."""
    ids_by_email = {member.email: member.id for member in members if member.email}
    ids_by_lead = {str(member.variables.get("lead_id")): member.id for member in members}
    found = {}
    for membership in memberships:
        email = membership.member.email.lower() if membership.member else ""
        if vendor_id := ids_by_lead.get(str(membership.lead_id)) or ids_by_email.get(email):
            found[membership.lead_id] = vendor_id
    return found
