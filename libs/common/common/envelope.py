"""CloudEvents in Kafka's binary mode: what stands in a message's headers (design §3).

Writing is strict, reading is not: upstream systems send no headers, null headers or bytes that are not UTF-8, and none
of that may stop a consumer.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

from common import ids

Headers = list[tuple[str, bytes]]


class Record(Protocol):
    """The part of aiokafka's ConsumerRecord that is read here."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    headers: Iterable[tuple[str, bytes | None]]


@dataclass(slots=True)
class Envelope:
    """A message's headers, read. `id` and `time` are always there: made from Kafka's own facts where the sender gave none."""

    id: UUID
    time: datetime
    type: str | None = None
    source: str | None = None
    subject: str | None = None
    causation_id: str | None = None
    correlation_id: str | None = None
    duration_ms: int | None = None
    traceparent: str | None = None
    redrive: int = 0
    redrive_for: str | None = None
    redrive_time: datetime | None = None


_TEXT_FIELDS = {
    "ce_type": "type",
    "ce_source": "source",
    "ce_subject": "subject",
    "ce_causationid": "causation_id",
    "ce_correlationid": "correlation_id",
    "traceparent": "traceparent",
    "ec_for": "redrive_for",
}


def attributes(
    *,
    id: UUID,  # noqa: A002 - the CloudEvents name
    type: str,  # noqa: A002 - the CloudEvents name
    source: str,
    time: datetime,
    subject: object = None,
    causation_id: object = None,
    correlation_id: object = None,
    duration_ms: int | None = None,
    traceparent: str | None = None,
) -> list[tuple[str, str]]:
    """The headers of one event as text; optional ones are left out when None."""
    result = [
        ("ce_specversion", "1.0"),
        ("ce_id", str(id)),
        ("ce_type", type),
        ("ce_source", source),
        ("ce_time", time.isoformat()),
        ("content-type", "application/json"),
    ]
    optional = (
        ("ce_subject", subject),
        ("ce_causationid", causation_id),
        ("ce_correlationid", correlation_id),
        ("ce_durationms", duration_ms),
        ("traceparent", traceparent),
    )
    result += [(name, str(value)) for name, value in optional if value is not None]
    return result


def headers(**given: Any) -> Headers:
    """The same as Kafka takes them; parameters as for `attributes`."""
    return [(name, value.encode()) for name, value in attributes(**given)]


def read(record: Record, cluster: str) -> Envelope:
    """The envelope of *record*; never raises, whatever the headers hold.

    An id that is not a UUID is turned into one together with its source; a missing one is made from the record's place
    in Kafka (hazards S16), as is a missing or unreadable time from Kafka's timestamp.
    """
    found: dict[str, str] = {}
    for name, value in record.headers or ():
        if value is not None and name not in found:
            found[name] = value.decode("utf-8", "replace")
    envelope = Envelope(
        id=_id(found, record, cluster),
        time=_time(found.get("ce_time")) or datetime.fromtimestamp(max(record.timestamp, 0) / 1000, UTC),
    )
    for name, field in _TEXT_FIELDS.items():
        if name in found:
            setattr(envelope, field, found[name])
    envelope.duration_ms = _int(found.get("ce_durationms"))
    if "ec_redrive" in found:
        envelope.redrive = min(max(_int(found["ec_redrive"]) or 0, 0), 32_767)
        envelope.redrive_time = _time(found.get("ec_redrivetime"))
    return envelope


def _id(found: dict[str, str], record: Record, cluster: str) -> UUID:
    text = found.get("ce_id")
    if not text:
        return ids.message_id(cluster, record.topic, record.partition, record.offset, record.timestamp)
    try:
        return UUID(text)
    except ValueError:
        return ids.named_id("foreign", found.get("ce_source", ""), text)


@lru_cache(maxsize=1_024)
def _time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text) if text else None
        return time.replace(tzinfo=UTC) if time and time.tzinfo is None else time and time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _int(text: str | None) -> int | None:
    try:
        return int(text) if text else None
    except ValueError:
        return None
