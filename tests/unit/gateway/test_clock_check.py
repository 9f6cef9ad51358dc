"""The offset between two clocks, and the refusal that a partner with a wrong clock gets."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.database_clock import database_clock_offset
from common.web.problems import ProblemError
from gateway.uploads.signature import TIMESTAMP_TOLERANCE, check_timestamp

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "database", "answered", "offset"),
    [(100, 100, 100, 0), (100, 101, 102, 0), (100, 40, 101, 60), (100, 161, 101, -60), (100, 101.5, 101, -0.5)],
)
def test_the_duration_of_the_query_is_no_offset(asked: float, database: float, answered: float, offset: float) -> None:
    assert database_clock_offset(asked, database, answered) == offset


@given(st.integers(-(10**7), 10**7))
def test_a_timestamp_outside_the_window_is_refused_with_its_offset(seconds: int) -> None:
    moment = NOW + timedelta(seconds=seconds)
    if abs(seconds) <= TIMESTAMP_TOLERANCE.total_seconds():
        check_timestamp(moment, NOW)
        return
    with pytest.raises(ProblemError) as refused:
        check_timestamp(moment, NOW)
    assert refused.value.code == "timestamp_out_of_range"
    assert refused.value.extra == {"server_time": "2026-11-28T12:00:00Z", "offset_seconds": seconds}


@pytest.mark.parametrize(
    ("offset", "text"),
    [
        (timedelta(hours=3, seconds=5), "3 h 5 s ahead"),
        (-timedelta(minutes=5, seconds=1), "5 min 1 s behind"),
        (-timedelta(days=400), "400 d behind"),
    ],
)
def test_the_refusal_names_the_servers_time_and_the_difference(offset: timedelta, text: str) -> None:
    with pytest.raises(ProblemError) as refused:
        check_timestamp(NOW + offset, NOW)
    assert "The server's time is 2026-11-28T12:00:00Z" in str(refused.value.detail)
    assert text in str(refused.value.detail)
