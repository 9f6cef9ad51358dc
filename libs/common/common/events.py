"""Event catalogue: one model for the body of every message on the bus.

Events evolve by optional fields. Readers ignore unknown fields, and golden samples of every published version stay
readable. A funnel event carries ids and facts, never contact details (docs/delivery.md#messages).
"""

from datetime import UTC, date, datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, create_model

from common.ids import BrokerId, UploadId
from common.lead_facts import RECORD_FIELDS

Scalar = str | int | float | bool | None


def _now() -> datetime:
    return datetime.now(UTC)


class Event(BaseModel):
    """Message body. `topic` is the message's CloudEvents type and, with the prefix, its Kafka topic."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
    topic: ClassVar[str]


EventType = TypeVar("EventType", bound=Event)


class PhoneCandidate(BaseModel):
    """Phone number as a source reported it, with the source's facts about it. Another field may forbid calls to it."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)
    number: Scalar = None
    type: Scalar = None
    dnc: Scalar = None


def _with_record_fields(model: type[EventType]) -> type[EventType]:
    """Add to *model* one optional field for each fact that a record may carry (`common.lead_facts`)."""
    fields: Any = dict.fromkeys(RECORD_FIELDS, (Scalar, None))
    return create_model(model.__name__, __base__=model, __module__=model.__module__, __doc__=model.__doc__, **fields)


@_with_record_fields
class LeadRecord(Event):
    """Property record as its source wrote it. The service `ingest` interprets it.

    The gateway sends a CSV row in `cells`: header to non-empty cell. If a file has several street columns, their empty
    cells are sent too, so that the owner's street is never mistaken for the property's. Every other producer sends the
    named fields, each as text or as a JSON number or boolean. A record needs its property's address, city, state and ZIP.
    """

    topic: ClassVar[str] = "ingest.leads"
    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)
    """Unknown fields are kept: one of them may forbid contact with the owner (docs/protective-columns.md)."""

    source: str = Field(
        "upstream",
        max_length=40,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="Source of the record, such as `propstream`.",
    )
    observed_on: date | None = Field(
        None, description="Day on which the source observed these facts; default: the day of `ce_time`."
    )
    upload_id: UploadId | None = Field(
        None, description="Set by the gateway only, like `row`; other producers omit both."
    )
    row: int | None = Field(
        None, ge=1, le=2**31 - 1, description="Number of the data row in the upload's file; 1 is the first."
    )
    row_problem: str | None = Field(None, description="Part of the row that the gateway could not read.")
    broker_id: BrokerId | None = Field(None, description="Broker of the lead; default: by territory.")
    allowed_broker_ids: list[BrokerId] | None = Field(
        None, description="Brokers whose leads the sender may write; null means any."
    )
    cells: dict[str, str] | None = None

    phones: list[PhoneCandidate | Scalar] = Field(default_factory=list, max_length=50)
    emails: list[Scalar] = Field(default_factory=list, max_length=50)


class FunnelEvent(Event):
    """Event in the life of a lead. The lead's id is the message's subject and is also in the body."""

    lead_id: UUID | None = None
    lead_version: int | None = Field(None, description="Version of the lead's row at the event.")
    broker_id: UUID | None = None
    occurred_at: datetime = Field(default_factory=_now)
    outcome: str | None = Field(None, description="The result in one word, for the funnel's counts.")


class UploadReceived(FunnelEvent):
    """Acceptance of a partner's verified file."""

    topic: ClassVar[str] = "funnel.upload_received"
    upload_id: UUID
    partner_id: UUID
    key_id: str
    size: int = Field(description="Bytes of the signed body.")


class UploadRefused(FunnelEvent):
    """Refusal of a partner's file, with the reason. `key_id` is the key that it named."""

    topic: ClassVar[str] = "funnel.upload_refused"
    reason: str
    key_id: str | None = None
    partner_id: UUID | None = None


class LeadRejected(FunnelEvent):
    """Rejection of an upload's property record that could not become a lead."""

    topic: ClassVar[str] = "funnel.lead_rejected"
    upload_id: UUID | None = None
    row: int | None = None
    reasons: list[str]


class DedupeSuccess(FunnelEvent):
    """Creation or change of a lead by a record. `outcome` is `inserted`, `updated`, or `assigned` if it got a broker later."""

    topic: ClassVar[str] = "funnel.dedupe_success"
    matched_by: str | None = Field(None, description="The key that found the lead: `mak`, `apn` or `address`.")
    score: int = Field(ge=0, le=100)
    upload_id: UUID | None = None
    row: int | None = None


class LeadVerified(FunnelEvent):
    """Verification of an email or phone of the lead's owner. `outcome` is `email`, `phone` or `both`."""

    topic: ClassVar[str] = "funnel.lead_verified"
    channels: list[str] = Field(description="The verified channels: `email`, `phone`.")
    providers: list[str] = Field(
        default_factory=list, description="Providers that were asked, including those that check phones."
    )


class LeadUnverifiable(FunnelEvent):
    """Failed verification: no email or phone is verified, or the owner must not be contacted. `outcome` is the first reason."""

    topic: ClassVar[str] = "funnel.lead_unverifiable"
    reasons: list[str] = Field(description="`no_match`, `ruled_out`, `unknown_answer`, `deceased_owner`, `litigator`.")
    providers: list[str] = Field(default_factory=list, description="Providers that were asked.")


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


class LeadPaused(FunnelEvent):
    """Pause of a lead by an operator. `outcome` is the status that it had."""

    topic: ClassVar[str] = "funnel.lead_paused"
    access_id: int = Field(description="Row of `app.access_log` with the user and the reason.")


class LeadResumed(FunnelEvent):
    """Return of a paused lead to its former status, by an operator. `outcome` is that status."""

    topic: ClassVar[str] = "funnel.lead_resumed"
    access_id: int = Field(description="Row of `app.access_log` with the user and the reason.")


class LeadReassigned(FunnelEvent):
    """Assignment of a lead to another broker, by an operator. `broker_id` is the new broker."""

    topic: ClassVar[str] = "funnel.lead_reassigned"
    access_id: int = Field(description="Row of `app.access_log` with the user and the reason.")
    former_broker_id: UUID | None = None


class WebhookReceived(Event):
    """Verified webhook of a vendor, unchanged. Its topic is `webhook.<vendor>`."""

    topic: ClassVar[str] = "webhook"
    vendor: str
    received_at: datetime
    body: dict[str, Any] | list[Any]


class InstantlyWebhook(WebhookReceived):
    """Webhook of Instantly."""

    topic: ClassVar[str] = "webhook.instantly"


class VapiWebhook(WebhookReceived):
    """Server message of VAPI."""

    topic: ClassVar[str] = "webhook.vapi"


class CalcomWebhook(WebhookReceived):
    """Webhook of Cal.com."""

    topic: ClassVar[str] = "webhook.calcom"


class DeadLetter(Event):
    """Message that a consumer could not handle, with the reason. The message itself is encrypted.

    See docs/delivery.md#dead-letters-and-replay.
    """

    topic: ClassVar[str] = "pipeline.dlq"
    event_id: UUID
    consumer: str
    replay_number: int = 0
    failure_kind: str
    reason: str = Field(description="Code such as `missing_zip`, or the exception's name.")
    detail: str = Field("", max_length=500, description="Problem and remedy, without personal data.")
    exception_type: str | None = None
    attempts: int = 1
    first_failed_at: datetime
    last_failed_at: datetime
    retry_after: datetime | None = None
    origin_topic: str
    origin_partition: int
    origin_offset: int
    origin_timestamp: int = Field(description="Kafka's timestamp of the message, epoch milliseconds.")
    service_version: str
    causation_id: str | None = None
    traceparent: str | None = None
    payload: str = Field(description="Key, headers and value, encrypted, base64.")


class DeadLetterResolved(Event):
    """Success of a replayed message."""

    topic: ClassVar[str] = "pipeline.dlq"
    resolved: bool = True
    event_id: UUID
    consumer: str
    replay_number: int


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
WEBHOOK_EVENTS: dict[str, type[WebhookReceived]] = {
    "instantly": InstantlyWebhook,
    "vapi": VapiWebhook,
    "calcom": CalcomWebhook,
}
