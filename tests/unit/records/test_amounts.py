"""Value, equity, balance and loan-to-value of a record agree, or the computed figure is left out and named."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from common.records.normalise import PropertyRecord, normalise

TODAY = date(2026, 11, 28)
HOME = {
    "property_address": "418 Palmetto Ave",
    "property_city": "Dunedin",
    "property_state": "FL",
    "property_zip": "34698",
}


def normalise_home(**values: Any) -> PropertyRecord:
    found = normalise(HOME | values, TODAY)
    assert isinstance(found, PropertyRecord)
    return found


@pytest.mark.parametrize(
    ("ltv", "amounts", "percent"),
    [
        ("37.7", {}, "37.70"), ("37.7%", {}, "37.70"), (37.7, {}, "37.70"), ("0.95", {}, "95.00"), (0.95, {}, "95.00"), ("0.95%", {}, "0.95"),
        ("1", {}, None), ("1.0", {}, None), ("1.2", {}, None), ("2", {}, None), ("1%", {}, "1.00"), ("3", {}, "3.00"), ("120", {}, "120.00"),
        ("0", {}, None), ("0%", {}, None), ("0", {"open_loans": 0}, "0.00"), ("0", {"open_loan_balance": 0}, "0.00"),
        ("0.2", {"est_value": 452_946, "open_loan_balance": 709}, "0.20"),
        ("0.2", {"est_value": 500_000, "open_loan_balance": 100_000}, "20.00"),
        ("1", {"est_value": 500_000, "open_loan_balance": 500_000}, "100.00"),
        ("1", {"est_value": 500_000, "open_loan_balance": 5_000}, "1.00"),
        ("0.95", {"est_value": 400_000, "est_equity": 20_000}, "95.00"), ("10", {"est_value": 400_000, "open_loan_balance": 350_000}, None),
        ("0", {"est_value": 400_000, "est_equity": 20_000}, None), ("95", {"est_value": 400_000, "est_equity": 380_000}, None),
        ("14.875", {}, "14.88"), ("14,8", {}, None), ("-1", {}, None), ("9999", {}, None), ("n/a", {}, None), (True, {}, None),
    ],
)  # fmt: skip
def test_a_loan_to_value_has_one_reading(ltv: Any, amounts: dict[str, Any], percent: str | None) -> None:
    found = normalise_home(est_ltv=ltv, **amounts)
    assert found.facts["est_ltv"] == (None if percent is None else Decimal(percent))
    assert found.dropped == ([] if percent else ["est_ltv"])


@pytest.mark.parametrize(
    ("amounts", "equity"),
    [
        ({"est_value": 400_000, "open_loan_balance": 100_000, "est_equity": 300_000}, 300_000),
        ({"est_value": 400_000, "open_loan_balance": 100_000, "est_equity": 290_000}, 290_000),
        ({"est_value": 400_000, "open_loan_balance": 300_000, "est_equity": 400_000}, None),
        ({"est_value": 400_000, "est_equity": 4_000_000}, None),
        ({"est_value": 400_000, "open_loan_balance": 500_000, "est_equity": -100_000}, -100_000),
        ({"est_equity": 300_000}, 300_000),
    ],
)
def test_an_equity_that_the_amounts_contradict_is_left_out_and_named(
    amounts: dict[str, int], equity: int | None
) -> None:
    found = normalise_home(**amounts)
    assert found.facts["est_equity"] == equity
    assert found.dropped == ([] if equity else ["est_equity"])


@given(st.integers(50_000, 5_000_000), st.floats(0.05, 1.2))
def test_a_fraction_and_its_percentage_are_the_same(value: int, share: float) -> None:
    balance = round(value * share)
    amounts = {"est_value": value, "open_loan_balance": balance}
    fraction, percent = (
        normalise_home(est_ltv=f"{share:.4f}", **amounts),
        normalise_home(est_ltv=f"{share * 100:.2f}%", **amounts),
    )
    assume(
        fraction.facts["est_value"] and fraction.facts["open_loan_balance"] is not None
    )  # 999,999 stands for unknown
    assert fraction.facts["est_ltv"] == pytest.approx(percent.facts["est_ltv"], abs=Decimal("0.02"))


@pytest.mark.parametrize(
    "value", ["1," + "000," * 5_000 + "000", "9" * 100_000, [1], {"a": 1}, 10**20, "?", float("inf")]
)
def test_every_value_that_is_left_out_is_named(value: Any) -> None:
    for name in ("est_value", "est_equity", "est_ltv", "last_sale_date", "bedrooms", "year_built", "vacant"):
        assert normalise_home(**{name: value}).dropped == [name]
