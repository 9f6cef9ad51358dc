"""Event catalogue: one model for the body of every message on the bus, by subject.

Events evolve by optional fields. Readers ignore unknown fields, and golden samples of every published version stay
readable. A funnel event carries ids and facts, never contact details (docs/delivery.md#messages).
"""

from common.events.base import Event, FunnelEvent, Scalar
from common.events.campaigns import CampaignAdded, CampaignQueued
from common.events.dead_letters import DeadLetter, DeadLetterResolved
from common.events.leads import (
    DedupeSuccess,
    LeadPaused,
    LeadReassigned,
    LeadResumed,
    LeadUnverifiable,
    LeadVerified,
)
from common.events.records import LeadRecord, PhoneCandidate
from common.events.uploads import LeadRejected, UploadReceived, UploadRefused
from common.events.webhooks import WEBHOOK_EVENTS, CalcomWebhook, InstantlyWebhook, VapiWebhook, WebhookReceived

__all__ = [
    "FUNNEL_EVENTS",
    "WEBHOOK_EVENTS",
    "CalcomWebhook",
    "CampaignAdded",
    "CampaignQueued",
    "DeadLetter",
    "DeadLetterResolved",
    "DedupeSuccess",
    "Event",
    "FunnelEvent",
    "InstantlyWebhook",
    "LeadPaused",
    "LeadReassigned",
    "LeadRecord",
    "LeadRejected",
    "LeadResumed",
    "LeadUnverifiable",
    "LeadVerified",
    "PhoneCandidate",
    "Scalar",
    "UploadReceived",
    "UploadRefused",
    "VapiWebhook",
    "WebhookReceived",
]

FUNNEL_EVENTS: tuple[type[FunnelEvent], ...] = (
    UploadReceived,
    UploadRefused,
    LeadRejected,
    DedupeSuccess,
    LeadVerified,
    LeadUnverifiable,
    CampaignQueued,
    CampaignAdded,
    LeadPaused,
    LeadResumed,
    LeadReassigned,
)
"""Models of the funnel's events, in the order of `common.topics.FUNNEL_EVENT_NAMES`."""
