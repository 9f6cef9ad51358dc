"""Single values as exports and JSON write them: text, numbers, money, flags, dates. None for what makes no sense.

Each takes anything that JSON can hold and never raises.
"""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

Parser = Callable[[object, date], object]

_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_WITHOUT_WIDTH = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_MONEY_SIGNS = str.maketrans("", "", "$,% \t\xa0")
_EXACT = 10**15
"""Up to here a float holds every integer."""
_EARLIEST = 1600
_TWO_DIGITS, _CENTURY_TURNS = 2, 40
_TRUE = frozenset({"yes", "y", "true", "t", "1", "x"})
_FALSE = frozenset({"no", "n", "false", "f", "0"})
_ALLOWS = _FALSE | {
    "clean",
    "clear",
    "none",
    "not listed",
    "not registered",
    "ok",
    "safe",
    "allowed",
    "living",
    "alive",
    "negative",
    "not found",
    "no match",
    "not deceased",
    "not dnc",
    "not on dnc",
    "not a litigator",
}


class BrokenTextError(ValueError):
    """A text with control characters or lone surrogates: no database takes it, and nobody meant it."""


def as_text(value: object) -> str:
    """*value* as text: a float that is whole as an integer; a list, an object and nothing as empty."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _EXACT else str(value)
    if isinstance(value, int):
        return str(value) if abs(value) < _EXACT or isinstance(value, bool) else ""
    return ""


def clean_text(value: object) -> str:
    """*value* in one line without needless and invisible space, accents in one form. Raises BrokenTextError."""
    text = value if type(value) is str else as_text(value)
    if not text.isascii():
        if _UNSEEN.search(text):
            raise BrokenTextError
        text = unicodedata.normalize("NFC", _WITHOUT_WIDTH.sub("", text))
    elif not text.isprintable() and _UNSEEN.search(text):
        raise BrokenTextError
    return " ".join(text.split())


def number(value: object) -> float | None:
    """A number, also as `$1,200.50`, `12.5%` and `(300)`, which accountants mean as negative."""
    if type(value) is str:
        if value.isdigit() and len(value) < 16 and value.isascii():  # noqa: PLR2004 - the usual case, exact
            return int(value)
        text = value.translate(_MONEY_SIGNS)
        if text.startswith("(") and text.endswith(")"):
            text = f"-{text[1:-1]}"
        return float(text) if len(text) < 25 and _NUMBER.fullmatch(text) else None  # noqa: PLR2004 - no number of ours
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _EXACT:
        return None
    return float(value)


def integer(low: int, high: int) -> Parser:
    """A parser of whole numbers from *low* to *high*."""

    def parse(value: object, _today: date) -> int | None:
        found = number(value)
        return round(found) if found is not None and low <= found <= high else None

    return parse


def decimal(low: int, high: int) -> Parser:
    """A parser of numbers from *low* to *high*, to two places."""

    def parse(value: object, _today: date) -> Decimal | None:
        found = number(value)
        return Decimal(f"{found:.2f}") if found is not None and low <= found <= high else None

    return parse


def year(value: object, today: date) -> int | None:
    """A year in which a house may have been built, or soon will have been."""
    found = number(value)
    return round(found) if found is not None and _EARLIEST <= found <= today.year + 2 else None


def boolean(value: object, _today: date | None = None) -> bool | None:
    """`Yes`, `n`, `1`, true."""
    return value if isinstance(value, bool) else _says(as_text(value), protects=False)


def forbids(value: object) -> bool | None:
    """A flag that protects a person, such as `Phone 1 DNC`: None where it is empty, False for a clear no, else True."""
    if isinstance(value, bool):
        return value
    if isinstance(value, list | dict | tuple):
        return True if value else None
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return _says(text, protects=True)


@lru_cache(maxsize=1_024)
def _says(text: str, *, protects: bool) -> bool | None:
    word = " ".join(_WITHOUT_WIDTH.sub("", text).split()).lower().removesuffix(".0")
    if not word:
        return None
    if protects:
        return word not in _ALLOWS
    if word in _TRUE:
        return True
    return False if word in _FALSE else None


def past_date(value: object, today: date) -> date | None:
    """A day up to *today* from `2024-05-07`, `5/7/2024`, `5/7/24` or an ISO date and time."""
    text = as_text(value).strip()
    try:
        if "/" in text:
            month, day, written = text.split(" ")[0].split("/")
            full = int(written)
            if len(written) == _TWO_DIGITS:
                full += 2000 if full <= _CENTURY_TURNS else 1900
            found = date(full, int(month), int(day))
        else:
            found = datetime.fromisoformat(text).date()
    except (ValueError, OverflowError):
        return None
    return found if found <= today and found.year >= _EARLIEST else None
