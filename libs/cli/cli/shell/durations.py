"""Spans of time and amounts as a user writes them: `90m`, `24h`, `7d`, `12.5`."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import typer

_DAY_SECONDS = 86_400
_MAX_CENTS = Decimal(100_000_000)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_span(text: str) -> timedelta:
    """Return the span *text*. Raises typer.BadParameter for any other text."""
    found = re.fullmatch(r"(\d{1,6})\s*([smhdw])", text.strip().lower(), re.ASCII)
    if not found:
        raise typer.BadParameter(f"{text!r} is no span of time; write 90m, 24h or 7d.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def subtract_span(moment: datetime, span: timedelta) -> datetime:
    """Return the point in time *span* before *moment*, or the year 1 where that goes back further."""
    try:
        return moment - span
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def parse_moment(text: str) -> datetime:
    """Return the moment *text*: RFC 3339, or a span before now. Raises typer.BadParameter for any other text."""
    try:
        given = datetime.fromisoformat(text.strip())
        return (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        try:
            return datetime.now(UTC) - parse_span(text)
        except (typer.BadParameter, OverflowError):
            raise typer.BadParameter(f"{text!r} is no moment; write 2026-03-01T17:05:00Z, 2026-03-01 or 24h.") from None


def parse_seconds(text: str | float) -> float:
    """Return a number of seconds from 0 to a day. Raises typer.BadParameter for any other text."""
    found = re.fullmatch(r"\d{1,5}(\.\d{1,3})?", str(text).strip(), re.ASCII)
    if not found or float(text) > _DAY_SECONDS:
        raise typer.BadParameter(f"{text!r} is no number of seconds from 0 to {_DAY_SECONDS:,}.")
    return float(text)


def parse_cents(text: str) -> Decimal:
    """Return an amount of US cents. Raises typer.BadParameter for any other text."""
    if not re.fullmatch(r"\d{1,9}(\.\d{1,4})?", text.strip(), re.ASCII) or Decimal(text) > _MAX_CENTS:
        raise typer.BadParameter(f"{text!r} is no amount of US cents from 0 to {_MAX_CENTS:,}, such as 250 or 12.5.")
    return Decimal(text.strip())


def format_age(seconds: float) -> str:
    """Return a time span as a person reads it, in its largest unit."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"
