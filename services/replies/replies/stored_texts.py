"""Encryption of the texts of replies and answers, with the data key of the lead."""

from typing import Literal
from uuid import UUID

from common.pii.keyring import DataKey

TextPart = Literal["subject", "text", "other"]


def encrypt_text(key: DataKey, row_id: UUID, part: TextPart, text: str) -> bytes:
    """Return *text* encrypted for one part of the reply or answer *row_id*."""
    return key.encrypt(_bound_to(row_id, part), text)


def decrypt_text(key: DataKey, row_id: UUID, part: TextPart, ciphertext: bytes) -> str:
    """Return the text. Raises DecryptionError for that of another row, part or lead."""
    return key.decrypt(_bound_to(row_id, part), ciphertext)


def _bound_to(row_id: UUID, part: TextPart) -> str:
    return f"reply|{row_id}|{part}"
