"""Score of a lead from 0 to 100: how promising it is, with every contribution named.

The product looks for owners with much equity who live in the home and can be reached. The weights are our own choice. They
are all in this module, and `score_contributions` shows a broker how a score came about.
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, NamedTuple

BASE_POINTS = 10
_EQUITY_STEPS = ((1_000_000, 28), (500_000, 24), (300_000, 20), (200_000, 15), (100_000, 9), (50_000, 4))
_EQUITY_SHARE_STEPS = ((90, 22), (70, 18), (50, 13), (30, 6), (15, 2))
_YEARS_OWNED_STEPS = ((30, 14), (20, 12), (15, 9), (10, 6), (5, 3))
MAX_OWNERSHIP_YEARS = 80
"""No owner has lived in a home for longer: an earlier date of sale is wrong."""
_MAX_LTV_PERCENT = 500
_FREE_AND_CLEAR_SHARE = 95
"""Equity in percent from which a home may be free of loans, since all amounts are estimates."""


class Score(NamedTuple):
    """The total and its contributions, which add up to the total."""

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
    """Score a lead by its facts and contacts. The same input gives the same score.

    *phones* and *emails* count contacts that were not ruled out; *verified* names the channels with a verified contact.
    """
    equity = _plausible_equity(facts)
    share = _equity_share(facts, equity)
    parts = {
        "base": BASE_POINTS,
        "equity": _points_for(_EQUITY_STEPS, equity),
        "equity_share": _points_for(_EQUITY_SHARE_STEPS, share),
        "free_and_clear": 6 if _is_free_and_clear(facts, share) else 0,
        "years_owned": _points_for(_YEARS_OWNED_STEPS, _years_owned(facts.get("last_sale_date"), today)),
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


def _plausible_equity(facts: Mapping[str, Any]) -> float | None:
    """Return the equity, unless it exceeds the value."""
    equity, value = facts.get("est_equity"), facts.get("est_value")
    return None if equity is None or (value is not None and equity > value) else float(equity)


def _equity_share(facts: Mapping[str, Any], equity: float | None) -> float | None:
    """Return equity as a share of the value in percent: the lowest that loan-to-value, equity and balance give.

    The facts of a lead may come from several records and contradict each other. A wrong fact then never lifts the score.
    """
    value, balance = facts.get("est_value"), facts.get("open_loan_balance")
    ltv = facts.get("est_ltv")
    shares = []
    if ltv is not None and 0 <= ltv <= _MAX_LTV_PERCENT:
        shares.append(100 - float(ltv))
    if value and equity is not None:
        shares.append(100 * equity / float(value))
    if value and balance is not None and shares:
        shares.append(100 - 100 * float(balance) / float(value))
    return min(shares, default=None)


def _is_free_and_clear(facts: Mapping[str, Any], share: float | None) -> bool:
    """Return whether loans or balance are zero, and neither other facts nor the *share* of equity show a debt."""
    loans, balance = facts.get("open_loans"), facts.get("open_loan_balance")
    return 0 in (loans, balance) and not loans and not balance and (share is None or share >= _FREE_AND_CLEAR_SHARE)


def _years_owned(sold: date | None, today: date) -> float | None:
    years = (today - sold).days / 365.25 if sold else None
    return None if years is None or years > MAX_OWNERSHIP_YEARS else years


def _points_for(steps: tuple[tuple[int, int], ...], amount: float | None) -> int:
    if amount is not None:
        for minimum, points in steps:
            if amount >= minimum:
                return points
    return 0
