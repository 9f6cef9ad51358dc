"""Leads with failing requests: the size of their requests, and the end of attempts at a provider."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from common.ids import LeadId
from common.vendors.policy import Availability, VendorState
from skiptrace.rules.lead import AttemptStats, Lead
from skiptrace.trace.failing_leads import (
    EXHAUSTED_AFTER_FAILURES,
    EXPECTED_FAILURES_FACTOR,
    is_exhausted,
    split_into_requests,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ANSWERED_OTHERS = VendorState(Availability.AVAILABLE, 0, NOW + timedelta(minutes=5))


def lead(number: int, failed: int = 0, unknown: int = 0) -> Lead:
    attempts = {"melissa": AttemptStats(failed=failed, unknown=unknown)}
    return Lead(LeadId(UUID(int=number)), None, None, {}, attempts=attempts)


@given(st.lists(st.integers(0, 12), max_size=300), st.integers(1, 100))
def test_every_lead_is_in_one_request_and_failing_leads_are_in_smaller_ones(
    failures: list[int], max_records: int
) -> None:
    leads = [lead(number, failed) for number, failed in enumerate(failures)]
    requests = split_into_requests(leads, "melissa", max_records)
    assert sorted(one.id.int for request in requests for one in request) == list(range(len(leads)))
    for request in requests:
        worst = max(one.attempts_at("melissa").failed for one in request)
        assert 1 <= len(request) <= max(1, max_records >> min(worst, 10))


def test_repeated_unknown_outcomes_make_requests_smaller_too() -> None:
    """With `pay_again` a record that loses every response ends up alone, and costs the others no more."""
    sizes = [
        len(split_into_requests([lead(number, unknown=times) for number in range(100)], "melissa", 100)[0])
        for times in range(9)
    ]
    assert sizes == [100, 100, 100, 50, 25, 12, 6, 3, 1]


def test_a_lead_is_exhausted_only_at_a_provider_that_answers_about_others() -> None:
    failing = AttemptStats(failed=EXHAUSTED_AFTER_FAILURES, first_failed_at=NOW)
    assert is_exhausted(failing, ANSWERED_OTHERS)
    assert not is_exhausted(failing, VendorState(Availability.AVAILABLE, 0, NOW - timedelta(minutes=5)))
    assert not is_exhausted(failing, VendorState(Availability.CIRCUIT_OPEN, 9, NOW + timedelta(minutes=5)))
    assert not is_exhausted(failing, VendorState())
    assert not is_exhausted(AttemptStats(failed=3, first_failed_at=NOW), ANSWERED_OTHERS)


@given(st.integers(0, 200), st.floats(0, 20))
def test_a_lead_is_not_exhausted_if_others_failed_about_as_often(failed: int, average: float) -> None:
    stats = AttemptStats(failed=failed, first_failed_at=NOW)
    expected = failed >= EXHAUSTED_AFTER_FAILURES + EXPECTED_FAILURES_FACTOR * average
    assert is_exhausted(stats, ANSWERED_OTHERS, average) == expected
