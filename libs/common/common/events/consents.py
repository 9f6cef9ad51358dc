"""Events of consent: granted, revoked, and refused tokens.

Each row of a lead's chain of proof is in an event with its hash. So a chain whose last rows were removed contradicts
`pipeline_events`.
"""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from common.events.base import Code, ContactEvent, FunnelEvent, HexHash


class ConsentEvent(ContactEvent):
    """Event about one row of a lead's chain of proof. `value_hash` is the number that the consent names."""

    audit_id: int = Field(description="Row of `app.lead_consent_audit`.")
    seq: int = Field(ge=1, description="Place of the row in the lead's chain; 1 is the first.")
    row_hash: HexHash = Field(description="Hash of the row, which includes the hash of the row before it.")
    seller_broker_id: UUID | None = Field(None, description="Broker whom the consent names as the seller.")


class ConsentGranted(ConsentEvent):
    """Signature of a consent: for one number, one seller and one version of the text."""

    topic: ClassVar[str] = "funnel.consent_granted"
    text_version: int = Field(ge=1, description="Version of the text that was shown.")
    covers: list[Code] = Field(description="What the text allows: `calls`, `texts`.")
    method: Code = Field("form", description="Way of signing.")
    token_id: UUID | None = Field(None, description="Row of `app.consent_tokens` that was used.")
    is_new_number: bool | None = Field(None, description="Whether the number was unknown, and must be verified first.")
    lifted_suppression_ids: list[int] = Field(default_factory=list, description="Own phone opt-outs that it lifted.")


class ConsentRevoked(ConsentEvent):
    """End of consent. `outcome` is `withdrawn` by the person, or `voided` because another fact contradicts it.

    Without `value_hash` it ends the consents for all numbers of the lead; without `seller_broker_id`, for all sellers.
    """

    topic: ClassVar[str] = "funnel.consent_revoked"
    how: Code = Field(
        description="`reply`, `link`, `page`, `call`, `office`, or the fact: `wrong_person`, `owner_change`."
    )
    suppression_id: int | None = Field(None, description="Row of `app.suppressions` of the same statement.")
    reply_id: UUID | None = None
    attempt_id: UUID | None = Field(None, description="Call in which the person withdrew.")


class ConsentRefused(FunnelEvent):
    """Refusal of a token on the consent page. `outcome` is the reason. A forged token has no lead."""

    topic: ClassVar[str] = "funnel.consent_refused"
    reason: Code = Field(description="`malformed`, `forged`, `expired`, `used`, `unknown`, `erased` and others.")
    token_id: UUID | None = Field(None, description="Row of `app.consent_tokens`, if there is one.")
    text_version: int | None = Field(None, ge=1, description="Version of the text that was shown.")
