"""Throttle of calls to Instantly, shared by all replicas: rate limiter, backoff and circuit breaker (docs/hazards.md, S21).

Its state is in PostgreSQL (`pipeline.provider_states`), because the rate limit belongs to the workspace and a backoff that
one replica learns applies to all. Backoffs follow the database's clock: they concern the vendor, not the business date.
"""

import time
from dataclasses import dataclass

import structlog

from common import telemetry
from common.database import Database, load_queries
from common.vendors.errors import AccessDeniedError, VendorCallError
from common.vendors.throttle import Permit, SharedThrottle
from feeder.settings import FeederSettings
from feeder.vendors.instantly_responses import INSTANTLY

log = structlog.get_logger()
queries = load_queries(__file__)

FAILURE_THRESHOLD = 5
"""Failures in a row after which the circuit opens: then one call at a time probes whether Instantly is back."""
FIRST_BACKOFF_SECONDS = 1.0
LONGEST_BACKOFF_SECONDS = 300.0
ACCESS_DENIED_BACKOFF_SECONDS = 60.0
ACCESS_DENIED_FAULTS = frozenset({"http_401", "http_402", "http_403"})
"""A wrong key, no paid plan, a missing scope. Only a person can correct these, so calls are rare and alerts immediate."""


class InstantlyAccessDeniedError(RuntimeError):
    """Instantly denies access to this workspace. A person has to correct the key, the plan or the scope."""

    def __init__(self, fault: str) -> None:
        super().__init__(
            f"Instantly denies access ({fault}). See docs/runbooks/provider-outage.md. Today's slots stay reserved; leads "
            "that do not reach Instantly today are queued again tomorrow."
        )


@dataclass(frozen=True, slots=True)
class VendorAvailability:
    """Availability of Instantly for all replicas."""

    backoff_seconds: float = 0
    """Remaining time in which no call is made."""
    last_failure: str | None = None
    """The last fault, until a call succeeds: `http_429`, `unreachable`, `timeout` and so on."""

    @property
    def is_access_denied(self) -> bool:
        """Return whether only a person can restore access."""
        return self.last_failure in ACCESS_DENIED_FAULTS


class VendorThrottle:
    """Permits for calls to Instantly, within the workspace's rate."""

    def __init__(self, database: Database, settings: FeederSettings) -> None:
        self._database = database
        self._shared_throttle = SharedThrottle(
            database, failure_threshold=FAILURE_THRESHOLD, probe_s=2 * settings.instantly_timeout_seconds
        )
        self._calls_per_window = max(1, int(settings.instantly_requests_per_second))
        self._window_seconds = self._calls_per_window / settings.instantly_requests_per_second
        self._longest_wait_seconds = settings.instantly_timeout_seconds

    async def read_availability(self) -> VendorAvailability:
        """Read the current availability of Instantly, and export whether it denies access."""
        async with self._database.connection() as connection:
            row = await queries.read_availability(connection, vendor=INSTANTLY)
        availability = VendorAvailability(row["backoff_seconds"], row["last_failure"]) if row else VendorAvailability()
        gauge = telemetry.gauge("equity_vendor_access_denied", "1 while a vendor denies our key, plan or scope")
        gauge.set(float(availability.is_access_denied), vendor=INSTANTLY)
        return availability

    async def acquire_permit(self) -> Permit | None:
        """Wait for a permit for one call. Return None during a backoff, or if no permit comes within the call timeout."""
        return await self._shared_throttle.acquire_permit(
            INSTANTLY,
            1,
            per_window=self._calls_per_window,
            window_s=self._window_seconds,
            until=time.monotonic() + self._longest_wait_seconds,
        )

    async def record_success(self) -> None:
        """Record that Instantly answered a call: the backoff ends and the circuit closes."""
        await self._shared_throttle.record_success(INSTANTLY)

    async def record_failure(self, error: VendorCallError, *, is_probe: bool) -> None:
        """Record a failed call and start a backoff.

        Each backoff is twice as long as the last one, and at least as long as Instantly asks for. Denied access opens the
        circuit at once.
        """
        fault, retry_after = error.code, error.retry_after
        is_denied = isinstance(error, AccessDeniedError)
        least_seconds = max(
            ACCESS_DENIED_BACKOFF_SECONDS if is_denied else 0.0, retry_after.total_seconds() if retry_after else 0.0
        )
        if is_denied:
            log.error("instantly_access_denied", fault=fault, advice="docs/runbooks/provider-outage.md")
        else:
            log.warning("instantly_backoff_started", fault=fault, retry_after_s=least_seconds or None)
        counter = telemetry.counter("equity_vendor_backoffs", "Backoffs after failed calls to vendors")
        counter.add(1, {"vendor": INSTANTLY})
        await self._shared_throttle.record_failure(
            INSTANTLY,
            fault,
            is_probe=is_probe,
            opens_circuit=is_denied,
            first_s=FIRST_BACKOFF_SECONDS,
            longest_s=LONGEST_BACKOFF_SECONDS,
            least_s=least_seconds,
        )
