"""Pull of saved searches: page by page, until the results end, a daily budget is used up, or a request fails."""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import structlog

from common import telemetry
from common.calendar.business_date import business_date
from common.calendar.clock import Clock
from common.vendors.errors import (
    AccessDeniedError,
    BackingOffError,
    InvalidRequestError,
    NotExecutedError,
    OutcomeUnknownError,
    VendorCallError,
)
from common.vendors.throttle import Permit, VendorThrottle
from pull.age_products import find_age_fault
from pull.errors import SearchToolError, UnsupportedCriteriaError
from pull.outcomes import PullOutcome, PullStop
from pull.page_log import PageLog, RoundTakenOverError
from pull.result_page import ResultPage, interpret_page
from pull.rounds import PageRequest, SavedSearch, SearchRound
from pull.settings import PullSettings
from pull.vendors.batchdata_responses import BATCHDATA_MCP, PageResponse

log = structlog.get_logger()
T = TypeVar("T")

BACKOFF_MARGIN_SECONDS = 2
"""Time for which a pull waits longer than its longest backoff, whose end it learns a moment late. Less than the lease's margin."""


class PropertySource(Protocol):
    """Vendor that properties are searched at."""

    async def fetch_page(self, criteria: dict[str, Any], skip: int, take: int) -> PageResponse:
        """Return one page. Raises VendorCallError, whose class says whether the page may have been charged."""


class PullStoppedError(RuntimeError):
    """Failure of the daily pull. The next pull continues at the same place once the named cause is removed."""

    def __init__(self, reason: str, searches: list[str]) -> None:
        super().__init__(f"{reason} (searches: {', '.join(searches)}); docs/batchdata-pull.md says what to do")
        self.reason = reason


class Puller:
    """Puller of saved searches. Replicas share the work: each search has one holder at a time."""

    def __init__(
        self, page_log: PageLog, source: PropertySource, throttle: VendorThrottle, settings: PullSettings, clock: Clock
    ) -> None:
        self._page_log = page_log
        self._source = source
        self._throttle = throttle
        self._settings = settings
        self._clock = clock

    async def pull_due_searches(self) -> None:
        """Pull every search whose round is due or open. Raises PullStoppedError if one of them failed."""
        failed: dict[str, str] = {}
        for search in await self._page_log.list_searches():
            stop = await self.pull_search(search)
            if stop and stop.outcome.is_failure:
                failed[search.name] = stop.outcome
                if stop.outcome.affects_all_searches:
                    break
        if failed:
            raise PullStoppedError(", ".join(sorted(set(failed.values()))), sorted(failed))

    async def pull_search_by_name(self, name: str) -> PullStop | None:
        """Pull one search, due or not. Raises LookupError if the search does not exist, and BrokerDisabledError."""
        search = await self._page_log.find_search(name)
        if search is None:
            raise LookupError(name)
        return await self.pull_search(search, start_early=True)

    async def pull_search(self, search: SavedSearch, *, start_early: bool = False) -> PullStop | None:
        """Pull *search* and return why its pull stopped, or None if it is not due or another replica holds it.

        A new round starts if it is due or *start_early* is set.
        """
        search_round = await self._page_log.claim_round(search, start_early=start_early)
        if search_round is None:
            return None
        try:
            stop = await self._pull_pages(search_round)
        except RoundTakenOverError:
            log.warning("round_taken_over", round_id=str(search_round.id))
            return PullStop(PullOutcome.TAKEN_OVER)
        except BaseException:
            with suppress(Exception):  # without the release another replica continues when the lease expires
                await self._page_log.release_round(search_round, PullStop(PullOutcome.INTERRUPTED))
            raise
        await self._page_log.release_round(search_round, stop)
        log.info("pull_stopped", round_id=str(search_round.id), search_id=str(search.id), outcome=stop.outcome)
        return stop

    async def _pull_pages(self, search_round: SearchRound) -> PullStop:
        search = search_round.search
        if fault := find_age_fault(search.criteria, search.product, search.reason):
            return PullStop(PullOutcome.CRITERIA_REFUSED, fault)
        while True:
            try:
                result = await self._pull_page_with_retries(search_round)
            except VendorCallError as error:
                return _stop_for_error(error)
            if isinstance(result, PullStop):
                return result
            search_round = result

    async def _pull_page_with_retries(self, search_round: SearchRound) -> SearchRound | PullStop:
        """Pull the next page, and retry while a failure costs nothing. Return the round after the page.

        Raises VendorCallError and RoundTakenOverError.
        """
        last_error: VendorCallError = BackingOffError()
        for attempt in range(self._settings.pull_max_attempts):
            if isinstance(last_error, SearchToolError):
                await asyncio.sleep(self._tool_backoff_seconds(attempt))
            permit = await self._acquire_permit()
            if permit is None:
                break
            try:
                return await _complete_despite_cancel(self._pull_page(search_round, permit))
            except VendorCallError as error:
                if not _may_pass(error):
                    raise
                last_error = error
        raise last_error

    async def _acquire_permit(self) -> Permit | None:
        """Wait for a permit. Return None if the backoff lasts longer than one pull may wait."""
        until = time.monotonic() + self._settings.pull_longest_backoff_seconds + BACKOFF_MARGIN_SECONDS
        return await self._throttle.acquire_permit(BATCHDATA_MCP, 1, until, wait_for_backoff=True)

    def _tool_backoff_seconds(self, attempt: int) -> float:
        """Return the backoff before another attempt after the tool failed: the throttle counts that the server answered."""
        return min(
            self._settings.pull_first_backoff_seconds * 2.0 ** (attempt - 1),
            self._settings.pull_longest_backoff_seconds,
        )

    async def _pull_page(self, search_round: SearchRound, permit: Permit) -> SearchRound | PullStop:
        request = await self._page_log.reserve_page(search_round)
        if isinstance(request, PullStop):
            return request
        response = await self._fetch_page(request, permit)
        search = search_round.search
        page = interpret_page(
            search_round.position,
            response.entries,
            response.results_found,
            business_date(self._clock()),
            search.broker_id,
        )
        next_round = await self._page_log.record_page(request, page)
        await self._throttle.record_success(BATCHDATA_MCP)
        self._count_entries(page)
        return next_round if page.outcome is None else PullStop(page.outcome)

    async def _fetch_page(self, request: PageRequest, permit: Permit) -> PageResponse:
        """Fetch the page, and close the request in the page log if that fails. Raises VendorCallError."""
        search_round = request.search_round
        try:
            return await self._source.fetch_page(search_round.search.criteria, request.skip, request.take)
        except VendorCallError as error:
            is_unknown = isinstance(error, OutcomeUnknownError)
            await self._page_log.close_request(request, is_unknown=is_unknown)
            unknown_records = request.take if is_unknown else 0
            log.warning(
                "page_failed", round_id=str(search_round.id), reason=error.code, unknown_records=unknown_records
            )
            await self._record_failure(error, permit)
            raise

    async def _record_failure(self, error: VendorCallError, permit: Permit) -> None:
        if isinstance(error, SearchToolError | InvalidRequestError):
            await self._throttle.record_success(BATCHDATA_MCP)  # the server works: this search is wrong
        else:
            await self._throttle.record_failure(BATCHDATA_MCP, error, is_probe=permit.is_probe)

    def _count_entries(self, page: ResultPage) -> None:
        entries = telemetry.counter("equity_pull_records", "Entries of pages, by outcome")
        entries.add(len(page.records), {"outcome": "record"})
        entries.add(len(page.rejects), {"outcome": "reject"})
        entries.add(page.repeats, {"outcome": "repeat"})
        last_success = telemetry.gauge("equity_pull_last_success_seconds", "Unix time of the last committed page")
        last_success.set(self._clock().timestamp())


def _may_pass(error: BaseException) -> bool:
    """Return whether the same request costs nothing and may succeed soon."""
    return isinstance(error, NotExecutedError) and not isinstance(error, AccessDeniedError | InvalidRequestError)


def _stop_for_error(error: VendorCallError) -> PullStop:
    """Return the stop that a failed request leads to, with the text that the operator sees."""
    code_and_detail = f"{error.code} {error.detail}".strip()
    match error:
        case UnsupportedCriteriaError():
            return PullStop(PullOutcome.CRITERIA_UNSUPPORTED, error.detail)
        case SearchToolError():
            return PullStop(PullOutcome.TOOL_ERROR, error.detail)
        case InvalidRequestError():
            return PullStop(PullOutcome.TOOL_ERROR, code_and_detail)
        case OutcomeUnknownError():
            return PullStop(PullOutcome.OUTCOME_UNKNOWN, error.code)
        case AccessDeniedError():
            return PullStop(PullOutcome.ACCESS_DENIED, code_and_detail)
        case _:
            return PullStop(PullOutcome.BATCHDATA_UNAVAILABLE, code_and_detail)


async def _complete_despite_cancel(page: Awaitable[T]) -> T:
    """Await *page* to its end even if this task is cancelled, because a stop of the service must not cost a page."""
    task = asyncio.ensure_future(page)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
