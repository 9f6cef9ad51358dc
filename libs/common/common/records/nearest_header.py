"""Suggestion of a column for a field that a file lacks."""

import difflib
import re
from collections.abc import Sequence

from common.records.headers import accepted_headers, plain_header

_MIN_LIKENESS = 0.6
_OF_ANOTHER_ADDRESS = re.compile(r"mail|owner|tax|bill|agent|seller|buyer|relative|estate")
"""Part of headers that are never suggested for the property's address."""


def find_nearest_header(field: str, headers: Sequence[str]) -> str | None:
    """Return the header that is most like an accepted one of *field*; headers that contain its usual one come first."""
    by_plain = {plain_header(header): header for header in headers}
    usual = plain_header(accepted_headers(field)[0])
    by_plain = {plain: header for plain, header in by_plain.items() if not _OF_ANOTHER_ADDRESS.search(plain)}
    if any(usual in plain for plain in by_plain):
        by_plain = {plain: header for plain, header in by_plain.items() if usual in plain}
    likeness = {
        plain: max(difflib.SequenceMatcher(None, plain, plain_header(name)).ratio() for name in accepted_headers(field))
        for plain in by_plain
    }
    best = max(likeness, key=lambda plain: likeness[plain], default=None)
    return by_plain[best] if best is not None and (usual in best or likeness[best] >= _MIN_LIKENESS) else None
