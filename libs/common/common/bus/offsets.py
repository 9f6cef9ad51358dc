"""Offsets up to which a consumer instance has handled its partitions."""

from collections.abc import Sequence
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition

from common.bus.poll import LosslessConsumer
from common.bus.undecodable import first_offset


class HandledOffsets:
    """Next offset to handle, by partition."""

    def __init__(self) -> None:
        self.next_offsets: dict[TopicPartition, int] = {}

    def clear(self) -> None:
        """Delete all offsets, because other members of the group continue from there."""
        self.next_offsets.clear()

    def advance(self, records: Sequence[ConsumerRecord[Any, Any]]) -> dict[TopicPartition, int]:
        """Note that *records* are handled. Return the offsets to commit."""
        offsets: dict[TopicPartition, int] = {}
        for record in records:
            partition = TopicPartition(record.topic, record.partition)
            offsets[partition] = max(record.offset + 1, offsets.get(partition, 0))
        self.next_offsets |= offsets
        return offsets

    def rewind(self, kafka: LosslessConsumer | None, records: Sequence[ConsumerRecord[Any, Any]]) -> bool:
        """Go back to the first of *records* in each partition that is still assigned. Return whether there is any."""
        earliest: dict[TopicPartition, int] = {}
        for record in records:
            partition = TopicPartition(record.topic, record.partition)
            earliest[partition] = min(first_offset(record), earliest.get(partition, record.offset))
        was_rewound = False
        for partition, offset in earliest.items():
            if kafka and partition in kafka.assignment():
                kafka.seek(partition, offset)
                self.next_offsets[partition] = offset
                was_rewound = True
        return was_rewound

    def handled_position(self, kafka: LosslessConsumer, partition: TopicPartition, *, is_idle: bool) -> int:
        """Return the offset up to which everything is handled.

        Between batches it is the client's own position, which also passes control records.
        """
        position = kafka.current_position(partition)
        handled = position if is_idle else self.next_offsets.get(partition, position)
        return 0 if handled is None else handled
