"""Conversion of untrusted message fields to values that PostgreSQL can store; an unusable value becomes None."""

from datetime import UTC, datetime
from uuid import UUID

MAX_INTEGER = 2**31 - 1
MAX_BIGINT = 2**63 - 1
MAX_TEXT_CHARACTERS = 200


def to_uuid(value: object) -> UUID | None:
    """Return the UUID that a string holds."""
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def to_text(value: object) -> str | None:
    """Return a string without characters that PostgreSQL rejects, cut to MAX_TEXT_CHARACTERS."""
    return value.replace("\0", "").replace("\ufffd", "")[:MAX_TEXT_CHARACTERS] if isinstance(value, str) else None


def to_integer(value: object, largest: int) -> int | None:
    """Return an integer between -*largest* and *largest*."""
    return value if isinstance(value, int) and not isinstance(value, bool) and -largest <= value <= largest else None


def to_time(value: object) -> datetime | None:
    """Return the time of an ISO 8601 string in UTC. A time without a zone is read as UTC."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
        return time.replace(tzinfo=time.tzinfo or UTC).astimezone(UTC) if time else None
    except (ValueError, OverflowError):
        return None
