"""Comparison of a stored text with the persons that are erased. Pure.

A text names a person by an address or number, by first and last name, or by last name, house number and ZIP code. In doubt it
does: a text of a namesake is lost, and a person's own is not kept.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from common.pii.contact_values import email_address, phone_number
from common.pii.owner_words import Words, name_words

_EMAIL = re.compile(r"[^\s\"'<>,;:()\[\]{}|\\]+@[^\s\"'<>,;:()\[\]{}|\\]+")
_PHONE = re.compile(r"(?<![0-9])(?:\+?1[ .\-]?)?\(?[2-9][0-9]{2}\)?[ .\-]{0,2}[2-9][0-9]{2}[ .\-]?[0-9]{4}(?![0-9])")
_WORD = re.compile(r"[\w']+")
_NUMBER = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class PersonTraits:
    """Traits by which a text names a person."""

    value_hashes: frozenset[bytes]
    names: tuple[tuple[Words, Words], ...]
    """First and last names of each owner, as words; a company has no first name."""
    house_number: str | None
    zip_code: str | None


def build_traits(
    value_hashes: Collection[bytes],
    owners: Sequence[tuple[str | None, str | None]],
    street: str | None,
    zip_code: str | None,
) -> PersonTraits:
    """Return the traits of a person. *owners* are pairs of first and last name."""
    names = tuple(
        (name_words(first or ""), last_words) for first, last in owners if (last_words := name_words(last or ""))
    )
    number = _NUMBER.search(street or "")
    return PersonTraits(frozenset(value_hashes), names, number[0] if number else None, zip_code)


def names_any(text: str, persons: Sequence[PersonTraits], hash_contact: Callable[[str], bytes]) -> bool:
    """Return whether *text* names one of *persons*."""
    hashes = {hash_contact(value) for value in _find_values(text)}
    words = _find_words(text)
    return any(not hashes.isdisjoint(one.value_hashes) or _has_name(words, one) for one in persons)


def _find_values(text: str) -> set[str]:
    emails = (email_address(found.strip(".")) for found in _EMAIL.findall(text))
    phones = (phone_number(found) for found in _PHONE.findall(text))
    return {value for value in (*emails, *phones) if value}


def _find_words(text: str) -> set[str]:
    words = {word for found in _WORD.findall(text) for word in name_words(found)}
    return words | set(_NUMBER.findall(text))


def _has_name(words: set[str], person: PersonTraits) -> bool:
    is_home = person.house_number in words and person.zip_code in words
    return any(last <= words and (is_home or (bool(first) and first <= words)) for first, last in person.names)
