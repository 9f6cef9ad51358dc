"""Keyring: encryption of contact details and other personal data, and keyed hashes (docs/data-model.md, Contacts).

A value is encrypted with its lead's data key, and the master key wraps that key. Rotation re-wraps data keys; erasure
destroys one. Every ciphertext is `version | key id | nonce | ciphertext`. It is bound to its record, so that it cannot be
decrypted for another one. Keys come from the environment or files, never from the database.
"""

import os
import re
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from common.settings import Settings

NORMALISATION_VERSION = 1
"""Version of the normal form of emails (lower case) and phones (E.164) before they are hashed."""

_CIPHERTEXT_VERSION = 1
_HEADER_BYTES = 2
_NONCE_BYTES = 12
_DATA_KEY_BYTES = 32


class MissingKeyError(RuntimeError):
    """A required key is not set."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not set. Set it to 64 hex digits, as `openssl rand -hex 32` prints them")


class MalformedKeyError(RuntimeError):
    """A setting for a key holds no key."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not a key. Set it to 64 hex digits, as `openssl rand -hex 32` prints them")


class DecryptionError(ValueError):
    """A ciphertext was changed, belongs to another record, or was made with a key that this process does not have."""


class Keyring:
    """Master keys and hash key (pepper) of one process."""

    def __init__(
        self, master: dict[str, bytes], active: str, pepper: bytes | None = None, hash_key_id: str = "h1"
    ) -> None:
        self._masters = {key_id: AESGCM(key) for key_id, key in master.items()}
        self._active_prefix = _build_prefix(active)
        self._active_master = self._masters[active]
        self._hash = HMAC(pepper, SHA256()) if pepper else None
        self.hash_key_id = hash_key_id

    @classmethod
    def from_settings(cls, settings: Settings) -> "Keyring":
        """Return the keys of *settings*. Raise MissingKeyError without a master key, MalformedKeyError for a malformed key."""
        if settings.encryption_key is None:
            raise MissingKeyError("ENCRYPTION_KEY")
        keys = {settings.encryption_key_id: _parse_key("ENCRYPTION_KEY", settings.encryption_key.get_secret_value())}
        for entry in filter(None, settings.encryption_keys_retired.get_secret_value().split(",")):
            key_id, _, key = entry.partition(":")
            keys[key_id.strip()] = _parse_key("ENCRYPTION_KEYS_RETIRED", key.strip())
        pepper = settings.contact_hash_key
        return cls(
            keys,
            settings.encryption_key_id,
            _parse_key("CONTACT_HASH_KEY", pepper.get_secret_value()) if pepper else None,
            settings.contact_hash_key_id,
        )

    def create_data_key(self, lead_id: UUID) -> tuple["DataKey", bytes]:
        """Create a data key for *lead_id*. Return it, and the same key wrapped for storage."""
        raw = os.urandom(_DATA_KEY_BYTES)
        return DataKey(lead_id, raw), self.encrypt("data-key", lead_id.bytes, raw)

    def unwrap_data_key(self, lead_id: UUID, wrapped: bytes) -> "DataKey":
        """Return the data key of *lead_id*. Raise DecryptionError."""
        return DataKey(lead_id, self.decrypt("data-key", lead_id.bytes, wrapped))

    def rewrap_data_key(self, lead_id: UUID, wrapped: bytes) -> bytes:
        """Return the same data key wrapped by the active master key, as a rotation needs it."""
        return self.encrypt("data-key", lead_id.bytes, self.decrypt("data-key", lead_id.bytes, wrapped))

    def encrypt(self, purpose: str, bound_to: bytes, plain: bytes) -> bytes:
        """Encrypt *plain* under the active master key, bound to a purpose and an id."""
        return _encrypt(self._active_master, self._active_prefix, purpose.encode() + b"|" + bound_to, plain)

    def decrypt(self, purpose: str, bound_to: bytes, encrypted: bytes) -> bytes:
        """Return the plain bytes that `encrypt` encrypted. Raise DecryptionError."""
        key_id, rest = _parse_ciphertext(encrypted)
        master = self._masters.get(key_id)
        if master is None:
            raise DecryptionError(f"The key `{key_id}` is not configured: name it in ENCRYPTION_KEYS_RETIRED")
        return _decrypt(master, purpose.encode() + b"|" + bound_to, rest)

    def hash_contact(self, value: str) -> bytes:
        """Return the keyed hash (32 bytes) by which a normalised phone or email is looked up."""
        return self._hash_text(value)

    def hash_fact(self, purpose: str, value: str) -> bytes:
        """Return the keyed hash (32 bytes) of a fact about a person, bound to a purpose. It equals no hash of a contact."""
        return self._hash_text(f"|{purpose}|{value}")

    def _hash_text(self, value: str) -> bytes:
        if self._hash is None:
            raise MissingKeyError("CONTACT_HASH_KEY")
        digest = self._hash.copy()  # a copy has the key already, and costs half as much as a new one
        digest.update(value.encode())
        return digest.finalize()


class DataKey:
    """Data key of one lead, which encrypts that lead's contact details."""

    __slots__ = ("_cipher", "_lead")

    def __init__(self, lead_id: UUID, raw: bytes) -> None:
        self._lead = lead_id.bytes
        self._cipher = AESGCM(raw)

    def encrypt(self, channel: str, value: str) -> bytes:
        """Encrypt a contact value of this lead; *channel* is `phone` or `email`."""
        return _encrypt(self._cipher, _DATA_KEY_PREFIX, self._lead + channel.encode(), value.encode())

    def decrypt(self, channel: str, ciphertext: bytes) -> str:
        """Return the contact value. Raise DecryptionError for the ciphertext of another lead or channel."""
        return _decrypt(self._cipher, self._lead + channel.encode(), _parse_ciphertext(ciphertext)[1]).decode()


def _parse_key(name: str, text: str) -> bytes:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise MalformedKeyError(name)
    return bytes.fromhex(text)


def _build_prefix(key_id: str) -> bytes:
    """Return the beginning of every ciphertext under the key *key_id*."""
    name = key_id.encode()
    return bytes([_CIPHERTEXT_VERSION, len(name)]) + name


_DATA_KEY_PREFIX = _build_prefix("lead")


def _encrypt(cipher: AESGCM, prefix: bytes, bound_to: bytes, plain: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return prefix + nonce + cipher.encrypt(nonce, plain, bound_to)


def _parse_ciphertext(encrypted: bytes) -> tuple[str, bytes]:
    """Return the key id, and nonce and ciphertext."""
    if len(encrypted) < _HEADER_BYTES + _NONCE_BYTES or encrypted[0] != _CIPHERTEXT_VERSION:
        raise DecryptionError("This is not a ciphertext of a known version")
    end = _HEADER_BYTES + encrypted[1]
    return encrypted[_HEADER_BYTES:end].decode("utf-8", "replace"), encrypted[end:]


def _decrypt(cipher: AESGCM, bound_to: bytes, rest: bytes) -> bytes:
    try:
        return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError) as error:
        raise DecryptionError("The ciphertext was changed or belongs to another record") from error
