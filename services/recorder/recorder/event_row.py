"""Conversion of event messages to rows of `pipeline_events`. Every message has a row, whatever its bytes are.

A body that PostgreSQL cannot store as JSON (NUL, a lone surrogate, no JSON at all) is stored as its size and digest. So the
recorder accepts every message, and stores no personal data that it cannot interpret.
"""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, ClassVar
from uuid import UUID

import orjson

from common import ids
from common.bus import Received
from recorder.field_values import MAX_BIGINT, MAX_INTEGER, to_integer, to_text, to_time, to_uuid

EARLIEST_TIME = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_TIME = datetime(9000, 1, 1, tzinfo=UTC)
HASH_BYTES = 16


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

    @property
    def key(self) -> tuple[UUID, datetime]:
        """Return the primary key."""
        return self.event_id, self.created_at

    def with_derived_id(self) -> "EventRow":
        """Return this event under an id derived from its id and body, because another body uses its id."""
        return replace(self, event_id=ids.named_id(self.event_id, self.payload_hash.hex()), outcome="id_used_twice")

    def as_unreadable(self) -> "EventRow":
        """Return this row with the size and digest of the body instead of its content."""
        value = self.cause.record.value or b""
        summary = {"unreadable": True, "bytes": len(value), "sha256": sha256(value).hexdigest()}
        payload = orjson.dumps(summary).decode()
        return replace(self, outcome="unreadable", payload=payload, broker_id=None, lead_version=None)


EventRow.COLUMNS = tuple(field.name for field in fields(EventRow) if field.name != "cause")


def read_event(received: Received[None], prefix: str) -> EventRow:
    """Return the row for one message of a funnel topic."""
    value = received.record.value or b""
    document = _parse_json_object(value)
    body = document or {}
    created_at = min(max(received.time, EARLIEST_TIME), LATEST_TIME)
    row = EventRow(
        cause=received,
        event_id=received.id,
        event_type=received.record.topic.removeprefix(prefix).removeprefix("funnel."),
        lead_id=to_uuid(body.get("lead_id")) or to_uuid(received.subject),
        broker_id=to_uuid(body.get("broker_id")),
        correlation_id=to_text(received.correlation_id),
        causation_id=to_text(received.causation_id),
        source=to_text(received.source),
        outcome=to_text(body.get("outcome")) if body else "unreadable",
        duration_ms=to_integer(received.duration_ms, MAX_INTEGER),
        lead_version=to_integer(body.get("lead_version"), MAX_BIGINT),
        occurred_at=to_time(body.get("occurred_at")) or created_at,
        created_at=created_at,
        payload=None if document is None else value.decode(),
        payload_hash=sha256(value).digest()[:HASH_BYTES],
    )
    return row.as_unreadable() if document is None else row


def _parse_json_object(value: bytes) -> dict[str, Any] | None:
    """Return the JSON object that PostgreSQL can store, or None. `jsonb` rejects an escaped NUL."""
    if not value:
        return None
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) and b"\\u0000" not in value else None
