"""Assignment of leads to a broker's campaigns. The lead's id alone decides, so every replica decides alike."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar
from uuid import UUID

CampaignIdT = TypeVar("CampaignIdT", bound=UUID)


def assign_campaign(lead_id: UUID, campaign_ids: Sequence[CampaignIdT]) -> CampaignIdT:
    """Return the campaign of *lead_id* among *campaign_ids*, which must not be empty.

    The campaign with the highest hash of lead and campaign wins. Shares are even and the order of campaigns is irrelevant.
    A campaign that is added or removed moves no lead between the other campaigns.
    """
    lead_hash = blake2b(lead_id.bytes, digest_size=8)

    def hash_with_lead(campaign: UUID) -> bytes:
        both = lead_hash.copy()  # half as much work as a new hash
        both.update(campaign.bytes)
        return both.digest()

    return max(campaign_ids, key=hash_with_lead)
