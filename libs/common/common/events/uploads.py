"""Events of uploads: files of partners, and their rows that became no lead."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from common.events.base import Code, FunnelEvent, Reference


class UploadReceived(FunnelEvent):
    """Acceptance of a partner's verified file."""

    topic: ClassVar[str] = "funnel.upload_received"
    upload_id: UUID
    partner_id: UUID
    key_id: Reference
    size: int = Field(description="Bytes of the signed body.")


class UploadRefused(FunnelEvent):
    """Refusal of a partner's file, with the reason. `key_id` is the key that it named."""

    topic: ClassVar[str] = "funnel.upload_refused"
    reason: Code
    key_id: Reference | None = None
    partner_id: UUID | None = None


class LeadRejected(FunnelEvent):
    """Rejection of an upload's property record that could not become a lead."""

    topic: ClassVar[str] = "funnel.lead_rejected"
    upload_id: UUID | None = None
    row: int | None = None
    reasons: list[Code]
