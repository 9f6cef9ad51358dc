"""Rules for leads with failing requests: smaller requests, and the end of attempts at a provider."""

from collections import defaultdict
from collections.abc import Sequence

from common.vendors.policy import Availability, VendorState
from skiptrace.rules.lead import AttemptStats, Lead
from skiptrace.rules.waterfall import ProviderCapabilities

EXHAUSTED_AFTER_FAILURES = 12
"""Failed calls about one lead within an hour, at a provider that answers about others: the lead is the cause."""
UNKNOWN_OUTCOMES_BEFORE_SPLIT = 2
"""Unknown outcomes of a lead that crashes and outages explain. Further ones may be caused by the lead."""
EXPECTED_FAILURES_FACTOR = 8
"""Multiple of the failures that other leads had before their response. Chance exceeds it once in thousands of leads."""
MAX_HALVINGS = 10


def split_into_requests(leads: Sequence[Lead], provider: str, max_records: int) -> list[list[Lead]]:
    """Return *leads* in requests of at most *max_records*; leads with failures in smaller ones, halved for each.

    So a call that always fails because of one record is reduced to that record.
    """
    by_failures: defaultdict[int, list[Lead]] = defaultdict(list)
    for lead in leads:
        stats = lead.attempts_at(provider)
        by_failures[stats.failed + max(0, stats.unknown - UNKNOWN_OUTCOMES_BEFORE_SPLIT)].append(lead)
    requests = []
    for failures, some in sorted(by_failures.items()):
        size = max(1, max_records >> min(failures, MAX_HALVINGS))
        requests += [some[start : start + size] for start in range(0, len(some), size)]
    return requests


def is_exhausted(stats: AttemptStats, state: VendorState, average_failures: float = 0) -> bool:
    """Return whether a provider fails about this lead alone: it has answered about others since.

    *average_failures* is the average of the leads that it answered. As many failures are not this lead's fault.
    """
    if stats.failed < EXHAUSTED_AFTER_FAILURES + EXPECTED_FAILURES_FACTOR * average_failures:
        return False
    if stats.first_failed_at is None or state.last_success_at is None:
        return False
    return state.availability is Availability.AVAILABLE and state.last_success_at > stats.first_failed_at


def is_left_to_daily_job(lead: Lead, provider: ProviderCapabilities) -> bool:
    """Return whether a failing phone check is left to the daily job, so that the lead does not wait for it."""
    return bool(provider.checks) and lead.attempts_at(provider.provider).failed >= EXHAUSTED_AFTER_FAILURES
