"""Making, showing and reading a partner's signing secret."""

import re
import secrets
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cli.errors import UsageError
from cli.private import new_private
from cli.settings import DEFAULT_KEY_ID, CliSettings
from cli.signing import Scheme, SigningKey
from common.contacts import CannotOpenError, Keyring

PURPOSE = "partner-key"


def new_secret() -> str:
    """64 hex digits: 256 random bits."""
    return secrets.token_hex(32)


def new_key_id(partner: str) -> str:
    """An id for a key of *partner*: readable, and safe in a header."""
    name = re.sub(r"[^a-z0-9]+", "-", partner.lower()).strip("-")[:40] or "key"
    return f"{name}-{secrets.token_hex(2)}"


def seal(key_id: str, secret: str) -> bytes:
    """The secret as it is stored, bound to its key's id. Raises MissingKeyError without ENCRYPTION_KEY."""
    return Keyring.from_settings(CliSettings()).seal(PURPOSE, key_id.encode(), secret.encode())


def usable(rows: Iterable[Mapping[str, Any]], settings: CliSettings) -> SigningKey | None:
    """The first of the stored keys whose secret can be had here. Raises MissingKeyError without ENCRYPTION_KEY.

    The secret of the key `default` is in HMAC_SECRET_KEY and nowhere else.
    """
    keyring = Keyring.from_settings(settings)
    for row in rows:
        key_id, secret = row["key_id"], b""
        if key_id == DEFAULT_KEY_ID and settings.hmac_secret_key:
            secret = settings.hmac_secret_key.get_secret_value().strip().encode()
        with suppress(CannotOpenError):  # sealed under another ENCRYPTION_KEY
            secret = secret or keyring.unseal(PURPOSE, key_id.encode(), row["secret_sealed"])
        if secret:
            return SigningKey(key_id, secret, Scheme(row["scheme"]))
    return None


def write_new(file: Path, secret: str) -> None:
    """Write the secret where only its owner can read it. Raises RefusedError rather than overwrite a file."""
    with new_private(file) as out:
        out.write(secret + "\n")


def read(file: Path | None, settings: CliSettings) -> bytes:
    """The secret in *file* (`-` is stdin), else in HMAC_SECRET_KEY. Raises UsageError when there is none."""
    if file is not None:
        try:
            found = sys.stdin.read() if str(file) == "-" else file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"The secret cannot be read from {file}.", "It is the line that `equity keys add` printed."
            ) from error
    elif settings.hmac_secret_key:
        found = settings.hmac_secret_key.get_secret_value()
    else:
        raise UsageError(
            "There is no secret to sign with.",
            "Give --secret-file, or set HMAC_SECRET_KEY. `equity keys add PARTNER` makes one.",
        )
    if not found.strip():
        raise UsageError("The secret is empty.")
    return found.strip().encode()
