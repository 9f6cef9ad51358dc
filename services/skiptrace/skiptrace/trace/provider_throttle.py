"""Rate limiter, backoff and circuit breaker per provider. Their state is in PostgreSQL, shared by all replicas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from common import telemetry
from common.database import Database, load_queries
from common.vendors.errors import AccessDeniedError, RateLimitedError, VendorCallError
from common.vendors.throttle import Permit, SharedThrottle
from skiptrace.rules.waterfall import Availability
from skiptrace.settings import SkiptraceSettings
from skiptrace.trace.provider import Provider

log = structlog.get_logger()
queries = load_queries(__file__)


PROBE_POLL_SECONDS = 0.5
"""While one call probes a provider, other leads wait this long, and not for the time limit of the probe."""


@dataclass(frozen=True, slots=True)
class ProviderState:
    """The present state of a provider."""

    availability: Availability = Availability.AVAILABLE
    backoff_seconds: float = 0
    last_success_at: datetime | None = None


class ProviderThrottle:
    """Permits for provider calls, and the record of their success or failure."""

    def __init__(self, database: Database, settings: SkiptraceSettings) -> None:
        self._database = database
        self._settings = settings
        self._probe_seconds = settings.request_lease.total_seconds()
        self._vendors = SharedThrottle(
            database, failure_threshold=settings.skiptrace_opens_after, probe_s=self._probe_seconds
        )

    async def load_states(self, providers: Sequence[str]) -> Mapping[str, ProviderState]:
        """Return the state of those of *providers* that were called before; the others are available."""
        async with self._database.connection() as connection:
            found = queries.provider_states(connection, providers=list(providers), probe_seconds=self._probe_seconds)
            rows = [row async for row in found]
        states = {}
        for row in rows:
            is_open = row["failures"] >= self._settings.skiptrace_opens_after
            in_backoff = Availability.CIRCUIT_OPEN if is_open else Availability.BACKING_OFF
            availability = in_backoff if row["backoff_seconds"] > 0 else Availability.AVAILABLE
            backoff = row["backoff_seconds"]
            if row["is_probing"]:
                backoff = min(backoff, PROBE_POLL_SECONDS)
            states[row["provider"]] = ProviderState(availability, backoff, row["last_success_at"])
            telemetry.gauge("equity_skiptrace_provider_circuit_open", "1 while a provider's circuit is open").set(
                float(is_open), provider=row["provider"]
            )
        return states

    async def acquire_permit(self, provider: Provider, leads: int, until: float) -> Permit | None:
        """Wait for a permit to ask about up to *leads* leads, its units.

        Returns None if there is none before *until* (monotonic seconds).
        """
        rate = provider.rate
        permit = await self._vendors.acquire_permit(
            provider.name,
            leads if rate.counts_records else 1,
            per_window=rate.per_window,
            window_s=rate.window_seconds,
            until=until,
            shared_with=rate.shared_with,
        )
        if permit is None or permit.is_probe or rate.counts_records:
            return permit
        return Permit(leads, is_probe=False)

    async def record_success(self, provider: Provider) -> None:
        """Record a response: close the provider's circuit."""
        await self._vendors.record_success(provider.name)

    async def record_failure(self, provider: Provider, error: VendorCallError, *, probing: bool) -> None:
        """Record a failure: start a backoff, at least as long as the provider asked for."""
        is_denied = isinstance(error, AccessDeniedError)
        asked_for = error.retry_after.total_seconds() if error.retry_after else 0.0
        own_first = provider.first_backoff.total_seconds() if isinstance(error, RateLimitedError) else 0
        longest = self._settings.skiptrace_longest_pause_seconds
        if is_denied:
            log.error("provider_access_denied", provider=provider.name, code=error.code)
        await self._vendors.record_failure(
            provider.name,
            error.code,
            is_probe=probing,
            opens_circuit=is_denied,
            first_s=max(self._settings.skiptrace_pause_seconds, own_first),
            longest_s=longest,
            least_s=max(longest, asked_for) if is_denied else asked_for,
        )
