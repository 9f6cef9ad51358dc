"""How many records the next page may have, by what is left of the day's budgets."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit of one local day and what is used of it, in records and in US cents. None: no limit."""

    records: int | None
    cents: Decimal | None
    used_records: int
    used_cents: Decimal

    def left(self, cents_each: Decimal) -> int | None:
        """Records that are left at this price; never below 0; None: no limit."""
        left = [] if self.records is None else [self.records - self.used_records]
        if self.cents is not None and cents_each > 0:
            left.append(int((self.cents - self.used_cents) / cents_each))  # not //, which refuses large quotients
        return max(0, min(left)) if left else None


def affordable(wanted: int, budgets: Iterable[Budget], cents_each: Decimal) -> int:
    """Of *wanted* records those that every budget still has room for."""
    return min([wanted, *(left for one in budgets if (left := one.left(cents_each)) is not None)])
