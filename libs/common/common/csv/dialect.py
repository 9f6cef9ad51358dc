"""Detection of a CSV file's dialect: encoding, delimiter and header. The file is read once, in bounded memory.

Exports come as UTF-8 with and without a byte order mark, as UTF-16 (Excel's "Unicode text"), and in the code pages of Windows
and old Macs. The delimiter is a comma, semicolon, tab or pipe.
"""

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from common.csv.reader import CsvReader, open_csv_text

DELIMITERS = (",", ";", "\t", "|")
_PIECE_BYTES = 1 << 20
_MAX_TITLE_ROWS = 20
_HEAD_BYTES = 4_096
_MAX_SHOWN_NAMES = 60
_MAX_SHOWN_CHARACTERS = 60
_MIN_NUL_SHARE = 0.8
"""Share of NUL bytes among every other byte from which a text counts as UTF-16 without a byte order mark."""

_NOT_CSV = (
    (b"PK\x03\x04", "This is an Excel workbook or a zip archive: save the sheet as CSV (UTF-8) and send that."),
    (b"\xd0\xcf\x11\xe0", "This is an old Excel workbook: save the sheet as CSV (UTF-8) and send that."),
    (b"\x1f\x8b", "This is gzip: send the CSV itself, not compressed."),
    (b"%PDF", "This is a PDF: export the list as CSV and send that."),
    (b"{", "This is JSON: send CSV with a header row."),
    (b"[{", "This is JSON: send CSV with a header row."),
    (b"<", "This is HTML or XML: send CSV with a header row."),
)
"""First bytes of files that are not CSV, with the advice for the sender."""
_UNDEFINED_IN_CP1252 = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")


class NotCsvError(ValueError):
    """A file cannot be read as CSV. *code* is `not_csv`, `empty_file` or `bad_text`; *detail* says what to do about it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class CsvDialect:
    """Dialect of a file. *columns* is its header."""

    encoding: str
    delimiter: str
    columns: list[str]
    title_rows: int = 0
    """Rows before the header that are not blank."""


def detect_dialect(file: Path, rate: Callable[[Sequence[str]], tuple[bool, int]]) -> CsvDialect:
    """Detect the dialect of *file*.

    *rate* tells of a row whether it is a complete header, and how many names it knows in it. The header is the first complete one
    in the first rows, else the row with most known names; the delimiter is the one under which it knows and has most columns.
    Raise NotCsvError for a file that is not text or has no row.
    """
    with file.open("rb") as raw:
        encoding = _encoding(raw)
    heads = {delimiter: _read_head(file, encoding, delimiter) for delimiter in DELIMITERS}
    found: tuple[tuple[bool, int], int, CsvDialect] | None = None
    for title_rows in range(_MAX_TITLE_ROWS + 1):
        for delimiter, rows in heads.items():
            if title_rows < len(rows):
                header = rows[title_rows]
                rating = (rate(header), len(header))
                if found is None or rating > found[:2]:
                    found = (*rating, CsvDialect(encoding, delimiter, header, title_rows))
        if found and found[0][0]:
            break
    if found is None:
        raise NotCsvError("empty_file", "Send a CSV file with a header row and at least one row.")
    return found[2]


def require_text(file: Path) -> None:
    """Raise NotCsvError if *file* begins like a workbook, an archive or another format that is not text, or is empty."""
    with file.open("rb") as raw:
        _require_text(raw.read(_HEAD_BYTES))


def printable_names(names: Sequence[str]) -> list[str]:
    """Return names as a response may show them: at most 60, each of at most 60 printable characters."""
    printable = [re.sub(r"[^\x20-\x7e\xa0-\uffef]", "?", " ".join(name.split())) for name in names[:_MAX_SHOWN_NAMES]]
    return [name[:_MAX_SHOWN_CHARACTERS] for name in printable if name]


def _read_head(file: Path, encoding: str, delimiter: str) -> list[list[str]]:
    with open_csv_text(file, encoding) as text:
        return list(islice(CsvReader(text, delimiter).read_head(), _MAX_TITLE_ROWS + 1))


def _encoding(raw: BinaryIO) -> str:
    head = raw.read(_HEAD_BYTES)
    _require_text(head)
    raw.seek(0)
    if utf16 := _utf16_of(head):
        return _check_utf16(raw, utf16)
    if _is_mostly_utf8(raw):
        return "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"
    return _code_page(raw, head)


def _require_text(head: bytes) -> None:
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\r\n\t \x00"):
        raise NotCsvError("empty_file", "Send a CSV file with a header row and at least one row.")
    for magic, advice in _NOT_CSV:
        if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(magic):
            raise NotCsvError("not_csv", advice)


def _is_mostly_utf8(raw: BinaryIO) -> bool:
    """Return whether less than one in ten characters outside ASCII is invalid UTF-8. Raise NotCsvError for NUL bytes."""
    invalid, not_ascii = 0, 0
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    for piece in _pieces(raw):
        if b"\0" in piece:
            raise NotCsvError("not_csv", "This is not text: it holds NUL bytes.")
        if not piece.isascii() or invalid:
            text = decode(piece)
            invalid += text.count("\ufffd")
            not_ascii += len(text) - len(text.encode("ascii", "ignore"))
    return invalid == 0 or not_ascii > 10 * invalid


def _utf16_of(head: bytes) -> str | None:
    """Return the kind of UTF-16 by its byte order mark or, for Latin text, by a NUL in nearly every other byte."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    half = len(head) // 2
    if half and head[1::2].count(0) > half * _MIN_NUL_SHARE:
        return "utf-16-le"
    if half and head[0::2].count(0) > half * _MIN_NUL_SHARE:
        return "utf-16-be"
    return None


def _check_utf16(raw: BinaryIO, encoding: str) -> str:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for piece in _pieces(raw):
            if "\0" in decoder.decode(piece):
                raise NotCsvError("not_csv", "This is not text: it holds NUL characters.")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise NotCsvError("bad_text", "It begins as UTF-16 and continues otherwise: save it as CSV (UTF-8).") from error
    return encoding


def _code_page(raw: BinaryIO, head: bytes) -> str:
    """Return the code page of Windows, of old Macs where only their line ends occur, or Latin-1 for bytes that neither has."""
    if b"\r" in head and b"\n" not in head:
        return "mac_roman"
    raw.seek(0)
    for piece in _pieces(raw):
        if any(byte in piece for byte in _UNDEFINED_IN_CP1252):
            return "latin-1"
    return "cp1252"


def _pieces(raw: BinaryIO) -> Iterator[bytes]:
    while piece := raw.read(_PIECE_BYTES):
        yield piece
