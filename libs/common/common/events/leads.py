"""Events of leads: how they arise, are verified, and are changed by operators."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from common.events.base import Code, FunnelEvent


class DedupeSuccess(FunnelEvent):
    """Creation or change of a lead by a record. `outcome` is `inserted`, `updated`, or `assigned` if it got a broker later."""

    topic: ClassVar[str] = "funnel.dedupe_success"
    matched_by: Code | None = Field(None, description="The key that found the lead: `mak`, `apn` or `address`.")
    score: int = Field(ge=0, le=100)
    upload_id: UUID | None = None
    row: int | None = None


class LeadVerified(FunnelEvent):
    """Verification of an email or phone of the lead's owner. `outcome` is `email`, `phone` or `both`."""

    topic: ClassVar[str] = "funnel.lead_verified"
    channels: list[Code] = Field(description="The verified channels: `email`, `phone`.")
    providers: list[Code] = Field(
        default_factory=list, description="Providers that were asked, including those that check phones."
    )


class LeadUnverifiable(FunnelEvent):
    """Failed verification: no email or phone is verified, or the owner must not be contacted. `outcome` is the first reason."""

    topic: ClassVar[str] = "funnel.lead_unverifiable"
    reasons: list[Code] = Field(description="`no_match`, `ruled_out`, `unknown_answer`, `deceased_owner`, `litigator`.")
    providers: list[Code] = Field(default_factory=list, description="Providers that were asked.")


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


class LeadErased(FunnelEvent):
    """Erasure of what is known about the person of a lead. Services with copies at vendors delete these."""

    topic: ClassVar[str] = "funnel.lead_erased"
    access_id: int = Field(description="Row of `app.access_log` with the user and the reason.")
