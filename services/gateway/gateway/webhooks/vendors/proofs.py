"""Proofs of origin and message access that several vendors share."""

import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

_HEX_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_MAX_TEXT_LENGTH = 512


class Proof(Protocol):
    """Proof of a webhook's origin, computed while its body arrives."""

    covers_body: bool
    """Whether the proof depends on the body. If not, it is known before the body is read."""

    def update(self, piece: bytes) -> None:
        """Add the next piece of the body."""

    def is_genuine(self) -> bool:
        """Return whether the vendor sent the webhook. If the proof covers the body, ask after its end."""


class SecretProof:
    """A header that holds one of our secrets."""

    covers_body = False

    def __init__(self, value: str | None, secrets: Iterable[bytes]) -> None:
        encoded = (value or "").encode("utf-8", "surrogateescape")
        self._is_genuine = any([hmac.compare_digest(encoded, secret) for secret in secrets])  # noqa: C419 - not only up to the first

    def update(self, piece: bytes) -> None:
        """Ignore the body."""

    def is_genuine(self) -> bool:
        """Return whether the header holds a secret. All are compared, in constant time."""
        return self._is_genuine


class SignatureProof:
    """A hex HMAC-SHA256, under one of our secrets, of *prefix* and the body."""

    covers_body = True

    def __init__(self, signature: str | None, secrets: Iterable[bytes], prefix: bytes = b"") -> None:
        self._digest = bytes.fromhex(signature) if signature and _HEX_SHA256.fullmatch(signature) else b""
        self._expected = [hmac.new(secret, prefix, "sha256") for secret in secrets]

    def update(self, piece: bytes) -> None:
        """Add the next piece of the body."""
        for expected in self._expected:
            expected.update(piece)

    def is_genuine(self) -> bool:
        """Return whether one of the secrets made the signature. All are compared, in constant time."""
        return any([hmac.compare_digest(self._digest, expected.digest()) for expected in self._expected])  # noqa: C419


class RefusedProof:
    """Proof of a webhook that its headers alone refuse, such as an old signature."""

    covers_body = False

    def update(self, piece: bytes) -> None:
        """Ignore the body."""

    def is_genuine(self) -> bool:
        """Return False."""
        return False


def text_at(message: Any, *path: str) -> str:
    """Return the text at *path* in a JSON object; an empty one if there is none."""
    for step in path:
        message = message.get(step) if isinstance(message, Mapping) else None
    return message if isinstance(message, str) else ""


def time_at(message: Any, *path: str) -> datetime | None:
    """Return the ISO 8601 time at *path*, or None."""
    text = text_at(message, *path)
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def pick_scalars(message: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return the members *names* of a JSON object that are numbers or short texts."""
    if not isinstance(message, Mapping):
        return {}
    found = {name: message[name] for name in names if name in message}
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, int | float) or (isinstance(value, str) and len(value) <= _MAX_TEXT_LENGTH)
    }
