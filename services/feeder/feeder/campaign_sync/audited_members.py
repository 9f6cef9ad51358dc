"""Members of an audited page: records those that we manage and removes unmanaged ones that must not be there."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Bus, Tx
from common.calendar.clock import Clock
from common.ids import CampaignId, LeadId
from common.vendors.errors import InvalidRequestError
from feeder.campaign_sync import queries
from feeder.campaign_sync.memberships import Memberships
from feeder.vendors.instantly import InstantlyClient
from feeder.vendors.instantly_responses import Member

log = structlog.get_logger()


class AuditedMembers:
    """Comparison of listed members with our memberships."""

    def __init__(self, bus: Bus, memberships: Memberships, client: InstantlyClient, clock: Clock) -> None:
        self._bus = bus
        self._memberships = memberships
        self._client = client
        self._clock = clock

    async def record_members(self, campaign_id: CampaignId, members: Sequence[Member]) -> None:
        """Record managed *members* as present, and remove unmanaged ones that must not be in a campaign.

        Those have a suppressed address, or name a lead that is stopped or deleted.
        """
        hashes = {member.id: self._bus.keyring.hash_contact(member.email) for member in members}

        async def write(tx: Tx) -> list[Member]:
            managed = await self._find_managed(tx, campaign_id, members, hashes)
            await self._record_present(tx, campaign_id, managed)
            managed_ids = set(managed.values())
            unmanaged = [member for member in members if member.id not in managed_ids]
            return await self._find_unwanted(tx, unmanaged, hashes)

        for member in await self._bus.transact(write):
            await self._remove_unmanaged(campaign_id, member)

    async def _find_managed(
        self, tx: Tx, campaign_id: CampaignId, members: Sequence[Member], hashes: Mapping[str, bytes]
    ) -> dict[LeadId, str]:
        """Return Instantly's id by lead, found by the custom variable `lead_id`, else by the address."""
        ids_by_lead = {lead_id: member.id for member in members if (lead_id := _read_lead_id(member))}
        managed = set(
            await queries.list_managed_members(tx.connection, campaign_id=campaign_id, lead_ids=list(ids_by_lead))
        )
        ids_by_hash = {value_hash: member_id for member_id, value_hash in hashes.items()}
        rows = await queries.find_members_by_address(tx.connection, campaign_id=campaign_id, hashes=list(ids_by_hash))
        by_address = {row.lead_id: ids_by_hash[row.value_hash] for row in rows}
        return by_address | {lead_id: member_id for lead_id, member_id in ids_by_lead.items() if lead_id in managed}

    async def _record_present(self, tx: Tx, campaign_id: CampaignId, vendor_ids: Mapping[LeadId, str]) -> None:
        lead_ids = sorted(vendor_ids)
        await queries.lock_memberships(tx.connection, campaign_id=campaign_id, lead_ids=lead_ids)
        marked = await queries.mark_seen_members(
            tx.connection,
            campaign_id=campaign_id,
            lead_ids=lead_ids,
            vendor_lead_ids=[vendor_ids[lead_id] for lead_id in lead_ids],
            now=self._clock(),
        )
        if marked:
            changed = {lead_id: vendor_ids[lead_id] for lead_id in marked}
            await self._memberships.record_presence(tx, campaign_id, changed)

    async def _find_unwanted(self, tx: Tx, unmanaged: Sequence[Member], hashes: Mapping[str, bytes]) -> list[Member]:
        """Return those of *unmanaged* that must not be in a campaign."""
        unmanaged_hashes = [hashes[member.id] for member in unmanaged]
        suppressed = set(await queries.list_suppressed_addresses(tx.connection, hashes=unmanaged_hashes))
        leads = {member.id: lead_id for member in unmanaged if (lead_id := _read_lead_id(member))}
        allowed = set(await queries.list_leads_allowed_in_campaigns(tx.connection, lead_ids=list(leads.values())))
        return [
            member
            for member in unmanaged
            if hashes[member.id] in suppressed or (member.id in leads and leads[member.id] not in allowed)
        ]

    async def _remove_unmanaged(self, campaign_id: CampaignId, member: Member) -> None:
        """Remove *member*. If Instantly calls that invalid, log it: the next audit tries again, and others go on."""
        try:
            await self._client.remove_member(member.id)
        except InvalidRequestError as error:
            log.error("unmanaged_member_not_removed", campaign_id=str(campaign_id), code=error.code)  # noqa: TRY400 - no traceback needed
        else:
            log.error("unmanaged_member_removed", campaign_id=str(campaign_id))
            counter = telemetry.counter(
                "equity_unmanaged_members_removed", "Members that we did not add and that must not be in a campaign"
            )
            counter.add(1)


def _read_lead_id(member: Member) -> LeadId | None:
    """Return the lead in the member's custom variables; None for a member that we did not add."""
    with suppress(ValueError):
        return LeadId(UUID(str(member.variables.get("lead_id"))))
    return None
