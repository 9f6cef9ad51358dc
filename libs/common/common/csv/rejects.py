"""Storage form of rejected rows of an upload: unchanged cells, encrypted because they are personal data."""

from collections.abc import Mapping
from uuid import UUID

import orjson

from common.pii.keyring import Keyring

MAX_REPORTED_ROWS = 5
"""Row numbers that an upload's report names for each field with unread values."""
_PURPOSE = "reject"


def encrypt_row(keyring: Keyring, upload_id: UUID, row: int, cells: Mapping[str, str]) -> bytes:
    """Encrypt the cells of one row (header to cell), bound to its upload and row number."""
    return keyring.encrypt(_PURPOSE, _context(upload_id, row), orjson.dumps(dict(cells)))


def decrypt_row(keyring: Keyring, upload_id: UUID, row: int, encrypted: bytes) -> dict[str, str]:
    """Return the cells that `encrypt_row` encrypted. Raise DecryptionError."""
    return dict(orjson.loads(keyring.decrypt(_PURPOSE, _context(upload_id, row), encrypted)))


def _context(upload_id: UUID, row: int) -> bytes:
    return upload_id.bytes + row.to_bytes(8, "big")
