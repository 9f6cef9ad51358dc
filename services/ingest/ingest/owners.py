"""Whether two records name the same owner. `app.same_owner` is the same rule in SQL; a test holds them together."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_WORD = re.compile(r"[A-Z0-9]+")
_SAYS_NOTHING = frozenset(
    [
        "JR",
        "SR",
        "II",
        "III",
        "IV",
        "MR",
        "MRS",
        "MS",
        "DR",
        "THE",
        "OF",
        "AND",
        "A",
        "AN",
        "LLC",
        "INC",
        "CO",
        "CORP",
        "LP",
        "LLP",
        "LTD",
        "COMPANY",
        "CORPORATION",
        "INCORPORATED",
        "LIMITED",
    ]
)

Words = frozenset[str]


@lru_cache(maxsize=16_384)
def name_words(name: str) -> Words:
    """The words of a name that tell one owner from another: no initials, titles, suffixes and legal forms."""
    ascii_text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().upper().replace("'", "")
    return frozenset(word for word in _WORD.findall(ascii_text) if len(word) > 1 and word not in _SAYS_NOTHING)


def owners_of(facts: Mapping[str, Any]) -> list[Words]:
    """The owners that a record names: up to two people by their words, where the last name is known, and a company."""
    found = []
    for first, last in (("owner_first_name", "owner_last_name"), ("owner2_first_name", "owner2_last_name")):
        last_words = name_words(facts.get(last) or "")
        if last_words:
            found.append(last_words | name_words(facts.get(first) or ""))
    company = name_words(facts.get("company_name") or "")
    return [*found, company] if company else found


def share_an_owner(first: list[Words], second: list[Words]) -> bool:
    """Whether any owner of one is an owner of the other: all words of the shorter name are in the longer one."""
    return any(one <= other or other <= one for one in first for other in second)
