"""Names of streets in one form: types, directions, numbered streets and numbered roads."""

import re
from collections.abc import Sequence
from functools import lru_cache

from common.places import STATES
from ingest.address_text import UnreadableAddressError
from ingest.numerals import NUMBER_WORDS, ordinal, read_numeral
from ingest.postal import (
    DIRECTIONS,
    LETTERED,
    NAME_WORDS,
    NEVER_ALONE,
    ROUTE_WORDS,
    ROUTES,
    SUFFIXES,
)

_ROAD_NUMBER = re.compile(r"(?a)0*(\d+[A-Z]{0,2})")
_ROAD_LETTERS = re.compile(r"[A-Z]{1,3}")
_ATTACHED_ROAD = re.compile(r"(?a)(FM|RM|RR|CR|SR|SH|STH|CTH|US|IH|I|HWY|FSR|TSR)(\d+[A-Z]{0,2})")
_HYPHEN = re.compile(r"(?a)(?<!\d)-|-(?!\d)")
_BARE_UNIT = re.compile(r"(?a)\d+[A-Z]?|[A-DF-MO-RT-VX-Z]\d*")
_NUMBERED_TYPES = frozenset({"RD", "HWY", "RTE", "LOOP", "SPUR", "TRL", "AVE"})
_BEFORE_ROADS = {
    "OLD": "OLD",
    "NEW": "NEW",
    "BUSINESS": "BUSINESS",
    "BUS": "BUSINESS",
    "ALTERNATE": "ALTERNATE",
    "ALT": "ALTERNATE",
}
_LONGEST_ROUTE = max(len(writing.split(" ")) for writing in ROUTES)
_STATE_NAMES = {**STATES} | {code: code for code in STATES.values()}
_STATE_ROADS = {
    "": "",
    "HWY": " HWY",
    "RTE": " RTE",
    "RD": " RD",
    "STATE HWY": " STATE HWY",
    "ST HWY": " STATE HWY",
    "COUNTY RD": " COUNTY RD",
}


def street_words(text: str) -> list[str]:
    """Return the words of a street: a hyphen within a name is a blank, one within a number stays."""
    return (_HYPHEN.sub(" ", text) if "-" in text else text).split()


@lru_cache(maxsize=65_536)
def normal_street_name(text: str) -> tuple[str, str]:
    """Return a street without house number and unit in its normal form, and the bare unit that follows it, if any.

    Every word of *text* is in the result, as it is or as a table shortens it. Raises UnreadableAddressError if no name is there.
    """
    words = street_words(text)
    found = _road(words)
    if found is None:
        words, unit = _without_bare_unit(words)
        return _named(words), unit
    return found, ""


def _without_bare_unit(words: list[str]) -> tuple[list[str], str]:
    """`418 Palmetto Ave 4B` ends in a unit; the number in `100 Forest Rd 12` and `5 Avenue 12` may be the road's."""
    if len(words) > 2 and _BARE_UNIT.fullmatch(words[-1]):  # noqa: PLR2004 - name, type, unit
        kind = 2 if words[-2] in DIRECTIONS and len(words) > 3 else 1  # noqa: PLR2004 - with a direction
        short = SUFFIXES.get(words[-1 - kind])
        before = words[: -1 - kind]
        if short and short not in _NUMBERED_TYPES - {"AVE"} and any(word not in DIRECTIONS for word in before):
            return words[:-1], words[-1]
    return words, ""


def _named(words: Sequence[str]) -> str:
    """`[direction] name [type] [direction]`: the type in short, types within the name in full (Publication 28, section 23)."""
    words = _numbered(words)
    before, words = _directions(words)
    words, after = _directions_after(words)
    suffix = SUFFIXES.get(words[-1]) if len(words) > 1 else None
    name = _name(words[:-1] if suffix else words, has_suffix=suffix is not None)
    if not name or (len(name) == 1 and not suffix and not (after or before) and not _is_name(name[0])):
        raise UnreadableAddressError
    if len(name) == 1 and not suffix and name[0] in NEVER_ALONE | {NAME_WORDS.get(word) for word in NEVER_ALONE}:
        raise UnreadableAddressError
    return " ".join(filter(None, (before, *name, suffix, after)))


def _is_name(word: str) -> bool:
    return any(map(str.isalpha, word)) and word not in DIRECTIONS


def _numbered(words: Sequence[str]) -> list[str]:
    """`FORTY SECOND` is `42ND`."""
    if NUMBER_WORDS.isdisjoint(words):
        return list(words)
    found, place = [], 0
    while place < len(words):
        numeral = read_numeral(list(words[place:]))
        if numeral and numeral.is_ordinal:
            found.append(ordinal(numeral.value))
            place += numeral.words
        else:
            found.append(words[place])
            place += 1
    return found


def _directions(words: list[str]) -> tuple[str, list[str]]:
    """Directions before a name, if a name remains: `N E 5TH ST` is `NE 5TH ST`, but `N E ST` is E Street."""
    if len(words) < 2 or words[0] not in DIRECTIONS or _is_only_type(words[1:]):  # noqa: PLR2004
        return "", words
    first, second = DIRECTIONS[words[0]], DIRECTIONS.get(words[1], "")
    if first in {"N", "S"} and second in {"E", "W"} and len(words) > 2 and not _is_only_type(words[2:]):  # noqa: PLR2004
        return first + second, words[2:]
    return first, words[1:]


def _is_only_type(words: Sequence[str]) -> bool:
    """Whether nothing but a street type, or a direction after it, is left for the name."""
    return words[0] in SUFFIXES and all(word in DIRECTIONS for word in words[1:])


def _directions_after(words: list[str]) -> tuple[list[str], str]:
    if len(words) < 2 or words[-1] not in DIRECTIONS:  # noqa: PLR2004
        return words, ""
    last, before = DIRECTIONS[words[-1]], DIRECTIONS.get(words[-2], "")
    if before in {"N", "S"} and last in {"E", "W"} and len(words) > 2:  # noqa: PLR2004
        return words[:-2], before + last
    return words[:-1], last


def _name(words: Sequence[str], *, has_suffix: bool) -> list[str]:
    """`ST` before another word is Saint, and Street as the last of several before a type: `MAIN ST EXT`."""
    name = [NAME_WORDS.get(word, word) for word in words]
    if has_suffix and len(words) > 1 and words[-1] == "ST":
        name[-1] = "STREET"
    return name


def _road(words: Sequence[str]) -> str | None:
    """A numbered road: `CR 12`, `FARM TO MARKET 1960`, `N I 35 FRONTAGE RD`; its direction stands before it, always."""
    words = _with_road_words(words)
    start = 1 if words and words[0] in DIRECTIONS else 0
    before = [DIRECTIONS[words[0]]] if start else []
    while start < len(words) and words[start] in _BEFORE_ROADS:
        before.append(_BEFORE_ROADS[words[start]])
        start += 1
    for length in range(min(_LONGEST_ROUTE, len(words) - start - 1), 0, -1):
        name = _road_name(words[start : start + length])
        if name is None:
            continue
        number, rest = words[start + length], list(words[start + length + 1 :])
        if match := _ROAD_NUMBER.fullmatch(number):
            number = match[1]
        elif not _is_lettered(name, number) or any(word not in DIRECTIONS for word in rest):
            continue
        return _road_form(before, f"{name} {number}", rest)
    return None


def _is_lettered(name: str, word: str) -> bool:
    """Return whether *word* is a road's letters. In `STATE RD N` it is the direction of a street called State."""
    if name not in LETTERED or not _ROAD_LETTERS.fullmatch(word) or (name == "STATE HWY" and word in DIRECTIONS):
        return False
    return len(word) == 1 or word in DIRECTIONS or word not in SUFFIXES


def _road_form(before: list[str], road: str, rest: list[str]) -> str:
    after = [DIRECTIONS[rest.pop()]] if rest and rest[-1] in DIRECTIONS else []
    suffix = [SUFFIXES[rest.pop()]] if rest and rest[-1] in SUFFIXES else []
    return " ".join((*after, *before, road, *(NAME_WORDS.get(word, word) for word in rest), *suffix))


def _road_name(words: Sequence[str]) -> str | None:
    text = " ".join(words)
    if name := ROUTES.get(text):
        return name
    for length in (3, 2, 1):
        code = _STATE_NAMES.get(" ".join(words[:length]))
        kind = _STATE_ROADS.get(" ".join(words[length:]))
        if code and kind is not None and len(words) >= length:
            return f"{code}{kind}"
    return None


def _with_road_words(words: Sequence[str]) -> list[str]:
    found: list[str] = []
    for word in words:
        attached = _ATTACHED_ROAD.fullmatch(word)
        found += attached.groups() if attached else [ROUTE_WORDS.get(word, word)]
    return found
