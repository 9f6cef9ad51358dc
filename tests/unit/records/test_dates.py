"""A text has one reading as a day, or none; placeholders of an unknown day have none."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.records.values.dates import parse_past_date

TODAY = date(2026, 11, 28)
MARCH_7 = date(2019, 3, 7)


@pytest.mark.parametrize(
    "text",
    [
        "2019-03-07", "2019-3-7", "2019/03/07", "2019.03.07", "20190307", 20190307, 20190307.0, "3/7/2019", "03/07/2019", "3/7/19",
        "7-Mar-2019", "07-MAR-19", "7 March 2019", "Mar 7, 2019", "March 7th 2019", "Mar. 7 2019", "March 7, 2019", "7th of March 2019",
        "2019-Mar-07", "Thursday, March 7, 2019", "Thu Mar 7 2019", "2019-03-07T00:00:00Z", "2019-03-07 12:30:00.000",
        "2019-03-07T23:00:00-05:00", "3/7/2019 12:00:00 AM", "Mar 7 2019 12:00AM", "43531", 43531, 43531.0, "43531.0", " 2019-03-07 ",
        "2019\u201303\u201307", "\uff12\uff10\uff11\uff19-03-07", '="2019-03-07"', "'3/7/2019",
    ],
)  # fmt: skip
def test_a_day_with_one_reading_is_read(text: Any) -> None:
    assert parse_past_date(text, TODAY) == MARCH_7


@pytest.mark.parametrize(
    ("text", "day"),
    [("13/05/2019", date(2019, 5, 13)), ("05/13/19", date(2019, 5, 13)), ("13.5.2019", date(2019, 5, 13)), ("7.7.2019", date(2019, 7, 7)),
     ("13-05-2019", date(2019, 5, 13)), ("05-13-2019", date(2019, 5, 13)), ("5/7/62", date(1962, 5, 7))],
)  # fmt: skip
def test_the_only_possible_order_of_day_and_month_is_read(text: str, day: date) -> None:
    assert parse_past_date(text, TODAY) == day


@pytest.mark.parametrize(
    "text",
    [
        "7.3.2019", "07-03-2019", "13/05/19", "03072019", "190307", "Mar 2019", "Mar-19", "2019", "43531.5", "9999", "99999", "0", "1", 0, 1,
        "1/1/1900", "01/01/1900 00:00:00", "12/30/1899", "12/31/1899", "1/1/1970", "12/31/1969", "1970-01-01T00:00:00Z", "1901-01-01",
        "0000-00-00", "00/00/0000", "9999-12-31", "1/1/1800", "1/1/1753", "1601-01-01", "0001-01-01", "2/30/2019", "2031-01-01",
        "1551916800", "yesterday", "7 Foo 2019", "31/31/2020", "2019-13-40", "", None, True, [], float("nan"), "3/7/2019 or 3/8/2019",
        "2019-03-07x", "\u0663/7/2019",
    ],
)  # fmt: skip
def test_an_ambiguous_impossible_or_placeholder_day_is_not_read(text: Any) -> None:
    assert parse_past_date(text, TODAY) is None


@given(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.lists(st.integers())
    | st.text("0123456789-/. :TZAPMmarch,", max_size=24)
)
@settings(max_examples=1_000)
def test_no_value_raises_or_gives_a_future_day(value: Any) -> None:
    found = parse_past_date(value, TODAY)
    assert found is None or found <= TODAY


FORMATS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y%m%d",
    "%m/%d/%Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%B %d %Y",
    "%d %B %Y",
    "%Y-%m-%dT%H:%M:%S",
    "%a, %d %b %Y",
)


@given(st.dates(date(1928, 1, 1), TODAY), st.sampled_from(FORMATS))
def test_a_day_is_read_from_every_format(day: date, day_format: str) -> None:
    expected = None if day in {date(1969, 12, 31), date(1970, 1, 1), date(1970, 1, 2)} else day
    assert parse_past_date(day.strftime(day_format), TODAY) == expected
    assert parse_past_date((day - date(1899, 12, 30)) // timedelta(1), TODAY) == expected
