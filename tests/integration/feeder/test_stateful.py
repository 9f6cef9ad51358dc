"""Whatever happens in whatever order: never more than the limit, never a lead twice, never a suppressed address, nobody
suppressed left in a campaign, and nobody lost. Feeds, rounds, sweeps, opt-outs, pauses, faults and deaths against the sandbox."""

import asyncio
import importlib
from collections import Counter, defaultdict
from collections.abc import Awaitable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from pydantic import SecretStr

from common.business_time import business_date
from feeder.vendors.instantly import Instantly
from support.databases import Database
from support.feeding import MONDAY, Feeder, Ranch, settings_on
from support.instantly import Workspace

pytest.importorskip("sandbox", reason="the sandbox is not installed here")
T = TypeVar("T")

EMAILS = [f"owner{number}@example.com" for number in range(14)]
"""Few, so that leads share them."""
FAULTS = [
    "rate_limited",
    "server_error",
    "error_after_effect",
    "broken_json",
    "reset",
    "payment_required",
    "partial",
    "empty",
    "html",
    "wrong_types",
    "duplicates",
    "unauthorized",
]


class DiedError(Exception):
    """The process ends here."""


class World:
    """What lasts over examples: a loop, a database, and the sandbox's Instantly."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        self.runner = runner
        self.database = database
        self.connection: asyncpg.Connection = self.run(asyncpg.connect(database.superuser_dsn))
        build, options = importlib.import_module("sandbox.app").build, importlib.import_module("sandbox.settings")
        self.sandbox = build(options.SandboxSettings(sandbox_port=0))
        self.run(self.sandbox.start())
        self.instantly = self.sandbox.state.instantly.workspace
        self.ledger = self.sandbox.state.statistics

    def run(self, work: Awaitable[T]) -> T:
        async def wait() -> T:
            return await work

        return self.runner.run(wait())

    def clear(self) -> None:
        tables = "app.brokers, app.leads, app.suppressions, pipeline.provider_states, svc_feeder.outbox"
        self.run(self.connection.execute(f"truncate {tables} cascade"))
        self.sandbox.state.instantly.clear_state()
        self.ledger.clear_counts()
        self.sandbox.state.faults.clear_faults()

    def close(self) -> None:
        self.run(self.sandbox.stop())
        self.run(self.connection.close())


class Feeding(RuleBasedStateMachine):
    """Two brokers, their leads, a feeder that may die, and an Instantly that may fail."""

    world: World

    @initialize(limits=st.lists(st.integers(1, 4), min_size=2, max_size=2))
    def begin(self, limits: list[int]) -> None:
        world = self.world
        world.clear()
        self.ranch = Ranch(world.connection, world.database)
        self.broker_of: dict[str, UUID] = {}
        self.limits: dict[UUID, int] = {}
        self.most: dict[tuple[UUID, date], int] = defaultdict(int)
        self.added: Counter[tuple[UUID, date]] = Counter()
        self.paid: Counter[str] = Counter()
        self.suppressed: set[str] = set()
        self.latest = MONDAY
        for limit in limits:
            vendor_ids = [world.instantly.add_campaign({"name": f"C{limit}"})["id"] for _ in range(2)]
            broker = world.run(self.ranch.broker(limit=limit, campaigns=vendor_ids))
            self.broker_of |= dict.fromkeys(vendor_ids, broker)
            self.limits[broker] = limit
        self.note_limits()
        self.start()

    def start(self) -> None:
        place = Workspace(url=f"{self.world.sandbox.url}/instantly")
        key = SecretStr("sandbox-instantly-key")
        made = settings_on(self.world.database, place, instantly_api_key=key, instantly_timeout_seconds=2)
        self.feeder = Feeder(made, self.ranch.clock)
        self.world.run(self.feeder.__aenter__())

    def teardown(self) -> None:
        if hasattr(self, "feeder"):
            self.settle()
            self.world.run(self.feeder.__aexit__())

    def jobs(self, *names: str) -> None:
        for name in names:
            with suppress(DiedError, RuntimeError):  # a feed says so while Instantly refuses us
                self.world.run(self.feeder.run(name))

    def note_limits(self) -> None:
        today = business_date(self.ranch.clock())
        for broker, limit in self.limits.items():
            self.most[broker, today] = max(self.most[broker, today], limit)

    def brokers(self, number: int) -> UUID:
        return list(self.limits)[number]

    @rule(number=st.integers(0, 1), emails=st.lists(st.sampled_from(EMAILS), min_size=1, max_size=6))
    def leads_come(self, number: int, emails: list[str]) -> None:
        self.world.run(self.ranch.leads(self.brokers(number), len(emails), emails=emails))

    @rule()
    def feed(self) -> None:
        self.jobs("feed")

    @rule()
    def reconcile(self) -> None:
        self.world.run(self.ranch.end_pause())
        self.jobs("reconcile")

    @rule()
    def feed_and_reconcile(self) -> None:
        self.feed()
        self.reconcile()

    @rule()
    def sweep(self) -> None:
        self.world.run(self.ranch.db.execute("update app.campaigns set swept_at = null"))
        self.jobs("sweep")

    @rule(email=st.sampled_from(EMAILS))
    def somebody_opts_out(self, email: str) -> None:
        if email not in self.suppressed:
            self.world.run(self.ranch.suppress(email))
            self.suppressed.add(email)

    @rule(pick=st.integers(0, 50))
    def a_lead_is_paused(self, pick: int) -> None:
        self.change_one(pick, "in ('queued', 'active')", "campaign_status = 'paused', paused_from = campaign_status")

    @rule(pick=st.integers(0, 50))
    def a_lead_goes_on(self, pick: int) -> None:
        self.change_one(pick, "= 'paused'", "campaign_status = coalesce(paused_from, 'new'), paused_from = null")

    @rule(pick=st.integers(0, 50), number=st.integers(0, 1))
    def a_lead_changes_its_broker(self, pick: int, number: int) -> None:
        self.change_one(pick, "is not null", f"assigned_broker_id = '{self.brokers(number)}'")

    @rule(pick=st.integers(0, 50), end=st.sampled_from(["deceased_owner = true", "campaign_status = 'do_not_contact'"]))
    def a_lead_ends(self, pick: int, end: str) -> None:
        self.change_one(pick, "in ('queued', 'active')", end)

    @rule(number=st.integers(0, 1), active=st.booleans())
    def a_broker_is_switched(self, number: int, active: bool) -> None:
        switch = "update app.brokers set active = $2 where id = $1"
        self.world.run(self.ranch.db.execute(switch, self.brokers(number), active))

    def change_one(self, pick: int, status: str, change: str) -> None:
        ids = self.world.run(self.ranch.ask(f"select id from app.leads where campaign_status {status} order by id"))
        if ids:
            change = f"update app.leads set {change} where id = $1"
            self.world.run(self.ranch.db.execute(change, ids[pick % len(ids)]))

    @rule(number=st.integers(0, 1), limit=st.integers(0, 5))
    def a_limit_changes(self, number: int, limit: int) -> None:
        broker = self.brokers(number)
        self.limits[broker] = limit
        self.world.run(self.ranch.db.execute("update app.brokers set daily_limit = $2 where id = $1", broker, limit))
        self.note_limits()

    @rule(kind=st.sampled_from(FAULTS), operation=st.sampled_from(["add_leads", "list_leads", "delete_lead"]))
    def instantly_fails_soon(self, kind: str, operation: str) -> None:
        faults = importlib.import_module("sandbox.faults")
        if kind == "partial" and operation != "add_leads":
            return
        self.world.sandbox.state.faults.add_fault(
            faults.Fault(vendor="instantly", kind=kind, operation=operation, times=1)
        )

    @rule(effect=st.booleans(), path=st.sampled_from(["/leads/add", "/leads/list", "/leads/"]))
    def the_process_dies_in_a_call(self, effect: bool, path: str) -> None:
        [vendor] = [part for part in self.feeder.service.parts if isinstance(part, Instantly)]
        send = vendor._send

        async def dying(method: str, to: str, body: Any) -> Any:
            if to.startswith(path):
                if effect:
                    await send(method, to, body)
                raise DiedError
            return await send(method, to, body)

        vendor._send = dying  # type: ignore[method-assign,assignment]
        self.feed_and_reconcile()
        self.world.run(self.feeder.__aexit__())
        self.start()

    @rule(email=st.sampled_from(EMAILS))
    def somebody_opts_out_while_an_add_is_under_way(self, email: str) -> None:
        if email in self.suppressed:
            return
        [vendor] = [part for part in self.feeder.service.parts if isinstance(part, Instantly)]
        send = vendor._send

        async def overtaken(method: str, to: str, body: Any) -> Any:
            if to == "/leads/add" and email not in self.suppressed:
                await self.ranch.suppress(email)
                self.suppressed.add(email)
            return await send(method, to, body)

        vendor._send = overtaken  # type: ignore[method-assign,assignment]
        known = set(self.suppressed)
        self.feed_and_reconcile()
        vendor._send = send  # type: ignore[method-assign]
        self.account(known)

    @rule(minutes=st.sampled_from([1, 10, 300]))
    def time_passes(self, minutes: int) -> None:
        self.ranch.clock.forward(minutes=minutes)
        self.note_limits()

    @rule()
    def the_clock_is_set_back(self) -> None:
        if self.ranch.clock() > MONDAY + timedelta(hours=2):
            self.latest = max(self.latest, self.ranch.clock())
            self.ranch.clock.forward(hours=-1)
            self.note_limits()

    @rule()
    def the_next_morning_comes(self) -> None:
        today = business_date(self.ranch.clock())
        self.ranch.clock.now = MONDAY + timedelta(days=(today - MONDAY.date()).days + 1, minutes=-30)
        self.note_limits()
        self.jobs("refresh")
        self.ranch.clock.forward(minutes=30)

    @invariant()
    def nobody_is_added_twice_beyond_a_limit_or_after_opting_out(self) -> None:
        if hasattr(self, "feeder"):
            self.account(self.suppressed)

    def account(self, suppressed: set[str]) -> None:
        """What Instantly took since the last look, by broker and day."""
        today = business_date(self.ranch.clock())
        paid = Counter(self.world.ledger._paid_records["instantly", "upload"])
        new, self.paid = paid - self.paid, paid
        for subject, times in new.items():
            vendor_campaign, email = subject.split(" ")
            self.added[self.broker_of[vendor_campaign], today] += times
            assert email not in suppressed
        assert all(count <= self.most[place] for place, count in self.added.items()), (self.added, self.most)
        by_email = Counter(subject.split(" ")[1] for subject in paid.elements())
        assert not by_email or max(by_email.values()) == 1, by_email

    @invariant()
    def no_day_has_more_slots_than_its_limit(self) -> None:
        if hasattr(self, "feeder"):
            query = "select broker_id, local_date, count(*) from app.feed_slots where state <> 'refused' group by 1, 2"
            for broker, day, count in self.world.run(self.ranch.db.fetch(query)):
                assert count <= self.most[broker, day]

    def settle(self) -> None:
        """When Instantly is well for a while, everything is where it should be, and the next morning nobody is lost."""
        self.world.sandbox.state.faults.clear_faults()
        # Claims that were dated before the clock was set back wait until it is there again.
        self.ranch.clock.now = max(self.ranch.clock(), self.latest)
        for _ in range(8):
            self.ranch.clock.forward(minutes=1)
            self.note_limits()
            self.reconcile()
        self.sweep()
        self.reconcile()
        self.account(self.suppressed)
        members = {lead["email"] for lead in self.world.instantly.leads.values()}
        assert not members & self.suppressed
        ask = self.ranch.ask
        ended = self.world.run(
            ask("select id from app.leads where deceased_owner or campaign_status in ('paused', 'do_not_contact')")
        )
        named = {lead["payload"]["lead_id"] for lead in self.world.instantly.leads.values()}
        assert not named & {str(lead) for lead in ended}
        assert self.world.run(ask("select lead_id from app.vendor_memberships where actual = 'unknown'")) == []
        leaving = "select lead_id from app.vendor_memberships where desired = 'out' and actual <> 'out'"
        assert self.world.run(ask(leaving)) == []
        self.the_next_morning_comes()
        lost = """select l.id from app.leads l left join app.feed_slots s on s.lead_id = l.id
          where l.campaign_status = 'active' and s.state is distinct from 'added'"""
        assert self.world.run(ask(lost)) == []


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    with asyncio.Runner() as runner:
        world = World(runner, database)
        yield world
        world.close()


def test_the_four_promises_hold_whatever_happens(world: World) -> None:
    Feeding.world = world
    options = settings(
        max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
    )
    run_state_machine_as_test(Feeding, settings=options)
