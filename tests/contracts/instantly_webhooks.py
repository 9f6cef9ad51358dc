"""Shapes of webhook subscriptions and of their audit, of Instantly API v2 (docs/vendors/instantly.md).

Source: OpenAPI 2.0.0, schemas `Webhook` and `WebhookEvent`. Certainty H, as docs/vendors/README.md defines it.
"""

from typing import Annotated, Any, Literal

from pydantic import StringConstraints

from contracts import Closed
from contracts.instantly import Time, Uuid

Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]
SubscribedType = Literal[
    "all_events", "email_sent", "email_opened", "email_link_clicked", "reply_received", "email_bounced", "lead_unsubscribed",
    "campaign_completed", "account_error", "lead_neutral", "lead_interested", "lead_not_interested", "lead_meeting_booked",
    "lead_meeting_completed", "lead_closed", "lead_out_of_office", "lead_wrong_person", "lead_no_show",
    "supersearch_enrichment_completed",
]  # fmt: skip


class Webhook(Closed):
    """Schema `Webhook`, whose `additionalProperties` is false."""

    id: Uuid
    organization: Uuid
    target_hook_url: str
    timestamp_created: Time
    event_type: SubscribedType | None = None
    custom_interest_value: float | None = None
    campaign: Uuid | None = None
    name: str | None = None
    headers: dict[str, str] | None = None
    status: Literal[1, -1] | None = None
    timestamp_error: Time | None = None


class NewWebhook(Closed):
    """Request of `POST /api/v2/webhooks`."""

    target_hook_url: Annotated[str, StringConstraints(pattern=r"^https?://")]
    event_type: SubscribedType | None = None
    custom_interest_value: float | None = None
    campaign: Uuid | None = None
    name: str | None = None
    headers: dict[str, str] | None = None


class WebhookEvent(Closed):
    """Schema `WebhookEvent`: one attempt to deliver an event."""

    id: Uuid
    timestamp_created: Time
    timestamp_created_date: Day
    organization_id: Uuid
    success: bool
    retry_count: int
    will_retry: bool
    webhook_url: str
    payload: dict[str, Any] | None = None
    status_code: int | None = None
    error_message: str | None = None
    timestamp_next_retry: Time | None = None
    retry_group_id: Uuid | None = None
    retry_successful: bool | None = None
    lead_email: str | None = None
    response_time_ms: int | None = None


class WebhookEventPage(Closed):
    """Response of `GET /api/v2/webhook-events`."""

    items: list[WebhookEvent]
    next_starting_after: str | None = None


class WebhookTested(Closed):
    """Response of `POST /api/v2/webhooks/{id}/test`."""

    success: bool
    message: str
    response_time_ms: int | None = None
    status_code: int | None = None
    error: str | None = None


class EventType(Closed):
    """A type to which a webhook can subscribe."""

    id: str
    label: str
    type: str


class EventTypes(Closed):
    """Response of `GET /api/v2/webhooks/event-types`."""

    event_types: list[EventType]
