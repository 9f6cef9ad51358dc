"""The book of the pull: what is asked for is written down before it is paid for, and kept in one transaction with its records.

So a crash between two pages loses nothing and repeats nothing, and a crash in the middle of a page can cost that page: its
holder is gone, whoever comes next finds it asked for and counts it as unknown.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import structlog
from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_fixed

from common import ids, telemetry
from common.bus import Bus, Tx
from common.bus.failures import Kind, classify
from common.business_time import business_date
from common.clock import Clock
from common.database import Connection, load_queries
from pull.budget import Budget, affordable
from pull.paging import Paging, as_json, from_json
from pull.reading import Page
from pull.records import Unreadable
from pull.settings import PullSettings

log = structlog.get_logger()
queries = load_queries(__file__)

PATIENCE = 4.0
"""Seconds for which an answer that was paid for waits for the database; with the call itself, what a stop waits for."""
SEAL = "pull-reject"


class LostRunError(Exception):
    """Another replica has this search now: what was asked for meanwhile is not written."""


class UnwantedError(Exception):
    """The broker of a search is disabled: ingest would refuse what is paid for."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the broker of {name} is disabled")


@dataclass(frozen=True, slots=True)
class Search:
    """A saved search."""

    id: UUID
    name: str
    criteria: dict[str, Any]
    broker_id: UUID | None
    every_days: int
    daily_records: int | None
    daily_cents: Decimal | None


@dataclass(frozen=True, slots=True)
class Run:
    """A round of a search, held by this process."""

    id: UUID
    search: Search
    holder: UUID
    paging: Paging
    last_page: bytes | None
    empty_pages: int


@dataclass(frozen=True, slots=True)
class Asking:
    """A page that is written down and may now be asked for."""

    run: Run
    day: date
    skip: int
    take: int
    reserved: Decimal


class Ledger:
    """Searches, rounds and budgets in PostgreSQL."""

    def __init__(self, bus: Bus, settings: PullSettings, clock: Clock) -> None:
        self._bus = bus
        self._settings = settings
        self._clock = clock

    async def searches(self) -> list[Search]:
        """The searches to pull, in their order."""
        async with self._bus.database.connection() as connection:
            return [_search(row) async for row in queries.list_searches(connection)]

    async def search_named(self, name: str) -> Search | None:
        """The search of this name, enabled or not. Raises UnwantedError when its broker takes no leads."""
        async with self._bus.database.connection() as connection:
            row = await queries.find_search(connection, name=name)
        if row and not row["is_wanted"]:
            raise UnwantedError(row["name"])
        return _search(row) if row else None

    async def claim(self, search: Search, *, anyway: bool) -> Run | None:
        """The open round of *search*, or a new one if it is due or wanted *anyway*; None if not, or if another has it."""
        holder = ids.new_id()
        async with self._bus.database.transaction() as connection:
            await queries.begin_run(
                connection,
                id=ids.new_id(),
                search_id=search.id,
                local_date=business_date(self._clock()),
                every_days=search.every_days,
                anyway=anyway,
            )
            row = await queries.claim_run(connection, search_id=search.id, holder=holder, lease=self._settings.lease)
            if row is None:
                return None
            if row["lost_records"]:
                await self._use(connection, search, business_date(self._clock()), 0, Decimal(0), unknown_pages=1)
        if row["lost_records"]:
            count_page("unknown", row["lost_records"], self._settings.pull_cents * row["lost_records"])
            log.error("paid_page_unknown", run_id=str(row["id"]), records=row["lost_records"], reason="process_ended")
        paging = Paging(from_json(orjson.loads(row["unread"])), row["results_found"])
        return Run(row["id"], search, holder, paging, row["last_page"], row["empty_pages"])

    async def ask(self, run: Run) -> Asking | str:
        """Write down that the next page of *run* is about to be asked for, and set its cost aside; or why it must not be.

        Raises LostRunError.
        """
        day, price = business_date(self._clock()), self._settings.pull_cents
        async with self._bus.database.transaction() as connection:
            await queries.lock_budgets(connection)
            used = await queries.read_day(connection, search_id=run.search.id, local_date=day)
            if used["unknown_pages"] >= self._settings.pull_unknown_pages:
                return "unknown_pages"
            wanted = run.paging.take(self._settings.pull_page)
            take = affordable(wanted, self._budgets(run.search, used), price)
            if not take:
                return "budget_used"
            reserved = take * price
            asked = await queries.note_asking(
                connection,
                run_id=run.id,
                holder=run.holder,
                skip=run.paging.skip,
                take=take,
                lease=self._settings.lease,
            )
            _held(asked)
            await self._use(connection, run.search, day, take, reserved)
        return Asking(run, day, run.paging.skip, take, reserved)

    async def keep(self, asking: Asking, page: Page) -> Run:
        """The answer, its records on their way to `ingest.leads`, and where the reading goes on: one transaction.

        The answer is paid for, so it waits for a database that is away. Raises LostRunError, or what the database raises.
        """
        run = asking.run
        after = replace(run, paging=page.paging, last_page=page.digest, empty_pages=page.empty_pages)
        cents = self._settings.pull_cents * page.entries

        async def write(tx: Tx) -> None:
            _held(
                await queries.keep_page(
                    tx.connection,
                    run_id=run.id,
                    holder=run.holder,
                    unread=orjson.dumps(as_json(page.paging.unread)).decode(),
                    found=page.paging.found,
                    last_page=page.digest,
                    empty_pages=page.empty_pages,
                    pages=1,
                    records=len(page.pulled),
                    rejects=len(page.rejects),
                    repeats=page.repeats,
                    cents=cents,
                )
            )
            await self._use(tx.connection, run.search, asking.day, page.entries - asking.take, cents - asking.reserved)
            self._budgets(
                run.search, await queries.read_day(tx.connection, search_id=run.search.id, local_date=asking.day)
            )
            await self._add_rejects(tx, run, page.rejects)
            for pulled in page.pulled:
                tx.emit(pulled.record, id=pulled.id, correlation_id=run.id)

        async for attempt in AsyncRetrying(
            retry=retry_if_exception(_ours_down), stop=stop_after_delay(PATIENCE), wait=wait_fixed(0.5), reraise=True
        ):
            with attempt:
                await self._bus.transact(write)
        count_page("answered", page.entries, cents)
        return after

    async def close(self, asking: Asking, *, unknown: bool) -> None:
        """No answer came. What was set aside is given back, or counts as spent where nobody knows. Raises LostRunError."""
        run, cents = asking.run, asking.reserved if unknown else Decimal(0)
        async with self._bus.database.transaction() as connection:
            _held(
                await queries.close_asking(
                    connection,
                    run_id=run.id,
                    holder=run.holder,
                    unknown_pages=int(unknown),
                    unknown_records=asking.take if unknown else 0,
                    cents=cents,
                )
            )
            back = (0, Decimal(0)) if unknown else (-asking.take, -asking.reserved)
            await self._use(connection, run.search, asking.day, *back, unknown_pages=int(unknown))
        count_page("unknown" if unknown else "failed", asking.take if unknown else 0, cents)

    async def release(self, run: Run, outcome: str, detail: str = "", *, finished: bool = False) -> None:
        """Let go of *run*, and say why it stopped; over, if *finished*. Of a run that another has nothing is written."""
        async with self._bus.database.connection() as connection:
            await queries.release_run(
                connection,
                run_id=run.id,
                holder=run.holder,
                outcome=outcome,
                detail=detail or None,
                finished=finished,
            )

    async def drop_rejects(self) -> None:
        """Delete properties that could not be read and that nobody has asked about for long."""
        async with self._bus.database.connection() as connection:
            await queries.drop_rejects(connection, days=self._settings.pull_reject_days)

    def _budgets(self, search: Search, used: Any) -> list[Budget]:
        settings = self._settings
        mine = Budget(search.daily_records, search.daily_cents, used["records"], used["cents"])
        everybody = Budget(
            settings.pull_daily_records, settings.pull_daily_cents, used["all_records"], used["all_cents"]
        )
        left = everybody.left(settings.pull_cents) or 0
        telemetry.gauge("equity_pull_budget_left", "Records left of the day's budget").set(left)
        return [mine, everybody]

    async def _add_rejects(self, tx: Tx, run: Run, rejects: Sequence[Unreadable]) -> None:
        """Keep what was no property, sealed, for who looks why."""
        if not rejects:
            return
        reject_ids = [ids.new_id() for _ in rejects]
        await queries.add_rejects(
            tx.connection,
            run_id=run.id,
            ids=reject_ids,
            reasons=[one.reason for one in rejects],
            sealed=[
                self._bus.keyring.seal(SEAL, reject_id.bytes, json.dumps(one.entry).encode())
                for reject_id, one in zip(reject_ids, rejects, strict=True)
            ],
        )

    @staticmethod
    async def _use(
        connection: Connection, search: Search, day: date, records: int, cents: Decimal, unknown_pages: int = 0
    ) -> None:
        await queries.use_budget(
            connection, search_id=search.id, local_date=day, records=records, cents=cents, unknown_pages=unknown_pages
        )


def _search(row: Any) -> Search:
    return Search(
        row["id"],
        row["name"],
        orjson.loads(row["criteria"]),
        row["broker_id"],
        row["every_days"],
        row["daily_records"],
        row["daily_cents"],
    )


def _held(told: str) -> None:
    """Raise LostRunError unless the statement found the run in our hands."""
    if told.endswith(" 0"):
        raise LostRunError


def _ours_down(error: BaseException) -> bool:
    return classify(error) in (Kind.OURS_DOWN, Kind.REPEAT)


def count_page(outcome: str, records: int, cents: Decimal) -> None:
    """Count a page by how it ended; *cents* of an unknown one are the most it can have cost."""
    labels = {"outcome": outcome}
    telemetry.counter("equity_pull_pages", "Pages asked for, by how it ended").add(1, labels)
    telemetry.counter("equity_pull_paid_records", "Records paid for, by how their page ended").add(records, labels)
    telemetry.counter("equity_pull_cents", "US cents paid, by how the page ended").add(float(cents), labels)
