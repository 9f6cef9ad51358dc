"""Policy of calls to one vendor, and the vendor's state: rate limit, backoff and circuit breaker. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from common.vendors.errors import AccessDeniedError, RateLimitedError, VendorCallError

DEFAULT_FAILURE_THRESHOLD = 5
PROBE_POLL_SECONDS = 0.5
"""While one call probes a vendor, others look again after this time, and do not wait for the time limit of the probe."""


class Availability(StrEnum):
    """Availability of a vendor, shared by all replicas."""

    AVAILABLE = "available"
    BACKING_OFF = "backing_off"
    """It asked for a backoff or failed a moment ago. Waiting costs less than another vendor."""
    CIRCUIT_OPEN = "circuit_open"
    """It failed several times in a row or denies access."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """A vendor's published rate limit."""

    units: int
    """Records or requests in one window."""
    window_seconds: float
    counts_records: bool = False
    """True: the limit counts records. False: it counts requests."""
    shared_with: str | None = None
    """The vendor with the same key, under whose limit these requests count as well."""


@dataclass(frozen=True, slots=True)
class VendorPolicy:
    """Rate limit, backoffs and circuit breaker of one vendor."""

    vendor: str
    rate: RateLimit
    probe_seconds: float
    """Time limit of the half-open probe. After it another call may probe the vendor."""
    longest_backoff_seconds: float
    access_denied_backoff_seconds: float
    """Shortest backoff after denied access, which only a person can restore."""
    first_backoff_seconds: float = 1.0
    """Backoff after the first failure. It doubles with each further one."""
    rate_limited_backoff_seconds: float = 1.0
    """The same after the vendor asked for a backoff without saying how long."""
    failure_threshold: int = DEFAULT_FAILURE_THRESHOLD
    """Failures in a row that open the circuit."""

    def first_backoff(self, error: VendorCallError) -> float:
        """Return the seconds of the first backoff after *error*."""
        is_limited = isinstance(error, RateLimitedError)
        return max(self.first_backoff_seconds, self.rate_limited_backoff_seconds if is_limited else 0.0)

    def shortest_backoff(self, error: VendorCallError) -> float:
        """Return the seconds that a backoff after *error* lasts at least: as long as the vendor asks for."""
        is_denied = isinstance(error, AccessDeniedError)
        requested = error.retry_after.total_seconds() if error.retry_after else 0.0
        return max(requested, self.access_denied_backoff_seconds if is_denied else 0.0)


@dataclass(frozen=True, slots=True)
class VendorState:
    """Present state of a vendor."""

    availability: Availability = Availability.AVAILABLE
    backoff_seconds: float = 0
    """Remaining time in which no call is made."""
    last_success_at: datetime | None = None
    last_failure: str | None = None
    """Code of the last failure, until a call succeeds."""
    is_access_denied: bool = False
    is_circuit_open: bool = False
    """Whether the circuit is open, also between two probes."""
