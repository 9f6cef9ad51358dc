"""The clock that tests and demonstrations set."""

from datetime import UTC, datetime, timedelta

from common.clock import starting_at, utc_now


def test_a_clock_goes_on_from_where_it_was_set() -> None:
    start = datetime(2026, 11, 16, 13, 59, tzinfo=UTC)
    clock = starting_at(start)
    assert timedelta() <= clock() - start < timedelta(seconds=5)
    assert clock() <= clock()


def test_unset_it_is_the_machines_own() -> None:
    assert starting_at(None) is utc_now
