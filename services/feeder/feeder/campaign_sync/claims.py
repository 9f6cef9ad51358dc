"""Claims on memberships: the rows that one process is about to call Instantly for (docs/hazards.md, S7).

A claim is committed before the call and lasts longer than a call can. If the process dies, the rows stay `unknown` and are
looked up once the claim has expired. The end of a claim also identifies it, as a fencing token does: a process that was
frozen until another replica took over may still report who is a member, but no longer who is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from common.bus import Bus, Tx
from common.calendar.business_date import business_date
from common.calendar.clock import Clock
from common.ids import CampaignId, LeadId
from common.pii.keyring import DecryptionError
from common.vendors.instantly import INSTANTLY_PAGE_SIZE
from common.vendors.text import has_markup
from feeder.campaign_sync import queries
from feeder.campaign_sync.queries import ClaimedRemoval, MembershipDetails
from feeder.campaign_sync.template_variables import EmailLinks, build_member
from feeder.settings import FeederSettings
from feeder.vendors.instantly import NewMember

log = structlog.get_logger()

CLAIM_MARGIN_SECONDS = 30
"""Time that a claim lasts beyond twice the longest call."""
REMOVAL_CLAIM_SECONDS = 20
"""Time that a claim on removals lasts. A removal may be repeated, so it need not outlast the call: none waits long for a killed process."""


@dataclass(frozen=True, slots=True)
class ClaimedMembership:
    """A claimed membership with its lead as Instantly takes it; *member* is None without a readable address."""

    lead_id: LeadId
    desired: str
    attempted_at: datetime | None
    problem: str | None
    member: NewMember | None


@dataclass(slots=True)
class CampaignClaim:
    """Claimed memberships of one campaign."""

    campaign_id: CampaignId
    vendor_campaign_id: str
    memberships: list[ClaimedMembership]
    until: datetime
    """End of the claim."""


class MembershipClaims:
    """Claims memberships that are due. Each method is one transaction."""

    def __init__(self, bus: Bus, links: EmailLinks, clock: Clock, settings: FeederSettings) -> None:
        self._bus = bus
        self._links = links
        self._clock = clock
        self._add_page_size = settings.instantly_bulk
        self._duration = timedelta(seconds=2 * settings.instantly_timeout_seconds + CLAIM_MARGIN_SECONDS)

    async def claim_adds(self) -> CampaignClaim | None:
        """Claim leads of one campaign to add today. Their memberships become `unknown`, because a call is about to start."""
        now, until = self._begin_claim()
        day = business_date(now)

        async def claim(tx: Tx) -> CampaignClaim | None:
            campaign_id = await queries.find_campaign_with_adds_due(tx.connection, local_date=day, now=now)
            if campaign_id is None:
                return None
            lead_ids = await queries.claim_adds(
                tx.connection,
                campaign_id=campaign_id,
                local_date=day,
                now=now,
                page_size=self._add_page_size,
                until=until,
            )
            return await self._build_claim(tx, campaign_id, lead_ids, until)

        return await self._bus.transact(claim)

    async def claim_lookups(self) -> CampaignClaim | None:
        """Claim leads of one campaign whose membership is `unknown`, to look them up at Instantly."""
        now, until = self._begin_claim()

        async def claim(tx: Tx) -> CampaignClaim | None:
            campaign_id = await queries.find_campaign_with_lookups_due(tx.connection, now=now)
            if campaign_id is None:
                return None
            lead_ids = await queries.claim_lookups(
                tx.connection, campaign_id=campaign_id, now=now, page_size=INSTANTLY_PAGE_SIZE, until=until
            )
            return await self._build_claim(tx, campaign_id, lead_ids, until)

        return await self._bus.transact(claim)

    async def claim_removals(self) -> list[ClaimedRemoval]:
        """Claim members to remove, of any campaign."""
        now = self._clock()
        until = now + timedelta(seconds=REMOVAL_CLAIM_SECONDS)

        async def claim(tx: Tx) -> list[ClaimedRemoval]:
            return await queries.claim_removals(tx.connection, now=now, page_size=INSTANTLY_PAGE_SIZE, until=until)

        return await self._bus.transact(claim)

    async def renew_claim(self, claim: CampaignClaim) -> dict[LeadId, str]:
        """Extend *claim* for another call; return `desired` of each lead that this process still holds.

        A lead whose claim has expired is left to the process that looks it up.
        """
        now, until = self._begin_claim()

        async def renew(tx: Tx) -> dict[LeadId, str]:
            lead_ids = sorted(membership.lead_id for membership in claim.memberships)
            await queries.lock_memberships(tx.connection, campaign_id=claim.campaign_id, lead_ids=lead_ids)
            renewed = await queries.renew_claim(
                tx.connection,
                until=until,
                campaign_id=claim.campaign_id,
                lead_ids=lead_ids,
                claimed_until=claim.until,
                now=now,
            )
            return {membership.lead_id: membership.desired for membership in renewed}

        desired = await self._bus.transact(renew)
        claim.until = until
        return desired

    def _begin_claim(self) -> tuple[datetime, datetime]:
        """Return the time, and the end of a claim that begins now."""
        now = self._clock()
        return now, now + self._duration

    async def _build_claim(
        self, tx: Tx, campaign_id: CampaignId, lead_ids: Sequence[LeadId], until: datetime
    ) -> CampaignClaim | None:
        """Return the claim on *lead_ids* with the details of the leads and the campaign; None without a lead.

        A campaign without an id was deleted at Instantly and is to be created again. Its leads are out, without a call.
        """
        details = await queries.read_members(tx.connection, campaign_id=campaign_id, lead_ids=lead_ids)
        if not details:
            return None
        campaign = await queries.read_campaign(tx.connection, campaign_id=campaign_id)
        if campaign.vendor_campaign_id is None:
            await queries.mark_out(
                tx.connection,
                now=self._clock(),
                retry_at=None,
                problem=None,
                campaign_id=campaign_id,
                lead_ids=lead_ids,
                claimed_until=until,
            )
            return None
        memberships = [
            ClaimedMembership(lead.lead_id, lead.desired, lead.attempted_at, lead.problem, self._decrypt_member(lead))
            for lead in details
        ]
        return CampaignClaim(campaign_id, campaign.vendor_campaign_id, memberships, until)

    def _decrypt_member(self, lead: MembershipDetails) -> NewMember | None:
        if not (lead.data_key and lead.value_ciphertext):
            return None
        try:
            key = self._bus.keyring.unwrap_data_key(lead.lead_id, lead.data_key)
            email = key.decrypt("email", lead.value_ciphertext)
        except DecryptionError:
            log.warning("address_unreadable", lead_id=str(lead.lead_id))
            return None
        return None if has_markup(email) else build_member(lead, email, self._links)
