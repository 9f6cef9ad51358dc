"""A text has one reading as a number, or none, for any marks in it."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.records.values.numbers import (
    area_parser,
    count_parser,
    decimal_parser,
    list_readings,
    money_parser,
    parse_year_built,
)

TODAY = date(2026, 11, 28)
MONEY = money_parser(-(10**9), 10**9)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
ODD = st.text("0123456789.,'$€%+-−–()kKmMbBeECRDR \xa0\u2009\u202f１２．，", max_size=14)


@pytest.mark.parametrize(
    ("text", "dollars"),
    [
        ("1200", 1200), ("1,200", 1200), ("$1,234,567.50", 1_234_568), ("1.234,56", 1235), ("1.234.567", 1_234_567),
        ("1.234.567,89", 1_234_568), ("$1.2M", 1_200_000), ("850k", 850_000), ("850 K", 850_000), ("1.5 MM", 1_500_000),
        ("$1.25 million", 1_250_000), ("1,200-", -1200), ("1,200 CR", -1200), ("1,200 DR", 1200), ("1,200cr", -1200),
        ("(1,200)", -1200), ("$(1,200)", -1200), ("($1,200)", -1200), ("-$1,200", -1200), ("$-1,200", -1200),
        ("\u22121,200", -1200), ("\u20131200", -1200), ("1\u2009234\u2009567", 1_234_567), ("1\xa0234", 1234),
        ("1\u202f234,50", 1235), ("1 234 567", 1_234_567), ("1'234'567", 1_234_567), ("1\u2019234", 1234),
        ("\uff11\uff12\uff10\uff10", 1200), ("USD 1,200", 1200), ("1,200 USD", 1200), ("US$1,200", 1200), ("$ 1,200", 1200),
        ("1.2E+06", 1_200_000), ("1.234567E+6", 1_234_567), ("412000.00", 412_000), ("0.49", 0), ("+1,200", 1200),
        ('="1200"', 1200), ("'1200", 1200), (" 1,200 ", 1200), ("\u200b1200\ufeff", 1200), ("999,999", 999_999),
        (1200.0, 1200), (1200, 1200), (1200.5, 1201),
    ],
)  # fmt: skip
def test_money_with_one_reading_is_read(text: Any, dollars: int) -> None:
    assert MONEY(text, TODAY) == dollars


@pytest.mark.parametrize(
    "text",
    [
        "1.234", "$1.234", "1234,56", "1,23", "12,34,567", "1,2345", "0,123", "1,234,56", "1 234", "3 4", "1.2.3", "1..2",
        "1.234k", "\u20ac1.200", "\xa31,200", "CAD 1,200", "12%", "350-400", "350k-400k", "~350000", ">1M", "(1,200", "1,200)", "-(1,200)",
        "-1,200-", "-1,200 CR", "450,000+", "3+", "1,200 CR DR", "1.2345E+02", "1E-5", "1,2E+06", "1e99",
        "$$5", "half", "N/A", "-", "", " ", "\u00bd",
        "10\xb2", "\u2460", "\u0663", True, False, None, float("nan"), float("inf"), 10**18, [], {}, "9" * 30, 9999, "9,999,999",
        "99999999", "999999999", 2_147_483_647, "1200 1300", "$1,200 / $1,300",
    ],
)  # fmt: skip
def test_money_with_several_readings_or_none_is_dropped(text: Any) -> None:
    assert MONEY(text, TODAY) is None


@pytest.mark.parametrize(
    ("parse", "value", "found"),
    [
        (money_parser(0, 10**9), -1, None), (money_parser(1, 10**9), 0, None), (count_parser(0, 200), "3.0", 3),
        (count_parser(0, 200), "3.000", 3), (count_parser(0, 200), 2.5, None), (count_parser(0, 200), 99, None),
        (count_parser(0, 200), "9", 9), (count_parser(0, 200), "3 4", None), (decimal_parser(0, 200), "2.5", Decimal("2.50")),
        (decimal_parser(0, 200), "2,5", None), (decimal_parser(0, 200), 99, None),
        (decimal_parser(0, 200), "2.500", Decimal("2.50")), (area_parser(1, 10**7), "1,540 sq ft", 1540),
        (area_parser(1, 10**7), "1540SF", 1540), (area_parser(1, 10**7), "0.25 acres", 10_890),
        (area_parser(1, 10**7), "9999", None), (area_parser(1, 10**7), "0", None), (area_parser(1, 10**7), "1.540", None),
        (parse_year_built, "1974", 1974), (parse_year_built, "1974.0", 1974), (parse_year_built, 1900, 1900),
        (parse_year_built, 0, None), (parse_year_built, 9999, None), (parse_year_built, 1974.5, None),
        (parse_year_built, 2029, None),
    ],
)  # fmt: skip
def test_counts_areas_and_years_have_bounds_and_placeholders(parse: Any, value: Any, found: Any) -> None:
    assert parse(value, TODAY) == found


@given(JSON | ODD)
@settings(max_examples=500)
def test_no_value_makes_a_parser_raise(value: Any) -> None:
    for parse in (MONEY, count_parser(0, 200), decimal_parser(0, 200), area_parser(1, 10**7), parse_year_built):
        parse(value, TODAY)


NUMBER_FORMATS = (
    "{:d}", "{:,d}", "${:,d}", "USD {:,d}", "{:,d}.00", "{:d}.0", "{:,d} DR", "{:,d}.0000", " {:,d} ", "{:,d} dollars",
)  # fmt: skip


@given(st.integers(0, 10**9), st.sampled_from(NUMBER_FORMATS))
def test_a_number_is_read_from_every_format(amount: int, number_format: str) -> None:
    assert Decimal(amount) in list_readings(number_format.format(amount))
    assert len(list_readings(number_format.format(amount))) == 1


@given(st.integers(10**6, 10**9), st.sampled_from([".", "\u2009", "\xa0", "\u202f", "'", " "]), st.integers(0, 99))
def test_foreign_grouping_marks_are_read(amount: int, mark: str, cents: int) -> None:
    text = f"{amount:,d}".replace(",", mark)
    assert list_readings(text) == (Decimal(amount),)
    assert list_readings(f"{text},{cents:02d}") == (amount + Decimal(cents) / 100,)


@given(st.integers(1, 10**9))
def test_every_accounting_sign_is_negative(amount: int) -> None:
    for text in ("({:,d})", "-{:,d}", "{:,d}-", "{:,d} CR", "\u2212{:,d}", "-${:,d}", "(${:,d})"):
        assert list_readings(text.format(amount)) == (Decimal(-amount),)


@given(st.from_regex(r"\A\$?[0-9]{1,4}([.,][0-9]{1,4}){0,3}(k|M|E\+[0-9])?\Z"))
@settings(max_examples=1_000)
def test_swapping_comma_and_dot_never_changes_a_reading_by_a_factor(text: str) -> None:
    swapped = text.translate(str.maketrans(".,", ",."))
    one, other = MONEY(text, TODAY), MONEY(swapped, TODAY)
    assert one is None or other is None or one == other
