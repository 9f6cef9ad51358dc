"""What is looked at before a file is sent, so that a wrong one fails here and not after minutes of upload.

Only what is plainly wrong is refused; the gateway, which knows every encoding, judges the rest.
"""

import csv
import io
from pathlib import Path

from cli.errors import RefusedError, UsageError
from common import columns

_HEAD = 65_536
_DELIMITERS = ",;\t|"


def sendable(file: Path) -> int:
    """The size of *file*. Raises a CliError when it cannot be an upload."""
    try:
        with file.open("rb") as content:
            head = content.read(_HEAD)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from error
    if not head.strip():
        raise RefusedError(f"{file} is empty.")
    if head.startswith(b"PK\x03\x04"):
        raise RefusedError(
            f"{file} is an Excel workbook or a zip archive.", "Save the sheet as CSV (UTF-8) and upload that."
        )
    _check_columns(file, _text(head))
    return file.stat().st_size


def _text(head: bytes) -> str:
    encoding = "utf-16" if head.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    return head.decode(encoding, "replace")


def _check_columns(file: Path, text: str) -> None:
    if "\0" in text:
        return
    headers = [_header(text, delimiter) for delimiter in _DELIMITERS]
    header = max(headers, key=lambda names: (len(columns.recognised(names)), len(names)))
    if missing := columns.missing_required(header):
        raise RefusedError(
            f"{file} lacks columns that every lead needs: {', '.join(missing)}.",
            f"Its first row reads: {', '.join(header)[:200]}",
        )


def _header(text: str, delimiter: str) -> list[str]:
    """The first row that is not blank and not Excel's `sep=;`."""
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if any(cell.strip() for cell in cells) and not cells[0].startswith("sep="):
                return [cell.strip() for cell in cells]
    except csv.Error:
        pass
    return []
