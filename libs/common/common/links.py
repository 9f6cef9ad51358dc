"""Links in emails that say who follows them, and nothing more (design §10).

Such a link lives as long as the email does. Opening it mints the short-lived token that a consent form needs.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from uuid import UUID

_TAG = 16


def lead_link(base_url: str, secret: bytes, lead_id: UUID) -> str:
    """The address under *base_url* that names *lead_id* to whoever holds *secret*."""
    token = urlsafe_b64encode(lead_id.bytes + _tag(secret, lead_id)).decode().rstrip("=")
    return f"{base_url}{'&' if '?' in base_url else '?'}l={token}"


def lead_of(token: str, secret: bytes) -> UUID | None:
    """The lead that the parameter `l` of a link names; None when it was not made with *secret*."""
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (Error, ValueError):
        return None
    if len(raw) != 16 + _TAG:
        return None
    lead_id = UUID(bytes=raw[:16])
    return lead_id if hmac.compare_digest(raw[16:], _tag(secret, lead_id)) else None


def _tag(secret: bytes, lead_id: UUID) -> bytes:
    return hmac.digest(secret, b"lead-link|" + lead_id.bytes, "sha256")[:_TAG]
