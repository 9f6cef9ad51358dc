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
    MAY_BE_STREETS,
    NAME_WORDS,
    NEVER_ALONE,
    NUMBERED_TYPES,
    ROUTE_WORDS,
    ROUTES,
    SUFFIXES,
)

_ROAD_NUMBER = re.compile(r"(?a)0*(\d+[A-Z]{0,2})")
_ROAD_LETTERS = re.compile(r"(?a)[A-Z]{1,3}|[A-Z]\d{1,4}[A-Z]?")
_ATTACHED_ROAD = re.compile(r"(?a)(FM|RM|RR|CR|SR|SH|STH|CTH|US|IH|I|HWY|FSR|TSR|M|K)(\d+[A-Z]{0,2})")
_HYPHEN = re.compile(r"(?a)(?<!\d)-|-(?!\d)")
_BARE_UNIT = re.compile(r"(?a)\d+(?!ST|ND|RD|TH)[A-Z]{0,2}|[A-DF-MO-RT-VX-Z]\d*")
_NEVER_ALONE_TYPES = frozenset(SUFFIXES[word] for word in NEVER_ALONE)
_NUMBER_SIGNS = frozenset({"#", "NO", "NUM", "NUMBER"})
_BEFORE_ROADS = {
    "OLD": "OLD",
    "NEW": "NEW",
    "BUSINESS": "BUSINESS",
    "BUS": "BUSINESS",
    "ALTERNATE": "ALTERNATE",
    "ALT": "ALTERNATE",
}
_SAID_AGAIN = frozenset({("FM", "RD"), ("FM", "HWY"), ("RM", "RD"), ("M", "HWY"), ("K", "HWY"), ("INTERSTATE", "HWY")})
"""Kinds of roads with the word that some write behind the number: `FM 1960 RD`."""
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
        if short and short not in NUMBERED_TYPES - {"AVE"} and any(word not in DIRECTIONS for word in before):
            return words[:-1], words[-1]
    return words, ""


def _named(words: Sequence[str]) -> str:
    """`[direction] name [type] [direction]`: the type in short, types within the name in full (Publication 28, section 23)."""
    words = _numbered(_with_joined_mc(words))
    if len(words) == 2 and SUFFIXES.get(words[0]) == "AVE" and words[1] in {"N", "S", "E", "W"}:  # noqa: PLR2004
        return f"AVENUE {words[1]}"  # a letter, as in Avenue M
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
    """`FORTY SECOND` is `42ND`, and `SEVEN MILE` is `7 MILE`."""
    if NUMBER_WORDS.isdisjoint(words):
        return list(words)
    found, place = [], 0
    while place < len(words):
        numeral = read_numeral(list(words[place:]))
        if numeral and numeral.is_ordinal:
            found.append(ordinal(numeral.value))
            place += numeral.words
        elif numeral and list(words[place + numeral.words : place + numeral.words + 1]) == ["MILE"]:
            found.append(str(numeral.value))
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
    if first in {"N", "S"} and second in {"E", "W"} and len(words) > 2 and not _is_type(words[2:]):  # noqa: PLR2004
        return first + second, words[2:]
    return first, words[1:]


def _is_type(words: Sequence[str]) -> bool:
    """Return whether nothing but a street type, or a direction after it, is left for the name."""
    return words[0] in SUFFIXES and all(word in DIRECTIONS for word in words[1:])


def _is_only_type(words: Sequence[str]) -> bool:
    """Return whether *words* are a street type that is no name: `N AVE` is a letter, `N LOOP` and `NORTH LOOP` are one."""
    return _is_type(words) and SUFFIXES[words[0]] in _NEVER_ALONE_TYPES


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
    if has_suffix and len(words) == 1 and len(DIRECTIONS.get(words[0], "")) == len("NW"):
        name[0] = DIRECTIONS[words[0]]  # `NORTHWEST HWY`; a single direction may be a letter
    return name


def _with_joined_mc(words: Sequence[str]) -> list[str]:
    """`MC DONALD` is `MCDONALD`."""
    found, last = list(words), len(words) - 1
    if "MC" not in found:
        return found
    for place in range(last - 1, -1, -1):
        following = found[place + 1]
        is_name = len(following) > 2 and following.isalpha() and (place + 1 < last or following not in SUFFIXES)  # noqa: PLR2004
        if found[place] == "MC" and is_name:
            found[place : place + 2] = [f"MC{following}"]
    return found


def _is_open_road(words: Sequence[str]) -> bool:
    """Return whether *words* are a kind of road that is no street without a number: `STATE HWY`, `NC HWY`."""
    writing, name = " ".join(words), _road_name(words)
    return name is not None and writing not in MAY_BE_STREETS and (writing in ROUTES or " " in name)


def without_number_signs(words: Sequence[str]) -> list[str]:
    """Return *words* without the sign in `HWY # 9` and `COUNTY RD NO 12`, where a number belongs to the road."""
    if _NUMBER_SIGNS.isdisjoint(words):
        return list(words)
    for place in range(1, len(words) - 1):
        if words[place] in _NUMBER_SIGNS and words[place + 1][0].isdigit():
            before = _with_road_words(words[:place])
            while before and before[0] in {*DIRECTIONS, *_BEFORE_ROADS}:
                before = before[1:]
            if _is_open_road(before):
                return [*words[:place], *words[place + 1 :]]
    return list(words)


def _road(words: Sequence[str]) -> str | None:
    """A numbered road: `CR 12`, `FARM TO MARKET 1960`, `N I 35 FRONTAGE RD`; its direction stands before it, always."""
    words = _with_road_words(words)
    if not words or words[0] not in DIRECTIONS or " ".join(words[:2]) in {*STATES, "S R", "S H"}:
        return _road_after([], words, 0)
    if pair := _pair(words[:2]):
        return _road_after([pair], words, 2)
    return _road_after([DIRECTIONS[words[0]]], words, 1)


def _pair(words: Sequence[str]) -> str:
    """Two directions that are one: `S E` is `SE`."""
    short = [DIRECTIONS.get(word, "") for word in words]
    return "".join(short) if len(short) == 2 and short[0] in {"N", "S"} and short[1] in {"E", "W"} else ""  # noqa: PLR2004


def _road_after(before: list[str], words: Sequence[str], start: int) -> str | None:
    """The road that begins at *start*, or after a word such as `OLD` there."""
    while start < len(words) and words[start] in _BEFORE_ROADS and " ".join(words[start : start + 2]) not in STATES:
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
        return _road_form(before, name, number, rest)
    return None


def _is_lettered(name: str, word: str) -> bool:
    """Return whether *word* is a road's letters. In `STATE RD N` it is the direction of a street called State."""
    if name not in LETTERED or not _ROAD_LETTERS.fullmatch(word) or (name == "STATE HWY" and word in DIRECTIONS):
        return False
    if name in {"HWY", "RTE"} and len(word) > 1 and word in DIRECTIONS:
        return False
    return len(word) == 1 or word in DIRECTIONS or word not in SUFFIXES


def _road_form(before: list[str], name: str, number: str, rest: list[str]) -> str:
    after = []
    if pair := _pair(rest[-2:]):
        after, rest = [pair], rest[:-2]
    elif rest and rest[-1] in DIRECTIONS:
        after = [DIRECTIONS[rest.pop()]]
    if len(rest) == 1 and (
        (name.rsplit(maxsplit=1)[-1] == rest[0] and rest[0] in SUFFIXES) or (name, rest[0]) in _SAID_AGAIN
    ):
        rest = []
    elif rest == ["HWY"] and len(name) == len("NC"):
        name, rest = f"{name} HWY", []
    road = f"{name} {number}"
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
