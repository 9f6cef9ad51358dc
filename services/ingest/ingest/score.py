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
LONGEST_OWNERSHIP_YEARS = 80
"""Nobody has lived in a home of their own for longer: the date of such a sale is a wrong one."""
_LARGEST_LTV = 500
_FREE_SHARE = 95
"""Equity in percent from which a home may be free of loans, estimates being estimates."""


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
        "equity": _step(_EQUITY_STEPS, _equity(facts)),
        "equity_share": _step(_SHARE_STEPS, equity_share(facts)),
        "free_and_clear": 6 if _is_free_and_clear(facts) else 0,
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


def _equity(facts: Mapping[str, Any]) -> float | None:
    """The equity, where the value allows it."""
    equity, value = facts.get("est_equity"), facts.get("est_value")
    return None if equity is None or (value is not None and equity > value) else float(equity)


def equity_share(facts: Mapping[str, Any]) -> float | None:
    """Equity as a share of the value in percent: the least that loan-to-value, equity and balance tell.

    The facts of a lead may come from several records and contradict each other; a wrong one then never lifts the lead.
    """
    value, equity, balance = facts.get("est_value"), _equity(facts), facts.get("open_loan_balance")
    ltv = facts.get("est_ltv")
    shares = []
    if ltv is not None and 0 <= ltv <= _LARGEST_LTV:
        shares.append(100 - float(ltv))
    if value and equity is not None:
        shares.append(100 * equity / float(value))
    if value and balance is not None and shares:
        shares.append(100 - 100 * float(balance) / float(value))
    return min(shares, default=None)


def _is_free_and_clear(facts: Mapping[str, Any]) -> bool:
    """Whether loans or balance are zero, and nothing else says that money is owed."""
    loans, balance, share = facts.get("open_loans"), facts.get("open_loan_balance"), equity_share(facts)
    return 0 in (loans, balance) and not loans and not balance and (share is None or share >= _FREE_SHARE)


def _years_owned(sold: date | None, today: date) -> float | None:
    years = (today - sold).days / 365.25 if sold else None
    return None if years is None or years > LONGEST_OWNERSHIP_YEARS else years


def _step(steps: tuple[tuple[int, int], ...], amount: float | None) -> int:
    if amount is not None:
        for least, points in steps:
            if amount >= least:
                return points
    return 0
