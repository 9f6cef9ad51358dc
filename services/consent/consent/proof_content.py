"""Content of a proof under the data key of its lead, with a salted hash that says nothing once the key is destroyed. Pure."""

import hashlib
import os
from dataclasses import dataclass
from typing import Literal

import orjson

from common.pii.keyring import DataKey, DecryptionError

Kind = Literal["page", "signer", "statement"]
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class EncryptedContent:
    """Salted hash of a content, and salt and content encrypted."""

    hash: bytes
    ciphertext: bytes


def encrypt_content(key: DataKey, kind: Kind, content: str) -> EncryptedContent:
    """Return *content*, encrypted with the data key of its lead."""
    salt = os.urandom(_SALT_BYTES)
    document = orjson.dumps({"salt": salt.hex(), "content": content}).decode()
    return EncryptedContent(_hash(salt, content), key.encrypt(f"consent_{kind}", document))


def decrypt_content(key: DataKey, kind: Kind, ciphertext: bytes, expected_hash: bytes | None) -> str:
    """Return the content. Raises DecryptionError if it was changed, or is not the content of *expected_hash*."""
    document = orjson.loads(key.decrypt(f"consent_{kind}", ciphertext))
    content: str = document["content"]
    if _hash(bytes.fromhex(document["salt"]), content) != expected_hash:
        raise DecryptionError("The content does not have the hash that the proof carries")
    return content


def _hash(salt: bytes, content: str) -> bytes:
    return hashlib.sha256(salt + content.encode()).digest()
