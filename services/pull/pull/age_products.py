"""Products for which a search may select owners by age, and the check of a search's criteria.

Age is a prohibited basis in credit (15 U.S.C. 1691(a)(1)). 12 CFR 1002.6(b) names the exceptions. An engineering reading, not
legal advice: a search may name the age at which a law lets the product begin, and no other age.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any


@dataclass(frozen=True, slots=True)
class AgeProduct:
    """Product with a minimum age by law, and the source of that age."""

    minimum_age: int
    source: str
    checked_on: date


AGE_PRODUCTS: Mapping[str, AgeProduct] = {
    "hecm": AgeProduct(62, "12 U.S.C. 1715z-20(b)(1) and 24 CFR 206.33", date(2026, 11, 29)),
}
"""Every product by which `demographics.age` is allowed. A lender's own minimum, such as 55, is no law."""

_WORDS_OF_AGE = {
    "age",
    "aged",
    "elder",
    "elderly",
    "old",
    "older",
    "pensioner",
    "retired",
    "retiree",
    "senior",
    "seniors",
    "young",
}
"""Words in the names of quick lists that select owners by an age of the vendor's choice."""


def find_age_fault(criteria: Mapping[str, Any], product: str | None, reason: str | None) -> str | None:
    """Return why *criteria* may not be searched by for *product*, or None. *reason* says why age is needed."""
    for part in ("quickLists", "orQuickLists"):
        for name in criteria.get(part, ()):
            if _WORDS_OF_AGE & set(name.split("-")):
                return f"{part}: {name} selects owners by an age that no law sets"
    known = ", ".join(AGE_PRODUCTS)
    if "age" not in criteria.get("demographics", {}):
        return "a product is named only for demographics.age" if product or reason else None
    if not product or not (reason or "").strip():
        return f"demographics.age: age needs a product with a minimum age by law ({known}) and a reason"
    if product not in AGE_PRODUCTS:
        return f"demographics.age: no law sets a minimum age for {product}; products with one are {known}"
    rule = AGE_PRODUCTS[product]
    if criteria["demographics"]["age"] != {"min": rule.minimum_age}:
        return f'demographics.age: {product} allows {{"min": {rule.minimum_age}}} only ({rule.source})'
    return None
