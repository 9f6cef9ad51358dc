"""Proofs that several vendors use."""

import hmac
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

_HEX_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


def any_equal(given: str | None, secrets: Iterable[bytes]) -> bool:
    """Whether *given* is one of the secrets. Compares all, in constant time."""
    said = (given or "").encode("utf-8", "surrogateescape")
    return any([hmac.compare_digest(said, secret) for secret in secrets])  # noqa: C419 - all, not up to the first


def any_signed(given: str | None, text: bytes, secrets: Iterable[bytes]) -> bool:
    """Whether *given* is the hex HMAC-SHA256 of *text* under one of the secrets."""
    digest = bytes.fromhex(given) if given and _HEX_SHA256.fullmatch(given) else b""
    return any([hmac.compare_digest(digest, hmac.digest(secret, text, "sha256")) for secret in secrets])  # noqa: C419


def text_at(message: Any, *path: str) -> str:
    """The text at *path* in a JSON object; empty when there is none."""
    for step in path:
        message = message.get(step) if isinstance(message, Mapping) else None
    return message if isinstance(message, str) else ""


def time_at(message: Any, *path: str) -> datetime | None:
    """The ISO time at *path*, or None."""
    text = text_at(message, *path)
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
