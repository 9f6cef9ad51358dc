"""Signing secrets of partners: made, encrypted and opened."""

import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from cli.client.signing import SigningKey, SigningScheme
from cli.shell.private_files import open_private_file
from cli.shell.settings import DEFAULT_KEY_ID, CliSettings
from common.pii.keyring import DecryptionError, Keyring
from gateway.commands.command_queries import SigningKeyRow
from gateway.uploads.keys import SECRET_PURPOSE


def new_secret() -> str:
    """Return 64 hex digits: 256 random bits."""
    return secrets.token_hex(32)


def new_key_id(partner: str) -> str:
    """Return an id for a key of *partner*: readable, and safe in a header."""
    name = re.sub(r"[^a-z0-9]+", "-", partner.lower()).strip("-")[:40] or "key"
    return f"{name}-{secrets.token_hex(2)}"


def encrypt_secret(key_id: str, secret: str) -> bytes:
    """Return the secret as it is stored, bound to its key's id. Raises MissingKeyError without ENCRYPTION_KEY."""
    return Keyring.from_settings(CliSettings()).encrypt(SECRET_PURPOSE, key_id.encode(), secret.encode())


def find_usable_key(keys: Iterable[SigningKeyRow], settings: CliSettings) -> SigningKey | None:
    """Return the first of the stored keys whose secret can be read here. Raises MissingKeyError without ENCRYPTION_KEY.

    The secret of the key `default` is in HMAC_SECRET_KEY and in no table.
    """
    keyring = Keyring.from_settings(settings)
    for key in keys:
        secret = b""
        if key.key_id == DEFAULT_KEY_ID and settings.hmac_secret_key:
            secret = settings.hmac_secret_key.get_secret_value().strip().encode()
        with suppress(DecryptionError):  # encrypted under another ENCRYPTION_KEY
            secret = secret or keyring.decrypt(SECRET_PURPOSE, key.key_id.encode(), key.secret_encrypted)
        if secret:
            return SigningKey(key.key_id, secret, SigningScheme(key.scheme))
    return None


def write_secret_file(file: Path, secret: str) -> None:
    """Write the secret where only its owner can read it. Raises CommandRefusedError rather than overwrite a file."""
    with open_private_file(file) as out:
        out.write(secret + "\n")
