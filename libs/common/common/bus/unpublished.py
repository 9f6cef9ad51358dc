"""Messages that another service committed to its outbox and that Kafka does not have yet (docs/delivery.md#messages-that-run-ahead)."""

from datetime import datetime
from typing import Any, Protocol

from aiokafka import ConsumerRecord

from common.bus.relay import decode_headers

NO_PARTITION = -1
"""Partition of a message that is not in Kafka. No message of Kafka has it, so positions never collide."""


class UnpublishedRow(Protocol):
    """Row of an outbox."""

    @property
    def id(self) -> int:
        """Id of the row."""

    @property
    def key(self) -> bytes | None:
        """Key of the message."""

    @property
    def headers(self) -> bytes:
        """Headers, as `encode_headers` wrote them."""

    @property
    def body(self) -> bytes | None:
        """Value of the message."""

    @property
    def created_at(self) -> datetime:
        """Time of the transaction that wrote the row."""


def to_record(topic: str, row: UnpublishedRow) -> ConsumerRecord[Any, Any]:
    """Return *row* as the record that Kafka will deliver: same key, headers and value, and the row's id as its offset."""
    return ConsumerRecord(
        topic=topic,
        partition=NO_PARTITION,
        offset=row.id,
        timestamp=int(row.created_at.timestamp() * 1000),
        timestamp_type=0,
        key=row.key,
        value=row.body,
        checksum=None,
        serialized_key_size=len(row.key or b""),
        serialized_value_size=len(row.body or b""),
        headers=tuple(decode_headers(row.headers)),
    )
