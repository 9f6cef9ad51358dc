"""How leads are cut into requests, and when a provider's failure is held against a lead."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from skiptrace.lead import Asked, Lead
from skiptrace.router import Standing
from skiptrace.tracing import HOPELESS_FAILURES, UNLUCKY, InFlight, chunks, is_hopeless
from skiptrace.turns import State

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def lead(number: int, failed: int = 0, unknown: int = 0) -> Lead:
    asked = {"melissa": Asked(failed=failed, unknown=unknown)}
    return Lead(UUID(int=number), None, None, {}, asked=asked)


@given(st.lists(st.integers(0, 12), max_size=300), st.integers(1, 100))
def test_every_lead_is_in_one_request_and_those_that_failed_in_smaller_ones(failed: list[int], most: int) -> None:
    leads = [lead(number, times) for number, times in enumerate(failed)]
    found = chunks(leads, "melissa", most)
    assert sorted(one.id.int for some in found for one in some) == list(range(len(leads)))
    for some in found:
        worst = max(one.asked_of("melissa").failed for one in some)
        assert 1 <= len(some) <= max(1, most >> min(worst, 10))


def test_answers_lost_again_make_requests_smaller_too() -> None:
    """With `pay_again` a record that loses every answer comes down to itself, and costs the others no more."""
    sizes = [len(chunks([lead(n, unknown=times) for n in range(100)], "melissa", 100)[0]) for times in range(9)]
    assert sizes == [100, 100, 100, 50, 25, 12, 6, 3, 1]


def test_a_lead_is_hopeless_only_at_a_provider_that_answers_about_others() -> None:
    worn = Asked(failed=HOPELESS_FAILURES, first_failed_at=NOW)
    assert is_hopeless(worn, State(Standing.UP, 0, NOW + timedelta(minutes=5)))
    assert not is_hopeless(worn, State(Standing.UP, 0, NOW - timedelta(minutes=5)))
    assert not is_hopeless(worn, State(Standing.DOWN, 9, NOW + timedelta(minutes=5)))
    assert not is_hopeless(worn, State())
    assert not is_hopeless(Asked(failed=3, first_failed_at=NOW), State(Standing.UP, 0, NOW + timedelta(minutes=5)))


@given(st.integers(0, 200), st.floats(0, 20))
def test_a_lead_is_not_hopeless_where_others_fared_about_as_badly(failed: int, others: float) -> None:
    up = State(Standing.UP, 0, NOW + timedelta(minutes=5))
    found = is_hopeless(Asked(failed=failed, first_failed_at=NOW), up, others)
    assert found == (failed >= HOPELESS_FAILURES + UNLUCKY * others)


async def test_no_more_records_are_in_flight_than_a_crash_may_cost() -> None:
    room, now, most = InFlight(100), 0, 0

    async def call(records: int) -> None:
        nonlocal now, most
        async with room.hold(records):
            now += records
            most = max(most, now)
            await asyncio.sleep(0)
            now -= records

    await asyncio.gather(*(call(records) for records in (60, 60, 100, 1, 40, 99)))
    assert now == 0
    assert 60 <= most <= 100
