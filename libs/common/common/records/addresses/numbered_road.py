"""Numbered roads in one form, such as `CR 12` and `I 35` (USPS Publication 28, appendix F)."""

import re
from collections.abc import Sequence

from common.geography.places import STATES
from common.records.addresses.postal_words import (
    DIRECTIONS,
    LETTERED_ROUTES,
    NAME_WORDS,
    ROUTE_WORDS,
    ROUTES,
    ROUTES_THAT_MAY_BE_STREETS,
    SUFFIXES,
)

_ROAD_NUMBER = re.compile(r"(?a)0*(\d+[A-Z]{0,2})")
_ROAD_LETTERS = re.compile(r"(?a)[A-Z]{1,3}|[A-Z]\d{1,4}[A-Z]?")
_ATTACHED_ROAD = re.compile(r"(?a)(FM|RM|RR|CR|SR|SH|STH|CTH|US|IH|I|HWY|FSR|TSR|M|K)(\d+[A-Z]{0,2})")
_NUMBER_SIGNS = frozenset({"#", "NO", "NUM", "NUMBER"})
_PREFIXES = {
    "OLD": "OLD",
    "NEW": "NEW",
    "BUSINESS": "BUSINESS",
    "BUS": "BUSINESS",
    "ALTERNATE": "ALTERNATE",
    "ALT": "ALTERNATE",
}
"""Words between the direction and the name of a road: `OLD HWY 81`."""
_REPEATED_TYPES = frozenset({
    ("FM", "RD"), ("FM", "HWY"), ("RM", "RD"), ("M", "HWY"), ("K", "HWY"), ("INTERSTATE", "HWY"),
})  # fmt: skip
"""Roads with the type that some sources repeat after the number: `FM 1960 RD`."""
_MAX_ROUTE_WORDS = max(len(spelling.split(" ")) for spelling in ROUTES)
_STATE_CODES = {**STATES} | {code: code for code in STATES.values()}
_STATE_ROAD_TYPES = {
    "": "",
    "HWY": " HWY",
    "RTE": " RTE",
    "RD": " RD",
    "STATE HWY": " STATE HWY",
    "ST HWY": " STATE HWY",
    "COUNTY RD": " COUNTY RD",
}


def normalise_numbered_road(words: Sequence[str]) -> str | None:
    """Return a numbered road in its normal form, or None if *words* are no numbered road.

    Examples are `CR 12`, `FARM TO MARKET 1960` and `N I 35 FRONTAGE RD`. Its direction always comes first.
    """
    words = _with_route_words(words)
    if not words or words[0] not in DIRECTIONS or " ".join(words[:2]) in {*STATES, "S R", "S H"}:
        return _read_road([], words, 0)
    if direction := _combined_direction(words[:2]):
        return _read_road([direction], words, 2)
    return _read_road([DIRECTIONS[words[0]]], words, 1)


def without_number_signs(words: Sequence[str]) -> list[str]:
    """Return *words* without the sign in `HWY # 9` and `COUNTY RD NO 12`, where the number belongs to the road."""
    if _NUMBER_SIGNS.isdisjoint(words):
        return list(words)
    for position in range(1, len(words) - 1):
        if words[position] in _NUMBER_SIGNS and words[position + 1][0].isdigit():
            before = _with_route_words(words[:position])
            while before and before[0] in {*DIRECTIONS, *_PREFIXES}:
                before = before[1:]
            if _needs_number(before):
                return [*words[:position], *words[position + 1 :]]
    return list(words)


def _needs_number(words: Sequence[str]) -> bool:
    """Return whether *words* are a kind of road that is no street without a number: `STATE HWY`, `NC HWY`."""
    spelling, name = " ".join(words), _road_name(words)
    return name is not None and spelling not in ROUTES_THAT_MAY_BE_STREETS and (spelling in ROUTES or " " in name)


def _combined_direction(words: Sequence[str]) -> str:
    """Return two directions that are one, as `S E` is `SE`; empty if they are not."""
    short = [DIRECTIONS.get(word, "") for word in words]
    return "".join(short) if len(short) == 2 and short[0] in {"N", "S"} and short[1] in {"E", "W"} else ""  # noqa: PLR2004


def _read_road(before: list[str], words: Sequence[str], start: int) -> str | None:
    """Return the road that begins at *start*, or after a prefix such as `OLD` there."""
    while start < len(words) and words[start] in _PREFIXES and " ".join(words[start : start + 2]) not in STATES:
        before.append(_PREFIXES[words[start]])
        start += 1
    for length in range(min(_MAX_ROUTE_WORDS, len(words) - start - 1), 0, -1):
        name = _road_name(words[start : start + length])
        if name is None:
            continue
        number, rest = words[start + length], list(words[start + length + 1 :])
        if match := _ROAD_NUMBER.fullmatch(number):
            number = match[1]
        elif not _is_letter_of_road(name, number) or any(word not in DIRECTIONS for word in rest):
            continue
        return _format_road(before, name, number, rest)
    return None


def _is_letter_of_road(name: str, word: str) -> bool:
    """Return whether *word* is a road's letters. In `STATE RD N` it is the direction of a street called State."""
    if name not in LETTERED_ROUTES or not _ROAD_LETTERS.fullmatch(word) or (name == "STATE HWY" and word in DIRECTIONS):
        return False
    if name in {"HWY", "RTE"} and len(word) > 1 and word in DIRECTIONS:
        return False
    return len(word) == 1 or word in DIRECTIONS or word not in SUFFIXES


def _format_road(before: list[str], name: str, number: str, rest: list[str]) -> str:
    direction, rest = _split_direction(rest)
    if len(rest) == 1 and _repeats_type(name, rest[0]):
        rest = []
    elif rest == ["HWY"] and len(name) == len("NC"):
        name, rest = f"{name} HWY", []
    suffix = [SUFFIXES[rest.pop()]] if rest and rest[-1] in SUFFIXES else []
    road = f"{name} {number}"
    return " ".join((*direction, *before, road, *(NAME_WORDS.get(word, word) for word in rest), *suffix))


def _split_direction(rest: list[str]) -> tuple[list[str], list[str]]:
    """Return the direction at the end of the words after a road's number, and the words before it."""
    if direction := _combined_direction(rest[-2:]):
        return [direction], rest[:-2]
    if rest and rest[-1] in DIRECTIONS:
        return [DIRECTIONS[rest[-1]]], rest[:-1]
    return [], rest


def _repeats_type(name: str, word: str) -> bool:
    return (name.rsplit(maxsplit=1)[-1] == word and word in SUFFIXES) or (name, word) in _REPEATED_TYPES


def _road_name(words: Sequence[str]) -> str | None:
    """Return the normal form of a road's name without its number, or None."""
    text = " ".join(words)
    if name := ROUTES.get(text):
        return name
    for length in (3, 2, 1):
        code = _STATE_CODES.get(" ".join(words[:length]))
        road_type = _STATE_ROAD_TYPES.get(" ".join(words[length:]))
        if code and road_type is not None and len(words) >= length:
            return f"{code}{road_type}"
    return None


def _with_route_words(words: Sequence[str]) -> list[str]:
    """Return *words* with names of roads in short, and their numbers separate: `HWY9` is `HWY`, `9`."""
    found: list[str] = []
    for word in words:
        attached = _ATTACHED_ROAD.fullmatch(word)
        found += attached.groups() if attached else [ROUTE_WORDS.get(word, word)]
    return found
