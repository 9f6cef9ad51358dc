"""Rejected rows of an upload, as they are kept: the cells as they came, sealed, since they are personal data."""

from collections.abc import Mapping
from uuid import UUID

import orjson

from common.contacts import Keyring

UNREAD_ROWS = 5
"""Row numbers that an upload's report names for each field with values that could not be read."""
_PURPOSE = "reject"


def seal_row(keyring: Keyring, upload_id: UUID, row: int, cells: Mapping[str, str]) -> bytes:
    """The cells of one row (header to cell), openable for that upload and row only."""
    return keyring.seal(_PURPOSE, _place(upload_id, row), orjson.dumps(dict(cells)))


def open_row(keyring: Keyring, upload_id: UUID, row: int, sealed: bytes) -> dict[str, str]:
    """What `seal_row` was given. Raises CannotOpenError."""
    return dict(orjson.loads(keyring.unseal(_PURPOSE, _place(upload_id, row), sealed)))


def _place(upload_id: UUID, row: int) -> bytes:
    return upload_id.bytes + row.to_bytes(8, "big")
