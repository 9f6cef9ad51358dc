"""Page log of the pull: every page request is committed before it is sent, and its records are committed with its result.

So a crash between two pages neither loses nor repeats a page. A crash between the request and its result can cost that one page:
the next holder of the round finds the open request and counts its page as unknown.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import orjson
import structlog
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_fixed

from common import ids, telemetry
from common.bus import Bus, Tx
from common.bus.failures import FailureKind, classify_error
from common.calendar.business_date import business_date
from common.calendar.clock import Clock
from common.database import Connection
from common.ids import RoundId
from pull import queries
from pull.budget import DailyBudget, affordable_records
from pull.cursor import ResultCursor, ranges_from_json, ranges_to_json
from pull.lead_records import RejectedEntry
from pull.outcomes import PullOutcome, PullStop
from pull.queries import ClaimedRound, DayUsage, StoredSearch
from pull.result_page import PagePosition, ResultPage
from pull.rounds import PageRequest, SavedSearch, SearchRound
from pull.settings import PullSettings

log = structlog.get_logger()

COMMIT_RETRY_SECONDS = 4.0
"""Time for which a charged page waits for an unreachable database. A stop of the service waits for the request and this time."""
COMMIT_RETRY_INTERVAL_SECONDS = 0.5
REJECT_PURPOSE = "pull-reject"
"""Purpose under which rejected entries are encrypted; `equity keys` re-encrypts them under the same name."""


class RoundTakenOverError(Exception):
    """Another replica holds the round now, so nothing is written for the former holder."""


class BrokerDisabledError(Exception):
    """The broker of a search is disabled: ingest would reject the records that are paid for."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the broker of {name} is disabled")


class PageLog:
    """Saved searches, rounds, page requests and daily budgets in PostgreSQL."""

    def __init__(self, bus: Bus, settings: PullSettings, clock: Clock) -> None:
        self._bus = bus
        self._settings = settings
        self._clock = clock

    async def list_searches(self) -> list[SavedSearch]:
        """Return the enabled searches in their order, without those of disabled brokers."""
        async with self._bus.database.connection() as connection:
            return [_read_search(row) for row in await queries.list_searches(connection)]

    async def find_search(self, name: str) -> SavedSearch | None:
        """Return the search of this name, enabled or not. Raises BrokerDisabledError."""
        async with self._bus.database.connection() as connection:
            stored = await queries.find_search(connection, name=name)
        if stored is None:
            return None
        if not stored.has_active_broker:
            raise BrokerDisabledError(stored.name)
        return _read_search(stored)

    async def claim_round(self, search: SavedSearch, *, start_early: bool) -> SearchRound | None:
        """Claim the open round of *search*, or start a new one if it is due or *start_early* is set.

        Return None if no round is open or due, or if another replica holds it.
        """
        lease_holder, today = ids.new_id(), business_date(self._clock())
        async with self._bus.database.transaction() as connection:
            await queries.start_round(
                connection,
                round_id=RoundId(ids.new_id()),
                search_id=search.id,
                local_date=today,
                every_days=search.every_days,
                start_early=start_early,
            )
            claimed = await queries.claim_round(
                connection, search_id=search.id, lease_holder=lease_holder, lease=self._settings.lease
            )
            if claimed is None:
                return None
            lost_records = claimed.lost_records
            if lost_records:
                await _change_usage(connection, search, today, unknown_pages=1)
        if lost_records:
            _count_page("unknown", lost_records, self._settings.pull_cents * lost_records)
            log.error("paid_page_unknown", round_id=str(claimed.id), records=lost_records, reason="process_ended")
        return SearchRound(claimed.id, search, lease_holder, _read_position(claimed))

    async def reserve_page(self, search_round: SearchRound) -> PageRequest | PullStop:
        """Commit the intent to request the next page and reserve its cost; or return the limit that forbids the request.

        Raises RoundTakenOverError.
        """
        search, cursor = search_round.search, search_round.position.cursor
        day, price = business_date(self._clock()), self._settings.pull_cents
        async with self._bus.database.transaction() as connection:
            await queries.lock_budgets(connection)
            usage = await queries.read_day_usage(connection, search_id=search.id, local_date=day)
            if usage.unknown_pages >= self._settings.pull_unknown_pages:
                return PullStop(PullOutcome.UNKNOWN_PAGE_LIMIT)
            wanted = cursor.page_size(self._settings.pull_page)
            take = affordable_records(wanted, [_search_budget(search, usage), self._total_budget(usage)], price)
            self._measure_budget_left(usage)
            if not take:
                return PullStop(PullOutcome.BUDGET_USED)
            changed = await queries.record_request(
                connection,
                round_id=search_round.id,
                lease_holder=search_round.lease_holder,
                skip=cursor.skip,
                take=take,
                lease=self._settings.lease,
            )
            _require_lease(changed)
            await _change_usage(connection, search, day, records=take, cents=take * price)
        return PageRequest(search_round, day, cursor.skip, take, take * price)

    async def record_page(self, request: PageRequest, page: ResultPage) -> SearchRound:
        """Commit the page: its records in the outbox and the new position of the round, in one transaction.

        The page is paid for, so the commit waits for an unreachable database for COMMIT_RETRY_SECONDS. Return the round after the
        page. Raises RoundTakenOverError, or the database's error.
        """
        cents = self._settings.pull_cents * page.entries

        async def write_page(tx: Tx) -> None:
            await self._write_page(tx, request, page, cents)

        async for attempt in AsyncRetrying(
            retry=retry_if_exception(_is_passing_failure),
            stop=stop_after_delay(COMMIT_RETRY_SECONDS),
            wait=wait_fixed(COMMIT_RETRY_INTERVAL_SECONDS),
            reraise=True,
        ):
            with attempt:
                await self._bus.transact(write_page)
        _count_page("answered", page.entries, cents)
        return replace(request.search_round, position=page.position)

    async def _write_page(self, tx: Tx, request: PageRequest, page: ResultPage, cents: Decimal) -> None:
        search_round, position = request.search_round, page.position
        changed = await queries.record_page(
            tx.connection,
            round_id=search_round.id,
            lease_holder=search_round.lease_holder,
            unread=orjson.dumps(ranges_to_json(position.cursor.unread)).decode(),
            results_found=position.cursor.results_found,
            last_page=position.last_page,
            empty_pages=position.empty_pages,
            records=len(page.records),
            rejects=len(page.rejects),
            repeats=page.repeats,
            cents=cents,
        )
        _require_lease(changed)
        await self._replace_reservation(tx.connection, request, page.entries, cents)
        await self._add_rejects(tx, search_round.id, page.rejects)
        for pulled in page.records:
            tx.emit(pulled.record, id=pulled.id, correlation_id=search_round.id)

    async def close_request(self, request: PageRequest, *, is_unknown: bool) -> None:
        """Close a request without a response. Release its reserved cost, or count it as spent if *is_unknown*.

        Raises RoundTakenOverError.
        """
        search_round = request.search_round
        unknown_records = request.take if is_unknown else 0
        cents = request.reserved_cents if is_unknown else Decimal(0)
        async with self._bus.database.transaction() as connection:
            changed = await queries.close_request(
                connection,
                round_id=search_round.id,
                lease_holder=search_round.lease_holder,
                unknown_pages=int(is_unknown),
                unknown_records=unknown_records,
                cents=cents,
            )
            _require_lease(changed)
            await _change_usage(
                connection,
                search_round.search,
                request.day,
                records=unknown_records - request.take,
                cents=cents - request.reserved_cents,
                unknown_pages=int(is_unknown),
            )
        _count_page("unknown" if is_unknown else "failed", unknown_records, cents)

    async def release_round(self, search_round: SearchRound, stop: PullStop) -> None:
        """Release the lease of the round and store why its pull stopped. Write nothing if another replica holds the round."""
        async with self._bus.database.connection() as connection:
            await queries.release_round(
                connection,
                round_id=search_round.id,
                lease_holder=search_round.lease_holder,
                outcome=stop.outcome,
                detail=stop.detail or None,
                is_finished=stop.outcome.ends_round,
            )

    async def delete_old_rejects(self) -> None:
        """Delete rejected entries that are older than `PULL_REJECT_DAYS`."""
        async with self._bus.database.connection() as connection:
            await queries.delete_old_rejects(connection, days=self._settings.pull_reject_days)

    async def _replace_reservation(
        self, connection: Connection, request: PageRequest, records: int, cents: Decimal
    ) -> None:
        """Replace the reserved cost of the request by the real cost of its page."""
        search = request.search_round.search
        await _change_usage(
            connection, search, request.day, records=records - request.take, cents=cents - request.reserved_cents
        )
        usage = await queries.read_day_usage(connection, search_id=search.id, local_date=request.day)
        self._measure_budget_left(usage)

    def _total_budget(self, usage: DayUsage) -> DailyBudget:
        """Return the day's budget of all searches together."""
        settings = self._settings
        return DailyBudget(settings.pull_daily_records, settings.pull_daily_cents, usage.all_records, usage.all_cents)

    def _measure_budget_left(self, usage: DayUsage) -> None:
        left = self._total_budget(usage).records_left(self._settings.pull_cents) or 0
        telemetry.gauge("equity_pull_budget_left_records", "Records left of the day's budget").set(left)

    async def _add_rejects(self, tx: Tx, round_id: RoundId, rejects: Sequence[RejectedEntry]) -> None:
        """Store the rejected entries, encrypted, so that an operator can inspect them."""
        if not rejects:
            return
        reject_ids = [ids.new_id() for _ in rejects]
        await queries.add_rejects(
            tx.connection,
            round_id=round_id,
            reject_ids=reject_ids,
            reasons=[reject.reason for reject in rejects],
            rows_encrypted=[
                self._bus.keyring.encrypt(REJECT_PURPOSE, reject_id.bytes, json.dumps(reject.entry).encode())
                for reject_id, reject in zip(reject_ids, rejects, strict=True)
            ],
        )


async def _change_usage(
    connection: Connection,
    search: SavedSearch,
    day: date,
    *,
    records: int = 0,
    cents: Decimal = Decimal(0),
    unknown_pages: int = 0,
) -> None:
    """Add to the usage of the day's budget; negative numbers release a reservation."""
    await queries.change_day_usage(
        connection, search_id=search.id, local_date=day, records=records, cents=cents, unknown_pages=unknown_pages
    )


def _search_budget(search: SavedSearch, usage: DayUsage) -> DailyBudget:
    """Return the day's budget of one search."""
    return DailyBudget(search.daily_records, search.daily_cents, usage.records, usage.cents)


def _read_search(stored: StoredSearch) -> SavedSearch:
    return SavedSearch(
        stored.id,
        stored.name,
        orjson.loads(stored.criteria),
        stored.broker_id,
        stored.every_days,
        stored.daily_records,
        stored.daily_cents,
        stored.product,
        stored.reason,
    )


def _read_position(claimed: ClaimedRound) -> PagePosition:
    cursor = ResultCursor(ranges_from_json(orjson.loads(claimed.unread)), claimed.results_found)
    return PagePosition(cursor, claimed.last_page, claimed.empty_pages)


def _require_lease(changed: int) -> None:
    """Raise RoundTakenOverError if a statement with the lease holder in its condition changed no row."""
    if not changed:
        raise RoundTakenOverError


def _is_passing_failure(error: BaseException) -> bool:
    """Return whether the same commit may succeed soon: PostgreSQL is unreachable, or transactions conflicted."""
    return classify_error(error) in (FailureKind.INFRASTRUCTURE_UNAVAILABLE, FailureKind.TRANSIENT_CONFLICT)


def _count_page(outcome: str, records: int, cents: Decimal) -> None:
    """Count a page by the outcome of its request. *cents* of an unknown page are its highest possible cost."""
    labels = {"outcome": outcome}
    telemetry.counter("equity_pull_pages", "Requested pages, by outcome").add(1, labels)
    telemetry.counter("equity_pull_paid_records", "Paid records, by outcome of their page").add(records, labels)
    telemetry.counter("equity_pull_cents", "Paid US cents, by outcome of the page").add(float(cents), labels)
