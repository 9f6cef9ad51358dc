"""Base of all events: the body of a message, and an event in the life of a lead."""

from datetime import UTC, datetime
from typing import ClassVar, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Scalar = str | int | float | bool | None


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
    outcome: str | None = Field(None, description="The result in one word, for the funnel's counts.")
