"""Token of one form: written into the page, valid for seven days, and for one signature. Pure.

A token is `payload.tag`, both in base64url. The tag is an HMAC under FORM_LINK_SECRET; its prefix keeps it apart from the tag
of a link. The payload carries the digest of the page, so that a page that would read differently now is shown again.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from consent.texts import LANGUAGES, Language

TokenProblem = Literal["malformed", "forged"]
LIFETIME = timedelta(days=7)
NONCE_BYTES = 16
_VERSION = b"\x01"
_DIGEST_BYTES = 16
_PAYLOAD_BYTES = 1 + 16 + NONCE_BYTES + 8 + 2 + _DIGEST_BYTES
_MAX_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class FormToken:
    """Content of a token: row of `app.consent_tokens`, its nonce, end of validity, and language and digest of the page."""

    token_id: UUID
    nonce: bytes
    expires_at: datetime
    language: Language
    page_digest: bytes


def digest_page(page: str) -> bytes:
    """Return the part of the SHA-256 of *page* that a token carries."""
    return hashlib.sha256(page.encode()).digest()[:_DIGEST_BYTES]


def hash_nonce(nonce: bytes) -> str:
    """Return the hash under which the database keeps a nonce."""
    return hashlib.sha256(nonce).hexdigest()


def build_token(token: FormToken, secret: bytes) -> str:
    """Return *token*, signed with *secret*."""
    payload = b"".join((
        _VERSION,
        token.token_id.bytes,
        token.nonce,
        int(token.expires_at.timestamp()).to_bytes(8, "big"),
        token.language.encode(),
        token.page_digest,
    ))  # fmt: skip
    return f"{_encode(payload)}.{_encode(_tag(payload, secret))}"


def read_token(text: str, secrets: Iterable[bytes]) -> FormToken | TokenProblem:
    """Return the token in *text*: `malformed` if it is none, `forged` if none of *secrets* signed it."""
    encoded, _, tag_text = text.partition(".")
    payload, tag = _decode(encoded), _decode(tag_text)
    if len(text) > _MAX_CHARACTERS or payload is None or tag is None:
        return "malformed"
    if len(payload) != _PAYLOAD_BYTES or payload[:1] != _VERSION:
        return "malformed"
    if not any(hmac.compare_digest(tag, _tag(payload, secret)) for secret in secrets):
        return "forged"
    language = payload[41:43].decode()
    assert language in LANGUAGES  # noqa: S101 - we signed it
    return FormToken(
        token_id=UUID(bytes=payload[1:17]),
        nonce=payload[17:33],
        expires_at=datetime.fromtimestamp(int.from_bytes(payload[33:41], "big"), UTC),
        language=language,
        page_digest=payload[43:],
    )


def _tag(payload: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, b"consent-form-token|" + payload, "sha256")


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> bytes | None:
    try:
        return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (Error, ValueError):
        return None
