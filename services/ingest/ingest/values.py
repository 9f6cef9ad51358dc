"""Text and flags as exports and JSON write them; numbers are in `numbers`, dates in `dates`. None for what makes no sense.

Each takes anything that JSON can hold and never raises.
"""

import re
import unicodedata
from datetime import date
from functools import lru_cache

from common.contact_values import plain

_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_WITHOUT_WIDTH = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_MARKS = re.compile(r"[-_.]+")
_EXACT = 10**15
"""Up to here a float holds every integer."""
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
    "not litigator",
    "non litigator",
    "no litigator",
    "no dnc",
    "non dnc",
    "not a dnc",
    "not on list",
    "not on the list",
    "not on dnc list",
    "not on the dnc list",
    "not dnc listed",
    "not flagged",
    "not blocked",
    "not opted out",
    "not suppressed",
    "no hit",
    "no hits",
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


def is_blank(value: object) -> bool:
    """Whether *value* says nothing: no value, or text of blanks and invisible characters."""
    return value is None or (isinstance(value, str) and not plain(value).strip())


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
        return word not in _ALLOWS and " ".join(_MARKS.sub(" ", word).split()) not in _ALLOWS
    if word in _TRUE:
        return True
    return False if word in _FALSE else None
