"""Score of a lead from 0 to 100: how promising it is, with every contribution named.

The product looks for owners with much equity who live in the home and can be reached. The weights are our own choice. They
are all in this module, and `score_contributions` shows a broker how a score came about.

The score is a function of a lead's features: its facts in the ranges of the score's steps. The feeder keeps the features of
each lead that it feeds (docs/feeding.md#facts-of-a-slot).
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any, NamedTuple

SCORE_MODEL = 0
"""Number of the table in this module. A change of features, steps or points gets the next number (ADR 43)."""
BASE_POINTS = 10
_EQUITY_STEPS = {1_000_000: 28, 500_000: 24, 300_000: 20, 200_000: 15, 100_000: 9, 50_000: 4}
_EQUITY_SHARE_STEPS = {90: 22, 70: 18, 50: 13, 30: 6, 15: 2}
_YEARS_OWNED_STEPS = {30: 14, 20: 12, 15: 9, 10: 6, 5: 3}
_POINTS: Mapping[str, Mapping[int, int]] = {
    "equity": _EQUITY_STEPS,
    "equity_share": _EQUITY_SHARE_STEPS,
    "free_and_clear": {True: 6},
    "years_owned": _YEARS_OWNED_STEPS,
    "owner_occupied": {True: 10},
    "phone": {True: 5},
    "email": {True: 5},
    "verified_phone": {True: 3},
    "verified_email": {True: 3},
    "vacant": {True: -15},
    "do_not_mail": {True: -5},
    "litigator": {True: -60},
    "deceased_owner": {True: -60},
}
"""Points of each feature, by its value. Any other value has none."""
MAX_OWNERSHIP_YEARS = 80
"""No owner has lived in a home for longer: an earlier date of sale is wrong."""
_MAX_LTV_PERCENT = 500
_FREE_AND_CLEAR_SHARE = 95
"""Equity in percent from which a home may be free of loans, since all amounts are estimates."""

Features = dict[str, int | None]
"""Value of each feature. An amount is the lower end of its step, or 0 below the lowest step. Other facts are
booleans. None means not known."""


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
    return score_features(read_features(facts, flags, phones=phones, emails=emails, today=today, verified=verified))


def read_features(
    facts: Mapping[str, Any],
    flags: Mapping[str, bool],
    *,
    phones: int,
    emails: int,
    today: date,
    verified: Collection[str] = (),
) -> Features:
    """Return the features of a lead. The arguments are those of `score`."""
    equity = _plausible_equity(facts)
    share = _equity_share(facts, equity)
    return {
        "equity": _find_step(_EQUITY_STEPS, equity),
        "equity_share": _find_step(_EQUITY_SHARE_STEPS, share),
        "free_and_clear": _is_free_and_clear(facts, share),
        "years_owned": _find_step(_YEARS_OWNED_STEPS, _years_owned(facts.get("last_sale_date"), today)),
        "owner_occupied": facts.get("owner_occupied"),
        "phone": phones > 0,
        "email": emails > 0,
        "verified_phone": "phone" in verified,
        "verified_email": "email" in verified,
        "vacant": facts.get("vacant"),
        "do_not_mail": flags.get("do_not_mail"),
        "litigator": flags.get("litigator"),
        "deceased_owner": flags.get("deceased_owner"),
    }


def score_features(features: Features) -> Score:
    """Score a lead by its features."""
    parts = {"base": BASE_POINTS}
    for name, points in _POINTS.items():
        value = features[name]
        if value is not None and (part := points.get(value)):
            parts[name] = part
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


def _find_step(steps: Mapping[int, int], amount: float | None) -> int | None:
    """Return the lower end of the step of *amount*. *steps* begin with the highest one."""
    if amount is None:
        return None
    for minimum in steps:
        if amount >= minimum:
            return minimum
    return 0
