"""Messages as a consumer sees them, and messages that could not be handled."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from aiokafka import ConsumerRecord

from common import ids
from common.bus.failures import BadRecordError, FailureKind, body_hash, classify_error, error_code, error_detail

E = TypeVar("E")


@dataclass(slots=True, eq=False)
class Received(Generic[E]):
    """Message as a consumer sees it: the event, and the envelope that came with it."""

    event: E
    record: ConsumerRecord[Any, Any]
    id: UUID
    time: datetime
    day: date
    replay_number: int = 0
    """Number of the replay; 0 for the first delivery. The header is `ec_replay`, the column of the inbox `replay_number`."""
    subject: str | None = None
    causation_id: str | None = None
    correlation_id: str | None = None
    traceparent: str | None = None
    source: str | None = None
    duration_ms: int | None = None

    @property
    def inbox_key(self) -> tuple[UUID, int]:
        """Key of this delivery in the inbox, within its day."""
        return self.id, self.replay_number

    @property
    def cause(self) -> "Received[E]":
        """The message itself, so that a batch can commit messages where no other item is needed."""
        return self


class Caused(Protocol):
    """Item that a batch can commit: it knows the message that caused it."""

    @property
    def cause(self) -> Received[Any]:
        """Message that caused this item."""


@dataclass(slots=True)
class MessageFailure:
    """Message that could not be handled, with the reason."""

    received: Received[Any]
    kind: FailureKind
    code: str
    detail: str
    exception_type: str | None = None
    retry_after: datetime | None = None

    @classmethod
    def from_error(cls, received: Received[Any], error: BaseException) -> "MessageFailure":
        """Return the failure of *received* that *error* means, without any of its data."""
        return cls(received, classify_error(error), error_code(error), error_detail(error), type(error).__name__)


def id_used_twice(received: Received[Any]) -> MessageFailure:
    """Return the failure of a body that came under the id of another body. The failure has an id that no other body has."""
    distinct_id = ids.named_id(received.id, body_hash(received.record.value))
    renamed = Received(
        received.event, received.record, distinct_id, received.time, received.day, received.replay_number
    )
    detail = f"another body came under id {received.id} before: give each record its own ce_id"
    return MessageFailure.from_error(renamed, BadRecordError("id_used_twice", detail))
