"""Distributed rate limiter, backoff and circuit breaker per vendor. The state is in PostgreSQL, shared by all replicas.

A vendor's limit belongs to the account, and a backoff that one replica learns applies to all. Backoffs use the database's
clock, not the business clock, because they concern the vendor.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import asyncpg
import structlog

from common import telemetry
from common.database import Database
from common.vendors.errors import AccessDeniedError, VendorCallError
from common.vendors.policy import PROBE_POLL_SECONDS, Availability, VendorPolicy, VendorState

log = structlog.get_logger()

_ACQUIRE_PERMIT = "select granted, wait_seconds, state from pipeline.acquire_permit($1, $2, $3, $4, $5, $6, $7)"
_RECORD_SUCCESS = "select pipeline.record_success($1)"
_RECORD_FAILURE = "select pipeline.record_failure($1, $2, $3, $4, $5, $6, $7, $8)"
_LOAD_STATES = """
select
  provider, failures, half_open, access_denied, last_failure, last_success_at,
  coalesce(greatest(0, extract(epoch from backoff_until - clock_timestamp())), 0)::double precision as backoff_seconds
from pipeline.provider_states
where provider = any ($1)
"""
_RUNBOOK = "docs/runbooks/provider-outage.md"


@dataclass(frozen=True, slots=True)
class Permit:
    """Permit to make one call now."""

    records: int
    """Records that the call may contain; at most as many as were requested."""
    is_probe: bool
    """True: the circuit is open, and this call is the half-open probe."""


class VendorThrottle:
    """Permits for calls to vendors, and the record of their success or failure."""

    def __init__(self, database: Database, policies: Iterable[VendorPolicy]) -> None:
        """Throttle the vendors of *policies*."""
        self._database = database
        self._policies = {policy.vendor: policy for policy in policies}

    async def load_states(self) -> Mapping[str, VendorState]:
        """Return the state of every vendor, and export its circuit breaker."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_LOAD_STATES, list(self._policies))
        called = {row["provider"]: _read_state(row, self._policies[row["provider"]]) for row in rows}
        states = {vendor: called.get(vendor, VendorState()) for vendor in self._policies}
        for vendor, state in states.items():
            _export_state(vendor, state)
        return states

    async def load_state(self, vendor: str) -> VendorState:
        """Return the state of *vendor*."""
        return (await self.load_states())[vendor]

    async def acquire_permit(
        self, vendor: str, records: int, until: float, *, wait_for_backoff: bool = False
    ) -> Permit | None:
        """Wait for a permit for a call about up to *records* records, 1 where calls have none.

        Return None if the rate limit gives none before *until* (monotonic seconds), and during a backoff. With
        *wait_for_backoff* a backoff is waited for too, if it ends before *until*.
        """
        policy = self._policies[vendor]
        rate = policy.rate
        units = records if rate.counts_records else 1
        while True:
            async with self._database.connection() as connection:
                [row] = await connection.fetch(
                    _ACQUIRE_PERMIT,
                    vendor,
                    units,
                    rate.units,
                    rate.window_seconds,
                    policy.failure_threshold,
                    policy.probe_seconds,
                    rate.shared_with,
                )
            if row["granted"]:
                is_probe = row["state"] == "half_open"
                return Permit(row["granted"] if rate.counts_records or is_probe else records, is_probe)
            may_wait = wait_for_backoff or row["state"] == "rate_limited"
            if not may_wait or time.monotonic() + row["wait_seconds"] > until:
                return None
            await asyncio.sleep(row["wait_seconds"])

    async def record_success(self, vendor: str) -> None:
        """Record that *vendor* answered a call: its backoff ends and its circuit closes."""
        async with self._database.connection() as connection:
            await connection.execute(_RECORD_SUCCESS, vendor)

    async def record_failure(self, vendor: str, error: VendorCallError, *, is_probe: bool) -> None:
        """Record a failed call, which starts a backoff for all replicas. Denied access opens the circuit at once."""
        policy = self._policies[vendor]
        is_denied = isinstance(error, AccessDeniedError)
        shortest = policy.shortest_backoff(error)
        if is_denied:
            log.error("vendor_access_denied", vendor=vendor, code=error.code, advice=_RUNBOOK)
        else:
            log.warning("vendor_backoff_started", vendor=vendor, code=error.code, requested_seconds=shortest or None)
        telemetry.counter("equity_vendor_backoffs", "Backoffs after failed calls to vendors").add(1, {"vendor": vendor})
        async with self._database.connection() as connection:
            await connection.execute(
                _RECORD_FAILURE,
                vendor,
                error.code,
                is_probe,
                is_denied,
                policy.failure_threshold,
                policy.first_backoff(error),
                policy.longest_backoff_seconds,
                shortest,
            )


def _read_state(row: asyncpg.Record, policy: VendorPolicy) -> VendorState:
    is_open = row["failures"] >= policy.failure_threshold
    backoff = row["backoff_seconds"]
    in_backoff = Availability.CIRCUIT_OPEN if is_open else Availability.BACKING_OFF
    return VendorState(
        in_backoff if backoff > 0 else Availability.AVAILABLE,
        min(backoff, PROBE_POLL_SECONDS) if row["half_open"] else backoff,
        row["last_success_at"],
        row["last_failure"],
        is_access_denied=row["access_denied"],
        is_circuit_open=is_open,
    )


def _export_state(vendor: str, state: VendorState) -> None:
    telemetry.gauge("equity_vendor_circuit_open", "1 while a vendor's circuit is open").set(
        float(state.is_circuit_open), vendor=vendor
    )
    telemetry.gauge("equity_vendor_access_denied", "1 while a vendor denies our key, plan or scope").set(
        float(state.is_access_denied), vendor=vendor
    )
