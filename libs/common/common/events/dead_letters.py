"""Dead letters: messages that a consumer could not handle, and their end."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from common.events.base import Event


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
