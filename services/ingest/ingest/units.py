"""Units of a building in one form, however they are written."""

import re
from collections.abc import Sequence
from functools import lru_cache

from ingest.address_text import UnreadableAddressError, plain_text
from ingest.numerals import NUMBER_WORDS, read_numeral
from ingest.postal import ALSO_NAMES, DESIGNATORS, DIRECTIONS, NUMBERED_TYPES, STAND_ALONE, SUFFIXES, UNIT_PARTS

_ID = re.compile(r"(?a)(?:[A-Z]{0,2}-?\d[0-9A-Z]*|[A-Z]{1,2})(?:[-/](?:[A-Z]{1,2}|\d+[A-Z]?))?")
_MORE = re.compile(r"(?a)[A-Z]{1,2}|\d+[A-Z]?|\d/\d")
_ORDINAL = re.compile(r"(?a)(\d+)(?:ST|ND|RD|TH)")
_STATE_AND_ZIP = re.compile(r"(?a)\d{4,}.*")
"""What follows `FL` where it is Florida and no floor."""
_PIECES = re.compile(r"[0-9]+|[A-Z]+")
_NO_UNIT = frozenset({"NA", "NONE", "NULL", "0"})
_WORDS = sorted(filter(str.isalpha, {*DESIGNATORS, *UNIT_PARTS}), key=len, reverse=True)
_ATTACHED = re.compile(rf"(?a)(?:(?<=\s)|^)({'|'.join(_WORDS)})(?:-(?=\w)|(?=\d))")
_MAY_BE_ATTACHED = re.compile(r"[A-Z](?:-|\d)")
_UNIT_WORDS = frozenset({*DESIGNATORS, *UNIT_PARTS})
_PART_SIGNS = frozenset({"#", "NO"})
_OPEN = frozenset({"#", "APT", "APARTMENT", "UNIT", "STE", "SUITE"})


@lru_cache(maxsize=16_384)
def normal_unit(text: str) -> str:
    """Return a unit without its designator: `Apt 4-B`, `#04b` and `Unit 4 B` are all `4B`; `Bldg 2 Apt 4` is `BLDG2 4`.

    Raises UnreadableAddressError for characters that cannot be told apart.
    """
    words = without_part_signs(split_attached(plain_text(text)).replace(",", " ").split())
    if any(not word.isascii() for word in words):
        raise UnreadableAddressError
    named, bare, place, has_designator = [], list[str](), 0, False
    while place < len(words):
        word, used = words[place], 1
        if word in DESIGNATORS:
            has_designator = True
        elif floor := _floor(words[place:]):
            used, number = floor
            named.append(f"FL{number}")
        elif part := UNIT_PARTS.get(word):
            following = words[place + 1] if place + 1 < len(words) else ""
            if _is_id(following) and not _floor(words[place + 1 :]):
                used = 2
                named.append(_named(part, following))
            elif part == "FL" and len(bare) == 1 and not has_designator:
                named.append(_named(part, bare.pop()))
            else:
                named.append(part)
        else:
            numeral = read_numeral([word]) if word in NUMBER_WORDS else None
            bare += [str(numeral.value)] if numeral else _PIECES.findall(word)
        place += used
    form = " ".join(filter(None, (*sorted(named), _run_together(bare))))
    return "" if form.replace(" ", "") in _NO_UNIT else form


def split_attached(text: str) -> str:
    """Return *text* with designators apart from what is attached to them: `APT4`, `APT-4`."""
    return _ATTACHED.sub(r"\1 ", text) if _MAY_BE_ATTACHED.search(text) else text


def without_part_signs(words: Sequence[str]) -> list[str]:
    """Return *words* without the sign in `BLDG # 2` and `FL NO 3`. `REAR # 2` stays, since the rear is a part without a number."""
    found = list(words)
    if _PART_SIGNS.isdisjoint(found):
        return found
    for place in range(len(found) - 2, 0, -1):
        part = UNIT_PARTS.get(found[place - 1])
        is_numbered = part is not None and part not in STAND_ALONE - {"PH"}
        if found[place] in _PART_SIGNS and is_numbered and _is_id(found[place + 1]):
            del found[place]
    return found


def without_open_designator(words: Sequence[str]) -> list[str]:
    """Return *words* without a designator at their end that names no unit: `5 MAIN ST APT #`."""
    found = list(words)
    while len(found) > 2 and found[-1] in _OPEN and (found[-2] in {*SUFFIXES, *DIRECTIONS, *_OPEN}):  # noqa: PLR2004
        found.pop()
    return found


def join_units(within: str, beside: str) -> str:
    """Return the unit that is named in the address (*within*) and in a column (*beside*): both tell the home if they differ."""
    if not beside or set(beside.split()) <= set(within.split()):
        return within
    if set(within.split()) <= set(beside.split()):
        return beside
    return normal_unit(f"{within} {beside}")


def find_unit(words: Sequence[str]) -> int:
    """Return at which of a street's *words* its unit begins; their number where there is none."""
    if _UNIT_WORDS.isdisjoint(words):
        return len(words)
    name_ended = has_name = False
    for place, word in enumerate(words):
        if (
            has_name
            and (word not in ALSO_NAMES or name_ended)
            and _begins_unit(words, place)
            and is_unit(words[place:])
        ):
            return place
        if name_ended and _is_floor_with_number_first(words, place):
            return place
        has_name = has_name or word not in DIRECTIONS
        name_ended = has_name and (word in SUFFIXES or (name_ended and word in DIRECTIONS))
    return len(words)


def _is_floor_with_number_first(words: Sequence[str], place: int) -> bool:
    """`5 MAIN ST 2 FL`; in `5 FOREST RD 2 FL` the number may be the road's."""
    return (
        place + 1 < len(words)
        and re.fullmatch(r"(?a)\d{1,2}", words[place]) is not None
        and UNIT_PARTS.get(words[place + 1]) == "FL"
        and SUFFIXES.get(words[place - 1]) not in NUMBERED_TYPES
        and (place + 2 == len(words) or is_unit(words[place + 2 :]))
    )


def _begins_unit(words: Sequence[str], place: int) -> bool:
    return words[place] in DESIGNATORS or words[place] in UNIT_PARTS or _floor(words[place:]) is not None


def is_unit(words: Sequence[str]) -> bool:
    """Return whether *words* are units and nothing else, each with what appendix C2 asks for."""
    place, may_go_on = 0, False
    while place < len(words):
        word = words[place]
        following = words[place + 1] if place + 1 < len(words) else ""
        if floor := _floor(words[place:]):
            place, may_go_on = place + floor[0], False
        elif word in DESIGNATORS:
            is_floor = _floor(words[place + 1 :]) is not None
            if following not in DESIGNATORS and not (_is_id(following) or is_floor) and following not in UNIT_PARTS:
                return False
            has_id = _is_id(following) and not is_floor
            place, may_go_on = place + 1 + has_id, has_id
        elif part := UNIT_PARTS.get(word):
            has_id = _is_id(following) and not _floor(words[place + 1 :])
            if (not has_id and part not in STAND_ALONE) or (part == "FL" and _STATE_AND_ZIP.fullmatch(following)):
                return False
            place, may_go_on = place + 1 + has_id, False
        elif may_go_on and _MORE.fullmatch(word):
            place, may_go_on = place + 1, False
        else:
            return False
    return bool(words)


def _is_id(word: str) -> bool:
    if word in UNIT_PARTS or word in DESIGNATORS:
        return False
    if word in NUMBER_WORDS:
        return True
    return _ID.fullmatch(word) is not None and (len(word) == 1 or word not in SUFFIXES)


def _floor(words: Sequence[str]) -> tuple[int, str] | None:
    """`2ND FLOOR` and `SECOND FL`: how many words, and which floor."""
    if len(words) > 1 and UNIT_PARTS.get(words[1]) == "FL" and (match := _ORDINAL.fullmatch(words[0])):
        return 2, match[1].lstrip("0")
    if words and words[0] in NUMBER_WORDS:
        numeral = read_numeral(words)
        if numeral and numeral.is_ordinal and UNIT_PARTS.get("".join(words[numeral.words : numeral.words + 1])) == "FL":
            return numeral.words + 1, str(numeral.value)
    return None


def _named(part: str, text: str) -> str:
    """A part with its number; a letter stays apart, so that the form reads like what it was made of."""
    if ordinal := _ORDINAL.fullmatch(text):
        text = ordinal[1]
    numeral = read_numeral([text]) if text in NUMBER_WORDS else None
    number = str(numeral.value) if numeral else _run_together(_PIECES.findall(text), "-")
    return f"{part}{'' if number[:1].isdigit() else ' '}{number}"


def _run_together(pieces: Sequence[str], between: str = " ") -> str:
    form, before = "", ""
    for piece in pieces:
        short = piece.lstrip("0") or "0" if piece.isdigit() else piece
        form += f"{between}{short}" if before and before.isdigit() == short.isdigit() else short
        before = short
    return form
