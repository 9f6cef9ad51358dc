"""Events of the feed: leads are queued, and become members of campaigns."""

from datetime import date
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from common.events.base import FunnelEvent


class CampaignQueued(FunnelEvent):
    """Queueing of a verified lead for the feed. `outcome` is `email`, or `phone_only`: the lead waits until it has an email."""

    topic: ClassVar[str] = "funnel.campaign_queued"
    score: int = Field(ge=0, le=100)


class CampaignAdded(FunnelEvent):
    """Membership of a lead in a broker's campaign. `occurred_at` is the time of the vendor's confirmation."""

    topic: ClassVar[str] = "funnel.campaign_added"
    campaign_id: UUID
    persona_id: int | None = None
    local_date: date = Field(description="Day of the business calendar whose limit the lead uses.")
