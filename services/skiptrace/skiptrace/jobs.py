"""What skiptrace does by itself: lost answers are called unknown, stale contacts verified again, raw answers emptied."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Bus
from common.database import load_queries
from skiptrace.codes import Codes
from skiptrace.lead import CHECKS, Want
from skiptrace.ledger import Ledger
from skiptrace.provider import Provider
from skiptrace.record import Recorder
from skiptrace.settings import SkiptraceSettings
from skiptrace.tracing import Tracer

log = structlog.get_logger()
queries = load_queries(__file__)

FORGOTTEN_AFTER = timedelta(minutes=10)
"""By then a batch or a job has merged its answers, or is gone."""
AT_ONCE = 100
ROUND_SECONDS = 60.0
PATIENCE_SECONDS = 120.0
"""How long a round waits for providers that pause, in all."""


class Upkeep:
    """The regular work of skiptrace."""

    def __init__(
        self,
        bus: Bus,
        ledger: Ledger,
        tracer: Tracer,
        recorder: Recorder,
        codes: Codes,
        providers: Mapping[str, Provider],
        settings: SkiptraceSettings,
    ) -> None:
        self._bus = bus
        self._ledger = ledger
        self._tracer = tracer
        self._recorder = recorder
        self._codes = codes
        self._settings = settings
        self._checkers = {
            check: [name for name, one in providers.items() if check in one.offer.checks & settings.policy.wants]
            for check in CHECKS
        }

    async def expire_requests(self) -> None:
        """Call unknown what will not be answered any more."""
        await self._ledger.expire()

    async def merge_batches(self) -> None:
        """Merge what was imported for leads handed out in files, as the answer of a call; end leases that ran out.

        What waits for a provider that verifies the values is taken up by the next run.
        """
        await self._ledger.expire_batches()
        await self._merge(of_files=True, for_longer_than=timedelta())

    async def merge_forgotten(self) -> None:
        """Merge answers whose batch or job was gone when they came: of a process that stood still, or of a job that died."""
        await self._merge(of_files=False, for_longer_than=FORGOTTEN_AFTER)

    async def _merge(self, **which: object) -> None:
        after = UUID(int=0)
        while rows := await self._unmerged(after, **which):
            if not await self._trace([row["lead_id"] for row in rows]):
                log.warning("stored_answers_wait")
                return
            after = rows[-1]["request_id"]

    async def _unmerged(self, after: UUID, **which: object) -> list[Any]:
        async with self._bus.database.connection() as connection:
            return [row async for row in queries.unmerged_answers(connection, after=after, many=AT_ONCE, **which)]

    async def clean_up(self) -> None:
        """Empty raw answers that are older than somebody may ask about them, and forget what rates no longer count."""
        async with self._bus.database.connection() as connection:
            await queries.purge_answers(connection, days=self._settings.skiptrace_answer_days)
            await queries.forget_turns(connection)

    async def reverify(self) -> None:
        """Trace leads again whose verification went stale, or about whom nobody was ever asked; then check stale phones.

        Of each so many a day, the best first, since each costs. What a provider that is down cannot do is left for tomorrow.
        """
        await self._again(await self._stale_leads())
        if any(self._checkers.values()):
            await self._again(await self._stale_checks(), CHECKS)

    async def trace_forgotten(self) -> None:
        """Trace leads of the last day whose `dedupe_success` was lost; older ones are found by `reverify`.

        The request log keeps an event that is only late from paying again. What a paused provider leaves is taken up by the
        next run.
        """
        day_ago = datetime.now(UTC) - timedelta(days=1)
        after, traced = UUID(int=int(day_ago.timestamp() * 1000) << 80), 0
        while lead_ids := await self._forgotten_leads(after):
            if not await self._trace(lead_ids):
                log.warning("forgotten_leads_wait")
                break
            after, traced = lead_ids[-1], traced + len(lead_ids)
        finished = telemetry.counter("equity_recovered", "Work finished from state, because its event was lost")
        finished.add(traced, {"name": "skiptrace.trace_forgotten_leads"})
        if traced:
            log.warning("forgotten_leads_traced", count=traced)

    async def _forgotten_leads(self, after: UUID) -> list[UUID]:
        forgotten_after = timedelta(seconds=self._settings.skiptrace_forgotten_seconds)
        async with self._bus.database.connection() as connection:
            rows = queries.forgotten_leads(connection, after=after, forgotten_after=forgotten_after, many=AT_ONCE)
            return [row["id"] async for row in rows]

    async def _stale_leads(self) -> list[UUID]:
        now = datetime.now(UTC)
        async with self._bus.database.connection() as connection:
            rows = queries.stale_leads(
                connection,
                since=self._settings.since(now).judged,
                unknown_since=now - timedelta(hours=self._settings.skiptrace_unknown_hours),
                checkers=[name for names in self._checkers.values() for name in names],
                most=self._settings.skiptrace_reverify_per_day,
            )
            return [row["id"] async for row in rows]

    async def _stale_checks(self) -> list[UUID]:
        now = datetime.now(UTC)
        since = self._settings.since(now)
        async with self._bus.database.transaction() as connection:
            await queries.take_time(connection)
            rows = queries.stale_checks(
                connection,
                judged_since=since.judged,
                checked_since=since.checked,
                unknown_since=now - timedelta(hours=self._settings.skiptrace_unknown_hours),
                dnc_checkers=self._checkers[Want.DNC],
                tcpa_checkers=self._checkers[Want.TCPA],
                most=self._settings.skiptrace_recheck_per_day,
            )
            return [row["id"] async for row in rows]

    async def _again(self, ids: Sequence[UUID], wants: frozenset[Want] | None = None) -> None:
        for start in range(0, len(ids), AT_ONCE):
            if not await self._trace(ids[start : start + AT_ONCE], wants):
                log.warning("reverification_cut_short", left=len(ids) - start)
                return

    async def _trace(self, ids: Sequence[UUID], wants: frozenset[Want] | None = None) -> bool:
        """Trace *ids* and record those that are done, through short pauses of providers; False when they pause for longer."""
        give_up = time.monotonic() + PATIENCE_SECONDS
        while True:
            traced = await self._tracer.trace(ids, time.monotonic() + ROUND_SECONDS, wants)
            codes = await self._codes.current()
            await self._bus.transact(partial(self._recorder.record, leads=list(traced.done.values()), codes=codes))
            ids = [lead_id for lead_id in ids if lead_id in traced.waiting]
            if not ids:
                return True
            pause = traced.wait.total_seconds()
            if time.monotonic() + pause > give_up:
                return False
            await asyncio.sleep(pause)
