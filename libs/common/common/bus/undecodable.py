"""Record batches that no client can decode: their bytes as Kafka holds them, and the offsets that they cover.

A batch is the unit that producers compress and that carries one checksum. When it cannot be decoded, none of its records
can be handled. It becomes one dead letter, and consumption continues after it (ADR 37).
"""

import struct
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.fetch import FetchRequest

MAX_KEPT_BYTES = 1_100_000
"""Bytes of a batch that its dead letter keeps: more than an input topic accepts in one batch."""
MAX_FETCH_BYTES = 16_000_000
MAX_BATCH_RECORDS = 1_000_000

_HEADER = struct.Struct(">qiibIhiqqqhii")
"""Base offset, length, leader epoch, magic, checksum, attributes, last offset delta, first and last timestamp, producer id,
producer epoch, base sequence, record count: https://kafka.apache.org/documentation/#recordbatch"""
_BYTES_BEFORE_LENGTH = 12
_MAGIC = 2
_CODEC_BITS = 0x07
_CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


@dataclass(frozen=True, slots=True)
class RawBatch:
    """Undecoded record batch, the first one of a fetch."""

    base_offset: int
    last_offset: int
    codec: str
    timestamp: int
    data: bytes

    @classmethod
    def first_of(cls, fetched: bytes, position: int) -> "RawBatch | None":
        """Return the first batch of *fetched*, or None if its header is damaged, because then its end is not known."""
        if len(fetched) < _HEADER.size:
            return None
        base, length, _epoch, magic, _crc, attributes, delta, _first, newest, *_producer, _count = _HEADER.unpack_from(
            fetched
        )
        plausible = magic == _MAGIC and 0 <= delta < MAX_BATCH_RECORDS and base <= position <= base + delta
        end = _BYTES_BEFORE_LENGTH + length
        if not plausible or length < _HEADER.size - _BYTES_BEFORE_LENGTH or end > len(fetched):
            return None
        code = attributes & _CODEC_BITS
        codec = _CODECS[code] if code < len(_CODECS) else f"number {code}"
        return cls(base, base + delta, codec, newest, fetched[:end])


@dataclass
class UndecodableBatch(ConsumerRecord[Any, bytes]):  # type: ignore[misc] # aiokafka ships no types
    """Batch that could not be decoded, as one record that replaces its records.

    `offset` is the last offset of the batch, so that a commit after it passes the whole batch. `first_offset` is the first
    offset that was not delivered. `value` is the batch as Kafka holds it, at most MAX_KEPT_BYTES of it.
    """

    first_offset: int
    detail: str

    @classmethod
    def replacing(
        cls, partition: TopicPartition, position: int, raw: RawBatch, error: BaseException
    ) -> "UndecodableBatch":
        """Return the record that replaces *raw*, which raised *error* when it was decoded from *position* on."""
        kept = raw.data[:MAX_KEPT_BYTES]
        detail = (
            f"offsets {position} to {raw.last_offset} are in a batch that cannot be decoded ({type(error).__name__}, "
            f"compression: {raw.codec}); {len(kept)} of its {len(raw.data)} bytes are kept: ask the sender for them again"
        )
        return cls(
            topic=partition.topic,
            partition=partition.partition,
            offset=raw.last_offset,
            timestamp=raw.timestamp,
            timestamp_type=0,
            key=None,
            value=kept,
            checksum=None,
            serialized_key_size=-1,
            serialized_value_size=len(kept),
            headers=(),
            first_offset=position,
            detail=detail,
        )


def first_offset(record: ConsumerRecord[Any, Any]) -> int:
    """Return the offset from which *record* is consumed again."""
    return record.first_offset if isinstance(record, UndecodableBatch) else int(record.offset)


async def fetch_undecoded(consumer: AIOKafkaConsumer, partition: TopicPartition, position: int) -> bytes:
    """Fetch what Kafka holds at *position*, undecoded. Raises KafkaError."""
    client = consumer._client  # noqa: SLF001 - aiokafka offers no other way to undecoded bytes
    node = client.cluster.leader_for_partition(partition)
    if node is None or node == -1:
        raise KafkaError(f"no leader for {partition}")
    wanted = [(partition.topic, [(partition.partition, position, MAX_FETCH_BYTES)])]
    response = await client.send(node, FetchRequest(0, 1, MAX_FETCH_BYTES, 0, wanted, rack_id=""))
    for _topic, partitions in response.topics:
        for _partition, code, _highwater, *parts in partitions:
            if code:
                raise for_code(code)(partition)
            return bytes(parts[-1])
    return b""
