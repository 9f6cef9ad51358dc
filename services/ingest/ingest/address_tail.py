"""City, state and ZIP code at the end of a street address, which have columns of their own."""

import re

from common.places import STATES
from ingest.postal import DIRECTIONS, NAME_WORDS, SUFFIXES

_ZIP = re.compile(r"(?a)\d{5}(?:-?\d{4})?")
_PLUS_FOUR = re.compile(r"(?a)\d{4}")
_STATES = {name: name for name in STATES} | {code: code for code in STATES.values()}
_AMBIGUOUS = frozenset(code for code in STATES.values() if code in SUFFIXES or code in DIRECTIONS)
_COUNTRIES = ("UNITED STATES OF AMERICA", "UNITED STATES", "USA", "U S A", "US")


def without_city(text: str, city: str) -> str:
    """Return *text* without the city, state and ZIP code that it ends with, and without commas.

    They are cut off only where they can be nothing else: a ZIP code after a state, a state after a comma or the city, the city
    before a state or after a comma. `100 YALE CT 06511` stays as it is, since `CT` may be the court.
    """
    words = text.split(" ")
    if "," not in words and not (
        _ZIP.fullmatch(words[-1]) or words[-1] in _LAST_WORDS or _PLUS_FOUR.fullmatch(words[-1])
    ):
        return text
    end = _before_country(words)
    before_zip = _before_zip(words, end)
    before_state = _before_state(words, before_zip)
    before_city = _before_city(words, before_state, city.split())
    has_comma = before_state > 1 and words[before_state - 1] == ","
    if before_state == before_zip:
        if before_city < before_state and words[before_city - 1] == ",":
            end = before_city
        elif before_zip < end and has_comma:
            end = before_zip
        else:
            end = len(words)
    elif before_city < before_state or has_comma or (before_zip < end and words[before_state] not in _AMBIGUOUS):
        end = before_city
    else:
        end = len(words)
    return " ".join(word for word in words[:end] if word != ",")


_LAST_WORDS = {name.rsplit(" ", 1)[-1] for name in (*_STATES, *_COUNTRIES)}


def _skip_commas(words: list[str], end: int) -> int:
    while end and words[end - 1] == ",":
        end -= 1
    return end


def _before_country(words: list[str]) -> int:
    end = _skip_commas(words, len(words))
    for country in _COUNTRIES:
        parts = country.split()
        start = end - len(parts)
        if start > 1 and words[start:end] == parts and (words[start - 1] == "," or _before_zip(words, start) < start):
            return _skip_commas(words, start)
    return end


def _before_zip(words: list[str], end: int) -> int:
    if end > 2 and _PLUS_FOUR.fullmatch(words[end - 1]) and _ZIP.fullmatch(words[end - 2]):  # noqa: PLR2004
        return _skip_commas(words, end - 2) if words[end - 3] in _LAST_WORDS else end
    if end > 2 and _ZIP.fullmatch(words[end - 1]):  # noqa: PLR2004 - house number and street come before
        return end - 1
    return end


def _before_state(words: list[str], end: int) -> int:
    end_of_state = _skip_commas(words, end)
    for length in (3, 2, 1):
        start = end_of_state - length
        if start > 1 and " ".join(words[start:end_of_state]) in _STATES:
            return start
    return end


def _before_city(words: list[str], end: int, city: list[str]) -> int:
    end_of_city = _skip_commas(words, end)
    wanted = _squeezed(city)
    for start in range(end_of_city - 1, max(1, end_of_city - _LONGEST_CITY), -1):
        if wanted and _squeezed(words[start:end_of_city]) == wanted:
            return start
    return end


_LONGEST_CITY = 7
"""Words of a city and one more."""


def _squeezed(city: list[str]) -> str:
    """A city in one writing: `Winston-Salem` and `Winston Salem`, `O Fallon` and `OFallon`, `North` and `N`."""
    words = " ".join(city).replace("-", " ").split()
    return "".join(DIRECTIONS.get(word) or NAME_WORDS.get(word, word) for word in words)
