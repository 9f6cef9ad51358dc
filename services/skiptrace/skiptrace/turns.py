"""Whose turn it is: rate limits, pauses and breakers of providers, kept in PostgreSQL for all replicas together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from common import telemetry
from common.database import Database, load_queries
from common.vendor_turns import Turn, VendorTurns
from skiptrace.provider import Provider, ProviderError, RefusedError
from skiptrace.router import Standing
from skiptrace.settings import SkiptraceSettings

log = structlog.get_logger()
queries = load_queries(__file__)


LOOK_AGAIN_S = 0.5
"""While one call finds out whether a provider is back, the others wait for its answer, not for its time limit."""


@dataclass(frozen=True, slots=True)
class State:
    """How a provider stands now."""

    standing: Standing = Standing.UP
    pause_s: float = 0
    last_success_at: datetime | None = None


class Turns:
    """The providers' turns, taken and given back."""

    def __init__(self, database: Database, settings: SkiptraceSettings) -> None:
        self._database = database
        self._settings = settings
        self._turns = VendorTurns(
            database, opens_after=settings.skiptrace_opens_after, probe_s=settings.lease.total_seconds()
        )

    async def states(self, providers: Sequence[str]) -> Mapping[str, State]:
        """How *providers* stand now; one that nobody has asked yet is up."""
        async with self._database.connection() as connection:
            probe_seconds = self._settings.lease.total_seconds()
            found_rows = queries.standings(connection, providers=list(providers), probe_seconds=probe_seconds)
            rows = [row async for row in found_rows]
        found = {}
        for row in rows:
            down = row["failures"] >= self._settings.skiptrace_opens_after
            paused = Standing.DOWN if down else Standing.BUSY
            standing = paused if row["pause_s"] > 0 else Standing.UP
            pause_s = min(row["pause_s"], LOOK_AGAIN_S) if row["probing"] else row["pause_s"]
            found[row["provider"]] = State(standing, pause_s, row["last_success_at"])
            telemetry.gauge("equity_skiptrace_provider_down", "1 while a provider's breaker is open").set(
                float(down), provider=row["provider"]
            )
        return found

    async def take(self, provider: Provider, leads: int, until: float) -> Turn | None:
        """Wait for leave to ask about up to *leads* leads (its units); None when there is none before *until* (monotonic seconds)."""
        rate = provider.rate
        turn = await self._turns.take(
            provider.name,
            leads if rate.counts_records else 1,
            per_window=rate.per_window,
            window_s=rate.window_seconds,
            until=until,
            shared_with=rate.shared_with,
        )
        if turn is None or turn.probing or rate.counts_records:
            return turn
        return Turn(leads, probing=False)

    async def went_well(self, provider: Provider) -> None:
        """A call brought an answer: the provider is up."""
        await self._turns.went_well(provider.name)

    async def went_wrong(self, provider: Provider, error: ProviderError, *, probing: bool) -> None:
        """A call failed: nobody asks again before a pause, as long as the provider said where it did."""
        refused = isinstance(error, RefusedError)
        asked_for = error.retry_after.total_seconds() if error.retry_after else 0.0
        first = max(self._settings.skiptrace_pause_seconds, provider.pause.total_seconds() if _is_429(error) else 0)
        if refused:
            log.error("provider_refuses", provider=provider.name, code=error.code)
        longest = self._settings.skiptrace_longest_pause_seconds
        await self._turns.went_wrong(
            provider.name,
            error.code,
            probing=probing,
            opens=refused,
            first_s=first,
            longest_s=longest,
            least_s=max(longest, asked_for) if refused else asked_for,
        )


def _is_429(error: ProviderError) -> bool:
    return error.code == "http_429"
