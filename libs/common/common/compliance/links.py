"""Signed links in emails that identify the lead, and carry nothing else.

Such a link is valid as long as the email exists. It grants nothing by itself: opening it issues the short-lived token that a
consent form needs (docs/hazards.md, S22).
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from uuid import UUID

_LEAD_ID_BYTES = 16
_TAG_BYTES = 16


def build_lead_link(base_url: str, secret: bytes, lead_id: UUID) -> str:
    """Return the URL under *base_url* that identifies *lead_id* to holders of *secret*."""
    return f"{base_url}{'&' if '?' in base_url else '?'}l={build_link_token(secret, lead_id)}"


def build_link_token(secret: bytes, lead_id: UUID) -> str:
    """Return the parameter `l` of a link to *lead_id*."""
    return urlsafe_b64encode(lead_id.bytes + _tag(secret, lead_id)).decode().rstrip("=")


def read_lead_link(token: str, secret: bytes) -> UUID | None:
    """Return the lead that the parameter `l` of a link identifies. None if the link was not made with *secret*."""
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (Error, ValueError):
        return None
    if len(raw) != _LEAD_ID_BYTES + _TAG_BYTES:
        return None
    lead_id = UUID(bytes=raw[:_LEAD_ID_BYTES])
    return lead_id if hmac.compare_digest(raw[_LEAD_ID_BYTES:], _tag(secret, lead_id)) else None


def _tag(secret: bytes, lead_id: UUID) -> bytes:
    return hmac.digest(secret, b"lead-link|" + lead_id.bytes, "sha256")[:_TAG_BYTES]
