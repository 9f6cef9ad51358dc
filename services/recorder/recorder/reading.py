"""Messages as rows: whatever the bytes are, there is a row for them.

What cannot be stored as JSON, such as NUL, a lone surrogate or no JSON at all, is noted by size and digest: the recorder accepts
anything, and keeps no personal data that it does not understand.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, ClassVar
from uuid import UUID

import orjson
from pydantic import ValidationError

from common import ids
from common.bus import Received
from common.events import DeadLetter, DeadLetterResolved

MAX_INTEGER = 2**31 - 1
MAX_BIGINT = 2**63 - 1
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)


@dataclass(slots=True, eq=False)
class EventRow:
    """One row of `pipeline_events`."""

    COLUMNS: ClassVar[tuple[str, ...]]

    cause: Received[None]
    event_id: UUID
    event_type: str
    lead_id: UUID | None
    broker_id: UUID | None
    correlation_id: str | None
    causation_id: str | None
    source: str | None
    outcome: str | None
    duration_ms: int | None
    lead_version: int | None
    occurred_at: datetime
    created_at: datetime
    payload: str | None
    payload_hash: bytes

    def under_own_id(self) -> "EventRow":
        """The same event under an id made of its id and body, for a body that came under another's id."""
        return replace(self, event_id=ids.named_id(self.event_id, self.payload_hash.hex()), outcome="id_used_twice")


EventRow.COLUMNS = tuple(field.name for field in fields(EventRow) if field.name != "cause")


def read_event(received: Received[None], prefix: str) -> EventRow:
    """The row for one message of a funnel topic."""
    value = received.record.value
    body = _json_object(value)
    at = min(max(received.time, EARLIEST), LATEST)
    row = EventRow(
        cause=received,
        event_id=received.id,
        event_type=received.record.topic.removeprefix(prefix).removeprefix("funnel."),
        lead_id=_uuid(body.get("lead_id") if body else None) or _uuid(received.subject),
        broker_id=_uuid(body.get("broker_id")) if body else None,
        correlation_id=_text(received.correlation_id),
        causation_id=_text(received.causation_id),
        source=_text(received.source),
        outcome=_text(body.get("outcome")) if body else "unreadable",
        duration_ms=_integer(received.duration_ms, MAX_INTEGER),
        lead_version=_integer(body.get("lead_version"), MAX_BIGINT) if body else None,
        occurred_at=_time(body.get("occurred_at") if body else None) or at,
        created_at=at,
        payload=value.decode() if body is not None and value is not None else None,
        payload_hash=sha256(value or b"").digest()[:16],
    )
    return row if body is not None else unreadable_event(row)


def unreadable_event(row: EventRow) -> EventRow:
    """The row without its body: how large it was and its digest."""
    value = row.cause.record.value
    note = {"unreadable": True, "bytes": len(value or b""), "sha256": sha256(value or b"").hexdigest()}
    return replace(row, outcome="unreadable", payload=orjson.dumps(note).decode(), broker_id=None, lead_version=None)


def _json_object(value: bytes | None) -> dict[str, Any] | None:
    if not value:
        return None
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) and b"\\u0000" not in value else None


def _uuid(value: object) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _text(value: object) -> str | None:
    return value.replace("\0", "").replace("\ufffd", "")[:200] if isinstance(value, str) else None


def _integer(value: object, largest: int) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and -largest <= value <= largest else None


def _time(value: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC) if found else None
    except (ValueError, OverflowError):
        return None


@dataclass(slots=True, eq=False)
class DeadLetterRow:
    """One message of `pipeline.dlq`: a dead letter, or the notice that its redrive went well."""

    cause: Received[None]
    consumer: str
    event_id: UUID
    redrive: int
    source: str
    resolved: bool = False
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

    def values(self) -> dict[str, Any]:
        """The columns of `pipeline_dlq`."""
        return {
            field.name: getattr(self, field.name) for field in fields(self) if field.name not in {"cause", "resolved"}
        }

    def unreadable(self) -> "DeadLetterRow":
        """What is left when PostgreSQL would not take the rest."""
        return _unreadable(self.cause, self.source)


def read_dead_letter(received: Received[None], prefix: str) -> DeadLetterRow:
    """The row for one message of `pipeline.dlq`."""
    value = received.record.value or b""
    topic = received.record.topic.removeprefix(prefix)
    try:
        body = orjson.loads(value)
        if isinstance(body, dict) and body.get("resolved"):
            notice = DeadLetterResolved.model_validate(body)
            return DeadLetterRow(
                received, _text(notice.consumer) or "", notice.event_id, notice.redrive, topic, resolved=True
            )
        return _row(received, DeadLetter.model_validate_json(value))
    except (ValidationError, orjson.JSONDecodeError, Base64Error, ValueError, OverflowError):
        return _unreadable(received, topic)


def _row(received: Received[None], letter: DeadLetter) -> DeadLetterRow:
    return DeadLetterRow(
        cause=received,
        consumer=_text(letter.consumer) or "",
        event_id=letter.event_id,
        redrive=min(max(letter.redrive, 0), MAX_INTEGER),
        source=_text(letter.origin_topic) or "",
        payload=b64decode(letter.payload, validate=True),
        reason=_text(letter.reason),
        detail=letter.detail.replace("\0", ""),
        retry_after=letter.retry_after,
        failure_kind=_text(letter.failure_kind),
        exception_type=_text(letter.exception_type),
        attempts=min(max(letter.attempts, 0), MAX_INTEGER),
        origin_partition=_integer(letter.origin_partition, MAX_INTEGER),
        origin_offset=_integer(letter.origin_offset, MAX_BIGINT),
        origin_timestamp=datetime.fromtimestamp(max(letter.origin_timestamp, 0) / 1000, UTC),
        service_version=_text(letter.service_version),
        causation_id=_text(letter.causation_id),
        traceparent=_text(letter.traceparent),
        first_failed_at=letter.first_failed_at,
        last_failed_at=letter.last_failed_at,
    )


def _unreadable(received: Received[None], topic: str) -> DeadLetterRow:
    digest = sha256(received.record.value or b"").hexdigest()
    return DeadLetterRow(
        received, "recorder.record_dead_letters", received.id, 0, topic, reason="unreadable_dead_letter",
        detail=f"{len(received.record.value or b'')} bytes, sha256 {digest}", failure_kind="bad_record", status="parked",
        origin_partition=received.record.partition, origin_offset=received.record.offset,
    )  # fmt: skip
