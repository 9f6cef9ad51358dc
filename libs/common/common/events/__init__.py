"""Event catalogue: one model for the body of every message on the bus, by subject.

Events evolve by optional fields. Readers ignore unknown fields, and golden samples of every published version stay
readable. A funnel event carries ids and facts, never contact details (docs/delivery.md#messages).
"""

from common.events.appointments import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentNoShow,
    AppointmentRescheduled,
)
from common.events.base import Event, FunnelEvent, Scalar
from common.events.billing import BillingRecorded, BrokerNotified, InvoiceIssued
from common.events.calls import CallbackScheduled, CallCompleted, CallInitiated, LeadNotCallable
from common.events.campaigns import CampaignAdded, CampaignQueued
from common.events.consents import ConsentGranted, ConsentRefused, ConsentRevoked
from common.events.dead_letters import DeadLetter, DeadLetterResolved
from common.events.deals import ApplicationSubmitted, DealRecord, LoanFunded
from common.events.emails import EmailBounced, EmailReplied, EmailSent, ReplyClassified, Unsubscribed
from common.events.leads import (
    DedupeSuccess,
    LeadErased,
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
    "ApplicationSubmitted",
    "AppointmentBooked",
    "AppointmentCancelled",
    "AppointmentNoShow",
    "AppointmentRescheduled",
    "BillingRecorded",
    "BrokerNotified",
    "CalcomWebhook",
    "CallCompleted",
    "CallInitiated",
    "CallbackScheduled",
    "CampaignAdded",
    "CampaignQueued",
    "ConsentGranted",
    "ConsentRefused",
    "ConsentRevoked",
    "DeadLetter",
    "DeadLetterResolved",
    "DealRecord",
    "DedupeSuccess",
    "EmailBounced",
    "EmailReplied",
    "EmailSent",
    "Event",
    "FunnelEvent",
    "InstantlyWebhook",
    "InvoiceIssued",
    "LeadErased",
    "LeadNotCallable",
    "LeadPaused",
    "LeadReassigned",
    "LeadRecord",
    "LeadRejected",
    "LeadResumed",
    "LeadUnverifiable",
    "LeadVerified",
    "LoanFunded",
    "PhoneCandidate",
    "ReplyClassified",
    "Scalar",
    "Unsubscribed",
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
    EmailSent,
    EmailBounced,
    EmailReplied,
    ReplyClassified,
    Unsubscribed,
    ConsentGranted,
    ConsentRevoked,
    ConsentRefused,
    LeadNotCallable,
    CallInitiated,
    CallCompleted,
    CallbackScheduled,
    AppointmentBooked,
    AppointmentRescheduled,
    AppointmentCancelled,
    AppointmentNoShow,
    ApplicationSubmitted,
    LoanFunded,
    BrokerNotified,
    BillingRecorded,
    InvoiceIssued,
    LeadPaused,
    LeadResumed,
    LeadReassigned,
    LeadErased,
)
"""Models of the funnel's events, in the order of `common.topics.FUNNEL_EVENT_NAMES`."""
