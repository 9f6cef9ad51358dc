"""The normal form of a property's address, by which homes are told apart.

usaddress-scourgify knows the postal rules, takes 120 us, and is a statistical parser: it may read two houses of one
street differently. So the unit is cut off first, the house number is put aside, and what remains, the street, is read
once and remembered. The usual shapes of a street take a fast path of our own, which tests hold equal to the library.
The unit is part of the form however it is written; the city is not, since one home is written with several, and the ZIP
code says more.
"""

import re
import unicodedata
from functools import lru_cache
from hashlib import sha256

from scourgify import normalize_address_record
from scourgify.exceptions import AddressNormalizationError

from ingest.postal import DESIGNATORS, DIRECTIONS, NEVER_IN_NAMES, ROUTES, SAME_WORDS, SUFFIXES, UNIT_PARTS

_WORD = re.compile(r"[A-Z]{2,}")
_ORDINAL = re.compile(r"[0-9]*1ST|[0-9]*2ND|[0-9]*3RD|[0-9]+TH")
_COMPASS = "|".join(DIRECTIONS)
_ROUTE = re.compile(
    rf"(?a)(?:({_COMPASS}) )?({'|'.join(sorted(ROUTES, key=len, reverse=True))}) (\d+[A-Z]?)(?: ({_COMPASS}))?"
)
_STATE_AND_ZIP = re.compile(r"(?a) [A-Z]{2} \d{5}(?:-\d{4})?$")
_HOUSE = re.compile(r"(?a)0*(\d{1,6}) (.+)")
_RURAL = re.compile(r"(?a)(?:(RR|RURAL ROUTE|RFD)|HC|HCR|HIGHWAY CONTRACT) ?#? ?(\w+) BOX ?#? ?(\w+)")
_PO_BOX = re.compile(r"(?:P ?O ?BOX|POST OFFICE BOX|POB|BOX)\b ?#? ?\w")
_AND_A_PO_BOX = re.compile(r" P ?O ?BOX ?#? ?\w+$")
_IDENTIFIER = r"(?:[A-Z]{0,2}-?\d[0-9A-Z]*|[A-Z]{1,2})(?:[-/ ](?:[A-Z]{1,2}|\d+[A-Z]?))?"
_NAMED = "|".join((*DESIGNATORS, "BUILDING", "BLDG", "FLOOR", "FL", "PENTHOUSE", "PH"))
_UNIT = re.compile(
    rf"(?a)(\S+ .+?)((?: (?:(?:{_NAMED})(?: ?# ?| )|# ?){_IDENTIFIER})+"
    r"| (?:REAR|UPPER|LOWER|LOWR|BASEMENT|BSMT|PENTHOUSE|PH))"
)
_UNIT_PIECES = re.compile(r"[0-9]+|[A-Z]+")
_NO_UNIT = frozenset({"NA", "NONE", "NULL", "0"})
_BETWEEN_WORDS = str.maketrans({",": " ", ";": " ", ".": None, "'": None, '"': None, "\u2019": None, "#": " # "})
_NOWHERE = {"city": "QUUXVILLE", "state": "FL", "postal_code": "34698"}


class UnreadableAddressError(ValueError):
    """A text that is no street address: no house number, or no street."""


class PoBoxError(ValueError):
    """A PO box, which is no property."""


def normal_street(address: str, unit: str | None = None, city: str = "") -> tuple[str, str]:
    """Street and unit of *address* in their postal form, such as `("418 N PALMETTO AVE", "4B")`; the unit may be empty.

    A *unit* from a column of its own counts like one in the address. *city* is known, so that an address which goes on
    with city, state and ZIP code ends before them. Raises PoBoxError and UnreadableAddressError.
    """
    text = _plain(address)
    if text[-4:].isdigit() and (tail := _STATE_AND_ZIP.search(text)):
        text = text[: tail.start()].removesuffix(f" {_plain(city)}")
    if _PO_BOX.match(text):
        raise PoBoxError
    if rural := _RURAL.fullmatch(text):
        return f"{'RR' if rural[1] else 'HC'} {rural[2]} BOX {rural[3]}", ""
    text = _AND_A_PO_BOX.sub("", text)
    cut = _UNIT.fullmatch(text)
    street, within = (cut[1], cut[2]) if cut else (text, "")
    house = _HOUSE.fullmatch(street)
    if house is None:
        street, further = _without_house_number(street)
    elif house[1] == "0":
        raise UnreadableAddressError
    else:
        street, further = _street(house[2])
        street = f"{house[1]} {street}"
    return street, _joined(normal_unit(f"{further} {within}"), normal_unit(unit) if unit else "")


def address_hash(street: str, unit: str, zip_code: str) -> bytes:
    """Sixteen bytes that two writings of one home's address share."""
    return sha256(f"{street}|{unit}|{zip_code}".encode()).digest()[:16]


def normal_unit(text: str) -> str:
    """A unit without what it is called: `Apt 4-B`, `#04b` and `Unit 4 B` are all `4B`; `Bldg 2 Apt 4` is `BLDG2 4`."""
    if not text.isascii():
        text = _plain(text)
    pieces = [piece for piece in _UNIT_PIECES.findall(text.upper()) if piece not in DESIGNATORS]
    form, before = "", ""
    for piece in pieces:
        short = piece.lstrip("0") or "0" if piece.isdigit() else UNIT_PARTS.get(piece, piece)
        form += f" {short}" if before and before.isdigit() == short.isdigit() else short
        before = short
    return "" if form.replace(" ", "") in _NO_UNIT else form


def _plain(text: str) -> str:
    """Capitals without accents, full stops and quotes, in words with one space between them."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(text.upper().translate(_BETWEEN_WORDS).split())


def _joined(within: str, beside: str) -> str:
    """The unit named in the address and the one from the column beside it; where they differ, both tell the home."""
    return within if not beside or beside == within else f"{within} {beside}".strip()


@lru_cache(maxsize=65_536)
def _street(text: str) -> tuple[str, str]:
    """The normal form of a street without its house number, and what the library takes for a unit in it."""
    found = _usual(text) or _route(text)
    if found is not None:
        return found, ""
    street, further = _by_library(f"100 {text}")
    if not street.startswith("100 ") or not _has_name(street):
        street, further = f"100 {_word_by_word(text)}", ""
    return _same_words(street[4:]), further


def _usual(text: str) -> str | None:
    """`[direction] name suffix [direction]`, such as `N LAKE SHORE DR` or `4TH AVE N`; None for other shapes."""
    words = text.split(" ")
    after = f" {DIRECTIONS[words.pop()]}" if words[-1] in DIRECTIONS else ""
    suffix = SUFFIXES.get(words.pop()) if words else None
    before = f"{DIRECTIONS[words.pop(0)]} " if words and words[0] in DIRECTIONS else ""
    if suffix is None or not 1 <= len(words) <= 3:  # noqa: PLR2004
        return None
    if len(words) == 1 and _ORDINAL.fullmatch(words[0]):
        return f"{before}{words[0]} {suffix}{after}"
    names = words[1:] if words[0] in {"ST", "MT", "FT"} and len(words) > 1 else words
    if not NEVER_IN_NAMES.isdisjoint(names) or not all(map(_WORD.fullmatch, names)):
        return None
    return f"{before}{_same_words(' '.join(words))} {suffix}{after}"


def _route(text: str) -> str | None:
    """A numbered road, which has more names than any street: `CR 12` is `COUNTY RD 12`."""
    match = _ROUTE.fullmatch(text)
    if match is None:
        return None
    before, kind, number, after = match.groups()
    return " ".join(filter(None, (DIRECTIONS.get(before), ROUTES[kind], number, DIRECTIONS.get(after))))


def _by_library(text: str) -> tuple[str, str]:
    """Street and unit as usaddress-scourgify reads them; two empty texts when it cannot."""
    try:
        found = normalize_address_record(
            {"address_line_1": text.replace(" # ", " #"), "address_line_2": "", **_NOWHERE}
        )
    except (AddressNormalizationError, ValueError, KeyError, IndexError, AttributeError, TypeError):
        return "", ""
    street, unit = str(found["address_line_1"] or ""), str(found["address_line_2"] or "")
    return ("", "") if _NOWHERE["city"] in f"{street} {unit}" else (street, unit)


def _word_by_word(text: str) -> str:
    """What the library refuses, a street all the same: its words, short where they stand for a type or direction."""
    words = re.findall(r"[0-9A-Z/-]+", text)
    if not any(_WORD.fullmatch(word) for word in words):
        raise UnreadableAddressError
    return " ".join(SUFFIXES.get(word) or DIRECTIONS.get(word) or word for word in words)


def _without_house_number(text: str) -> tuple[str, str]:
    """Numbers that are more than digits, such as `N6W23001` and `12-14`."""
    street, unit = _by_library(text)
    if not _has_name(street) or not any(map(str.isdigit, street)):
        raise UnreadableAddressError
    return _same_words(street), unit


def _has_name(street: str) -> bool:
    return any(map(str.isalpha, street))


def _same_words(street: str) -> str:
    return " ".join([SAME_WORDS.get(word, word) for word in street.split(" ")])
