"""A message as a consumer sees it, and what is known of one that could not be handled."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from aiokafka import ConsumerRecord

from common import ids
from common.bus.failures import BadRecordError, Kind, body_hash, classify, code_of, detail_of

E = TypeVar("E")


@dataclass(slots=True, eq=False)
class Received(Generic[E]):
    """One message as a consumer sees it: the event, and the envelope that came with it."""

    event: E
    record: ConsumerRecord[Any, Any]
    id: UUID
    time: datetime
    day: date
    redrive: int = 0
    subject: str | None = None
    causation_id: str | None = None
    correlation_id: str | None = None
    traceparent: str | None = None
    source: str | None = None
    duration_ms: int | None = None

    @property
    def inbox_key(self) -> tuple[UUID, int]:
        """What the inbox remembers this delivery by, within its day."""
        return self.id, self.redrive


class Caused(Protocol):
    """Anything that a batch can commit: it knows the message that it answers."""

    @property
    def cause(self) -> Received[Any]:
        """The message that this answers."""


@dataclass(slots=True)
class Failure:
    """A message that could not be handled, and why."""

    received: Received[Any]
    kind: Kind
    code: str
    detail: str
    exception_type: str | None = None
    retry_after: datetime | None = None

    @classmethod
    def of(cls, received: Received[Any], error: BaseException) -> "Failure":
        """The failure that *error* means for *received*, without any of its data."""
        return cls(received, classify(error), code_of(error), detail_of(error), type(error).__name__)


def id_used_twice(received: Received[Any]) -> Failure:
    """The failure of a body that came under another body's id; it gets an id of its own, to be found by."""
    own = ids.named_id(received.id, body_hash(received.record.value))
    other = Received(received.event, received.record, own, received.time, received.day, received.redrive)
    detail = f"another body came under id {received.id} before: give each record its own ce_id"
    return Failure.of(other, BadRecordError("id_used_twice", detail))
