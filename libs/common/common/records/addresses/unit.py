"""Units of a building in one form for all their spellings."""

import re
from collections.abc import Sequence
from functools import lru_cache

from common.records.addresses.characters import UnreadableAddressError, plain_text
from common.records.addresses.numerals import NUMBER_WORDS, read_numeral
from common.records.addresses.postal_words import (
    DESIGNATORS,
    DESIGNATORS_IN_NAMES,
    DIRECTIONS,
    NUMBERED_TYPES,
    PARTS_WITHOUT_NUMBER,
    SUFFIXES,
    UNIT_PARTS,
)

_ID = re.compile(r"(?a)(?:[A-Z]{0,2}-?\d[0-9A-Z]*|[A-Z]{1,2})(?:[-/](?:[A-Z]{1,2}|\d+[A-Z]?))?")
_CONTINUATION = re.compile(r"(?a)[A-Z]{1,2}|\d+[A-Z]?|\d/\d")
_ORDINAL = re.compile(r"(?a)(\d+)(?:ST|ND|RD|TH)")
_ZIP_AFTER_STATE = re.compile(r"(?a)\d{4,}.*")
"""Text after `FL` if it is Florida and not a floor."""
_PIECES = re.compile(r"[0-9]+|[A-Z]+")
_EMPTY_UNITS = frozenset({"NA", "NONE", "NULL", "0"})
_WORDS = sorted(filter(str.isalpha, {*DESIGNATORS, *UNIT_PARTS}), key=len, reverse=True)
_ATTACHED = re.compile(rf"(?a)(?:(?<=\s)|^)({'|'.join(_WORDS)})(?:-(?=\w)|(?=\d))")
_MAY_BE_ATTACHED = re.compile(r"[A-Z](?:-|\d)")
_UNIT_WORDS = frozenset({*DESIGNATORS, *UNIT_PARTS})
_PART_SIGNS = frozenset({"#", "NO"})
_OPEN_DESIGNATORS = frozenset({"#", "APT", "APARTMENT", "UNIT", "STE", "SUITE"})
_WORDS_BEFORE_OPEN_DESIGNATOR = frozenset({*SUFFIXES, *DIRECTIONS, *_OPEN_DESIGNATORS})


@lru_cache(maxsize=16_384)
def normalise_unit(text: str) -> str:
    """Return a unit without its designator: `Apt 4-B`, `#04b` and `Unit 4 B` are all `4B`; `Bldg 2 Apt 4` is `BLDG2 4`.

    Raises UnreadableAddressError for characters that have no plain form.
    """
    words = without_part_signs(split_attached(plain_text(text)).replace(",", " ").split())
    if any(not word.isascii() for word in words):
        raise UnreadableAddressError
    parts, bare, position, has_designator = [], list[str](), 0, False
    while position < len(words):
        word, used = words[position], 1
        if word in DESIGNATORS:
            has_designator = True
        elif floor := _read_floor(words[position:]):
            used, number = floor
            parts.append(f"FL{number}")
        elif part := UNIT_PARTS.get(word):
            form, used = _read_part(part, words[position + 1 :], bare, has_designator=has_designator)
            parts.append(form)
        else:
            bare += _split_pieces(word)
        position += used
    form = " ".join(filter(None, (*sorted(parts), _join_pieces(bare))))
    return "" if form.replace(" ", "") in _EMPTY_UNITS else form


def _read_part(part: str, following: Sequence[str], bare: list[str], *, has_designator: bool) -> tuple[str, int]:
    """Return the form of a part such as `BLDG`, with its number, and how many words it takes.

    The number of a floor may come before it, as in `2 FL`: then it is taken from *bare*.
    """
    if following and _is_id(following[0]) and not _read_floor(following):
        return _format_part(part, following[0]), 2
    if part == "FL" and len(bare) == 1 and not has_designator:
        return _format_part(part, bare.pop()), 1
    return part, 1


def _split_pieces(word: str) -> list[str]:
    numeral = read_numeral([word]) if word in NUMBER_WORDS else None
    return [str(numeral.value)] if numeral else _PIECES.findall(word)


def split_attached(text: str) -> str:
    """Return *text* with designators separated from the unit that is attached to them: `APT4`, `APT-4`."""
    return _ATTACHED.sub(r"\1 ", text) if _MAY_BE_ATTACHED.search(text) else text


def without_part_signs(words: Sequence[str]) -> list[str]:
    """Return *words* without the sign in `BLDG # 2` and `FL NO 3`. `REAR # 2` stays, since `REAR` has no number."""
    found = list(words)
    if _PART_SIGNS.isdisjoint(found):
        return found
    for position in range(len(found) - 2, 0, -1):
        part = UNIT_PARTS.get(found[position - 1])
        is_numbered = part is not None and part not in PARTS_WITHOUT_NUMBER - {"PH"}
        if found[position] in _PART_SIGNS and is_numbered and _is_id(found[position + 1]):
            del found[position]
    return found


def without_open_designator(words: Sequence[str]) -> list[str]:
    """Return *words* without a designator at their end that names no unit: `5 MAIN ST APT #`."""
    found = list(words)
    while len(found) > 2 and found[-1] in _OPEN_DESIGNATORS and found[-2] in _WORDS_BEFORE_OPEN_DESIGNATOR:  # noqa: PLR2004
        found.pop()
    return found


def join_units(within: str, beside: str) -> str:
    """Return the unit that is named in the address (*within*) and in a column (*beside*); both are kept if they differ."""
    if not beside or set(beside.split()) <= set(within.split()):
        return within
    if set(within.split()) <= set(beside.split()):
        return beside
    return normalise_unit(f"{within} {beside}")


def find_unit(words: Sequence[str]) -> int:
    """Return the position in a street's *words* at which its unit begins; the number of words if it has none."""
    if _UNIT_WORDS.isdisjoint(words):
        return len(words)
    name_ended = has_name = False
    for position, word in enumerate(words):
        if (
            has_name
            and (word not in DESIGNATORS_IN_NAMES or name_ended)
            and _begins_unit(words, position)
            and is_unit(words[position:])
        ):
            return position
        if name_ended and _is_floor_with_number_first(words, position):
            return position
        has_name = has_name or word not in DIRECTIONS
        name_ended = has_name and (word in SUFFIXES or (name_ended and word in DIRECTIONS))
    return len(words)


def _is_floor_with_number_first(words: Sequence[str], position: int) -> bool:
    """Return whether a floor begins with its number: `5 MAIN ST 2 FL`; in `5 FOREST RD 2 FL` it may be the road's."""
    return (
        position + 1 < len(words)
        and re.fullmatch(r"(?a)\d{1,2}", words[position]) is not None
        and UNIT_PARTS.get(words[position + 1]) == "FL"
        and SUFFIXES.get(words[position - 1]) not in NUMBERED_TYPES
        and (position + 2 == len(words) or is_unit(words[position + 2 :]))
    )


def _begins_unit(words: Sequence[str], position: int) -> bool:
    return words[position] in DESIGNATORS or words[position] in UNIT_PARTS or _read_floor(words[position:]) is not None


def is_unit(words: Sequence[str]) -> bool:
    """Return whether *words* are only units, each with or without a number as Publication 28, appendix C2, requires."""
    position, may_continue = 0, False
    while position < len(words):
        taken, may_continue = _take_unit(words[position:], may_continue=may_continue)
        if taken == 0:
            return False
        position += taken
    return bool(words)


def _take_unit(words: Sequence[str], *, may_continue: bool) -> tuple[int, bool]:
    """Return how many words the unit at the beginning takes, 0 if there is none, and whether its number may continue."""
    if floor := _read_floor(words):
        return floor[0], False
    if words[0] in DESIGNATORS:
        return _take_designator(words[1:])
    if part := UNIT_PARTS.get(words[0]):
        return _take_part(part, words[1:])
    return (1, False) if may_continue and _CONTINUATION.fullmatch(words[0]) else (0, False)


def _take_designator(following: Sequence[str]) -> tuple[int, bool]:
    """Return how many words `APT` and its number take; 1 if another designator, a part or a floor follows it."""
    word = following[0] if following else ""
    is_floor = _read_floor(following) is not None
    if word not in DESIGNATORS and not (_is_id(word) or is_floor) and word not in UNIT_PARTS:
        return 0, False
    has_id = _is_id(word) and not is_floor
    return 1 + has_id, has_id


def _take_part(part: str, following: Sequence[str]) -> tuple[int, bool]:
    """Return how many words a part such as `BLDG` and its number take; 0 if it lacks a number that it needs."""
    word = following[0] if following else ""
    has_id = _is_id(word) and not _read_floor(following)
    is_state = part == "FL" and _ZIP_AFTER_STATE.fullmatch(word) is not None
    if is_state or (not has_id and part not in PARTS_WITHOUT_NUMBER):
        return 0, False
    return 1 + has_id, False


def _is_id(word: str) -> bool:
    if word in UNIT_PARTS or word in DESIGNATORS:
        return False
    if word in NUMBER_WORDS:
        return True
    return _ID.fullmatch(word) is not None and (len(word) == 1 or word not in SUFFIXES)


def _read_floor(words: Sequence[str]) -> tuple[int, str] | None:
    """Read `2ND FLOOR` and `SECOND FL`: return how many words the floor takes, and its number."""
    if len(words) > 1 and UNIT_PARTS.get(words[1]) == "FL" and (match := _ORDINAL.fullmatch(words[0])):
        return 2, match[1].lstrip("0")
    if words and words[0] in NUMBER_WORDS:
        numeral = read_numeral(words)
        if numeral and numeral.is_ordinal and UNIT_PARTS.get("".join(words[numeral.words : numeral.words + 1])) == "FL":
            return numeral.words + 1, str(numeral.value)
    return None


def _format_part(part: str, text: str) -> str:
    """Return a part with its number, as in `BLDG2`; a letter stays separate, as in `BLDG A`, so that the form is readable again."""
    if ordinal := _ORDINAL.fullmatch(text):
        text = ordinal[1]
    numeral = read_numeral([text]) if text in NUMBER_WORDS else None
    number = str(numeral.value) if numeral else _join_pieces(_PIECES.findall(text), "-")
    return f"{part}{'' if number[:1].isdigit() else ' '}{number}"


def _join_pieces(pieces: Sequence[str], between: str = " ") -> str:
    form, before = "", ""
    for piece in pieces:
        short = piece.lstrip("0") or "0" if piece.isdigit() else piece
        form += f"{between}{short}" if before and before.isdigit() == short.isdigit() else short
        before = short
    return form
