"""How promising a lead is: 0 to 100, with every contribution named.

The product looks for owners with much equity who live in the home and can be reached; the weights are ours and stand in
this one table, so that a broker who asks why gets the answer from `score_contributions`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

BASE = 10
_EQUITY_STEPS = ((1_000_000, 28), (500_000, 24), (300_000, 20), (200_000, 15), (100_000, 9), (50_000, 4))
_SHARE_STEPS = ((90, 22), (70, 18), (50, 13), (30, 6), (15, 2))
_YEARS_STEPS = ((30, 14), (20, 12), (15, 9), (10, 6), (5, 3))


@dataclass(frozen=True, slots=True)
class Score:
    """The total, and what it is made of; the contributions add up to the total."""

    total: int
    contributions: dict[str, int]


def score(
    facts: Mapping[str, Any],
    flags: Mapping[str, bool],
    *,
    phones: int,
    emails: int,
    today: date,
    verified: Collection[str] = (),
) -> Score:
    """Score a lead by its facts and the ways to reach it. The same input gives the same score.

    *phones* and *emails* count values that nobody has ruled out; *verified* names the channels with one that is verified.
    """
    parts = {
        "base": BASE,
        "equity": _step(_EQUITY_STEPS, facts.get("est_equity")),
        "equity_share": _step(_SHARE_STEPS, equity_share(facts)),
        "free_and_clear": 6 if facts.get("open_loans") == 0 or facts.get("open_loan_balance") == 0 else 0,
        "years_owned": _step(_YEARS_STEPS, _years_owned(facts.get("last_sale_date"), today)),
        "owner_occupied": 10 if facts.get("owner_occupied") else 0,
        "phone": 5 if phones else 0,
        "email": 5 if emails else 0,
        "verified_phone": 3 if "phone" in verified else 0,
        "verified_email": 3 if "email" in verified else 0,
        "vacant": -15 if facts.get("vacant") else 0,
        "do_not_mail": -5 if flags.get("do_not_mail") else 0,
        "litigator": -60 if flags.get("litigator") else 0,
        "deceased_owner": -60 if flags.get("deceased_owner") else 0,
    }
    parts = {name: points for name, points in parts.items() if points}
    total = sum(parts.values())
    bounded = min(max(total, 0), 100)
    if bounded != total:
        parts["bounds"] = bounded - total
    return Score(bounded, parts)


def equity_share(facts: Mapping[str, Any]) -> float | None:
    """Equity as a share of the value in percent: from the loan-to-value where it is given, else from the amounts."""
    ltv, value, equity = facts.get("est_ltv"), facts.get("est_value"), facts.get("est_equity")
    if ltv is not None:
        return 100 - float(ltv)
    return 100 * float(equity) / float(value) if value and equity is not None else None


def _years_owned(sold: date | None, today: date) -> float | None:
    return (today - sold).days / 365.25 if sold else None


def _step(steps: tuple[tuple[int, int], ...], amount: float | None) -> int:
    if amount is not None:
        for least, points in steps:
            if amount >= least:
                return points
    return 0
