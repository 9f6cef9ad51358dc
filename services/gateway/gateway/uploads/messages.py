"""Messages on `ingest.leads`, one for each row of a file. The gateway's hottest code: about ten microseconds a row.

The message is that of `LeadRecord`, serialised by hand for speed. A test holds both equal.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import orjson

from common import ids
from common.bus import envelope
from common.csv.escaping import unescape_cell
from common.csv.reader import CsvRow
from common.events import LeadRecord
from common.ids import BrokerId, UploadId
from common.records.file_mapping import FileMapping
from common.records.file_profile import is_column_of_rejects
from common.records.headers import are_cells_escaped
from common.topics import MAX_INPUT_BYTES

_PROPSTREAM = "propstream"
"""Start of the names of PropStream's profiles."""
_MAX_CELL_CHARS = 200
_MAX_CELLS = 200
"""The limits to which the cells of a row that is too large are cut."""
_EXTRA_CELLS_NAME = ""
"""The name under which cells beyond the header are sent."""

_PROBLEM_TEXTS = {
    "too_few_cells": "the row has {cells} cells, the header has {width}",
    "too_many_cells": "the row has {cells} cells, the header has {width}: quote a cell that holds the delimiter",
    "unclosed_quote": "a quote is opened and not closed: write a quote inside a cell twice",
    "unreadable_row": "the row is not CSV",
    "row_too_large": "the row is too large; its cells were cut",
    "unreadable_text": "the text is damaged: save the file as CSV (UTF-8)",
}


class RowMessage(NamedTuple):
    """Key, value and headers of one Kafka message."""

    key: bytes | None
    value: bytes
    headers: envelope.Headers


class RowMessageBuilder:
    """Builder of the messages of one upload. Everything that the rows have in common is prepared once."""

    def __init__(
        self,
        upload_id: UploadId,
        received_at: datetime,
        names: Sequence[str],
        delimiter: str,
        mapping: FileMapping,
        *,
        broker_id: BrokerId | None = None,
        broker_ids: Sequence[BrokerId] | None = None,
        traceparent: str | None = None,
    ) -> None:
        self._names = list(names)
        self._delimiter = delimiter
        self._added_names = list(filter(is_column_of_rejects, names))
        self._cells_are_escaped = are_cells_escaped(names)
        self._key_positions = _find_key_positions(mapping, names)
        self._upload_id = upload_id
        self._headers = _build_common_headers(upload_id, received_at, traceparent)
        self._value_prefix = orjson.dumps(
            {
                "source": "propstream" if mapping.profile.startswith(_PROPSTREAM) else "csv",
                "upload_id": str(upload_id),
                "broker_id": None if broker_id is None else str(broker_id),
                "allowed_broker_ids": None if broker_ids is None else [str(broker) for broker in broker_ids],
            }
        )[:-1]

    def build_message(self, number: int, row: CsvRow) -> RowMessage:
        """Return the message of data row *number*. The message of an unreadable row has its problem and readable cells."""
        cells, problem = row
        if self._cells_are_escaped:
            cells = [unescape_cell(cell) for cell in cells]
        named = {name: cell for name, cell in zip(self._names, cells, strict=False) if cell}
        for name in self._added_names:
            named.pop(name, None)
        named.pop(_EXTRA_CELLS_NAME, None)
        if problem is None:
            try:
                value = b'%b,"row":%d,"cells":%b}' % (self._value_prefix, number, orjson.dumps(named))
            except TypeError:
                problem = "unreadable_text"
            else:
                problem = "row_too_large" if len(value) > MAX_INPUT_BYTES else None
        if problem is not None:
            value = self._build_problem_value(number, cells, named, problem)
        key = next((cells[place] for place in self._key_positions if place < len(cells) and cells[place]), "")
        headers = [*self._headers, ("ce_id", str(ids.upload_row_id(self._upload_id, number)).encode())]
        return RowMessage(key[:_MAX_CELL_CHARS].encode("utf-8", "replace") or None, value, headers)

    def _build_problem_value(self, number: int, cells: Sequence[str], named: dict[str, str], problem: str) -> bytes:
        """Return the value for an unreadable row. Ingest counts it as rejected and keeps its cells for correction."""
        if len(cells) > len(self._names):
            named[_EXTRA_CELLS_NAME] = self._delimiter.join(cells[len(self._names) :])
        value = self._serialise_problem(number, named, problem, len(cells))
        if len(value) > MAX_INPUT_BYTES:
            value = self._serialise_problem(number, _cut_cells(named), "row_too_large", len(cells))
        return value

    def _serialise_problem(self, number: int, named: Mapping[str, str], problem: str, cell_count: int) -> bytes:
        text = orjson.dumps(_PROBLEM_TEXTS[problem].format(cells=cell_count, width=len(self._names)))
        body = orjson.dumps({name: _replace_damaged_bytes(cell) for name, cell in named.items()})
        return b'%b,"row":%d,"row_problem":%b,"cells":%b}' % (self._value_prefix, number, text, body)


def _find_key_positions(mapping: FileMapping, names: Sequence[str]) -> list[int]:
    """Return the positions of the cells that identify the home, the strongest identifier first."""
    columns = {column.field: column.header for column in mapping.columns if column.rank == 0}
    fields = ("mak", "apn", "property_address", "address_line", "street_name")
    return [names.index(columns[field]) for field in fields if field in columns]


def _build_common_headers(
    upload_id: UploadId, received_at: datetime, traceparent: str | None
) -> list[tuple[str, bytes]]:
    """Return the headers of all rows: those of a CloudEvent without its id."""
    headers = envelope.build_headers(
        id=upload_id,
        type=LeadRecord.topic,
        source="gateway",
        time=received_at,
        correlation_id=upload_id,
        traceparent=traceparent,
    )
    return [(name, value) for name, value in headers if name != "ce_id"]


def _cut_cells(named: Mapping[str, str]) -> dict[str, str]:
    return {name: cell[:_MAX_CELL_CHARS] for name, cell in list(named.items())[:_MAX_CELLS]}


def _replace_damaged_bytes(cell: str) -> str:
    """Return the cell with its bytes that are not UTF-8 read as Windows' code page."""
    if cell.isascii():
        return cell
    return "".join(
        char.encode("utf-8", "surrogateescape").decode("cp1252", "replace") if "\ud800" <= char <= "\udfff" else char
        for char in cell
    )
