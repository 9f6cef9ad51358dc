"""`Retry-After` in seconds or as a date: a wait from zero to one hour."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.vendors.retry_after import MAX_RETRY_AFTER, parse_retry_after

NOW = datetime(2026, 11, 16, 14, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3),
        ("0", 0),
        (" 17 ", 17),
        ("999999", 3_600),
        ("9" * 5_000, 3_600),
        ("-5", None),
        ("²", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Mon, 16 Nov 2026 14:00:20 GMT", 20),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3_600),
    ],
)
def test_the_header_gives_seconds_or_a_date(header: str | None, seconds: int | None) -> None:
    found = parse_retry_after(header, NOW)
    assert (found.total_seconds() if found is not None else None) == seconds


@given(st.text(max_size=60))
def test_the_wait_of_any_header_is_bounded(header: str) -> None:
    found = parse_retry_after(header, NOW)
    assert found is None or timedelta() <= found <= MAX_RETRY_AFTER
