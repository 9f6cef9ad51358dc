"""Value, equity, balance and loan-to-value of one home, held against each other.

A loan-to-value has one reading: with a percent sign, or above 2, it is a percentage; up to 2 the amounts decide whether it
is a fraction. Without amounts `0.95` is a fraction, and what may be either, such as `1` or `1.2`, is none, nor is a zero that
nothing confirms. A computed figure that contradicts the amounts by more than five points is left out and named.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from common.contact_values import plain
from ingest import numbers

TOLERANCE_POINTS = 5
"""Percent of the value by which estimates of one source may differ: they are rounded, and of different days."""
LARGEST_LTV = 500
_LARGEST_FRACTION = 2
_TWO_PLACES = Decimal("0.01")


def check_amounts(facts: dict[str, Any], dropped: list[str]) -> None:
    """Leave out an equity that is above the value, or that value and balance contradict; name it in *dropped*."""
    value, equity, balance = facts["est_value"], facts["est_equity"], facts["open_loan_balance"]
    if value is None or equity is None:
        return
    is_too_much = equity > value
    contradicts = balance is not None and abs(value - balance - equity) * 100 > TOLERANCE_POINTS * value
    if is_too_much or contradicts:
        facts["est_equity"] = None
        dropped.append("est_equity")


def loan_to_value(written: object, facts: Mapping[str, Any]) -> Decimal | None:
    """The loan-to-value in percent, to two places, that *written* and the amounts of *facts* agree on; None without one."""
    known = share_owed(facts)
    is_percent = isinstance(written, str) and "%" in written
    share = numbers.number(
        _without_sign(written) if isinstance(written, str) and is_percent else written, 0, LARGEST_LTV
    )
    if share is None:
        return None
    candidates = [share] if is_percent else _candidates(share, is_known=known is not None)
    if known is not None:
        share = min(candidates, key=lambda one: abs(float(one) - known))
        candidates = [share] if abs(float(share) - known) <= TOLERANCE_POINTS else []
    elif candidates == [0] and facts["open_loans"] != 0:
        candidates = []
    return Decimal(candidates[0]).quantize(_TWO_PLACES, ROUND_HALF_UP) if candidates else None


def _without_sign(percentage: str) -> str:
    """*percentage* without the one percent sign at its end; unchanged, and no number, otherwise."""
    text = plain(percentage).strip()
    return text[:-1].strip() if text.endswith("%") else percentage


def _candidates(share: int | Decimal, *, is_known: bool) -> list[int | Decimal]:
    if share > _LARGEST_FRACTION or share == 0:
        return [share]
    if is_known:
        return [share, share * 100]
    return [share * 100] if share < 1 else []


def share_owed(facts: Mapping[str, Any]) -> float | None:
    """What is owed on the home in percent of its value, by its amounts; None where they do not tell."""
    value, equity, balance = facts["est_value"], facts["est_equity"], facts["open_loan_balance"]
    if value and balance is not None:
        return float(100 * balance / value)
    if value and equity is not None:
        return float(100 - 100 * equity / value)
    return 0.0 if balance == 0 else None
