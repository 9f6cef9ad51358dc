"""Encodings, delimiters and headers of real exports, and files that are not CSV."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from common.csv.reader import CsvReader, open_csv_text
from common.records.file_reading import MAX_COLUMNS, UnusableFileError, read_file_form

HEADER = "Address,City,State,Zip,Owner 1 Last Name"
ROW = "1 Main St,Miami,FL,33101,Núñez"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "upload.csv"


def first_row(file: Path) -> list[str]:
    """Return the first row's cells as they would be published."""
    dialect = read_file_form(file).dialect
    with open_csv_text(file, dialect.encoding) as text:
        reader = CsvReader(text, dialect.delimiter)
        assert len(reader.read_header()) == len(dialect.columns)
        return next(reader.read_rows(len(dialect.columns))).cells


def refusal(file: Path, content: bytes) -> UnusableFileError:
    file.write_bytes(content)
    with pytest.raises(UnusableFileError) as refused:
        read_file_form(file)
    return refused.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encodings_are_recognised(file: Path, encoding: str, end: str) -> None:
    file.write_bytes(f"{HEADER}{end}{ROW}{end}".encode(encoding))
    assert first_row(file)[4] == "Núñez"
    assert read_file_form(file).dialect.columns[0] == "Address"


def test_an_old_macs_file_is_read(file: Path) -> None:
    file.write_bytes(f"{HEADER}\r{ROW}\r".encode("mac_roman"))
    assert first_row(file)[4] == "Núñez"


def test_bytes_without_a_meaning_in_cp1252_are_latin_1(file: Path) -> None:
    file.write_bytes(f"{HEADER}\n{ROW}".encode("latin-1") + b" \x81\n")
    assert read_file_form(file).dialect.encoding == "latin-1"


def test_a_utf8_file_with_one_damaged_row_is_still_utf8(file: Path) -> None:
    file.write_bytes(f"{HEADER}\n".encode() + f"{ROW}\n".encode() * 20 + b"1 Main St,Miami,FL,33101,N\xfa\xf1ez\n")
    assert read_file_form(file).dialect.encoding == "utf-8"


def test_a_character_that_two_read_blocks_share_is_not_damaged(file: Path) -> None:
    filler = f"{HEADER}\n"
    file.write_bytes(filler.encode() + b"x" * ((1 << 20) - len(filler) - 1) + "é,Miami,FL,33101,x\n".encode())
    assert read_file_form(file).dialect.encoding == "utf-8"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_gives_known_columns(file: Path, delimiter: str) -> None:
    file.write_text(HEADER.replace(",", delimiter) + "\n" + ROW.replace(",", delimiter) + "\n")
    assert read_file_form(file).dialect.delimiter == delimiter
    assert first_row(file)[1] == "Miami"


def test_excels_hint_and_blank_lines_may_come_first(file: Path) -> None:
    file.write_text("\nsep=;\n\n" + HEADER.replace(",", ";") + "\n" + ROW.replace(",", ";") + "\n")
    assert first_row(file)[1] == "Miami"


def workbook() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (workbook(), "Excel"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "Excel"),
        (gzip.compress(b"Address", mtime=0), "gzip"),
        (b"%PDF-1.7\n", "PDF"),
        (b'{"Address": 1}', "JSON"),
        (b'\xef\xbb\xbf [{"Address": 1}]', "JSON"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (f"{HEADER}\n1 Main\0 St".encode(), "NUL"),
    ],
)
def test_a_file_that_is_not_csv_is_refused_with_advice(file: Path, content: bytes, advice: str) -> None:
    refused = refusal(file, content)
    assert refused.code == "not_csv"
    assert advice in refused.detail


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"\xef\xbb\xbf", b"\xff\xfe", HEADER.encode(), f"{HEADER}\n,,,,\n\n".encode()]
)
def test_a_file_without_rows_is_refused(file: Path, content: bytes) -> None:
    assert refusal(file, content).code == "empty_file"


def test_the_refusal_names_missing_and_found_columns(file: Path) -> None:
    refused = refusal(file, b"address,APN,Price\x07\n1,2,3\n")
    assert refused.code == "missing_columns"
    assert refused.about["missing"] == ["City", "State", "Zip"]
    assert refused.about["found"] == ["address", "APN", "Price?"]
    assert "Property City" in str(refused.about["accepted"])


def test_a_file_without_a_header_row_lacks_all_columns(file: Path) -> None:
    assert refusal(file, b"1 Main St,Miami,FL,33101\n2 Main St,Miami,FL,33101\n").code == "missing_columns"


def test_broken_utf16_is_refused(file: Path) -> None:
    assert refusal(file, HEADER.encode("utf-16") + b"\n\x00\x00\xd8\n\x00").code == "bad_text"


@pytest.mark.parametrize(
    "header",
    [
        HEADER + "," + ",".join(f"c{n}" for n in range(MAX_COLUMNS)),
        HEADER + ",Zip",
        HEADER + "," + "x" * 201,
    ],
)
def test_a_header_that_cannot_be_used_is_refused(file: Path, header: str) -> None:
    assert refusal(file, f"{header}\n{ROW}\n".encode()).code == "bad_columns"


def test_unknown_columns_may_repeat_or_have_no_name(file: Path) -> None:
    file.write_text(f"{HEADER},Notes,,Notes,\n{ROW},1,2,3,4\n")
    assert read_file_form(file).dialect.columns[5:] == ["Notes", "", "Notes (2)", ""]


@pytest.mark.parametrize("column", ["Callable", "DNC Clean", "OK to call", "Not DNC"])
def test_a_column_that_looks_protective_and_is_not_understood_refuses_the_file(file: Path, column: str) -> None:
    refused = refusal(file, f"{HEADER},{column}\n{ROW},Yes\n".encode())
    assert refused.code == "bad_columns"
    assert refused.about == {"protective": [column]}
    assert column in refused.detail


def test_a_column_named_for_whole_addresses_may_hold_streets_beside_the_place(file: Path) -> None:
    file.write_text("Property Address Full,City,State,Zip\n12 Oak St,Tampa,FL,33602\n", encoding="utf-8")
    assert read_file_form(file).mapping.missing_fields() == []


def test_a_header_of_several_lines_is_named_in_one(file: Path) -> None:
    assert "Property Street" in refusal(file, b'"Property\nStreet",Owner\n12 Oak St,Holt\n').about["found"]  # type: ignore[operator]


def test_the_nearest_column_is_searched_for_a_refusal_only(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[str] = []
    monkeypatch.setattr("common.records.file_mapping.find_nearest_header", lambda field, _: searched.append(field))
    file.write_text(f"Leads for Miami,,,,\nAddress list,,,,\n{HEADER}\n{ROW}\n")
    assert read_file_form(file).dialect.title_rows == 2
    assert searched == []
    assert refusal(file, b"address,APN\n1,2\n").code == "missing_columns"
    assert searched == ["property_city", "property_state", "property_zip"]
