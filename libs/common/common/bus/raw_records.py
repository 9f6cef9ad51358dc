"""Kafka records as FastStream passes them to a consumer instance: untouched, and split by size."""

from collections.abc import Iterator, Sequence
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from faststream.kafka import KafkaMessage

MAX_BATCH_BYTES = 8_000_000


class _NoAcknowledgement:
    """Consumer for FastStream to acknowledge with. It does nothing, because `ConsumerInstance` commits explicit offsets."""

    async def commit(self) -> None:
        """Do nothing."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Do nothing."""


_NO_ACKNOWLEDGEMENT = _NoAcknowledgement()


async def raw_parser(records: Sequence[ConsumerRecord[Any, Any]]) -> KafkaMessage:
    """Wrap *records* in FastStream's message, untouched: a header that is null or not UTF-8 must not stop a batch."""
    return KafkaMessage(
        body=b"", raw_message=tuple(records), headers={}, message_id="", correlation_id="", consumer=_NO_ACKNOWLEDGEMENT
    )


async def raw_decoder(message: KafkaMessage) -> Any:
    """Return the records of *message*."""
    return message.raw_message


def split_by_bytes(records: Sequence[ConsumerRecord[Any, Any]]) -> Iterator[Sequence[ConsumerRecord[Any, Any]]]:
    """Yield *records* in parts of at most MAX_BATCH_BYTES; a larger record is a part alone."""
    part: list[ConsumerRecord[Any, Any]] = []
    size = 0
    for record in records:
        size += len(record.value or b"")
        if part and size > MAX_BATCH_BYTES:
            yield part
            part, size = [], len(record.value or b"")
        part.append(record)
    yield part
