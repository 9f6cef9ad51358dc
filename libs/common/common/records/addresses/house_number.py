"""House numbers in one form: halves, ranges, and the numbers with letters and hyphens that some regions use."""

import re
from math import gcd

from common.records.addresses.characters import UnreadableAddressError
from common.records.addresses.numerals import NUMBER_WORDS, read_numeral
from common.records.addresses.postal_words import DIRECTIONS, SUFFIXES

_PLAIN = re.compile(r"(?a)0*([1-9]\d{0,7}) ([A-Z][A-Z].*)")
_GRID = re.compile(r"(?a)([NSEW]) ?(\d{1,5})[- ]?([NSEW]) ?(\d{1,6}[A-Z]?) (.+)")
_GRID_OF_ONE = re.compile(r"(?a)([NSEW])(?:-?(\d{1,6}[A-Z]?)| (\d{3,6})) (.+)")
_FIRE_NUMBER = re.compile(r"(?a)(\d{1,3}[NSEW])[- ]?(\d{2,6}) (.+)")
_FRACTION = r"([1-9])/([2-9])"
_HALF = re.compile(rf"(?a){_FRACTION} (.+)")
_NUMBER = re.compile(rf"(?a)0*(\d{{1,8}})(?:-?([A-Z]))?(?:[- ]+{_FRACTION})? (.+)")
_RANGE = re.compile(
    r"(?a)0*(\d{1,8}[A-Z]?)( ?-+ ?| (?:TO|THRU|THROUGH|AND|&) )(\d{1,8}[A-Z]?)"
    rf"(?:[- ]{_FRACTION})? (.+)"
)
_COMPOUND = re.compile(r"(?a)0*([1-9]\d{0,7}[A-Z]{0,2}(?:[-/][A-Z]{0,2}\d{1,6}[A-Z]{0,2})*) (.+)")
_BLANK_BETWEEN = re.compile(r"(?a)0*([1-9]\d{0,7}) (\d{1,6}) (.+)")
_ORDINAL = re.compile(r"(?a)\d*(?:1ST|2ND|3RD|\dTH)")
_WORDS_AFTER_NUMBER_IN_NAMES = frozenset({"MILE", "TREE", "NOTCH", "HORSE", "WAY", "HUNDRED", "THOUSAND"})
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTER_FIRST = re.compile(
    r"(?a)([A-Z]{1,2})-?(\d{1,4}[A-Z]?) ((?:CALLE|CALLEJON|AVENIDA|PASEO|CAMINO|CARR|CARRETERA|VIA) .+)"
)
_CONNECTORS = frozenset({"&", "-", "TO", "THRU", "THROUGH", "AND", "/"})


def split_house_number(text: str) -> tuple[str, str]:
    """Return the house number at the beginning of *text*, in its normal form, and what follows it.

    *text* is plain text without commas. Raises UnreadableAddressError if it has no house number, or if the number is ambiguous.
    """
    if plain := _PLAIN.fullmatch(text):
        number, rest = plain[1], plain[2]
        if rest.split(" ", 1)[0] not in _CONNECTORS:
            return number, rest
    number, rest = (
        _read_regional_number(text) or _read_number_in_words(text) or _read_range(text) or _read_number_with_part(text)
    )
    if not rest or rest.split(" ", 1)[0] in _CONNECTORS or number[0] == "0":
        raise UnreadableAddressError
    return number, rest


def _read_regional_number(text: str) -> tuple[str, str] | None:
    """Read grid numbers of Wisconsin (`N65W24870`), fire numbers of Illinois (`30W123`), and block and lot of Puerto Rico (`A17 CALLE 3`)."""
    if match := _GRID.fullmatch(text):
        return "".join(match.group(1, 2, 3, 4)), match[5]
    if match := _FIRE_NUMBER.fullmatch(text):
        return f"{match[1]}{match[2]}", match[3]
    if match := _GRID_OF_ONE.fullmatch(text):
        return f"{match[1]}{match[2] or match[3]}", match[4]
    if match := _LETTER_FIRST.fullmatch(text):
        return f"{match[1]}{match[2]}", match[3]
    return None


def _read_number_in_words(text: str) -> tuple[str, str] | None:
    """Read a number in words: `ONE BEACON ST` is number 1.

    `SEVEN OAKS DR`, `FOUR MILE RD` and `TWENTY FIRST ST` are streets without a number.
    """
    words = text.replace("-", " ").split(" ")
    if words[0] not in NUMBER_WORDS:
        return None
    numeral = read_numeral(words)
    rest = words[numeral.words :] if numeral else []
    if numeral is None or numeral.is_ordinal or not rest or rest[0] in _WORDS_AFTER_NUMBER_IN_NAMES:
        raise UnreadableAddressError
    if numeral.value > 1 and rest[0].endswith("S"):
        raise UnreadableAddressError
    return str(numeral.value), " ".join(rest)


def _read_range(text: str) -> tuple[str, str] | None:
    """Read `100 to 102`, `100 & 102` and `100-102`; numbers that do not rise are a range only with a hyphen."""
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    first, connector, last, top, bottom, rest = match.groups()
    if "-" not in connector and int(first.rstrip(_LETTERS)) >= int(last.rstrip(_LETTERS)):
        raise UnreadableAddressError
    return f"{first}-{last}{_format_fraction(top, bottom)}", rest


def _read_number_with_part(text: str) -> tuple[str, str]:
    """Read a number with a letter, a fraction or further parts."""
    if match := _HALF.fullmatch(text):
        return _format_fraction(match[1], match[2]).strip(), match[3]
    if _ORDINAL.fullmatch(text.split(" ", 1)[0]):
        raise UnreadableAddressError
    if match := _NUMBER.fullmatch(text):
        number, letter, top, bottom, rest = match.groups()
        if letter or top or not rest[0].isdigit():
            return f"{number}{letter or ''}{_format_fraction(top, bottom)}", rest
    if match := _BLANK_BETWEEN.fullmatch(text):
        return _read_two_numbers(*match.groups())
    if match := _COMPOUND.fullmatch(text):
        if "/" in match[1] and not _is_pair(match[1]):
            raise UnreadableAddressError
        return match[1], match[2]
    raise UnreadableAddressError


def _read_two_numbers(first: str, second: str, rest: str) -> tuple[str, str]:
    """Read two numbers: `94 1013 FARRINGTON HWY` is `94-1013`.

    The second number in `100 42 ST`, `100 5 MILE RD` and `123 400 S` belongs to the street.
    """
    words = rest.split(" ")
    is_street = len(second) == 1 or words[0] in SUFFIXES or words[0] in _WORDS_AFTER_NUMBER_IN_NAMES or "/" in words[0]
    is_street = is_street or (words[0] in DIRECTIONS and len(words) == 1)
    return (first, f"{second} {rest}") if is_street else (f"{first}-{second}", rest)


def _is_pair(number: str) -> bool:
    """Return whether both sides of a slash are house numbers, as in `12/14`; `1001/2` may be a half."""
    return re.fullmatch(r"(?a)(\d{2,})/(\d{2,})", number) is not None


def _format_fraction(top: str | None, bottom: str | None) -> str:
    if top is None or bottom is None:
        return ""
    if int(top) >= int(bottom):
        raise UnreadableAddressError
    by = gcd(int(top), int(bottom))
    return f" {int(top) // by}/{int(bottom) // by}"
