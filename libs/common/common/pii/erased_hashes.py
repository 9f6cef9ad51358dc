"""Keyed hashes that remain of an erased person, so that later records of the person are recognised (docs/adr/0053).

A home is recognised by each of its keys, and its owner by any word of a last name or company. So a relative with the same last
name counts as the same person, and so does an owner whose first name is written otherwise.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from common.pii.keyring import Keyring
from common.pii.owner_words import Words, name_words

_LAST_NAMES = ("owner_last_name", "owner2_last_name", "company_name")
_NAMES = ("owner_first_name", "owner2_first_name", *_LAST_NAMES)


def hash_home(keyring: Keyring, mak: str | None, apn_key: str | None, addr_hash: bytes | None) -> list[bytes]:
    """Return the keyed hash of each key that a home has: MAK, parcel key, address hash."""
    keys = {"mak": mak, "apn": apn_key, "address": addr_hash.hex() if addr_hash else None}
    return [keyring.hash_fact("erased-home", f"{name}|{key}") for name, key in keys.items() if key]


def hash_owner_words(keyring: Keyring, erasure_id: UUID, words: Collection[str]) -> set[bytes]:
    """Return the keyed hash of each word of a name. They are salted: two erasures with one name have different hashes."""
    return {keyring.hash_fact("erased-owner", f"{erasure_id}|{word}") for word in words}


def find_last_names(facts: Mapping[str, Any]) -> Words:
    """Return the words of the last names and the company of *facts*, by which an erased owner is recognised."""
    return _find_words(facts, _LAST_NAMES)


def find_names(facts: Mapping[str, Any]) -> Words:
    """Return the words of all names of *facts*: a record may have first and last name in the wrong fields."""
    return _find_words(facts, _NAMES)


def _find_words(facts: Mapping[str, Any], fields: Collection[str]) -> Words:
    return frozenset[str]().union(*(name_words(facts.get(field) or "") for field in fields))
