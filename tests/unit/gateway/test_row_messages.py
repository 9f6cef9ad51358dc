"""The message of a row is a valid LeadRecord, whatever the row contains."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import ids
from common.csv.reader import CsvRow
from common.events import LeadRecord
from common.ids import UploadId
from common.records.file_mapping import FileMapping
from common.topics import MAX_INPUT_BYTES
from gateway.uploads.messages import RowMessageBuilder

UPLOAD = UploadId(UUID("0198a1c2-5b7e-7c31-9d10-2f6a4c11e001"))
RECEIVED = datetime(2026, 3, 2, 17, 5, tzinfo=UTC)
NAMES = ["Address", "City", "State", "Zip", "APN", "Owner 1 Last Name"]
CELLS = ["1 Main St", "Miami", "FL", "33101", "01-23", "Holt"]


def builder(names: list[str] = NAMES, **more: object) -> RowMessageBuilder:
    return RowMessageBuilder(UPLOAD, RECEIVED, names, ",", FileMapping.resolve(names), **more)  # type: ignore[arg-type]


def record(cells: list[str], problem: str | None = None, names: list[str] = NAMES) -> LeadRecord:
    return LeadRecord.model_validate_json(builder(names).build_message(3, CsvRow(cells, problem)).value)


def test_a_row_is_a_lead_record() -> None:
    broker, others = uuid4(), [uuid4(), uuid4()]
    value = builder(broker_id=broker, broker_ids=others).build_message(3, CsvRow(CELLS)).value
    assert LeadRecord.model_validate_json(value) == LeadRecord(
        source="csv",
        upload_id=UPLOAD,
        row=3,
        broker_id=broker,
        allowed_broker_ids=others,
        cells=dict(zip(NAMES, CELLS, strict=True)),
    )


def test_empty_cells_are_not_sent() -> None:
    assert record(["1 Main St", "Miami", "FL", "33101", "", ""]).cells == dict(zip(NAMES[:4], CELLS[:4], strict=True))


def test_headers_are_those_of_a_cloud_event_with_the_id_of_the_row() -> None:
    headers = dict(builder().build_message(3, CsvRow(CELLS)).headers)
    assert headers == {
        "ce_specversion": b"1.0",
        "ce_id": str(ids.upload_row_id(UPLOAD, 3)).encode(),
        "ce_type": b"ingest.leads",
        "ce_source": b"gateway",
        "ce_time": b"2026-03-02T17:05:00+00:00",
        "ce_correlationid": str(UPLOAD).encode(),
        "content-type": b"application/json",
    }


def test_the_owners_street_is_no_key() -> None:
    names = ["Address", "Zip", "Property Address", "Property Zip"]
    assert builder(names).build_message(1, CsvRow(["PO Box 7", "33101", "", ""])).key is None


@given(st.integers(1, 2**31 - 1), st.uuids())
def test_row_ids_equal_those_of_the_library(row: int, upload: UploadId) -> None:
    message = RowMessageBuilder(upload, RECEIVED, NAMES, ",", FileMapping.resolve(NAMES)).build_message(
        row, CsvRow(CELLS)
    )
    assert dict(message.headers)["ce_id"] == str(ids.upload_row_id(upload, row)).encode()


@pytest.mark.parametrize(
    ("cells", "key"), [(CELLS, b"01-23"), ([*CELLS[:4], "", "Holt"], b"1 Main St"), (["", "x", "", "", "", ""], None)]
)
def test_the_key_is_the_strongest_identifier_of_the_row(cells: list[str], key: bytes | None) -> None:
    assert builder().build_message(1, CsvRow(cells)).key == key


def test_a_row_with_a_problem_is_sent_with_it_and_with_its_readable_cells() -> None:
    short = record(CELLS[:3], "too_few_cells")
    assert short.row_problem == "the row has 3 cells, the header has 6"
    assert short.cells == dict(zip(NAMES[:3], CELLS[:3], strict=True))
    long = record([*CELLS, "x", "y"], "too_many_cells")
    assert long.cells is not None
    assert long.cells[""] == "x,y"


def test_damaged_text_is_a_problem_and_becomes_readable() -> None:
    row = record(["1 Main St", b"\xcd\xf1".decode("utf-8", "surrogateescape"), *CELLS[2:]])
    assert row.row_problem is not None
    assert row.cells is not None
    assert row.cells["City"] == "Íñ"


@pytest.mark.parametrize("filler", ["x", "\x01", "é", "\U0001f3e0"])
@pytest.mark.parametrize("problem", [None, "too_many_cells"])
def test_a_row_too_large_for_the_topic_is_cut(filler: str, problem: str | None) -> None:
    value = builder().build_message(1, CsvRow([*CELLS, filler * 990_000], problem)).value
    assert len(value) <= MAX_INPUT_BYTES
    if problem or filler != "x":
        assert LeadRecord.model_validate_json(value).upload_id == UPLOAD


def test_columns_that_a_rejects_file_added_are_left_out_and_cells_are_unescaped() -> None:
    names = [*NAMES, "reject_reason", "reject_detail", "row"]
    row = record(["'=1+1", *CELLS[1:], "missing_zip", "fill in", "17"], names=names)
    assert row.cells == dict(zip(NAMES, ["=1+1", *CELLS[1:]], strict=True))


def test_an_apostrophe_in_a_partners_own_file_stays() -> None:
    row = record(["'=1+1", *CELLS[1:]])
    assert row.cells is not None
    assert row.cells["Address"] == "'=1+1"


def test_the_source_of_other_files_is_csv() -> None:
    assert record(CELLS[:4], names=NAMES[:4]).source == "csv"


@given(st.lists(st.text(max_size=20), max_size=12), st.sampled_from([None, "too_many_cells", "unclosed_quote"]))
def test_any_row_is_a_lead_record(cells: list[str], problem: str | None) -> None:
    value = builder().build_message(1, CsvRow(cells, problem)).value
    assert orjson.loads(value)["row"] == 1
    LeadRecord.model_validate_json(value)


def test_rows_of_propstreams_exports_name_it_as_their_source() -> None:
    names = [*NAMES, "Mailing Care of Name"]
    value = builder(names).build_message(3, CsvRow([*CELLS, ""])).value
    assert LeadRecord.model_validate_json(value).source == "propstream"
