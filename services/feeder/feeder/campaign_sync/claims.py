"""Claims on memberships: the rows that one process is about to call Instantly for (docs/hazards.md, S7).

A claim is committed before the call and lasts longer than a call can. If the process dies, the rows stay `unknown` and are
looked up once the claim has expired. The end of a claim also identifies it, as a fencing token does: a process that was
frozen until another replica took over may still report who is a member, but no longer who is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from common.bus import Bus, Tx
from common.calendar.business_date import business_date
from common.calendar.clock import Clock
from common.database import load_queries
from common.pii.keyring import DecryptionError
from common.vendors.text import has_markup
from feeder.campaign_sync.template_variables import EmailLinks, build_member
from feeder.settings import FeederSettings
from feeder.vendors.instantly import INSTANTLY_PAGE_SIZE, NewMember

log = structlog.get_logger()
queries = load_queries(__file__)

CLAIM_MARGIN_SECONDS = 30
"""Time that a claim lasts beyond twice the longest call."""


@dataclass(frozen=True, slots=True)
class ClaimedMembership:
    """A claimed membership with its lead as Instantly takes it; *member* is None without a readable address."""

    lead_id: UUID
    desired: str
    attempted_at: datetime | None
    problem: str | None
    member: NewMember | None


@dataclass(slots=True)
class CampaignClaim:
    """Claimed memberships of one campaign."""

    campaign_id: UUID
    vendor_campaign_id: str
    memberships: list[ClaimedMembership]
    until: datetime
    """End of the claim."""


@dataclass(frozen=True, slots=True)
class ClaimedRemoval:
    """A claimed membership whose member is to be removed."""

    lead_id: UUID
    campaign_id: UUID
    vendor_lead_id: str
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
        day = business_date(self._clock())
        return await self._claim_campaign(
            queries.campaign_with_adds_due, queries.claim_adds, self._add_page_size, local_date=day
        )

    async def claim_lookups(self) -> CampaignClaim | None:
        """Claim leads of one campaign whose membership is `unknown`, to look them up at Instantly."""
        return await self._claim_campaign(queries.campaign_with_lookups_due, queries.claim_lookups, INSTANTLY_PAGE_SIZE)

    async def claim_removals(self) -> list[ClaimedRemoval]:
        """Claim members to remove, of any campaign."""
        now = self._clock()
        until = now + self._duration

        async def claim(tx: Tx) -> list[ClaimedRemoval]:
            rows = queries.claim_removals(tx.connection, now=now, until=until, page_size=INSTANTLY_PAGE_SIZE)
            return [
                ClaimedRemoval(row["lead_id"], row["campaign_id"], row["vendor_lead_id"], until) async for row in rows
            ]

        return await self._bus.transact(claim)

    async def renew_claim(self, claim: CampaignClaim) -> dict[UUID, str]:
        """Extend *claim* for another call; return `desired` of each lead that this process still holds.

        A lead whose claim has expired is left to the process that looks it up.
        """
        now = self._clock()
        until = now + self._duration

        async def renew(tx: Tx) -> dict[UUID, str]:
            lead_ids = sorted(membership.lead_id for membership in claim.memberships)
            where = {"campaign_id": claim.campaign_id, "lead_ids": lead_ids}
            await queries.lock_memberships(tx.connection, **where)
            rows = queries.renew_claim(tx.connection, **where, claimed_until=claim.until, until=until, now=now)
            return {row["lead_id"]: row["desired"] async for row in rows}

        held = await self._bus.transact(renew)
        claim.until = until
        return held

    async def _claim_campaign(
        self, find_campaign: Any, claim_rows: Any, page_size: int, **parameters: object
    ) -> CampaignClaim | None:
        """Claim up to *page_size* memberships of the campaign that *find_campaign* returns; None if nothing is due."""
        now = self._clock()
        until = now + self._duration

        async def claim(tx: Tx) -> CampaignClaim | None:
            campaign_id = await find_campaign(tx.connection, now=now, **parameters)
            if campaign_id is None:
                return None
            rows = claim_rows(
                tx.connection, campaign_id=campaign_id, now=now, until=until, page_size=page_size, **parameters
            )
            memberships = await self._read_memberships(tx, campaign_id, [row["lead_id"] async for row in rows])
            if not memberships:
                return None
            campaign = await queries.read_campaign(tx.connection, campaign_id=campaign_id)
            return CampaignClaim(campaign_id, campaign["vendor_campaign_id"], memberships, until)

        return await self._bus.transact(claim)

    async def _read_memberships(self, tx: Tx, campaign_id: UUID, lead_ids: Sequence[UUID]) -> list[ClaimedMembership]:
        rows = queries.read_members(tx.connection, campaign_id=campaign_id, lead_ids=lead_ids)
        return [
            ClaimedMembership(
                row["lead_id"], row["desired"], row["attempted_at"], row["problem"], self._decrypt_member(row)
            )
            async for row in rows
        ]

    def _decrypt_member(self, row: Any) -> NewMember | None:
        if not (row["data_key"] and row["value_ciphertext"]):
            return None
        try:
            key = self._bus.keyring.unwrap_data_key(row["lead_id"], row["data_key"])
            email = key.decrypt("email", row["value_ciphertext"])
        except DecryptionError:
            log.warning("address_unreadable", lead_id=str(row["lead_id"]))
            return None
        return None if has_markup(email) else build_member(row, email, self._links)
