"""Parsers of text and flags, as exports and JSON write them. They return None for a value that cannot be read.

Each parser takes anything that JSON can contain. Only `clean_text` raises.
"""

import re
import unicodedata
from datetime import date
from functools import lru_cache

from common.pii.contact_values import plain_characters

_CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_WORD_SEPARATORS = re.compile(r"[-_.]+")
_MAX_EXACT_FLOAT = 10**15
"""Up to this size a float represents every integer exactly."""
_TRUE = frozenset({"yes", "y", "true", "t", "1", "x", "\u2713", "\u2714", "\u2611"})
_FALSE = frozenset({"no", "n", "false", "f", "0"})
_ALLOWS = _FALSE | {
    "clean", "clear", "none", "not listed", "not registered", "ok", "safe", "allowed", "living", "alive", "negative", "not found",
    "no match", "not deceased", "not dnc", "not on dnc", "not a litigator", "not litigator", "non litigator", "no litigator",
    "no dnc", "non dnc", "not a dnc", "not on list", "not on the list", "not on dnc list", "not on the dnc list",
    "not dnc listed", "not flagged", "not blocked", "not opted out", "not suppressed", "no hit", "no hits",
}  # fmt: skip
"""Values of a protective flag that allow contact; any other value forbids it."""


class BrokenTextError(ValueError):
    """Raised for text with control characters or lone surrogates: no database takes it, and no sender meant it."""


def as_text(value: object) -> str:
    """Return *value* as text: a whole float as an integer, a list, an object and None as empty text."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _MAX_EXACT_FLOAT else str(value)
    if isinstance(value, int):
        return str(value) if abs(value) < _MAX_EXACT_FLOAT or isinstance(value, bool) else ""
    return ""


def is_blank(value: object) -> bool:
    """Return whether *value* is empty: None, or text of blanks and invisible characters."""
    return value is None or (isinstance(value, str) and not plain_characters(value).strip())


def clean_text(value: object) -> str:
    """Return *value* in one line, without needless and invisible space, accents in one form. Raises BrokenTextError."""
    text = value if type(value) is str else as_text(value)
    if not text.isascii():
        if _CONTROL_CHARACTERS.search(text):
            raise BrokenTextError
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    elif not text.isprintable() and _CONTROL_CHARACTERS.search(text):
        raise BrokenTextError
    return " ".join(text.split())


def parse_boolean(value: object, _today: date | None = None) -> bool | None:
    """Return the boolean in a value such as `Yes`, `n`, `1` or true; None if there is none."""
    return value if isinstance(value, bool) else _read_boolean(as_text(value))


def read_protective_flag(value: object) -> bool | None:
    """Return whether a flag such as `Phone 1 DNC` forbids contact: None if it is empty, False for a clear no, else True.

    A value that cannot be read forbids: a protection must not be lost to an unknown spelling.
    """
    if isinstance(value, str):
        return _read_protective_text(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, list | dict | tuple):
        return True if value else None
    return None if value is None else _read_protective_text(str(value))


@lru_cache(maxsize=1_024)
def _read_boolean(text: str) -> bool | None:
    word = _plain_word(text)
    return True if word in _TRUE else False if word in _FALSE else None


@lru_cache(maxsize=1_024)
def _read_protective_text(text: str) -> bool | None:
    word = _plain_word(text)
    if not word:
        return None
    return word not in _ALLOWS and " ".join(_WORD_SEPARATORS.sub(" ", word).split()) not in _ALLOWS


def _plain_word(text: str) -> str:
    return " ".join(_INVISIBLE.sub("", text).split()).lower().removesuffix(".0")
