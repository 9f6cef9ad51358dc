"""What skiptrace does by itself: lost answers are called unknown, stale contacts verified again, raw answers emptied."""

import time
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from common.bus import Bus
from common.database import load_queries
from skiptrace.codes import Codes
from skiptrace.ledger import Ledger
from skiptrace.record import Recorder
from skiptrace.settings import SkiptraceSettings
from skiptrace.tracing import Tracer

log = structlog.get_logger()
queries = load_queries(__file__)

AT_ONCE = 100
ROUND_SECONDS = 60.0


class Upkeep:
    """The regular work of skiptrace."""

    def __init__(
        self, bus: Bus, ledger: Ledger, tracer: Tracer, recorder: Recorder, codes: Codes, settings: SkiptraceSettings
    ) -> None:
        self._bus = bus
        self._ledger = ledger
        self._tracer = tracer
        self._recorder = recorder
        self._codes = codes
        self._settings = settings

    async def expire_requests(self) -> None:
        """Call unknown what will not be answered any more."""
        await self._ledger.expire()

    async def purge_answers(self) -> None:
        """Empty raw answers that are older than somebody may ask about them."""
        async with self._bus.database.connection() as connection:
            await queries.purge_answers(connection, days=self._settings.skiptrace_answer_days)

    async def reverify(self) -> None:
        """Trace leads again whose verification went stale, or about whom nobody was ever asked; the best first.

        At most so many leads a day, since each costs. What a provider that is down cannot do is left for tomorrow.
        """
        now = datetime.now(UTC)
        async with self._bus.database.connection() as connection:
            rows = queries.stale_leads(
                connection,
                since=now - timedelta(days=self._settings.skiptrace_period_days),
                unknown_since=now - timedelta(hours=self._settings.skiptrace_unknown_hours),
                most=self._settings.skiptrace_reverify_per_day,
            )
            ids = [row["id"] async for row in rows]
        for start in range(0, len(ids), AT_ONCE):
            traced = await self._tracer.trace(ids[start : start + AT_ONCE], time.monotonic() + ROUND_SECONDS)
            codes = await self._codes.current()
            await self._bus.transact(partial(self._recorder.record, leads=list(traced.done.values()), codes=codes))
            if traced.waits_for:
                log.warning("reverification_cut_short", waits_for=traced.waits_for, left=len(ids) - start)
                return
