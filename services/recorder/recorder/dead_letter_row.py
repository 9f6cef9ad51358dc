"""Conversion of messages of `pipeline.dlq` to rows of `pipeline_dlq`. Every message has a row, whatever its bytes are."""

from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from pydantic import ValidationError

from common.bus import Received
from common.events import DeadLetter, DeadLetterResolved
from recorder.field_values import MAX_BIGINT, MAX_INTEGER, to_integer, to_text


@dataclass(slots=True, eq=False)
class DeadLetterRow:
    """One message of `pipeline.dlq`: a dead letter, or the notice that its replay succeeded."""

    cause: Received[None]
    consumer: str
    event_id: UUID
    replay_number: int
    """Number of the replay that the message is about; 0 for the first delivery."""
    source: str
    is_resolved: bool = False
    payload: bytes | None = None
    reason: str | None = None
    detail: str | None = None
    retry_after: datetime | None = None
    failure_kind: str | None = None
    exception_type: str | None = None
    attempts: int = 1
    origin_partition: int | None = None
    origin_offset: int | None = None
    origin_timestamp: datetime | None = None
    service_version: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None
    first_failed_at: datetime | None = None
    last_failed_at: datetime | None = None
    status: str = "open"

    def column_values(self) -> dict[str, Any]:
        """Return the parameters of the statement `add_dead_letter`."""
        names = [field.name for field in fields(self) if field.name not in {"cause", "is_resolved"}]
        return {name: getattr(self, name) for name in names}

    def as_unreadable(self) -> "DeadLetterRow":
        """Return a parked row with the size and digest of the message instead of its content."""
        return _unreadable_row(self.cause, self.source)


def read_dead_letter(received: Received[None], prefix: str) -> DeadLetterRow:
    """Return the row for one message of `pipeline.dlq`."""
    value = received.record.value or b""
    topic = received.record.topic.removeprefix(prefix)
    try:
        body = orjson.loads(value)
        if isinstance(body, dict) and body.get("resolved"):
            return _resolved_row(received, DeadLetterResolved.model_validate(body), topic)
        return _open_row(received, DeadLetter.model_validate_json(value))
    except (ValidationError, orjson.JSONDecodeError, Base64Error, ValueError, OverflowError):
        return _unreadable_row(received, topic)


def _resolved_row(received: Received[None], notice: DeadLetterResolved, topic: str) -> DeadLetterRow:
    consumer = to_text(notice.consumer) or ""
    return DeadLetterRow(received, consumer, notice.event_id, notice.replay_number, topic, is_resolved=True)


def _open_row(received: Received[None], letter: DeadLetter) -> DeadLetterRow:
    return DeadLetterRow(
        cause=received,
        consumer=to_text(letter.consumer) or "",
        event_id=letter.event_id,
        replay_number=min(max(letter.replay_number, 0), MAX_INTEGER),
        source=to_text(letter.origin_topic) or "",
        payload=b64decode(letter.payload, validate=True),
        reason=to_text(letter.reason),
        detail=letter.detail.replace("\0", ""),
        retry_after=letter.retry_after,
        failure_kind=to_text(letter.failure_kind),
        exception_type=to_text(letter.exception_type),
        attempts=min(max(letter.attempts, 0), MAX_INTEGER),
        origin_partition=to_integer(letter.origin_partition, MAX_INTEGER),
        origin_offset=to_integer(letter.origin_offset, MAX_BIGINT),
        origin_timestamp=datetime.fromtimestamp(max(letter.origin_timestamp, 0) / 1000, UTC),
        service_version=to_text(letter.service_version),
        causation_id=to_text(letter.causation_id),
        traceparent=to_text(letter.traceparent),
        first_failed_at=letter.first_failed_at,
        last_failed_at=letter.last_failed_at,
    )


def _unreadable_row(received: Received[None], topic: str) -> DeadLetterRow:
    value = received.record.value or b""
    return DeadLetterRow(
        cause=received,
        consumer="recorder.record_dead_letters",
        event_id=received.id,
        replay_number=0,
        source=topic,
        reason="unreadable_dead_letter",
        detail=f"{len(value)} bytes, sha256 {sha256(value).hexdigest()}",
        failure_kind="bad_record",
        status="parked",
        origin_partition=received.record.partition,
        origin_offset=received.record.offset,
    )
