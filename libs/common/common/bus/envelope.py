"""CloudEvents in Kafka's binary mode: the headers of a message (docs/delivery.md#messages).

Writing is strict, reading is not. Upstream systems send no headers, null headers or bytes that are not UTF-8, and none of
these may stop a consumer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

from common import ids

MAX_REPLAY_NUMBER = 32_767
"""Largest number that the inbox's column takes."""

Headers = list[tuple[str, bytes]]


class KafkaRecord(Protocol):
    """Attributes of aiokafka's ConsumerRecord that this module reads."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    headers: Sequence[tuple[str, bytes | None]]


@dataclass(slots=True)
class Envelope:
    """Headers of a message. `id` and `time` always have values, made from Kafka's own facts if the sender gave none."""

    id: UUID
    time: datetime
    type: str | None = None
    source: str | None = None
    subject: str | None = None
    causation_id: str | None = None
    correlation_id: str | None = None
    duration_ms: int | None = None
    traceparent: str | None = None
    replay_number: int = 0
    replay_for: str | None = None
    replay_time: datetime | None = None


def build_attributes(
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
    """Return the headers of one event as text. Optional headers are left out if they are None."""
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


def build_headers(**given: Any) -> Headers:
    """Return the headers of one event as Kafka takes them; the parameters are those of `build_attributes`."""
    return [(name, value.encode()) for name, value in build_attributes(**given)]


def read_envelope(record: KafkaRecord, cluster: str) -> Envelope:
    """Return the envelope of *record*. It never raises, whatever the headers hold.

    Of a header that comes twice, the first counts. An id that is not a UUID becomes one together with its source. A missing
    id is made from the record's position in Kafka (docs/hazards.md#s16-external-messages-without-an-id), a missing or
    unreadable time from Kafka's timestamp.
    """
    texts = {
        name: value.decode("utf-8", "replace") for name, value in reversed(record.headers or ()) if value is not None
    }
    text_of = texts.get
    replay_number, replay_time = _read_replay(texts) if "ec_replay" in texts else (0, None)
    return Envelope(
        id=_message_id(texts, record, cluster),
        time=_parse_time(text_of("ce_time")) or datetime.fromtimestamp(max(record.timestamp, 0) / 1000, UTC),
        type=text_of("ce_type"),
        source=text_of("ce_source"),
        subject=text_of("ce_subject"),
        causation_id=text_of("ce_causationid"),
        correlation_id=text_of("ce_correlationid"),
        duration_ms=_parse_int(text_of("ce_durationms")),
        traceparent=text_of("traceparent"),
        replay_number=replay_number,
        replay_for=text_of("ec_for"),
        replay_time=replay_time,
    )


def _message_id(texts: dict[str, str], record: KafkaRecord, cluster: str) -> UUID:
    text = texts.get("ce_id")
    if not text:
        return ids.message_id(cluster, record.topic, record.partition, record.offset, record.timestamp)
    try:
        return ids.parse_id(text)
    except ValueError:
        return ids.named_id("foreign", texts.get("ce_source", ""), text)


def _read_replay(texts: dict[str, str]) -> tuple[int, datetime | None]:
    """Return number and time of the replay that the message is."""
    number = min(max(_parse_int(texts["ec_replay"]) or 0, 0), MAX_REPLAY_NUMBER)
    return number, _parse_time(texts.get("ec_replaytime"))


@lru_cache(maxsize=1_024)
def _parse_time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text) if text else None
        return time.replace(tzinfo=UTC) if time and time.tzinfo is None else time and time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _parse_int(text: str | None) -> int | None:
    try:
        return int(text) if text else None
    except ValueError:
        return None
