"""Cells that hold whole names of owners: `SMITH JOHN Q & MARY`, `Smith, John`, `John and Mary Smith`, `ACME HOMES LLC`.

The order of the names is a fact of the file, which its profile states; a single comma follows a surname, and a first name follows a
title. Without any of them, the text is kept whole as the surname, because a guess would greet a person by a surname. So is
`Ann Moore, Bea Holt`, which may be two persons.
"""

import re
from typing import Any, NamedTuple

from common.pii.owner_names import read_owner_names
from common.pii.person_names import remove_titles, starts_with_title
from common.records.file_profile import NameOrder

_AND = re.compile(r"\s+(?:and|&|\+|/)\s+|\s*[&;|\n]\s*", re.IGNORECASE)
_LINE_ENDS = re.compile(r"[\r\n]+")
_CARE_OF = re.compile(r"[\s,;(]*(?:\bc/o\b|\bcare\s+of\b|(?<=\s)%(?=\s?[a-z])).*$", re.IGNORECASE | re.DOTALL)
"""A person who only receives the owner's mail."""
_LEGAL_REMARKS = re.compile(
    r"[\s,]*\b(?:et\s?al|et\s?ux|et\s?vir|h\s?/\s?w|w\s?/\s?h|jt\s?/?\s?rs|jtwros|ten\.? (?:com|ent)|tic)\b\.?",
    re.IGNORECASE,
)
_ESTATE = re.compile(
    r"^(?:the\s+)?estate\s+of\s+|[\s,]*\b(?:est(?:ate)?\s+of|est(?:ate)?)\s*$|[\s,(]*\b(?:deceased|decd|dec'd)\b\.?\)?"
    r"|^(?:the\s+)?heirs?\s+of\s+|\s+heirs?(?:\s+of)?$",
    re.IGNORECASE,
)
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "v"})
_PARTICLES = frozenset(
    [
        "da",
        "de",
        "del",
        "den",
        "der",
        "di",
        "dos",
        "du",
        "el",
        "la",
        "las",
        "le",
        "los",
        "mc",
        "san",
        "santa",
        "st",
        "van",
        "von",
    ]
)
_COMMA_BEFORE_SUFFIX = re.compile(r",\s*(?=(?:jr|sr|ii|iii|iv|v)\b)", re.IGNORECASE)
_TRUSTEE = re.compile(r"\btre$", re.IGNORECASE)
"""Behind a name whose surname is first. Elsewhere it may be a first name."""
_ESTATE_BEFORE_NAME = re.compile(r"(?:the\s+)?(?:estate|heirs?)\s+of\s", re.IGNORECASE)


class _Person(NamedTuple):
    first: str
    last: str


def split_owner_names(names: str | None, second: str | None, order: NameOrder | None) -> dict[str, Any]:
    """Return the owner fields of a cell with all owners, and of a cell with the second owner."""
    found = _split_cell(names, order) if names and names.strip() else {}
    if second and second.strip():
        other = _split_cell(second, order)
        if "owner_first_name" in other or "owner2_last_name" not in found:
            found["owner2_first_name"] = other.get("owner_first_name", "")
            found["owner2_last_name"] = other.get("owner_last_name") or other.get("company_name", "")
        if "deceased_owner" in other:
            found["deceased_owner"] = True
    return {field: value for field, value in found.items() if value}


def _split_cell(text: str, order: NameOrder | None) -> dict[str, Any]:
    lines = "\n".join(" ".join(line.split()) for line in _LINE_ENDS.split(text))
    text = " ".join(text.split())
    whole = read_owner_names({"owner_last_name": text})
    if whole.do_not_contact or whole.dropped:
        return {"owner_last_name": text}
    if whole.legal_entity or (order == "last_first" and _TRUSTEE.search(text)):
        return {"company_name": text} | ({"deceased_owner": True} if whole.deceased else {})
    flags = {"deceased_owner": True} if whole.deceased else {}
    if order and _ESTATE_BEFORE_NAME.match(text):
        order = "first_last"
    persons = _split_persons(_LEGAL_REMARKS.sub("", _ESTATE.sub("", _CARE_OF.sub("", lines))).strip(" ,&"), order)
    if not persons:
        return {"owner_last_name": text} | flags
    fields: dict[str, Any] = {"owner_first_name": persons[0].first, "owner_last_name": persons[0].last}
    if len(persons) > 1:
        fields |= {"owner2_first_name": persons[1].first, "owner2_last_name": persons[1].last}
    return fields | flags


def _split_persons(text: str, order: NameOrder | None) -> list[_Person]:
    """Return up to two persons; none if the order of the names is not known."""
    text = _COMMA_BEFORE_SUFFIX.sub(" ", text)
    if starts_with_title(text) and "," not in text:
        order = "first_last"
    untitled = ", ".join(remove_titles(part.strip()) for part in remove_titles(text).split(","))
    texts = [name for part in _AND.split(untitled) if (name := remove_titles(part.strip(" ,")))]
    if not texts or any(_may_be_list_or_name(one, order) for one in texts):
        return []
    if "," in texts[0] and not _is_list_of_persons(texts[0], order):
        return _read_after_comma(texts)
    if order == "last_first":
        first = _read_last_first(texts[0].split())
        return [first, *(_read_second(other.split(), first.last) for other in texts[1:2])]
    if order == "first_last":
        return _read_first_last([part for one in texts for part in one.split(",")])
    return []


def _is_list_of_persons(text: str, order: NameOrder | None) -> bool:
    """Return whether the comma separates persons and does not follow a surname: `John Smith, Mary Holt`."""
    return order == "first_last" and len(text.split(",", 1)[0].split()) > 1


def _may_be_list_or_name(text: str, order: NameOrder | None) -> bool:
    """Return whether it is not known if commas separate persons: `Moore, Ann, Bea Holt`, or `Ann Moore, Bea Holt` without an order."""
    before, *after = text.split(",")
    if not after or _is_list_of_persons(text, order):
        return False
    surname = [word for word in before.split() if not _is_suffix(word) and word.lower() not in _PARTICLES]
    names = after[0].split()
    is_whole_name = len(names) > 1 and len(names[-1].strip(".")) > 1
    return len(after) > 1 or (order is None and len(surname) > 1 and is_whole_name)


def _read_after_comma(texts: list[str]) -> list[_Person]:
    last, rest = (part.strip() for part in texts[0].split(",", 1))
    words = remove_titles(rest).split()
    suffixes = [word for word in words if _is_suffix(word)]
    persons = [_Person(" ".join(word for word in words if word not in suffixes), " ".join([last, *suffixes]))]
    for other in texts[1:2]:
        if "," in other:
            persons += _read_after_comma([other])
        else:
            persons.append(_read_second(other.split(), last))
    return persons


def _read_last_first(words: list[str]) -> _Person:
    suffixes = [word for word in words[1:] if _is_suffix(word)]
    names = [words[0], *(word for word in words[1:] if word not in suffixes)]
    length = _length_of_surname(names)
    return _Person(" ".join(names[length:]), " ".join([*names[:length], *suffixes]))


def _length_of_surname(names: list[str]) -> int:
    """Return how many words the surname at the start has: particles belong to it (`DE LA CRUZ MARIA`)."""
    length = 1
    while length < len(names) - 1 and names[length - 1].lower() in _PARTICLES:
        length += 1
    return length


def _read_second(words: list[str], surname: str) -> _Person:
    """Read the second of two persons: a first name and perhaps an initial of the same surname, or a whole name."""
    is_first_name = len(words) == 1 or (len(words) == 2 and len(words[1].strip(".")) == 1)  # noqa: PLR2004
    if is_first_name:
        return _Person(" ".join(words), " ".join(word for word in surname.split() if not _is_suffix(word)))
    return _read_last_first(words)


def _read_first_last(texts: list[str]) -> list[_Person]:
    """Read persons by first and last name. A person with a first name alone has the surname of the next one.

    A word alone may be a surname, so it is not read as a first name.
    """
    persons: list[_Person] = []
    for text in texts:
        words = text.split()
        if not words:
            continue
        if _is_suffix(words[0]) and persons:
            persons[-1] = persons[-1]._replace(last=f"{persons[-1].last} {words[0]}")
            continue
        suffixes = [word for word in words[1:] if _is_suffix(word)]
        names = [words[0], *(word for word in words[1:] if word not in suffixes)]
        start = _start_of_surname(names)
        persons.append(_Person(" ".join(names[:start]), " ".join([*names[start:], *suffixes])))
    if len(persons) > 1 and not persons[0].last:
        persons[0] = persons[0]._replace(
            last=" ".join(word for word in persons[1].last.split() if not _is_suffix(word))
        )
    return [person if person.last else _Person("", person.first) for person in persons[:2]]


def _start_of_surname(names: list[str]) -> int:
    """Return where the surname begins: at the last word, or at particles before it."""
    if len(names) == 1 or (len(names) == 2 and len(names[1].strip(".")) == 1):  # noqa: PLR2004 - a first name and an initial
        return len(names)
    start = len(names) - 1
    while start > 1 and names[start - 1].lower() in _PARTICLES:
        start -= 1
    return start


def _is_suffix(word: str) -> bool:
    return word.strip(".,").lower() in _SUFFIXES
