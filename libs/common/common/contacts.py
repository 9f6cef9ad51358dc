"""Contact details: encryption, keyed hashes and the sealing of anything else that is personal (design §5).

A value is encrypted with its lead's data key, which the master key wraps: rotation re-wraps, erasure destroys one key.
Every ciphertext reads `version | key id | nonce | ciphertext` and is bound to what it belongs to, so that it opens in
no other place. Keys come from the environment or files, never from the database.
"""

import hmac
import os
import re
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from common.settings import Settings

NORMALISATION_VERSION = 1
"""Version of how emails and phones are written before they are hashed: lower case; E.164."""

_VERSION = 1
_NONCE = 12


class MissingKeyError(RuntimeError):
    """A key that is needed is not set."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not set: 64 hex digits are needed, as `openssl rand -hex 32` prints them")


class WrongKeyError(RuntimeError):
    """A key is set to something that is no key."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not a key: 64 hex digits are needed, as `openssl rand -hex 32` prints them")


class CannotOpenError(ValueError):
    """A ciphertext was changed, belongs elsewhere, or was made with a key that is not here."""


class Keyring:
    """The master keys and the pepper of one process."""

    def __init__(
        self, master: dict[str, bytes], active: str, pepper: bytes | None = None, hash_key_id: str = "h1"
    ) -> None:
        self._masters = {key_id: AESGCM(key) for key_id, key in master.items()}
        self._active = active
        self._pepper = pepper
        self.hash_key_id = hash_key_id

    @classmethod
    def from_settings(cls, settings: Settings) -> "Keyring":
        """The keys of *settings*. Raises MissingKeyError without a master key, and WrongKeyError for what is no key."""
        if settings.encryption_key is None:
            raise MissingKeyError("ENCRYPTION_KEY")
        keys = {settings.encryption_key_id: _from_hex("ENCRYPTION_KEY", settings.encryption_key.get_secret_value())}
        for entry in filter(None, settings.encryption_keys_retired.get_secret_value().split(",")):
            key_id, _, key = entry.partition(":")
            keys[key_id.strip()] = _from_hex("ENCRYPTION_KEYS_RETIRED", key.strip())
        pepper = settings.contact_hash_key
        return cls(
            keys,
            settings.encryption_key_id,
            _from_hex("CONTACT_HASH_KEY", pepper.get_secret_value()) if pepper else None,
            settings.contact_hash_key_id,
        )

    def new_data_key(self, lead_id: UUID) -> tuple["DataKey", bytes]:
        """A fresh data key for *lead_id*, and the same wrapped for storage."""
        raw = AESGCM.generate_key(256)
        return DataKey(lead_id, raw), self.seal("data-key", lead_id.bytes, raw)

    def open_data_key(self, lead_id: UUID, wrapped: bytes) -> "DataKey":
        """The data key of *lead_id*. Raises CannotOpenError."""
        return DataKey(lead_id, self.unseal("data-key", lead_id.bytes, wrapped))

    def rewrap_data_key(self, lead_id: UUID, wrapped: bytes) -> bytes:
        """The same data key under the active master key: what a rotation does."""
        return self.seal("data-key", lead_id.bytes, self.unseal("data-key", lead_id.bytes, wrapped))

    def seal(self, purpose: str, bound_to: bytes, plain: bytes) -> bytes:
        """Encrypt *plain* under the active master key, bound to a purpose and an id."""
        return _encrypt(self._masters[self._active], self._active, purpose.encode() + b"|" + bound_to, plain)

    def unseal(self, purpose: str, bound_to: bytes, sealed: bytes) -> bytes:
        """What `seal` was given. Raises CannotOpenError."""
        key_id, rest = _parse(sealed)
        master = self._masters.get(key_id)
        if master is None:
            raise CannotOpenError(f"no key `{key_id}` is here: name it in ENCRYPTION_KEYS_RETIRED")
        return _decrypt(master, purpose.encode() + b"|" + bound_to, rest)

    def hash_contact(self, value: str) -> bytes:
        """The keyed hash (32 bytes) under which a normalised phone or email is found."""
        if self._pepper is None:
            raise MissingKeyError("CONTACT_HASH_KEY")
        return hmac.digest(self._pepper, value.encode("utf-8"), "sha256")


class DataKey:
    """One lead's key; encrypts that lead's contact details."""

    __slots__ = ("_cipher", "_lead")

    def __init__(self, lead_id: UUID, raw: bytes) -> None:
        self._lead = lead_id.bytes
        self._cipher = AESGCM(raw)

    def encrypt(self, channel: str, value: str) -> bytes:
        """Encrypt a contact value of this lead; *channel* is `phone` or `email`."""
        return _encrypt(self._cipher, "lead", self._lead + channel.encode(), value.encode())

    def decrypt(self, channel: str, ciphertext: bytes) -> str:
        """The contact value. Raises CannotOpenError for another lead's or channel's ciphertext."""
        return _decrypt(self._cipher, self._lead + channel.encode(), _parse(ciphertext)[1]).decode()


def _from_hex(name: str, text: str) -> bytes:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise WrongKeyError(name)
    return bytes.fromhex(text)


@lru_cache(maxsize=16)
def _prefix(key_id: str) -> bytes:
    name = key_id.encode()
    return bytes([_VERSION, len(name)]) + name


def _encrypt(cipher: AESGCM, key_id: str, bound_to: bytes, plain: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return _prefix(key_id) + nonce + cipher.encrypt(nonce, plain, bound_to)


def _parse(sealed: bytes) -> tuple[str, bytes]:
    if len(sealed) < 2 + _NONCE or sealed[0] != _VERSION:
        raise CannotOpenError("this is not a ciphertext of a version we know")
    end = 2 + sealed[1]
    return sealed[2:end].decode("utf-8", "replace"), sealed[end:]


def _decrypt(cipher: AESGCM, bound_to: bytes, rest: bytes) -> bytes:
    try:
        return cipher.decrypt(rest[:_NONCE], rest[_NONCE:], bound_to)
    except (InvalidTag, ValueError) as error:
        raise CannotOpenError("the ciphertext was changed or belongs to another record") from error
