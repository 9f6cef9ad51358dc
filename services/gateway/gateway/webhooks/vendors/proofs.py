"""Proofs of origin and message access that several vendors share."""

import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

_HEX_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def equals_any_secret(value: str | None, secrets: Iterable[bytes]) -> bool:
    """Return whether *value* is one of the secrets. Compares with all of them, in constant time."""
    encoded = (value or "").encode("utf-8", "surrogateescape")
    return any([hmac.compare_digest(encoded, secret) for secret in secrets])  # noqa: C419 - not only up to the first


def is_signed_by_any(signature: str | None, text: bytes, secrets: Iterable[bytes]) -> bool:
    """Return whether *signature* is the hex HMAC-SHA256 of *text* under one of the secrets."""
    digest = bytes.fromhex(signature) if signature and _HEX_SHA256.fullmatch(signature) else b""
    return any([hmac.compare_digest(digest, hmac.digest(secret, text, "sha256")) for secret in secrets])  # noqa: C419


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
