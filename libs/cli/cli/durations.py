"""Spans of time as a user writes them: `90m`, `24h`, `7d`."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import typer

_DAY_SECONDS = 86_400
_MOST_CENTS = Decimal(100_000_000)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def span(text: str) -> timedelta:
    """The span *text*. Raises typer.BadParameter for what is none."""
    found = re.fullmatch(r"(\d{1,6})\s*([smhdw])", text.strip().lower(), re.ASCII)
    if not found:
        raise typer.BadParameter(f"{text!r} is no span of time; write 90m, 24h or 7d.")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def earlier(moment: datetime, span: timedelta) -> datetime:
    """Return the point in time *span* before *moment*, or the year 1 where that goes back further."""
    try:
        return moment - span
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def moment(text: str) -> datetime:
    """A moment: RFC 3339, or a span before now. Raises typer.BadParameter for what is neither."""
    try:
        given = datetime.fromisoformat(text.strip())
        return (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        try:
            return datetime.now(UTC) - span(text)
        except (typer.BadParameter, OverflowError):
            raise typer.BadParameter(f"{text!r} is no moment; write 2026-03-01T17:05:00Z, 2026-03-01 or 24h.") from None


def seconds(text: str | float) -> float:
    """A number of seconds from 0 to a day. Raises typer.BadParameter for what is none."""
    found = re.fullmatch(r"\d{1,5}(\.\d{1,3})?", str(text).strip(), re.ASCII)
    if not found or float(text) > _DAY_SECONDS:
        raise typer.BadParameter(f"{text!r} is no number of seconds from 0 to {_DAY_SECONDS:,}.")
    return float(text)


def cents(text: str) -> Decimal:
    """An amount of US cents. Raises typer.BadParameter for what is none."""
    if not re.fullmatch(r"\d{1,9}(\.\d{1,4})?", text.strip(), re.ASCII) or Decimal(text) > _MOST_CENTS:
        raise typer.BadParameter(f"{text!r} is no amount of US cents from 0 to {_MOST_CENTS:,}, such as 250 or 12.5.")
    return Decimal(text.strip())
