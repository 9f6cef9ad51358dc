"""Names of streets in one form: types, directions and numbered streets."""

import re
from collections.abc import Sequence
from functools import lru_cache

from common.records.addresses.characters import UnreadableAddressError
from common.records.addresses.numbered_road import normalise_numbered_road
from common.records.addresses.numerals import NUMBER_WORDS, format_ordinal, read_numeral
from common.records.addresses.postal_words import DIRECTIONS, NAME_WORDS, NUMBERED_TYPES, SUFFIXES, TYPES_NEVER_ALONE

_HYPHEN_IN_NAME = re.compile(r"(?a)(?<!\d)-|-(?!\d)")
_BARE_UNIT = re.compile(r"(?a)\d+(?!ST|ND|RD|TH)[A-Z]{0,2}|[A-DF-MO-RT-VX-Z]\d*")
_SHORT_TYPES_NEVER_ALONE = frozenset(SUFFIXES[word] for word in TYPES_NEVER_ALONE)


def split_street_words(text: str) -> list[str]:
    """Return the words of a street. A hyphen within a name separates words; a hyphen within a number stays."""
    return (_HYPHEN_IN_NAME.sub(" ", text) if "-" in text else text).split()


@lru_cache(maxsize=65_536)
def normalise_street_name(text: str) -> tuple[str, str]:
    """Return a street without house number and unit in its normal form, and the bare unit that follows it, if any.

    Every word of *text* is in the result, as it is or as a table shortens it. Raises UnreadableAddressError if no name is there.
    """
    words = split_street_words(text)
    road = normalise_numbered_road(words)
    if road is not None:
        return road, ""
    words, unit = _split_bare_unit(words)
    return _normalise_name(words), unit


def _split_bare_unit(words: list[str]) -> tuple[list[str], str]:
    """Split the unit from the end of `418 Palmetto Ave 4B`; the number in `100 Forest Rd 12` and `5 Avenue 12` may be the road's."""
    if len(words) > 2 and _BARE_UNIT.fullmatch(words[-1]):  # noqa: PLR2004 - name, type, unit
        kind = 2 if words[-2] in DIRECTIONS and len(words) > 3 else 1  # noqa: PLR2004 - with a direction
        short = SUFFIXES.get(words[-1 - kind])
        before = words[: -1 - kind]
        if short and short not in NUMBERED_TYPES - {"AVE"} and any(word not in DIRECTIONS for word in before):
            return words[:-1], words[-1]
    return words, ""


def _normalise_name(words: Sequence[str]) -> str:
    """Return `[direction] name [type] [direction]`: the type in short, types within the name in full.

    The source of the rule is Publication 28, section 23.
    """
    words = _with_numbered_streets(_with_joined_mc(words))
    if len(words) == 2 and SUFFIXES.get(words[0]) == "AVE" and words[1] in {"N", "S", "E", "W"}:  # noqa: PLR2004
        return f"AVENUE {words[1]}"  # a letter, as in Avenue M
    before, words = _split_leading_directions(words)
    words, after = _split_trailing_directions(words)
    suffix = SUFFIXES.get(words[-1]) if len(words) > 1 else None
    name = _expand_name(words[:-1] if suffix else words, has_suffix=suffix is not None)
    if not name or (len(name) == 1 and not suffix and not (after or before) and not _is_name(name[0])):
        raise UnreadableAddressError
    if (
        len(name) == 1
        and not suffix
        and name[0] in TYPES_NEVER_ALONE | {NAME_WORDS.get(word) for word in TYPES_NEVER_ALONE}
    ):
        raise UnreadableAddressError
    return " ".join(filter(None, (before, *name, suffix, after)))


def _is_name(word: str) -> bool:
    return any(map(str.isalpha, word)) and word not in DIRECTIONS


def _with_numbered_streets(words: Sequence[str]) -> list[str]:
    """Return *words* with numbers in digits: `FORTY SECOND` is `42ND`, and `SEVEN MILE` is `7 MILE`."""
    if NUMBER_WORDS.isdisjoint(words):
        return list(words)
    found, position = [], 0
    while position < len(words):
        numeral = read_numeral(list(words[position:]))
        if numeral and numeral.is_ordinal:
            found.append(format_ordinal(numeral.value))
            position += numeral.words
        elif numeral and list(words[position + numeral.words : position + numeral.words + 1]) == ["MILE"]:
            found.append(str(numeral.value))
            position += numeral.words
        else:
            found.append(words[position])
            position += 1
    return found


def _split_leading_directions(words: list[str]) -> tuple[str, list[str]]:
    """Split the directions before a name, if a name remains: `N E 5TH ST` is `NE 5TH ST`, but `N E ST` is E Street."""
    if len(words) < 2 or words[0] not in DIRECTIONS or _is_only_type(words[1:]):  # noqa: PLR2004
        return "", words
    first, second = DIRECTIONS[words[0]], DIRECTIONS.get(words[1], "")
    if first in {"N", "S"} and second in {"E", "W"} and len(words) > 2 and not _is_type(words[2:]):  # noqa: PLR2004
        return first + second, words[2:]
    return first, words[1:]


def _is_type(words: Sequence[str]) -> bool:
    """Return whether *words* are only a street type and directions after it, so that no name is left."""
    return words[0] in SUFFIXES and all(word in DIRECTIONS for word in words[1:])


def _is_only_type(words: Sequence[str]) -> bool:
    """Return whether *words* are a street type that is no name: `N AVE` is a letter, but `N LOOP` is North Loop."""
    return _is_type(words) and SUFFIXES[words[0]] in _SHORT_TYPES_NEVER_ALONE


def _split_trailing_directions(words: list[str]) -> tuple[list[str], str]:
    if len(words) < 2 or words[-1] not in DIRECTIONS:  # noqa: PLR2004
        return words, ""
    last, before = DIRECTIONS[words[-1]], DIRECTIONS.get(words[-2], "")
    if before in {"N", "S"} and last in {"E", "W"} and len(words) > 2:  # noqa: PLR2004
        return words[:-2], before + last
    return words[:-1], last


def _expand_name(words: Sequence[str], *, has_suffix: bool) -> list[str]:
    """Return the words of a name in full. `ST` is Saint; as the last of several before a type, it is Street: `MAIN ST EXT`."""
    name = [NAME_WORDS.get(word, word) for word in words]
    if has_suffix and len(words) > 1 and words[-1] == "ST":
        name[-1] = "STREET"
    if has_suffix and len(words) == 1 and len(DIRECTIONS.get(words[0], "")) == len("NW"):
        name[0] = DIRECTIONS[words[0]]  # `NORTHWEST HWY`; a single direction may be a letter
    return name


def _with_joined_mc(words: Sequence[str]) -> list[str]:
    """Return *words* with `MC` joined to the word after it: `MC DONALD` is `MCDONALD`."""
    found, last = list(words), len(words) - 1
    if "MC" not in found:
        return found
    for position in range(last - 1, -1, -1):
        following = found[position + 1]
        is_name = len(following) > 2 and following.isalpha() and (position + 1 < last or following not in SUFFIXES)  # noqa: PLR2004
        if found[position] == "MC" and is_name:
            found[position : position + 2] = [f"MC{following}"]
    return found
