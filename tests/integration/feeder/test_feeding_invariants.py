"""Promises of the feed in any order of events, as a state machine against the sandbox.

No day exceeds its limit, no lead is added twice, no suppressed address is added or stays in a campaign, and no lead is lost.
The events are feeds, reconciliations, audits, opt-outs, pauses, vendor faults and process deaths.
"""

import asyncio
import importlib
from collections import Counter, defaultdict
from collections.abc import Awaitable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from typing import Any, TypeVar

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from pydantic import SecretStr

from common.calendar.business_date import business_date
from common.ids import BrokerId
from common.vendors.http_client import VendorHttpClient, VendorHttpRequest
from support.databases import Database
from support.feeding import MONDAY, Feeder, FeedFixture, make_feeder_settings
from support.instantly import FakeWorkspace

pytest.importorskip("sandbox", reason="the sandbox is not installed here")
T = TypeVar("T")

EMAILS = [f"owner{number}@example.com" for number in range(14)]
"""Few addresses, so that leads share them."""
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
    """Simulated death of the process."""


class FeedEnvironment:
    """Event loop, database and sandbox that all examples share."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        self.runner = runner
        self.database = database
        self.connection: asyncpg.Connection = self.run(asyncpg.connect(database.superuser_dsn))
        build, options = importlib.import_module("sandbox.app").build, importlib.import_module("sandbox.settings")
        self.sandbox = build(options.SandboxSettings(sandbox_port=0))
        self.run(self.sandbox.start())
        self.instantly = self.sandbox.state.instantly.workspace
        self.statistics = self.sandbox.state.statistics

    def run(self, work: Awaitable[T]) -> T:
        async def wait() -> T:
            return await work

        return self.runner.run(wait())

    def clear(self) -> None:
        tables = "app.brokers, app.leads, app.suppressions, pipeline.provider_states, svc_feeder.outbox"
        self.run(self.connection.execute(f"truncate {tables} cascade"))
        self.sandbox.state.instantly.clear_state()
        self.statistics.clear_counts()
        self.sandbox.state.faults.clear_faults()

    def close(self) -> None:
        self.run(self.sandbox.stop())
        self.run(self.connection.close())


class FeedingStateMachine(RuleBasedStateMachine):
    """Two brokers, their leads, a feeder that may die, and an Instantly that may fail."""

    environment: FeedEnvironment

    @initialize(limits=st.lists(st.integers(1, 4), min_size=2, max_size=2))
    def begin(self, limits: list[int]) -> None:
        environment = self.environment
        environment.clear()
        self.feed_data = FeedFixture(environment.connection, environment.database)
        self.broker_of: dict[str, BrokerId] = {}
        self.limits: dict[BrokerId, int] = {}
        self.highest_limits: dict[tuple[BrokerId, date], int] = defaultdict(int)
        self.added_by_day: Counter[tuple[BrokerId, date]] = Counter()
        self.counted_adds: Counter[str] = Counter()
        self.suppressed: set[str] = set()
        self.latest_time = MONDAY
        for limit in limits:
            vendor_ids = [environment.instantly.add_campaign({"name": f"C{limit}"})["id"] for _ in range(2)]
            broker = environment.run(self.feed_data.add_broker(limit=limit, campaigns=vendor_ids))
            self.broker_of |= dict.fromkeys(vendor_ids, broker)
            self.limits[broker] = limit
        self.record_limits()
        self.start()

    def start(self) -> None:
        address = FakeWorkspace(url=f"{self.environment.sandbox.url}/instantly")
        key = SecretStr("sandbox-instantly-key")
        feeder_settings = make_feeder_settings(
            self.environment.database, address, instantly_api_key=key, instantly_timeout_seconds=2
        )
        self.feeder = Feeder(feeder_settings, self.feed_data.clock)
        self.environment.run(self.feeder.__aenter__())

    def teardown(self) -> None:
        if hasattr(self, "feeder"):
            self.check_that_everything_is_reconciled()
            self.environment.run(self.feeder.__aexit__())

    def run_jobs(self, *names: str) -> None:
        for name in names:
            with suppress(DiedError, RuntimeError):  # the feed raises while Instantly denies access
                self.environment.run(self.feeder.run_jobs(name))

    def record_limits(self) -> None:
        today = business_date(self.feed_data.clock())
        for broker, limit in self.limits.items():
            self.highest_limits[broker, today] = max(self.highest_limits[broker, today], limit)

    def broker_at(self, number: int) -> BrokerId:
        return list(self.limits)[number]

    @rule(number=st.integers(0, 1), emails=st.lists(st.sampled_from(EMAILS), min_size=1, max_size=6))
    def leads_arrive(self, number: int, emails: list[str]) -> None:
        self.environment.run(self.feed_data.add_leads(self.broker_at(number), len(emails), emails=emails))

    @rule()
    def feed(self) -> None:
        self.run_jobs("feed")

    @rule()
    def reconcile(self) -> None:
        self.environment.run(self.feed_data.end_backoff())
        self.run_jobs("reconcile")

    @rule()
    def feed_and_reconcile(self) -> None:
        self.feed()
        self.reconcile()

    @rule()
    def audit(self) -> None:
        self.environment.run(self.feed_data.db.execute("update app.campaigns set audited_at = null"))
        self.run_jobs("audit_members")

    @rule(email=st.sampled_from(EMAILS))
    def a_person_opts_out(self, email: str) -> None:
        if email not in self.suppressed:
            self.environment.run(self.feed_data.suppress_email(email))
            self.suppressed.add(email)

    @rule(pick=st.integers(0, 50))
    def a_lead_is_paused(self, pick: int) -> None:
        self.change_lead(pick, "in ('queued', 'active')", "campaign_status = 'paused', paused_from = campaign_status")

    @rule(pick=st.integers(0, 50))
    def a_paused_lead_continues(self, pick: int) -> None:
        self.change_lead(pick, "= 'paused'", "campaign_status = coalesce(paused_from, 'new'), paused_from = null")

    @rule(pick=st.integers(0, 50), number=st.integers(0, 1))
    def a_lead_changes_its_broker(self, pick: int, number: int) -> None:
        self.change_lead(pick, "is not null", f"assigned_broker_id = '{self.broker_at(number)}'")

    @rule(pick=st.integers(0, 50), end=st.sampled_from(["deceased_owner = true", "campaign_status = 'do_not_contact'"]))
    def a_lead_is_stopped(self, pick: int, end: str) -> None:
        self.change_lead(pick, "in ('queued', 'active')", end)

    @rule(number=st.integers(0, 1), active=st.booleans())
    def a_broker_is_enabled_or_disabled(self, number: int, active: bool) -> None:
        switch = "update app.brokers set active = $2 where id = $1"
        self.environment.run(self.feed_data.db.execute(switch, self.broker_at(number), active))

    def change_lead(self, pick: int, status: str, change: str) -> None:
        ids = self.environment.run(
            self.feed_data.select_column(f"select id from app.leads where campaign_status {status} order by id")
        )
        if ids:
            change = f"update app.leads set {change} where id = $1"
            self.environment.run(self.feed_data.db.execute(change, ids[pick % len(ids)]))

    @rule(number=st.integers(0, 1), limit=st.integers(0, 5))
    def a_limit_changes(self, number: int, limit: int) -> None:
        broker = self.broker_at(number)
        self.limits[broker] = limit
        self.environment.run(
            self.feed_data.db.execute("update app.brokers set daily_limit = $2 where id = $1", broker, limit)
        )
        self.record_limits()

    @rule(kind=st.sampled_from(FAULTS), operation=st.sampled_from(["add_leads", "list_leads", "delete_lead"]))
    def instantly_fails_at_the_next_call(self, kind: str, operation: str) -> None:
        faults = importlib.import_module("sandbox.faults")
        if kind == "partial" and operation != "add_leads":
            return
        self.environment.sandbox.state.faults.add_fault(
            faults.Fault(vendor="instantly", kind=kind, operation=operation, times=1)
        )

    @rule(effect=st.booleans(), path=st.sampled_from(["/leads/add", "/leads/list", "/leads/"]))
    def the_process_dies_during_a_call(self, effect: bool, path: str) -> None:
        [client] = [part for part in self.feeder.service.parts if isinstance(part, VendorHttpClient)]
        send = client.send_request

        async def send_and_die(request: VendorHttpRequest, *limits: Any) -> Any:
            if f"/api/v2{path}" in request.url:
                if effect:
                    await send(request, *limits)
                raise DiedError
            return await send(request, *limits)

        client.send_request = send_and_die  # type: ignore[method-assign,assignment]
        self.feed_and_reconcile()
        self.environment.run(self.feeder.__aexit__())
        self.start()

    @rule(email=st.sampled_from(EMAILS))
    def a_person_opts_out_during_an_add(self, email: str) -> None:
        if email in self.suppressed:
            return
        [client] = [part for part in self.feeder.service.parts if isinstance(part, VendorHttpClient)]
        send = client.send_request

        async def suppress_and_send(request: VendorHttpRequest, *limits: Any) -> Any:
            if request.url.endswith("/leads/add") and email not in self.suppressed:
                await self.feed_data.suppress_email(email)
                self.suppressed.add(email)
            return await send(request, *limits)

        client.send_request = suppress_and_send  # type: ignore[method-assign,assignment]
        known = set(self.suppressed)
        self.feed_and_reconcile()
        client.send_request = send  # type: ignore[method-assign]
        self.check_adds(known)

    @rule(minutes=st.sampled_from([1, 10, 300]))
    def time_passes(self, minutes: int) -> None:
        self.feed_data.clock.advance(minutes=minutes)
        self.record_limits()

    @rule()
    def the_clock_is_set_back(self) -> None:
        if self.feed_data.clock() > MONDAY + timedelta(hours=2):
            self.latest_time = max(self.latest_time, self.feed_data.clock())
            self.feed_data.clock.advance(hours=-1)
            self.record_limits()

    @rule()
    def the_next_morning_comes(self) -> None:
        today = business_date(self.feed_data.clock())
        self.feed_data.clock.now = MONDAY + timedelta(days=(today - MONDAY.date()).days + 1, minutes=-30)
        self.record_limits()
        self.run_jobs("refresh")
        self.feed_data.clock.advance(minutes=30)

    @invariant()
    def no_lead_is_added_twice_beyond_a_limit_or_after_an_opt_out(self) -> None:
        if hasattr(self, "feeder"):
            self.check_adds(self.suppressed)

    def check_adds(self, suppressed: set[str]) -> None:
        """Count the adds that Instantly executed since the last check, by broker and day, and compare them with the limits."""
        today = business_date(self.feed_data.clock())
        paid = Counter(self.environment.statistics._paid_records["instantly", "upload"])
        new, self.counted_adds = paid - self.counted_adds, paid
        for subject, times in new.items():
            vendor_campaign, email = subject.split(" ")
            self.added_by_day[self.broker_of[vendor_campaign], today] += times
            assert email not in suppressed
        assert all(count <= self.highest_limits[place] for place, count in self.added_by_day.items()), (
            self.added_by_day,
            self.highest_limits,
        )
        by_email = Counter(subject.split(" ")[1] for subject in paid.elements())
        assert not by_email or max(by_email.values()) == 1, by_email

    @invariant()
    def no_day_has_more_slots_than_its_limit(self) -> None:
        if hasattr(self, "feeder"):
            query = "select broker_id, local_date, count(*) from app.feed_slots where state <> 'returned' group by 1, 2"
            for broker, day, count in self.environment.run(self.feed_data.db.fetch(query)):
                assert count <= self.highest_limits[broker, day]

    def check_that_everything_is_reconciled(self) -> None:
        """Without faults for some minutes, all memberships reach their desired state, and the next morning no lead is lost."""
        self.environment.sandbox.state.faults.clear_faults()
        # Claims from before the clock was set back expire only at their own time.
        self.feed_data.clock.now = max(self.feed_data.clock(), self.latest_time)
        for _ in range(8):
            self.feed_data.clock.advance(minutes=1)
            self.record_limits()
            self.reconcile()
        self.audit()
        self.reconcile()
        self.check_adds(self.suppressed)
        members = {lead["email"] for lead in self.environment.instantly.leads.values()}
        assert not members & self.suppressed
        ask = self.feed_data.select_column
        ended = self.environment.run(
            ask("select id from app.leads where deceased_owner or campaign_status in ('paused', 'do_not_contact')")
        )
        named = {lead["payload"]["lead_id"] for lead in self.environment.instantly.leads.values()}
        assert not named & {str(lead) for lead in ended}
        assert self.environment.run(ask("select lead_id from app.vendor_memberships where actual = 'unknown'")) == []
        leaving = "select lead_id from app.vendor_memberships where desired = 'out' and actual <> 'out'"
        assert self.environment.run(ask(leaving)) == []
        self.the_next_morning_comes()
        lost = """select l.id from app.leads l left join app.feed_slots s on s.lead_id = l.id
          where l.campaign_status = 'active' and s.state is distinct from 'added'"""
        assert self.environment.run(ask(lost)) == []


@pytest.fixture
def environment(database: Database) -> Iterator[FeedEnvironment]:
    with asyncio.Runner() as runner:
        environment = FeedEnvironment(runner, database)
        yield environment
        environment.close()


def test_the_promises_of_the_feed_hold_in_any_order_of_events(environment: FeedEnvironment) -> None:
    FeedingStateMachine.environment = environment
    options = settings(
        max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
    )
    run_state_machine_as_test(FeedingStateMachine, settings=options)
