"""Signatures of requests to the gateway (docs/hmac-guide.md).

The scheme `v2` signs `<timestamp>.<body>`; the scheme `body` signs the body alone. A key is for one of them. A key of
either signs reads with `v2=` over `<timestamp>.GET <path>`.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

_CHUNK_BYTES = 1 << 20


class SigningScheme(StrEnum):
    """Parts of an upload that a key signs."""

    V2 = "v2"
    BODY = "body"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A partner's key."""

    key_id: str
    secret: bytes = field(repr=False)
    scheme: SigningScheme

    def _digest(self, signed: bytes) -> str:
        return hmac.new(self.secret, signed, hashlib.sha256).hexdigest()

    def sign_read(self, path: str, now: datetime) -> dict[str, str]:
        """Return the headers with which this key may read *path*."""
        timestamp = format_rfc3339(now)
        return {
            "X-Key-Id": self.key_id,
            "X-Signature-Timestamp": timestamp,
            "X-Signature": f"v2={self._digest(f'{timestamp}.GET {path}'.encode())}",
        }

    def sign_file(self, file: Path, now: datetime, on_bytes: Callable[[int], None] = lambda _: None) -> dict[str, str]:
        """Return the headers for sending *file* as the body.

        It reads the file once, in chunks, and calls *on_bytes* with the size of each.
        """
        timestamp = format_rfc3339(now)
        signature = hmac.new(self.secret, digestmod=hashlib.sha256)
        if self.scheme is SigningScheme.V2:
            signature.update(f"{timestamp}.".encode())
        content = hashlib.sha256()
        with file.open("rb") as body:
            while chunk := body.read(_CHUNK_BYTES):
                signature.update(chunk)
                content.update(chunk)
                on_bytes(len(chunk))
        name = "v2" if self.scheme is SigningScheme.V2 else "sha256"
        return {
            "X-Key-Id": self.key_id,
            "X-Signature-Timestamp": timestamp,
            "X-Signature": f"{name}={signature.hexdigest()}",
            "X-Content-SHA256": content.hexdigest(),
        }


def format_rfc3339(moment: datetime) -> str:
    """Return *moment* in UTC, to the second, as in `2026-03-01T17:05:00Z`."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
