"""Shapes of emails of Instantly API v2 (docs/vendors/instantly.md).

Source: OpenAPI 2.0.0, `listEmail`, `replyToEmail`, schema `Email`. Certainty H, as docs/vendors/README.md defines it.
"""

from typing import Any, Literal

from pydantic import model_validator

from contracts import Closed, Open
from contracts.instantly import Delivery, Time, Uuid


class EmailBody(Open):
    """Body of an email. Either part may be missing."""

    text: str | None = None
    html: str | None = None


class Email(Closed):
    """Schema `Email`, whose `additionalProperties` is false."""

    id: Uuid
    timestamp_created: Time
    timestamp_email: Time
    message_id: str
    subject: str
    to_address_email_list: str
    body: EmailBody
    organization_id: Uuid
    eaccount: str
    from_address_email: str | None = None
    cc_address_email_list: str | None = None
    bcc_address_email_list: str | None = None
    reply_to: str | None = None
    campaign_id: Uuid | None = None
    subsequence_id: Uuid | None = None
    list_id: Uuid | None = None
    lead: str | None = None
    lead_id: Uuid | None = None
    ue_type: Literal[1, 2, 3, 4] | None = None
    step: str | None = None
    is_unread: int | None = None
    is_auto_reply: int | None = None
    reminder_ts: Time | None = None
    ai_interest_value: float | None = None
    ai_assisted: int | None = None
    is_focused: int | None = None
    i_status: int | None = None
    thread_id: Uuid | None = None
    content_preview: str | None = None
    attachment_json: dict[str, Any] | None = None
    from_address_json: list[Any] | None = None
    to_address_json: list[Any] | None = None
    cc_address_json: list[Any] | None = None
    ai_agent_id: Uuid | None = None


class EmailPage(Closed):
    """Response of `GET /api/v2/emails`."""

    items: list[Email]
    next_starting_after: str | None = None


class NewReply(Open):
    """Request of `POST /api/v2/emails/reply`. Its response is an email."""

    reply_to_uuid: str
    eaccount: str
    subject: str
    body: EmailBody
    additional_recipients: list[str] | None = None
    cc_address_email_list: str | None = None
    bcc_address_email_list: str | None = None
    reminder_ts: Time | None = None
    assigned_to: Uuid | None = None

    @model_validator(mode="after")
    def has_a_body(self) -> "NewReply":
        assert self.body.text or self.body.html, "html, text or both"
        return self


class SentDelivery(Delivery):
    """Webhook `email_sent`."""

    event_type: Literal["email_sent"]
    email_account: str
    step: int
    variant: int
    is_first: bool
    email_id: Uuid
    email_subject: str
    email_html: str


class ReplyDelivery(Delivery):
    """Webhook `reply_received`, or `auto_reply_received`. A reply of HTML only has no `reply_text`."""

    event_type: Literal["reply_received", "auto_reply_received"]
    email_account: str
    step: int
    variant: int
    is_first: bool
    email_id: Uuid
    reply_subject: str
    reply_text_snippet: str
    unibox_url: str
    reply_text: str | None = None
    reply_html: str | None = None
