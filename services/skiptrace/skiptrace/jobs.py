"""Scheduled work of skiptrace."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import structlog

from common import telemetry
from common.bus import Bus
from common.ids import LeadId, RequestId
from skiptrace import queries
from skiptrace.queries import UnmergedResponse
from skiptrace.rules.lead import PHONE_CHECKS, DataNeed
from skiptrace.settings import SkiptraceSettings
from skiptrace.trace.code_table import CodeTable
from skiptrace.trace.provider import Provider
from skiptrace.trace.request_log import RequestLog
from skiptrace.trace.result_writer import ResultWriter
from skiptrace.trace.tracer import Tracer

log = structlog.get_logger()

UNMERGED_MIN_AGE = timedelta(minutes=10)
"""Age of a response that its batch or job has merged by then, unless its process has died."""
TRACE_PAGE_SIZE = 100
TRACE_ROUND_SECONDS = 60.0
MAX_BACKOFF_WAIT_SECONDS = 120.0
"""Time for which one page waits for providers that back off, in total."""


class SkiptraceJobs:
    """The scheduled work of skiptrace."""

    def __init__(
        self,
        bus: Bus,
        request_log: RequestLog,
        tracer: Tracer,
        writer: ResultWriter,
        codes: CodeTable,
        providers: Mapping[str, Provider],
        settings: SkiptraceSettings,
    ) -> None:
        self._bus = bus
        self._request_log = request_log
        self._tracer = tracer
        self._writer = writer
        self._codes = codes
        self._settings = settings
        self._checkers = {
            check: [name for name, one in providers.items() if check in one.capabilities.checks & settings.policy.needs]
            for check in PHONE_CHECKS
        }
        self._checker_names = [name for names in self._checkers.values() for name in names]

    async def expire_requests(self) -> None:
        """Mark requests without a response as unknown when their lease has ended, and delete responses about erased leads."""
        await self._request_log.expire_requests()
        async with self._bus.database.connection() as connection:
            await queries.delete_responses_of_erased_leads(connection)

    async def merge_batches(self) -> None:
        """End the leases of files, and merge imported rows like the responses of calls.

        If a provider that verifies the values is not available, the next run continues.
        """
        await self._request_log.expire_batches()
        await self._merge_responses(of_files=True, min_age=timedelta())

    async def merge_unmerged_responses(self) -> None:
        """Merge responses whose batch or job ended before they arrived, because its process was frozen or died."""
        await self._merge_responses(of_files=False, min_age=UNMERGED_MIN_AGE)

    async def _merge_responses(self, *, of_files: bool, min_age: timedelta) -> None:
        after = RequestId(UUID(int=0))
        while rows := await self._load_unmerged(after, of_files=of_files, min_age=min_age):
            if not await self._trace_page([row.lead_id for row in rows]):
                log.warning("response_merge_deferred")
                return
            after = rows[-1].request_id

    async def _load_unmerged(self, after: RequestId, *, of_files: bool, min_age: timedelta) -> list[UnmergedResponse]:
        async with self._bus.database.connection() as connection:
            return await queries.list_unmerged_responses(
                connection, after=after, of_files=of_files, min_age=min_age, limit=TRACE_PAGE_SIZE
            )

    async def empty_old_responses(self) -> None:
        """Empty raw responses after their retention, and delete permits that no rate limit counts any more."""
        async with self._bus.database.connection() as connection:
            await queries.delete_responses(connection, days=self._settings.skiptrace_response_days)
            await queries.delete_old_permits(connection)

    async def reverify_leads(self) -> None:
        """Trace leads with outdated verifications or without any request; then check outdated phones.

        Each has a daily limit because each costs money; the best leads come first. Work for a provider that is down is
        left for the next day.
        """
        await self._trace_pages(await self._load_leads_to_reverify())
        if any(self._checkers.values()):
            await self._trace_pages(await self._load_leads_to_recheck(), PHONE_CHECKS)

    async def trace_overlooked_leads(self) -> None:
        """Trace leads of the last day whose `dedupe_success` was lost; `reverify_leads` finds older ones.

        If the event is only late, the request log prevents a second payment. If a provider backs off, the next run
        continues.
        """
        after, traced = _lowest_lead_id(datetime.now(UTC) - timedelta(days=1)), 0
        while lead_ids := await self._load_overlooked_leads(after):
            if not await self._trace_page(lead_ids):
                log.warning("overlooked_lead_trace_deferred")
                break
            after, traced = lead_ids[-1], traced + len(lead_ids)
        finished = telemetry.counter("equity_recovered", "Work finished from state, because its event was lost")
        finished.add(traced, {"name": "skiptrace.trace_overlooked_leads"})
        if traced:
            log.warning("overlooked_leads_traced", count=traced)

    async def trace_signed_numbers(self) -> None:
        """Verify numbers that people signed: no event brings one that the lead had already, without a verification.

        If a provider backs off, the next run continues.
        """
        after = LeadId(UUID(int=0))
        while lead_ids := await self._load_leads_with_signed_number(after):
            if not await self._trace_page(lead_ids):
                log.warning("signed_number_trace_deferred")
                return
            log.info("signed_numbers_traced", count=len(lead_ids))
            after = lead_ids[-1]

    async def _load_leads_with_signed_number(self, after: LeadId) -> list[LeadId]:
        now = datetime.now(UTC)
        async with self._bus.database.connection() as connection:
            return await queries.list_leads_with_signed_number(
                connection,
                after=after,
                verified_since=self._settings.freshness_cutoffs(now).verification,
                unknown_since=now - timedelta(hours=self._settings.skiptrace_unknown_hours),
                checkers=self._checker_names,
                limit=TRACE_PAGE_SIZE,
            )

    async def _load_overlooked_leads(self, after: LeadId) -> list[LeadId]:
        min_age = timedelta(seconds=self._settings.skiptrace_recovery_age_seconds)
        async with self._bus.database.connection() as connection:
            return await queries.list_overlooked_leads(connection, after=after, min_age=min_age, limit=TRACE_PAGE_SIZE)

    async def _load_leads_to_reverify(self) -> list[LeadId]:
        now = datetime.now(UTC)
        async with self._bus.database.connection() as connection:
            return await queries.list_leads_to_reverify(
                connection,
                since=self._settings.freshness_cutoffs(now).verification,
                unknown_since=now - timedelta(hours=self._settings.skiptrace_unknown_hours),
                checkers=self._checker_names,
                limit=self._settings.skiptrace_reverify_per_day,
            )

    async def _load_leads_to_recheck(self) -> list[LeadId]:
        now = datetime.now(UTC)
        cutoffs = self._settings.freshness_cutoffs(now)
        async with self._bus.database.transaction() as connection:
            await queries.extend_statement_timeout(connection)
            return await queries.list_leads_to_recheck(
                connection,
                verified_since=cutoffs.verification,
                checked_since=cutoffs.phone_check,
                unknown_since=now - timedelta(hours=self._settings.skiptrace_unknown_hours),
                dnc_checkers=self._checkers[DataNeed.DNC],
                tcpa_checkers=self._checkers[DataNeed.TCPA],
                limit=self._settings.skiptrace_recheck_per_day,
            )

    async def _trace_pages(self, lead_ids: Sequence[LeadId], needs: frozenset[DataNeed] | None = None) -> None:
        for start in range(0, len(lead_ids), TRACE_PAGE_SIZE):
            if not await self._trace_page(lead_ids[start : start + TRACE_PAGE_SIZE], needs):
                log.warning("reverification_deferred", leads=len(lead_ids) - start)
                return

    async def _trace_page(self, lead_ids: Sequence[LeadId], needs: frozenset[DataNeed] | None = None) -> bool:
        """Trace *lead_ids* through short backoffs and write the finished leads; return False if a backoff is too long."""
        give_up = time.monotonic() + MAX_BACKOFF_WAIT_SECONDS
        while True:
            traced = await self._tracer.trace_leads(lead_ids, time.monotonic() + TRACE_ROUND_SECONDS, needs)
            codes = await self._codes.load_map()
            await self._bus.transact(partial(self._writer.write_results, leads=list(traced.done.values()), codes=codes))
            lead_ids = [lead_id for lead_id in lead_ids if lead_id in traced.waiting]
            if not lead_ids:
                return True
            backoff = traced.wait.total_seconds()
            if time.monotonic() + backoff > give_up:
                return False
            await asyncio.sleep(backoff)


def _lowest_lead_id(created_at: datetime) -> LeadId:
    """Return the lowest UUIDv7 of that millisecond: ids of leads grow with time."""
    return LeadId(UUID(int=int(created_at.timestamp() * 1000) << 80))
