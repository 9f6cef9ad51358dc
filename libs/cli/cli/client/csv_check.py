"""Check of a file before it is sent, so that a wrong one fails here and not after minutes of upload.

It refuses only plain mistakes; the gateway, which knows every encoding, checks the rest.
"""

import csv
import io
from pathlib import Path

from cli.shell.errors import CommandRefusedError, UsageError
from common.csv import columns

_HEAD_BYTES = 65_536
_DELIMITERS = ",;\t|"


def check_upload_file(file: Path) -> int:
    """Return the size of *file* in bytes. Raises a CliError when it cannot be an upload."""
    try:
        with file.open("rb") as content:
            head = content.read(_HEAD_BYTES)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error
    if not head.strip():
        raise CommandRefusedError(f"{file} is empty.")
    if head.startswith(b"PK\x03\x04"):
        raise CommandRefusedError(
            f"{file} is an Excel workbook or a zip archive.", "Save the sheet as CSV (UTF-8) and upload that."
        )
    _check_columns(file, _decode(head))
    return file.stat().st_size


def _decode(head: bytes) -> str:
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return head.decode(encoding, "replace")


def _check_columns(file: Path, text: str) -> None:
    if "\0" in text:
        return
    headers = [_read_header(text, delimiter) for delimiter in _DELIMITERS]
    header = max(headers, key=lambda names: (len(columns.recognised_headers(names)), len(names)))
    if missing := columns.missing_required_headers(header):
        raise CommandRefusedError(
            f"{file} lacks columns that every lead needs: {', '.join(missing)}.",
            f"Its first row reads: {', '.join(header)[:200]}",
        )


def _read_header(text: str, delimiter: str) -> list[str]:
    """Return the first row that is not blank and not Excel's `sep=;`."""
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if any(cell.strip() for cell in cells) and not cells[0].startswith("sep="):
                return [cell.strip() for cell in cells]
    except csv.Error:
        pass
    return []
