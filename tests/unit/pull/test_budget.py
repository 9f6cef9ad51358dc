"""What a page may have of the day's budgets."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pull.budget import Budget, affordable

NONE_USED = (0, Decimal(0))


def test_a_page_is_cut_to_the_tightest_budget() -> None:
    by_records, by_cents = Budget(30, None, 10, Decimal(0)), Budget(None, Decimal(100), 0, Decimal(85))
    assert affordable(25, [by_records], Decimal(2)) == 20
    assert affordable(25, [by_records, by_cents], Decimal(2)) == 7
    assert affordable(25, [Budget(None, None, *NONE_USED)], Decimal(2)) == 25


def test_what_is_overdrawn_is_nothing_and_what_is_free_needs_no_cents() -> None:
    assert affordable(25, [Budget(10, None, 12, Decimal(0))], Decimal(2)) == 0
    assert affordable(25, [Budget(None, Decimal(0), *NONE_USED)], Decimal(0)) == 25
    assert affordable(25, [Budget(None, Decimal(0), *NONE_USED)], Decimal("0.1")) == 0


def test_a_limit_beyond_all_reason_is_none() -> None:
    assert affordable(25, [Budget(None, Decimal("1e300"), *NONE_USED)], Decimal("0.000001")) == 25


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
        take = affordable(
            wanted, [Budget(r, None if c is None else Decimal(c), records, cents) for r, c in limits], price
        )
        records, cents = records + take, cents + take * price
    assert all(r is None or records <= r for r, _ in limits)
    assert all(c is None or cents <= c for _, c in limits)
