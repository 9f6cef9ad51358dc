"""Events of emails: sent, bounced and answered, and what an answer means."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from common.events.base import Code, ContactEvent, FunnelEvent, Reference


class EmailEvent(ContactEvent):
    """Event about one email, or about the answer to it."""

    campaign_id: UUID | None = None
    sequence_step: int | None = Field(None, ge=1, description="Step of the campaign's sequence; 1 is the first email.")
    vendor_message_id: Reference | None = Field(None, description="Id of the email at Instantly.")


class EmailSent(EmailEvent):
    """Dispatch of an email: by a campaign, as an answer to a reply, or as a service that the person requested."""

    topic: ClassVar[str] = "funnel.email_sent"
    purpose: Code = Field("campaign", description="Purpose of the gate's decision: `campaign`, `answer`, `service`.")
    variant: int | None = Field(None, ge=0, description="Variant of the sequence step, as Instantly counts it.")
    template: Code | None = Field(None, description="Template of an answer or service message.")
    template_version: int | None = Field(None, ge=1)
    intent_id: UUID | None = Field(None, description="Row that our service wrote before it sent the email.")
    reply_id: UUID | None = Field(None, description="Reply that this email answers.")


class EmailBounced(EmailEvent):
    """Bounce of an email. It affects the address, not the person."""

    topic: ClassVar[str] = "funnel.email_bounced"


class EmailReplied(EmailEvent):
    """Receipt of a person's reply, or of an automatic one."""

    topic: ClassVar[str] = "funnel.email_replied"
    reply_id: UUID = Field(description="Row of the reply, which holds its encrypted text.")
    is_auto_reply: bool | None = Field(None, description="Whether a machine wrote it, such as an absence notice.")
    matched_by: Code | None = Field(None, description="Proof of the lead: `lead_id` and address agree, or `address`.")


class ReplyClassified(FunnelEvent):
    """Classification of a reply. `outcome` is the intent. Of several classifications of a reply, the last one holds."""

    topic: ClassVar[str] = "funnel.reply_classified"
    reply_id: UUID
    classification: int = Field(1, ge=1, description="Number of this classification of the reply.")
    intent: Code = Field(
        description="`interested`, `question`, `not_interested`, `unsubscribe`, `out_of_office`, `wrong_person`, `other`."
    )
    sentiment: Code | None = Field(None, description="`positive`, `neutral` or `negative`.")
    confidence: float | None = Field(None, ge=0, le=1)
    classified_by: Code = Field(description="`rules`, `model`, or `label` of a person at Instantly.")
    model: Code | None = Field(None, description="Model that answered, even if rules decided in the end.")
    fallback_reason: Code | None = Field(None, description="Reason for which rules decided instead of the model.")
    route: Code = Field(description="Row of the routing table that applies.")
    is_call_requested: bool | None = None


class Unsubscribed(ContactEvent):
    """Opt-out of a person, which is already in effect. `occurred_at` is the time of the person's statement."""

    topic: ClassVar[str] = "funnel.unsubscribed"
    channel: Code = Field(description="`email` or `phone`.")
    how: Code = Field(description="`reply`, `link`, `one_click`, `vendor`, `page`, `call` or `office`.")
    reason: Code = Field("opt_out", description="Reason of the suppression: `opt_out` or `wrong_person`.")
    suppression_id: int | None = Field(None, description="Row of `app.suppressions`.")
    reply_id: UUID | None = None
    attempt_id: UUID | None = Field(None, description="Call in which the person opted out.")
