"""Which of a broker's campaigns a lead goes into: decided by the lead's id, so that it is the same whoever decides."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar
from uuid import UUID

C = TypeVar("C", bound=UUID)


def campaign_for(lead_id: UUID, campaign_ids: Sequence[C]) -> C:
    """The campaign of *lead_id* among *campaign_ids*, which are not empty.

    The highest hash of lead and campaign wins: even shares in any order, and a campaign that comes or goes moves no
    other campaign's leads.
    """
    return max(campaign_ids, key=lambda campaign: blake2b(lead_id.bytes + campaign.bytes, digest_size=8).digest())
