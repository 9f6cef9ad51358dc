"""Characters of an address, reduced to capitals, digits and a few signs without a change of meaning."""

import re
import unicodedata
from functools import lru_cache

MAX_ADDRESS_LENGTH = 200


class UnreadableAddressError(ValueError):
    """Raised for text that cannot be read as a street address in full."""


_IGNORED_QUOTES = "'\"`\u00b4\u2018\u2019\u201b\u201c\u201d\u2032\u2033\u02bb\u02bc\u02b9"
"""Quotes and the Hawaiian okina, which some sources write and others omit."""
_SIGNS = {ord(sign): None for sign in _IGNORED_QUOTES} | {ord(sign): " " for sign in ";:!?*()[]{}<>|\\_~"}
_SIGNS |= {ord("#"): " # ", ord("@"): " AT ", ord("&"): " & ", ord("+"): " & ", ord(","): " , "}
_PLAIN_WORDS = re.compile(r"[0-9A-Za-z]+(?: [0-9A-Za-z]+)*")
_KNOWN_CHARACTERS = re.compile(r"[^\W_]*(?:[ \-/.#&,][^\W_]*)*")
_DOT_BETWEEN_WORDS = re.compile(r"(?<=[^\W\d_]{2})\.(?=\w)|(?<=\w)\.(?=[^\W\d_]{2})|(?<=[^\W\d_])\.(?=\d)")
_BLANK_BEFORE_DECIMAL = re.compile(r"(?a)^(\d+) +(?=\.\d+ )")
"""`123 .5 Oak Ave` is a half number, too."""
_DECIMAL = re.compile(r"(?a)(?<![\d.])(\d+)\.(\d+)(?![\d.])")
_QUARTERS = {"": "", "5": " 1/2", "25": " 1/4", "75": " 3/4"}
_REPLACEMENTS = {"\u2044": "/", "\u2215": "/", "\u2116": "NO "}
_REPLACEMENTS |= {
    "Æ": "AE",
    "æ": "AE",
    "Œ": "OE",
    "œ": "OE",
    "Ø": "O",
    "ø": "O",
    "Ł": "L",
    "ł": "L",
    "Đ": "D",
    "đ": "D",
}
_REPLACEMENTS |= dict.fromkeys(_IGNORED_QUOTES, "'")
_COMBINING = re.compile("[\u0300-\u036f]")


@lru_cache(maxsize=4_096)
def plain_text(text: str) -> str:
    """Return *text* in capitals, without accents, full stops and quotes, with one space between its words.

    Commas, `#` and `&` become words; hyphens and slashes stay. Raises UnreadableAddressError for characters whose loss could
    make two homes one, such as symbols and superscript digits, and for more than 200 characters.
    """
    if len(text) > MAX_ADDRESS_LENGTH:
        raise UnreadableAddressError
    if _PLAIN_WORDS.fullmatch(text):
        return text.upper()
    text = text.strip().removeprefix("=")  # spreadsheets write ="100 MAIN ST"
    if not text.isascii():
        text = "".join(map(_plain_character, text))
        text = _COMBINING.sub("", unicodedata.normalize("NFKD", text))
    text = text.upper().translate(_SIGNS)
    if "." in text:
        text = _BLANK_BEFORE_DECIMAL.sub(r"\1", _DOT_BETWEEN_WORDS.sub(" ", text))
        text = _DECIMAL.sub(_fraction, text)
        text = re.sub(r"(?a)(?<!\d)\.|\.(?!\d)", "", text)
    text = " ".join(text.split())
    if _KNOWN_CHARACTERS.fullmatch(text) is None:
        raise UnreadableAddressError
    return text


def _fraction(match: re.Match[str]) -> str:
    """Return a decimal as a fraction. A spreadsheet writes `123.0` for 123; other decimals stay, as in the road `39.2 RD`."""
    part = _QUARTERS.get(match[2].rstrip("0"))
    return match[0] if part is None else f"{match[1]}{part}"


@lru_cache(maxsize=4_096)
def _plain_character(character: str) -> str:  # noqa: PLR0911 - a table in the form of returns
    """Return the plain form of one character. NFKC alone would turn `100½` into `1001/2`, and `10²` into `102`."""
    if character.isascii() or _COMBINING.match(character):
        return character
    kind = unicodedata.category(character)
    if kind == "Nd":
        return str(unicodedata.decimal(character))
    if unicodedata.decomposition(character).startswith("<fraction>"):
        return f" {unicodedata.normalize('NFKC', character)}".replace("\u2044", "/")
    if character in _REPLACEMENTS:
        return _REPLACEMENTS[character]
    if kind == "Pd" or character == "\u2212":
        return "-"
    if kind in {"Cf", "Cc"}:
        return "" if kind == "Cf" else " "
    if kind[0] == "Z":
        return " "
    reduced = unicodedata.normalize("NFKC", character)
    if any(map(str.isdigit, reduced)) or kind[0] in "SMNC":
        raise UnreadableAddressError
    if kind[0] == "P" and reduced == character:
        return " "
    return reduced
