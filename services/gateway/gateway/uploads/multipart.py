"""Extraction of the file from a multipart body. The signature covers the exact bytes of the body and is verified before."""

import hashlib
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from common.web.problems import ProblemError
from gateway.problems import BAD_MULTIPART

_READ_BYTES = 1 << 20


class _FileExtraction:
    """Callbacks of the parser that copy the one part with a file name."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._header_name = b""
        self._header_value = b""
        self._part = Message()
        self._is_copying = False
        self.filename: str | None = None
        self.has_ended = False

    def callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": self._add_to_header_name,
            "on_header_value": self._add_to_header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._copy_data,
            "on_part_end": self._end_part,
            "on_end": self._end_body,
        }

    def _begin_part(self) -> None:
        self._part = Message()

    def _add_to_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _add_to_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        self._part[self._header_name.decode("ascii", "replace")] = self._header_value.decode("utf-8", "replace")
        self._header_name = self._header_value = b""

    def _end_headers(self) -> None:
        filename = self._part.get_filename()
        if filename is None:
            return
        if self.filename is not None:
            raise ProblemError(BAD_MULTIPART, "The body has several files. Send one file in a request.")
        if (self._part.get("Content-Transfer-Encoding") or "binary").lower() not in ("binary", "8bit", "7bit"):
            raise ProblemError(BAD_MULTIPART, "The file is encoded for mail. Send its bytes unchanged.")
        self.filename = filename
        self._is_copying = True

    def _copy_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_copying:
            self._out.write(data[start:end])

    def _end_part(self) -> None:
        self._is_copying = False

    def _end_body(self) -> None:
        self.has_ended = True


def read_boundary(content_type: str) -> bytes:
    """Return the boundary in a Content-Type header. Raises ProblemError if there is none."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary()
    if not boundary:
        raise ProblemError(BAD_MULTIPART, "Content-Type names no boundary. Build the request with a library.")
    return boundary.encode("latin-1", "replace")


def extract_file(body: Path, boundary: bytes, out: BinaryIO) -> str:
    """Copy the file in a multipart *body* to *out* and return its name. Raises ProblemError unless there is exactly one."""
    extraction = _FileExtraction(out)
    try:
        parser = MultipartParser(boundary, extraction.callbacks())  # type: ignore[arg-type]
        with body.open("rb") as raw:
            while block := raw.read(_READ_BYTES):
                parser.write(block)
        parser.finalize()
    except FormParserError as error:
        raise ProblemError(
            BAD_MULTIPART, "Build it with a library, and sign exactly the bytes that are sent."
        ) from error
    if not extraction.has_ended:
        raise ProblemError(BAD_MULTIPART, "The closing boundary is missing. Send the whole body.")
    if extraction.filename is None:
        raise ProblemError(BAD_MULTIPART, "No part has a file name. Send the CSV as a file part.")
    out.flush()
    return extraction.filename


def hash_file(file: Path) -> bytes:
    """Return the SHA-256 of a file."""
    with file.open("rb") as raw:
        return hashlib.file_digest(raw, "sha256").digest()
