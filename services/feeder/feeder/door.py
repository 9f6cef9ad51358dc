"""The door to Instantly, one for all replicas: its rate limit, its pauses, and whether it refuses us (hazards S21).

It is kept in PostgreSQL (`pipeline.provider_states`, as skip tracing keeps its providers'): the limit is the workspace's, and
who was told to wait waits for all. Pauses follow the database's clock, for they are about the vendor's.
"""

import time
from dataclasses import dataclass
from datetime import timedelta

import structlog

from common import telemetry
from common.database import Database, load_queries
from common.vendor_turns import Turn, VendorTurns
from feeder.settings import FeederSettings

log = structlog.get_logger()
queries = load_queries(__file__)

VENDOR = "instantly"
OPENS_AFTER = 5
"""Failures in a row after which one call at a time finds out whether Instantly is back."""
LONGEST_PAUSE = 300.0
REFUSED_PAUSE = 60.0
REFUSALS = {401: "http_401", 402: "http_402", 403: "http_403"}
"""A wrong key, no paid plan, no scope: waiting alone mends nothing, so it is tried seldom and told loudly."""


class InstantlyRefusesError(RuntimeError):
    """Instantly refuses this workspace: a person has to mend that."""

    def __init__(self, fault: str) -> None:
        super().__init__(
            f"Instantly refuses us ({fault}): see docs/runbooks/provider-outage.md. Slots of today wait; what does not get in "
            "today gets in line again tomorrow"
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """How Instantly stands with us, for all replicas."""

    pause_s: float = 0
    fault: str | None = None
    """The last one, as long as nothing has gone well since: `http_429`, `unreachable`, `no_answer` and so on."""

    @property
    def refuses(self) -> bool:
        """Whether only a person can mend it."""
        return self.fault in REFUSALS.values()


class Door:
    """Lets through as many calls as the workspace's rate has room for."""

    def __init__(self, database: Database, settings: FeederSettings) -> None:
        self._database = database
        self._turns = VendorTurns(database, opens_after=OPENS_AFTER, probe_s=2 * settings.instantly_timeout_seconds)
        self._per_window = max(1, int(settings.instantly_requests_per_second))
        self._window_s = self._per_window / settings.instantly_requests_per_second
        self._patience = settings.instantly_timeout_seconds

    async def standing(self) -> Standing:
        """How Instantly stands now."""
        async with self._database.connection() as connection:
            row = await queries.standing(connection, vendor=VENDOR)
        standing = Standing(row["pause_s"], row["last_fault"]) if row else Standing()
        gauge = telemetry.gauge("equity_vendor_refuses_us", "1 while a vendor refuses our key, plan or scope")
        gauge.set(float(standing.refuses), vendor=VENDOR)
        return standing

    async def enter(self) -> Turn | None:
        """Wait for the turn of one call; None when Instantly is to be left alone, or no turn is to be had soon."""
        return await self._turns.take(
            VENDOR, 1, per_window=self._per_window, window_s=self._window_s, until=time.monotonic() + self._patience
        )

    async def went_well(self) -> None:
        """Instantly answered a call of ours."""
        await self._turns.went_well(VENDOR)

    async def went_wrong(self, fault: str, *, probing: bool, asked_for: timedelta | None = None) -> None:
        """A call failed: nobody calls before a pause, twice as long each time, at least as long as Instantly said."""
        refused = fault in REFUSALS.values()
        least_s = max(REFUSED_PAUSE if refused else 0.0, asked_for.total_seconds() if asked_for else 0.0)
        if refused:
            log.error("instantly_refuses", fault=fault, advice="docs/runbooks/provider-outage.md")
        else:
            log.warning("instantly_waits", fault=fault, asked_for_s=least_s or None)
        telemetry.counter("equity_vendor_pauses", "Times that a vendor was left alone").add(1, {"vendor": VENDOR})
        await self._turns.went_wrong(
            VENDOR, fault, probing=probing, opens=refused, first_s=1.0, longest_s=LONGEST_PAUSE, least_s=least_s
        )
