"""Base of all events: the body of a message, and an event in the life of a lead.

A funnel event has no text that a person wrote. Its values have the types of this module, ids, numbers and times; a test
refuses any other field.
"""

from datetime import UTC, datetime
from typing import Annotated, ClassVar, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Scalar = str | int | float | bool | None

Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_./-]*$", max_length=160)]
"""Value of a list of ours or of a vendor. Readers tolerate values that they do not know."""
Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/-]+$", max_length=160)]
"""Id that another system gave, or a number of a document."""
HexHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256, or HMAC with SHA-256, as 64 hexadecimal digits."""
Cents = Annotated[int, Field(strict=True)]
"""Amount in cents. Neither a fraction nor a text is accepted."""
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
"""Currency by ISO 4217, such as `USD`."""


def _now() -> datetime:
    return datetime.now(UTC)


class Event(BaseModel):
    """Message body. `topic` is the message's CloudEvents type and, with the prefix, its Kafka topic."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
    topic: ClassVar[str]


EventType = TypeVar("EventType", bound=Event)


class FunnelEvent(Event):
    """Event in the life of a lead. The lead's id is the message's subject and is also in the body."""

    lead_id: UUID | None = None
    lead_version: int | None = Field(None, description="Version of the lead's row at the event.")
    broker_id: UUID | None = None
    occurred_at: datetime = Field(default_factory=_now)
    outcome: Code | None = Field(None, description="The result in one word, for the funnel's counts.")


class ContactEvent(FunnelEvent):
    """Event about one email address or phone number, which is named by its keyed hash only."""

    value_hash: HexHash | None = Field(None, description="Keyed hash of the address or number, if it is known.")
    hash_key_id: Reference | None = Field(None, description="Id of the key of `value_hash`.")
