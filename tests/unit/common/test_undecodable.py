"""Undecodable record batches are skipped only if their end is certain."""

import pytest
from aiokafka import TopicPartition
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from hypothesis import given
from hypothesis import strategies as st

from common.bus.undecodable import MAX_KEPT_BYTES, RawBatch, UndecodableBatch, first_offset


def encoded_batch(records: int = 3, base_offset: int = 0, codec: int = 0) -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=codec, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1,
        batch_size=1_000_000,
    )  # fmt: skip
    for number in range(records):
        builder.append(number, timestamp=1_000, key=None, value=b"x" * 50, headers=[])
    built = bytearray(builder.build())
    built[:8] = base_offset.to_bytes(8, "big")
    return bytes(built)


@pytest.mark.parametrize(("codec", "name"), list(enumerate(("none", "gzip", "snappy", "lz4", "zstd"))))
def test_the_first_batch_of_a_fetch_is_found_with_its_offsets_and_codec(codec: int, name: str) -> None:
    first = encoded_batch(3, 40, codec)
    found = RawBatch.first_of(first + encoded_batch(5, 43), 40)
    assert found == RawBatch(40, 42, name, 1_000, first)


def test_an_unknown_codec_has_a_number() -> None:
    data = bytearray(encoded_batch())
    data[22] |= 0x07
    found = RawBatch.first_of(bytes(data), 0)
    assert found is not None
    assert found.codec == "number 7"


@pytest.mark.parametrize("position", [39, 43])
def test_a_batch_that_does_not_hold_the_position_is_not_skipped(position: int) -> None:
    assert RawBatch.first_of(encoded_batch(3, 40), position) is None


def test_a_batch_whose_length_is_damaged_is_not_skipped() -> None:
    data = bytearray(encoded_batch())
    data[8:12] = (10_000).to_bytes(4, "big")
    assert RawBatch.first_of(bytes(data), 0) is None


@given(st.binary(max_size=200), st.integers(0, 2**40))
def test_any_bytes_give_a_batch_that_holds_the_position_or_none(data: bytes, position: int) -> None:
    found = RawBatch.first_of(data, position)
    assert found is None or found.base_offset <= position <= found.last_offset


def test_the_record_that_replaces_a_batch_covers_all_offsets_of_the_batch() -> None:
    raw = RawBatch(40, 49, "zstd", 1_000, b"x" * (MAX_KEPT_BYTES + 5))
    record = UndecodableBatch.replacing(TopicPartition("t", 3), 44, raw, ValueError("with personal data"))
    assert (record.offset, first_offset(record)) == (49, 44)
    assert len(record.value or b"") == MAX_KEPT_BYTES
    assert record.detail == (
        f"offsets 44 to 49 are in a batch that cannot be decoded (ValueError, compression: zstd); {MAX_KEPT_BYTES} of its "
        f"{MAX_KEPT_BYTES + 5} bytes are kept: ask the sender for them again"
    )
