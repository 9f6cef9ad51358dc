"""Chunks of an upload's rows, read from the spooled file as filled Kafka batches."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Self

from aiokafka import AIOKafkaProducer

from common import telemetry
from common.bus.kafka import KafkaBatches
from common.csv.reader import CsvReader, CsvRow, open_csv_text
from common.records.file_mapping import FileMapping
from common.records.merged_cells import fill_merged_cells
from gateway.uploads.messages import RowMessage, RowMessageBuilder
from gateway.uploads.queries import LeasedUpload

MAX_CHUNK_ROWS = 1_000
MAX_CHUNK_BYTES = 4_000_000


@dataclass(slots=True)
class PublishChunk:
    """Consecutive rows, serialised as Kafka batches."""

    rows: int = 0
    batches: list[tuple[int, Any]] = field(default_factory=list)
    """Partition and filled batch."""


class ChunkReader:
    """Reader of an upload's file, from the row where publishing stopped. Only one thread may use it at a time."""

    def __init__(self, file: Path, upload: LeasedUpload) -> None:
        self._text = open_csv_text(file, upload.encoding)
        self._reader = CsvReader(self._text, upload.delimiter)
        header = self._reader.read_header(upload.title_rows)
        mapping = FileMapping.from_stored(upload.mapping, upload.columns)
        self._builder = RowMessageBuilder(
            upload.id,
            upload.received_at,
            upload.columns,
            upload.delimiter,
            mapping,
            broker_id=upload.broker_id,
            broker_ids=upload.broker_ids,
            traceparent=telemetry.current_traceparent(),
        )
        rows = fill_merged_cells(self._reader.read_records(header), mapping, upload.columns)
        self._messages = self._build_messages(rows, upload.rows_published)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._text.close()

    @property
    def skipped_rows(self) -> int:
        """Rows that are no records, so far."""
        return self._reader.skipped_rows

    def _build_messages(self, rows: Iterator[CsvRow], published: int) -> Iterator[RowMessage]:
        for number, row in enumerate(islice(rows, published, None), start=published + 1):
            yield self._builder.build_message(number, row)

    def read_chunk(self, producer: AIOKafkaProducer, partitions: int) -> PublishChunk:
        """Return the next rows: a thousand, or fewer if they are large. At the end of the file the chunk has no rows."""
        batches, count, size = KafkaBatches(producer, partitions), 0, 0
        for key, value, headers in islice(self._messages, MAX_CHUNK_ROWS):
            batches.add(key, value, headers)
            count += 1
            size += len(value)
            if size > MAX_CHUNK_BYTES:
                break
        return PublishChunk(count, batches.filled)
