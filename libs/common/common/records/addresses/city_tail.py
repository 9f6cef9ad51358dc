"""City, state and ZIP code at the end of a street address, which have columns of their own."""

import re

from common.geography.places import STATES
from common.records.addresses.postal_words import DIRECTIONS, NAME_WORDS, SUFFIXES

_ZIP = re.compile(r"(?a)\d{5}(?:-?\d{4})?")
_PLUS_FOUR = re.compile(r"(?a)\d{4}")
_STATES = {name: name for name in STATES} | {code: code for code in STATES.values()}
_AMBIGUOUS_STATES = frozenset(code for code in STATES.values() if code in SUFFIXES or code in DIRECTIONS)
_COUNTRIES = ("UNITED STATES OF AMERICA", "UNITED STATES", "USA", "U S A", "US")
_MAX_CITY_WORDS = 7
"""Number of words of the longest city, plus one."""
_LAST_WORDS = {name.rsplit(" ", 1)[-1] for name in (*_STATES, *_COUNTRIES)}
"""Words with which a state or country ends."""


def without_city(text: str, city: str) -> str:
    """Return *text* without the city, state and ZIP code that it ends with, and without commas.

    Each is removed only if it can be nothing else: a ZIP code after a state, a state after a comma or the city, the city
    before a state or after a comma. `100 YALE CT 06511` does not change, since `CT` may be the court.
    """
    words = text.split(" ")
    if "," not in words and not (
        _ZIP.fullmatch(words[-1]) or words[-1] in _LAST_WORDS or _PLUS_FOUR.fullmatch(words[-1])
    ):
        return text
    return " ".join(word for word in words[: _end_of_street(words, city.split())] if word != ",")


def _end_of_street(words: list[str], city: list[str]) -> int:
    """Return the position of the first word after the street; the number of words if nothing can be removed."""
    end = _start_of_country(words)
    zip_start = _start_of_zip(words, end)
    state_start = _start_of_state(words, zip_start)
    city_start = _start_of_city(words, state_start, city)
    has_zip, has_state, has_city = zip_start < end, state_start != zip_start, city_start < state_start
    has_comma = state_start > 1 and words[state_start - 1] == ","
    if not has_state:
        if has_city and words[city_start - 1] == ",":
            return city_start
        return zip_start if has_zip and has_comma else len(words)
    if has_city or has_comma or (has_zip and words[state_start] not in _AMBIGUOUS_STATES):
        return city_start
    return len(words)


def _skip_commas(words: list[str], end: int) -> int:
    while end and words[end - 1] == ",":
        end -= 1
    return end


def _start_of_country(words: list[str]) -> int:
    end = _skip_commas(words, len(words))
    for country in _COUNTRIES:
        parts = country.split()
        start = end - len(parts)
        if start > 1 and words[start:end] == parts and (words[start - 1] == "," or _start_of_zip(words, start) < start):
            return _skip_commas(words, start)
    return end


def _start_of_zip(words: list[str], end: int) -> int:
    if end > 2 and _PLUS_FOUR.fullmatch(words[end - 1]) and _ZIP.fullmatch(words[end - 2]):  # noqa: PLR2004
        return _skip_commas(words, end - 2) if words[end - 3] in _LAST_WORDS else end
    if end > 2 and _ZIP.fullmatch(words[end - 1]):  # noqa: PLR2004 - house number and street come before
        return end - 1
    return end


def _start_of_state(words: list[str], end: int) -> int:
    end_of_state = _skip_commas(words, end)
    for length in (3, 2, 1):
        start = end_of_state - length
        if start > 1 and " ".join(words[start:end_of_state]) in _STATES:
            return start
    return end


def _start_of_city(words: list[str], end: int, city: list[str]) -> int:
    end_of_city = _skip_commas(words, end)
    wanted = _normalise_city(city)
    for start in range(end_of_city - 1, max(1, end_of_city - _MAX_CITY_WORDS), -1):
        if wanted and _normalise_city(words[start:end_of_city]) == wanted:
            return start
    return end


def _normalise_city(city: list[str]) -> str:
    """Return a city in one spelling: `Winston-Salem` and `Winston Salem`, `O Fallon` and `OFallon`, `North` and `N`."""
    words = " ".join(city).replace("-", " ").split()
    return "".join(DIRECTIONS.get(word) or NAME_WORDS.get(word, word) for word in words)
