"""Parsers of numbers, money, counts, areas and years, as files and JSON write them.

A number is read only if one reading is possible (ADR 25). The rules, for files of the United States:

- A comma is a grouping mark, and only before groups of exactly three digits: `1,23` and `12,34,567` are not numbers.
- A dot is a decimal point. Before exactly three digits (`1.234`) it may be a grouping mark, too: such a number counts
  only if the range of its field excludes one of the two list_readings.
- Foreign marks with a single reading are read: `1.234,56`, `1.234.567`, and thin, no-break and narrow spaces.
- `K`, `M`, `MM` and `B` multiply; parentheses, a minus before or after, and `CR` are negative; `DR` is positive.
  `450,000+` may be any larger sum, and is not read.
- `1.2E+06` is read if it leaves no fraction.

Every parser takes anything that JSON can contain and never raises.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import TypeGuard

from common.pii.contact_values import plain_characters

Parser = Callable[[object, date], object]

_MAX_EXACT_FLOAT = 10**15
"""Up to this size a float represents every integer exactly."""
_MAX_TEXT_LENGTH = 40
_EARLIEST_YEAR_BUILT = 1600
_SQFT_PER_ACRE = 43_560
_WHOLE = Decimal(1)
_TWO_PLACES = Decimal("0.01")

_GROUPED = re.compile(r"\$?([1-9][0-9]{0,2}(?:,[0-9]{3})+)")
_DECIMAL = re.compile(r"\$?([0-9]+\.[0-9]{1,2})")
_SIGNED = re.compile(r"(-|\+)?(\()?(-)?([^()]*?)(-)?(\))?(-|cr|dr)?")
_CURRENCY = re.compile(r"us\$|\$|usd|dollars?")
_SUFFIX = re.compile(r"([0-9.,' \xa0]*[0-9.])\s*(k|thousand|mm|mn|mil|million|m|bn|billion|b)?")
_FACTORS = {
    "": 0,
    "k": 3,
    "thousand": 3,
    "m": 6,
    "mm": 6,
    "mn": 6,
    "mil": 6,
    "million": 6,
    "b": 9,
    "bn": 9,
    "billion": 9,
}
_EXPONENT = re.compile(r"([0-9])(?:\.([0-9]+))?e\+?([0-9]{1,2})")
_US = re.compile(r"(?:[0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.[0-9]*)?|\.[0-9]+")
_EITHER_WAY = re.compile(r"[1-9][0-9]{0,2}\.[0-9]{3}")
_DOTTED = re.compile(r"[1-9][0-9]{0,2}(?:(?:\.[0-9]{3})+,[0-9]+|(?:\.[0-9]{3}){2,})")
_SPACED = re.compile(r"[1-9][0-9]{0,2}(?:(?:\xa0[0-9]{3})+|(?:'[0-9]{3})+|(?: [0-9]{3}){2,})(?:[.,][0-9]{1,2})?")
_NOT_DIGITS = re.compile(r"[^0-9]+")
_AREA = re.compile(r"(.*?[0-9.])\s*(sq\.?\s*ft\.?|square feet|sqft|sf|acres?|ac)", re.DOTALL)

_LARGEST_INTEGERS = frozenset({32_767, 65_535, 2_147_483_647, 2_147_483_648, 4_294_967_295})
"""Numbers that programs write for a number that is too large or missing."""


def list_readings(value: object) -> tuple[Decimal, ...]:
    """Return every number that *value* may mean: none if it is no number, two if a dot may be either mark."""
    if isinstance(value, bool):
        return ()
    if isinstance(value, int | float):
        return (Decimal(str(value)),) if abs(value) < _MAX_EXACT_FLOAT else ()
    return _read_text(value) if isinstance(value, str) and len(value) <= _MAX_TEXT_LENGTH else ()


@lru_cache(maxsize=4_096)
def _read_text(text: str) -> tuple[Decimal, ...]:
    signed = _SIGNED.fullmatch(_without_currency(plain_characters(text).lower()))
    if signed is None:
        return ()
    before, opened, inside, body, behind, closed, after = signed.groups()
    signs = [sign for sign in (before, inside, behind, after) if sign]
    if bool(opened) != bool(closed) or len(signs) + bool(opened) > 1:
        return ()
    factor = -1 if opened or signs[:1] in (["-"], ["cr"]) else 1
    return tuple(factor * number for number in _read_unsigned(body.strip(" ")))


def _without_currency(text: str) -> str:
    """Return *text* without its mark of US dollars and the blanks around its sign; unchanged if it has several marks."""
    bare, count = _CURRENCY.subn(" ", text)
    text = bare if count == 1 else text
    return re.sub(r"(?<=[-+(]) +| +(?=[-+)]|cr$|dr$)", "", text.strip(" "))


def _read_unsigned(text: str) -> tuple[Decimal, ...]:
    if exponent := _EXPONENT.fullmatch(text):
        whole, fraction, power = exponent[1], exponent[2] or "", int(exponent[3])
        return (Decimal(whole + fraction).scaleb(power - len(fraction)),) if len(fraction) <= power else ()
    found = _SUFFIX.fullmatch(text)
    if found is None:
        return ()
    digits, power = _read_digits(found[1]), _FACTORS[found[2] or ""]
    return tuple(Decimal(one).scaleb(power) for one in digits)


def _read_digits(body: str) -> tuple[str, ...]:
    """Return the readings of digits and marks, each as digits with a decimal point."""
    if _EITHER_WAY.fullmatch(body):
        return body, body.replace(".", "")
    if _US.fullmatch(body):
        return (body.replace(",", ""),)
    if _DOTTED.fullmatch(body):
        return (body.replace(".", "").replace(",", "."),)
    return (re.sub("[\xa0' ]", "", body).replace(",", "."),) if _SPACED.fullmatch(body) else ()


def read_number(value: object, low: int, high: int) -> int | Decimal | None:
    """Return the only number from *low* to *high* that *value* can mean, or None."""
    if type(value) is str:
        if len(value) > _MAX_TEXT_LENGTH:
            return None
        usual: int | Decimal | None = None
        if value.isdigit() and value.isascii() and len(value) < 16:  # noqa: PLR2004 - the usual case, exact
            usual = int(value)
        elif found := _GROUPED.fullmatch(value):
            usual = int(found[1].replace(",", ""))
        elif found := _DECIMAL.fullmatch(value):
            usual = Decimal(found[1])
        if usual is not None:
            return usual if low <= usual <= high else None
    elif type(value) is int:
        return value if low <= value <= high else None
    fitting = [reading for reading in list_readings(value) if low <= reading <= high]
    return fitting[0] if len(fitting) == 1 else None


def money_parser(low: int, high: int) -> Parser:
    """Return a parser of whole dollars from *low* to *high*. It rounds cents, and skips placeholders of an unknown sum."""

    def parse(value: object, _today: date) -> int | None:
        found = read_number(value, low, high)
        return None if found is None or _is_placeholder(found, prices=True) else _round_half_up(found)

    return parse


def count_parser(low: int, high: int) -> Parser:
    """Return a parser of whole numbers from *low* to *high*; a fraction is not a count."""

    def parse(value: object, _today: date) -> int | None:
        found = read_number(value, low, high)
        if found is None or _is_nines(found, 2):
            return None
        return found if isinstance(found, int) else _whole_number(found)

    return parse


def decimal_parser(low: int, high: int) -> Parser:
    """Return a parser of numbers from *low* to *high*, rounded to two places."""

    def parse(value: object, _today: date) -> Decimal | None:
        found = read_number(value, low, high)
        return None if found is None or _is_nines(found, 2) else Decimal(found).quantize(_TWO_PLACES, ROUND_HALF_UP)

    return parse


def area_parser(low: int, high: int) -> Parser:
    """Return a parser of square feet from *low* to *high*, also written as `1,540 sq ft` and `0.25 acres`."""

    def parse(value: object, _today: date) -> int | None:
        unit = _AREA.fullmatch(plain_characters(value).strip().lower()) if _may_contain_unit(value) else None
        found: int | Decimal | None
        if unit and unit[2].startswith("ac"):
            acres = read_number(unit[1], 0, high)
            found = acres * _SQFT_PER_ACRE if acres is not None else None
        else:
            found = read_number(unit[1] if unit else value, low, high)
        if found is None or not low <= found <= high or _is_placeholder(found, prices=False):
            return None
        return _round_half_up(found)

    return parse


def _may_contain_unit(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and len(value) <= _MAX_TEXT_LENGTH and not value[-1:].isdigit()


def parse_year_built(value: object, today: date) -> int | None:
    """Return the year in which a house was built or soon will be, or None."""
    found = read_number(value, _EARLIEST_YEAR_BUILT, today.year + 2)
    return None if found is None else _whole_number(found)


def _whole_number(found: int | Decimal) -> int | None:
    return int(found) if found == int(found) else None


def _round_half_up(found: int | Decimal) -> int:
    return found if isinstance(found, int) else int(found.quantize(_WHOLE, ROUND_HALF_UP))


def _is_placeholder(found: int | Decimal, *, prices: bool) -> bool:
    """Return whether programs write this number for an unknown one. 99,999 and 999,999 are prices of homes, too."""
    if found in _LARGEST_INTEGERS:
        return True
    return _is_nines(found, 4) and not (prices and 10**4 <= _magnitude(found) < 10**6)


def _is_nines(found: int | Decimal, least: int) -> bool:
    """Return whether *found* has only nines, at least *least* of them; nine rooms are nine rooms."""
    if _magnitude(found) < 10 or (isinstance(found, int) and found % 10 not in (1, 9)):  # noqa: PLR2004
        return False
    digits = _NOT_DIGITS.sub("", str(found) if isinstance(found, int) else format(Decimal(found).normalize(), "f"))
    return len(digits) >= least and not digits.strip("9")


def _magnitude(found: int | Decimal) -> int | Decimal:
    return -found if found < 0 else found
