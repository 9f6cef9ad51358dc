"""Backoffs of a policy: as long as the vendor asks for, and longer after denied access."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from common.vendors.errors import (
    AccessDeniedError,
    InvalidRequestError,
    NotExecutedError,
    OutcomeUnknownError,
    RateLimitedError,
    VendorCallError,
)
from common.vendors.policy import RateLimit, VendorPolicy

POLICY = VendorPolicy(
    "vendor",
    RateLimit(10, 1),
    probe_seconds=20,
    longest_backoff_seconds=300,
    access_denied_backoff_seconds=60,
    first_backoff_seconds=0.5,
)
errors = st.builds(
    lambda kind, seconds: kind("code", retry_after=timedelta(seconds=seconds) if seconds is not None else None),
    st.sampled_from([AccessDeniedError, InvalidRequestError, NotExecutedError, OutcomeUnknownError, RateLimitedError]),
    st.none() | st.integers(0, 3_600),
)


@given(errors)
def test_a_backoff_is_never_shorter_than_the_vendor_asks_for(error: VendorCallError) -> None:
    requested = error.retry_after.total_seconds() if error.retry_after else 0
    is_denied = isinstance(error, AccessDeniedError)
    assert POLICY.shortest_backoff(error) == max(requested, 60 if is_denied else 0)


@given(errors)
def test_only_a_rate_limit_makes_the_first_backoff_longer(error: VendorCallError) -> None:
    assert POLICY.first_backoff(error) == (1.0 if isinstance(error, RateLimitedError) else 0.5)
