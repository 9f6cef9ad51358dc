"""Daily budgets: the number of records that the next page may have."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class DailyBudget:
    """Limits of one local day in records and US cents, and the used part of each. None means no limit."""

    records: int | None
    cents: Decimal | None
    used_records: int
    used_cents: Decimal

    def records_left(self, cents_each: Decimal) -> int | None:
        """Return the number of records left at this price, at least 0; None means no limit."""
        left = [] if self.records is None else [self.records - self.used_records]
        if self.cents is not None and cents_each > 0:
            # Decimal's `//` raises for a large quotient; int() of `/` does not.
            left.append(int((self.cents - self.used_cents) / cents_each))
        return max(0, min(left)) if left else None


def affordable_records(wanted: int, budgets: Iterable[DailyBudget], cents_each: Decimal) -> int:
    """Return the part of *wanted* records that all budgets can pay."""
    limits = [budget.records_left(cents_each) for budget in budgets]
    return min([wanted, *(limit for limit in limits if limit is not None)])
