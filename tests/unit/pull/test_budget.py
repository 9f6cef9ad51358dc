"""Number of records that the daily budgets leave for a page."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pull.budget import DailyBudget, affordable_records

NONE_USED = (0, Decimal(0))


def test_a_page_is_cut_to_the_tightest_budget() -> None:
    by_records, by_cents = DailyBudget(30, None, 10, Decimal(0)), DailyBudget(None, Decimal(100), 0, Decimal(85))
    assert affordable_records(25, [by_records], Decimal(2)) == 20
    assert affordable_records(25, [by_records, by_cents], Decimal(2)) == 7
    assert affordable_records(25, [DailyBudget(None, None, *NONE_USED)], Decimal(2)) == 25


def test_an_overdrawn_budget_leaves_no_record_and_free_records_need_no_cents() -> None:
    assert affordable_records(25, [DailyBudget(10, None, 12, Decimal(0))], Decimal(2)) == 0
    assert affordable_records(25, [DailyBudget(None, Decimal(0), *NONE_USED)], Decimal(0)) == 25
    assert affordable_records(25, [DailyBudget(None, Decimal(0), *NONE_USED)], Decimal("0.1")) == 0


def test_an_excessive_limit_does_not_limit() -> None:
    assert affordable_records(25, [DailyBudget(None, Decimal("1e300"), *NONE_USED)], Decimal("0.000001")) == 25


@given(
    limits=st.lists(st.tuples(st.none() | st.integers(0, 200), st.none() | st.integers(0, 500)), max_size=3),
    price=st.decimals(0, 9, places=2),
    wanted=st.integers(1, 40),
)
def test_pages_never_add_up_to_more_than_any_budget(
    limits: list[tuple[int | None, int | None]], price: Decimal, wanted: int
) -> None:
    records, cents = 0, Decimal(0)
    for _ in range(30):
        take = affordable_records(
            wanted, [DailyBudget(r, None if c is None else Decimal(c), records, cents) for r, c in limits], price
        )
        records, cents = records + take, cents + take * price
    assert all(r is None or records <= r for r, _ in limits)
    assert all(c is None or cents <= c for _, c in limits)
