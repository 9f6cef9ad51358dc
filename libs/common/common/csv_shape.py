"""What kind of CSV a file is: its encoding, delimiter and header. Reads it once, in bounded memory.

Exports come as UTF-8 with and without a byte order mark, as UTF-16 (Excel's "Unicode text"), and in Windows' and old
Macs' code pages; with commas, semicolons, tabs or pipes.
"""

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from common import csv_rows

DELIMITERS = (",", ";", "\t", "|")
_PIECE = 1 << 20
_HEAD = 4_096
_SHOWN = 60

_NOT_CSV = (
    (b"PK\x03\x04", "This is an Excel workbook or a zip archive: save the sheet as CSV (UTF-8) and send that."),
    (b"\xd0\xcf\x11\xe0", "This is an old Excel workbook: save the sheet as CSV (UTF-8) and send that."),
    (b"\x1f\x8b", "This is gzip: send the CSV itself, not compressed."),
    (b"%PDF", "This is a PDF: export the list as CSV and send that."),
    (b"{", "This is JSON: send CSV with a header row."),
    (b"[{", "This is JSON: send CSV with a header row."),
    (b"<", "This is HTML or XML: send CSV with a header row."),
)
_UNDEFINED_IN_CP1252 = (b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d")


class NotCsvError(ValueError):
    """A file cannot be read as CSV: *code* is `not_csv`, `empty_file` or `bad_text`, *detail* says what to do about it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Shape:
    """How to read a file."""

    encoding: str
    delimiter: str
    columns: list[str]


def look_at(file: Path, known: Callable[[Sequence[str]], int]) -> Shape:
    """The shape of *file*: the delimiter is the one under which most columns of its header are *known*, or there are most.

    Raises NotCsvError for what is no text or has no row.
    """
    with file.open("rb") as raw:
        encoding = _encoding(raw)
    headers = {delimiter: _header(file, encoding, delimiter) for delimiter in DELIMITERS}
    delimiter = max(headers, key=lambda cut: (known(headers[cut]), len(headers[cut])))
    return Shape(encoding, delimiter, headers[delimiter])


def shown(names: Sequence[str]) -> list[str]:
    """Names as an answer may show them: not too many, not too long, and nothing that is not printable."""
    clean = [re.sub(r"[^\x20-\x7e\xa0-\uffef]", "?", name.strip())[:_SHOWN] for name in names[:_SHOWN]]
    return [name for name in clean if name]


def _header(file: Path, encoding: str, delimiter: str) -> list[str]:
    with csv_rows.open_text(file, encoding) as text:
        return csv_rows.Reader(text, delimiter).header()


def _encoding(raw: BinaryIO) -> str:
    head = raw.read(_HEAD)
    if not head.strip(b"\xef\xbb\xbf\xff\xfe\r\n\t \x00"):
        raise NotCsvError("empty_file", "Send a CSV file with a header row and at least one row.")
    for magic, advice in _NOT_CSV:
        if head.removeprefix(codecs.BOM_UTF8).lstrip().startswith(magic):
            raise NotCsvError("not_csv", advice)
    raw.seek(0)
    if wide := _utf16(head):
        return _checked_utf16(raw, wide)
    broken, foreign = 0, 0
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    for piece in _pieces(raw):
        if b"\0" in piece:
            raise NotCsvError("not_csv", "This is not text: it holds NUL bytes.")
        if not piece.isascii() or broken:
            text = decode(piece)
            broken += text.count("\ufffd")
            foreign += len(text) - len(text.encode("ascii", "ignore"))
    if broken == 0 or foreign > 10 * broken:
        return "utf-8-sig" if head.startswith(codecs.BOM_UTF8) else "utf-8"
    return _code_page(raw, head)


def _utf16(head: bytes) -> str | None:
    """UTF-16 has a mark, or, for text like ours, a NUL in nearly every other byte."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    half = len(head) // 2
    if half and head[1::2].count(0) > half * 0.8:
        return "utf-16-le"
    if half and head[0::2].count(0) > half * 0.8:
        return "utf-16-be"
    return None


def _checked_utf16(raw: BinaryIO, encoding: str) -> str:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for piece in _pieces(raw):
            if "\0" in decoder.decode(piece):
                raise NotCsvError("not_csv", "This is not text: it holds NUL characters.")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        raise NotCsvError("bad_text", "It begins as UTF-16 and does not go on so: save it as CSV (UTF-8).") from error
    return encoding


def _code_page(raw: BinaryIO, head: bytes) -> str:
    """Windows' code page; an old Mac's where lines end as on no other system; Latin-1 for what neither has."""
    if b"\r" in head and b"\n" not in head:
        return "mac_roman"
    raw.seek(0)
    for piece in _pieces(raw):
        if any(byte in piece for byte in _UNDEFINED_IN_CP1252):
            return "latin-1"
    return "cp1252"


def _pieces(raw: BinaryIO) -> Iterator[bytes]:
    while piece := raw.read(_PIECE):
        yield piece
