"""Checks of value, equity, balance and loan-to-value of one home against each other (ADR 25).

A loan-to-value has a single reading. With a percent sign, or above 2, it is a percentage. Up to 2, the amounts decide
whether it is a fraction. Without amounts `0.95` is a fraction; `1` or `1.2` may be either and is not read, nor is a zero
that nothing confirms. A figure that contradicts the amounts by more than five points is left out and named.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from common.pii.contact_values import plain_characters
from common.records.values import numbers

TOLERANCE_POINTS = 5
"""Percent of the value by which estimates of one source may differ: they are rounded and made on different days."""
MAX_LTV_PERCENT = 500
_MAX_FRACTION = 2
_TWO_PLACES = Decimal("0.01")


def drop_contradictory_equity(facts: dict[str, Any], dropped: list[str]) -> None:
    """Remove an equity that exceeds the value, or that value and balance contradict, and name it in *dropped*."""
    value, equity, balance = facts["est_value"], facts["est_equity"], facts["open_loan_balance"]
    if value is None or equity is None:
        return
    exceeds_value = equity > value
    is_contradicted = balance is not None and abs(value - balance - equity) * 100 > TOLERANCE_POINTS * value
    if exceeds_value or is_contradicted:
        facts["est_equity"] = None
        dropped.append("est_equity")


def parse_loan_to_value(written: object, facts: Mapping[str, Any]) -> Decimal | None:
    """Return the loan-to-value in percent, to two places, on which *written* and the amounts in *facts* agree, or None."""
    known = owed_percent(facts)
    is_percent = isinstance(written, str) and "%" in written
    share = numbers.read_number(
        _without_percent_sign(written) if isinstance(written, str) and is_percent else written, 0, MAX_LTV_PERCENT
    )
    if share is None:
        return None
    candidates = [share] if is_percent else _list_candidates(share, is_known=known is not None)
    if known is not None:
        share = min(candidates, key=lambda one: abs(float(one) - known))
        candidates = [share] if abs(float(share) - known) <= TOLERANCE_POINTS else []
    elif candidates == [0] and facts["open_loans"] != 0:
        candidates = []
    return Decimal(candidates[0]).quantize(_TWO_PLACES, ROUND_HALF_UP) if candidates else None


def _without_percent_sign(percentage: str) -> str:
    """Return *percentage* without the percent sign at its end; unchanged, and so not a number, without one."""
    text = plain_characters(percentage).strip()
    return text[:-1].strip() if text.endswith("%") else percentage


def _list_candidates(share: int | Decimal, *, is_known: bool) -> list[int | Decimal]:
    if share > _MAX_FRACTION or share == 0:
        return [share]
    if is_known:
        return [share, share * 100]
    return [share * 100] if share < 1 else []


def owed_percent(facts: Mapping[str, Any]) -> float | None:
    """Return the debt on the home in percent of its value, by its amounts; None if they are not sufficient."""
    value, equity, balance = facts["est_value"], facts["est_equity"], facts["open_loan_balance"]
    if value and balance is not None:
        return float(100 * balance / value)
    if value and equity is not None:
        return float(100 - 100 * equity / value)
    return 0.0 if balance == 0 else None
