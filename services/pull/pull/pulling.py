"""Pulling saved searches: page by page, until the results or the day's budget end, or something has to be waited for."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from common import telemetry
from common.business_time import business_date
from common.clock import Clock
from pull.faults import RefusedError, SearchError, ToolError, UnfitError, UnknownAnswerError, UnpaidError
from pull.ledger import Asking, Ledger, LostRunError, Run, Search
from pull.reading import Page, read_page
from pull.settings import PullSettings
from pull.vendors.batchdata_answers import Answer

log = structlog.get_logger()
T = TypeVar("T")


class Source(Protocol):
    """Where properties are searched for."""

    async def search(self, criteria: dict[str, Any], skip: int, take: int) -> Answer:
        """One page. Raises SearchError, by what it can have cost."""


class PullStoppedError(RuntimeError):
    """The pull could not go on; it goes on by itself where it was, once what is named is mended."""

    def __init__(self, reason: str, searches: list[str]) -> None:
        super().__init__(f"{reason} (searches: {', '.join(searches)}); docs/batchdata-pull.md says what to do")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a search was stopped for now; *concerns_all* when the next one would be stopped too."""

    reason: str
    detail: str = ""
    is_fault: bool = False
    concerns_all: bool = False
    ends_round: bool = False


class Puller:
    """Pulls saved searches. Replicas share the work: each search has one holder at a time."""

    def __init__(self, ledger: Ledger, source: Source, settings: PullSettings, clock: Clock) -> None:
        self._ledger = ledger
        self._source = source
        self._settings = settings
        self._clock = clock

    async def run(self) -> None:
        """Pull every search that is due or not through. Raises PullStoppedError when one could not go on."""
        stopped: dict[str, str] = {}
        for search in await self._ledger.searches():
            stop = await self.pull(search)
            if stop and stop.is_fault:
                stopped[search.name] = stop.reason
                if stop.concerns_all:
                    break
        if stopped:
            raise PullStoppedError(", ".join(sorted(set(stopped.values()))), sorted(stopped))

    async def pull_named(self, name: str) -> Stop | None:
        """Pull one search, due or not. Raises LookupError when there is none of this name, and UnwantedError."""
        search = await self._ledger.search_named(name)
        if search is None:
            raise LookupError(name)
        return await self.pull(search, anyway=True)

    async def pull(self, search: Search, *, anyway: bool = False) -> Stop | None:
        """Pull *search* as far as it goes; why it stopped, or None when it is not due or another replica has it.

        A new round begins when it is due, or *anyway*.
        """
        run = await self._ledger.claim(search, anyway=anyway)
        if run is None:
            return None
        try:
            stop = await self._pull_pages(run)
        except LostRunError:
            log.warning("pull_taken_over", run_id=str(run.id))
            return Stop("taken_over")
        except BaseException:
            with suppress(Exception):  # whoever finds the lease run out goes on all the same
                await self._ledger.release(run, "interrupted")
            raise
        await self._ledger.release(run, stop.reason, stop.detail, finished=stop.ends_round)
        log.info("pull_stopped", run_id=str(run.id), search_id=str(search.id), reason=stop.reason)
        return stop

    async def _pull_pages(self, run: Run) -> Stop:
        while True:
            try:
                kept = await self._page(run)
            except SearchError as error:
                return _stop_for(error)
            if isinstance(kept, Stop):
                return kept
            run = kept

    async def _page(self, run: Run) -> Run | Stop:
        """The next page, asked for again while that costs nothing; the run behind it. Raises SearchError, LostRunError."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(UnpaidError),
            stop=self._gives_up,
            wait=self._pause,
            reraise=True,
        ):
            with attempt:
                return await _through(self._try_page(run))
        raise AssertionError("unreachable")

    async def _try_page(self, run: Run) -> Run | Stop:
        asking = await self._ledger.ask(run)
        if not isinstance(asking, Asking):
            return Stop(asking, is_fault=asking != "budget_used")
        try:
            answer = await self._source.search(run.search.criteria, asking.skip, asking.take)
        except SearchError as error:
            unknown = isinstance(error, UnknownAnswerError)
            await self._ledger.close(asking, unknown=unknown)
            log.warning("page_failed", run_id=str(run.id), reason=error.code, unknown_records=asking.take * unknown)
            raise
        page = read_page(
            run.paging, run.last_page, run.empty_pages, answer.entries, answer.found, business_date(self._clock()),
            run.search.broker_id,
        )  # fmt: skip
        after = await self._ledger.keep(asking, page)
        self._count(page)
        if page.end is None:
            return after
        return Stop(page.end, is_fault=page.end != "finished", ends_round=page.end.ends_round)

    def _count(self, page: Page) -> None:
        records = telemetry.counter("equity_pull_records", "Entries of pages, by what became of them")
        for what, count in (("record", len(page.pulled)), ("reject", len(page.rejects)), ("repeat", page.repeats)):
            records.add(count, {"outcome": what})
        telemetry.gauge("equity_pull_last_success", "When a page was last kept, Unix seconds").set(
            self._clock().timestamp()
        )

    def _gives_up(self, state: RetryCallState) -> bool:
        """After so many tries, or when the pause that is asked for is longer than one run waits."""
        wait = _asked_for(state)
        longest = timedelta(seconds=self._settings.pull_longest_pause_seconds)
        return stop_after_attempt(self._settings.pull_tries)(state) or (wait is not None and wait > longest)

    def _pause(self, state: RetryCallState) -> float:
        wait = _asked_for(state)
        doubled = self._settings.pull_pause_seconds * 2.0 ** (state.attempt_number - 1)
        return wait.total_seconds() if wait is not None else min(doubled, self._settings.pull_longest_pause_seconds)


def _asked_for(state: RetryCallState) -> timedelta | None:
    error = state.outcome.exception() if state.outcome else None
    return error.retry_after if isinstance(error, SearchError) else None


def _stop_for(error: SearchError) -> Stop:
    """What a failure means for this search and for the others."""
    match error:
        case ToolError():
            return Stop("tool_error", error.detail, is_fault=True)
        case UnfitError():
            return Stop(error.code, error.detail, is_fault=True)
        case UnknownAnswerError():
            return Stop("unknown_answer", error.code, is_fault=True)
        case RefusedError():
            return Stop("refused", f"{error.code} {error.detail}".strip(), is_fault=True, concerns_all=True)
        case _:
            return Stop("batchdata_down", f"{error.code} {error.detail}".strip(), is_fault=True, concerns_all=True)


async def _through(page: Awaitable[T]) -> T:
    """*page* to its end, also when this task is cancelled meanwhile: a stop must not cost a page."""
    task = asyncio.ensure_future(page)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise
