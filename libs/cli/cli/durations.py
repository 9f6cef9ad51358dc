"""Spans of time as a user writes them: `90m`, `24h`, `7d`."""

import re
from datetime import UTC, datetime, timedelta

import typer

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def span(text: str) -> timedelta:
    """The span *text*. Raises typer.BadParameter for what is none."""
    found = re.fullmatch(r"(\d{1,6})\s*([smhdw])", text.strip().lower())
    if not found:
        raise typer.BadParameter(f"{text!r} is no span of time; write 90m, 24h or 7d.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def moment(text: str) -> datetime:
    """A moment: RFC 3339, or a span before now. Raises typer.BadParameter for what is neither."""
    try:
        given = datetime.fromisoformat(text.strip())
    except ValueError:
        try:
            return datetime.now(UTC) - span(text)
        except (typer.BadParameter, OverflowError):
            raise typer.BadParameter(f"{text!r} is no moment; write 2026-03-01T17:05:00Z, 2026-03-01 or 24h.") from None
    return given if given.tzinfo else given.replace(tzinfo=UTC)
