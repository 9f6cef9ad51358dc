"""Comparison of the owners that two records name. `app.share_an_owner` is the same rule in SQL; a test compares the two."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_WORD = re.compile(r"[A-Z0-9]+")
_INSIGNIFICANT_WORDS = frozenset({
    "JR", "SR", "II", "III", "IV", "MR", "MRS", "MS", "DR", "THE", "OF", "AND", "A", "AN", "LLC", "INC", "CO", "CORP", "LP",
    "LLP", "LTD", "COMPANY", "CORPORATION", "INCORPORATED", "LIMITED",
})  # fmt: skip

Words = frozenset[str]


@lru_cache(maxsize=16_384)
def name_words(name: str) -> Words:
    """Return the words of a name that distinguish owners: no initials, titles, suffixes and legal forms."""
    ascii_text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().upper().replace("'", "")
    return frozenset(word for word in _WORD.findall(ascii_text) if len(word) > 1 and word not in _INSIGNIFICANT_WORDS)


def owners_of(facts: Mapping[str, Any]) -> list[Words]:
    """Return the owners that a record names: up to two people by their words, if the last name is known, and a company."""
    found = []
    for first, last in (("owner_first_name", "owner_last_name"), ("owner2_first_name", "owner2_last_name")):
        last_words = name_words(facts.get(last) or "")
        if last_words:
            found.append(last_words | name_words(facts.get(first) or ""))
    company = name_words(facts.get("company_name") or "")
    return [*found, company] if company else found


def share_an_owner(first: list[Words], second: list[Words]) -> bool:
    """Return whether two records share an owner: all words of the shorter name are in the longer one."""
    return any(one <= other or other <= one for one in first for other in second)
