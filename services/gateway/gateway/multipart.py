"""The file inside a multipart body. The signature covers the exact bytes sent; they are verified before this reads."""

import hashlib
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from gateway.problems import ProblemError

_PIECE = 1 << 20


class _Extraction:
    """Follows the parser through the parts and copies the one that has a file name."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._header_name = b""
        self._header_value = b""
        self._part = Message()
        self._copying = False
        self.filename: str | None = None
        self.ended = False

    def callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._field,
            "on_header_value": self._value,
            "on_header_end": self._header,
            "on_headers_finished": self._headers,
            "on_part_data": self._data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._part = Message()

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header(self) -> None:
        self._part[self._header_name.decode("ascii", "replace")] = self._header_value.decode("utf-8", "replace")
        self._header_name = self._header_value = b""

    def _headers(self) -> None:
        filename = self._part.get_filename()
        if filename is None:
            return
        if self.filename is not None:
            raise ProblemError("bad_multipart", "There are several files: send one file a request.")
        if (self._part.get("Content-Transfer-Encoding") or "binary").lower() not in ("binary", "8bit", "7bit"):
            raise ProblemError("bad_multipart", "The file is encoded for mail: send its bytes as they are.")
        self.filename = filename
        self._copying = True

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._copying:
            self._out.write(data[start:end])

    def _end_part(self) -> None:
        self._copying = False

    def _end(self) -> None:
        self.ended = True


def boundary_of(content_type: str) -> bytes:
    """The boundary that a Content-Type header names. Raises ProblemError without one."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if not boundary:
        raise ProblemError("bad_multipart", "Content-Type names no boundary.")
    return boundary.encode("latin-1", "replace")


def extract(body: Path, boundary: bytes, out: BinaryIO) -> str:
    """Copy the one file of a multipart *body* to *out*; its name. Raises ProblemError when there is not exactly one."""
    extraction = _Extraction(out)
    try:
        parser = MultipartParser(boundary, extraction.callbacks())  # type: ignore[arg-type]
        with body.open("rb") as raw:
            while piece := raw.read(_PIECE):
                parser.write(piece)
        parser.finalize()
    except FormParserError as error:
        raise ProblemError(
            "bad_multipart", "Build it with a library, and sign the very bytes that are sent."
        ) from error
    if not extraction.ended:
        raise ProblemError("bad_multipart", "The body has no end: its closing boundary is missing.")
    if extraction.filename is None:
        raise ProblemError("bad_multipart", "No part has a file name: send the CSV as a file part.")
    out.flush()
    return extraction.filename


def sha256_of(file: Path) -> bytes:
    """The SHA-256 of a file."""
    with file.open("rb") as raw:
        return hashlib.file_digest(raw, "sha256").digest()
