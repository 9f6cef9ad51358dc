"""The feed: it never exceeds the limit, feeds a lead twice, or feeds an ineligible lead."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from feeder.app import build
from feeder.settings import FeederSettings
from support.feeding import MONDAY, Feeder, FeedFixture
from support.instantly import FakeWorkspace

TODAY = date(2026, 11, 16)


async def test_the_best_leads_take_slots_up_to_the_limit_and_become_active(
    feed_data: FeedFixture, feeder: Feeder
) -> None:
    broker = await feed_data.add_broker(limit=3)
    leads = await feed_data.add_leads(broker, 5)
    await feeder.run_jobs("feed")
    assert await feed_data.count_slots(broker, TODAY) == {"reserved": 3}
    active = "select id from app.leads where campaign_status = 'active' order by lead_score desc"
    assert await feed_data.select_column(active) == leads[:3]
    assert (
        await feed_data.select_column("select lead_id from pipeline.contact_decisions where allowed order by id")
        == leads[:3]
    )
    assert await feed_data.select_column("select desired || actual from app.vendor_memberships") == ["inout"] * 3
    await feeder.run_jobs("feed", "top_up")
    assert await feed_data.count_slots(broker) == {"reserved": 3}


async def test_each_broker_has_its_own_limit(feed_data: FeedFixture, feeder: Feeder) -> None:
    small, large, none = (
        await feed_data.add_broker(limit=1),
        await feed_data.add_broker(limit=4),
        await feed_data.add_broker(limit=0),
    )
    for broker in (small, large, none):
        await feed_data.add_leads(broker, 5)
    await feeder.run_jobs("feed")
    assert [await feed_data.count_slots(broker) for broker in (small, large, none)] == [
        {"reserved": 1},
        {"reserved": 4},
        {},
    ]


async def test_a_limit_that_changes_during_the_day_applies_from_then_on(feed_data: FeedFixture, feeder: Feeder) -> None:
    broker = await feed_data.add_broker(limit=2)
    await feed_data.add_leads(broker, 12)
    set_limit = "update app.brokers set daily_limit = $2 where id = $1"
    for limit, fed in ((2, 2), (5, 5), (3, 5), (6, 6)):
        await feed_data.db.execute(set_limit, broker, limit)
        await feeder.run_jobs("top_up")
        assert await feed_data.count_slots(broker, TODAY) == {"reserved": fed}


async def test_feeders_at_the_same_moment_share_one_limit(
    feed_data: FeedFixture, settings: FeederSettings, workspace: FakeWorkspace
) -> None:
    brokers = [await feed_data.add_broker(limit=20) for _ in range(3)]
    for broker in brokers:
        await feed_data.add_leads(broker, 40, refresh=False)
    await feed_data.refresh_snapshot()
    replicas = [build(settings, feed_data.clock) for _ in range(4)]
    for replica in replicas:
        await replica.database.start()
    await asyncio.gather(*(replica.jobs.run_job("feeder.top_up") for replica in replicas))
    for replica in replicas:
        await replica.database.stop()
    assert [await feed_data.count_slots(broker) for broker in brokers] == [{"reserved": 20}] * 3
    assert await feed_data.select_column("select count(*) from app.vendor_memberships") == [60]
    assert await feed_data.select_column("select count(*) from pipeline.contact_decisions where allowed") == [60]


@pytest.mark.parametrize(
    ("now", "fed"),
    [
        (datetime(2026, 11, 13, 14, 0, tzinfo=UTC), True),  # Friday 06:00 PST
        (datetime(2026, 11, 14, 14, 0, tzinfo=UTC), False),  # Saturday
        (datetime(2026, 11, 15, 14, 0, tzinfo=UTC), False),  # Sunday
        (datetime(2026, 11, 16, 7, 59, tzinfo=UTC), False),  # still Sunday in Los Angeles
        (datetime(2026, 11, 16, 14, 0, tzinfo=UTC), True),  # Monday
        (datetime(2026, 11, 26, 14, 0, tzinfo=UTC), False),  # Thanksgiving
        (datetime(2026, 12, 31, 14, 0, tzinfo=UTC), True),
        (datetime(2027, 1, 1, 14, 0, tzinfo=UTC), False),
        (
            datetime(2027, 12, 31, 14, 0, tzinfo=UTC),
            False,
        ),  # New Year's Day of 2028, a Saturday, observed the year before
        (datetime(2027, 7, 5, 13, 0, tzinfo=UTC), False),  # Independence Day, observed on a Monday
        (datetime(2026, 3, 9, 13, 0, tzinfo=UTC), True),  # the Monday after clocks went forward, 06:00 PDT
        (datetime(2026, 11, 2, 14, 0, tzinfo=UTC), True),  # the Monday after they went back, 06:00 PST
    ],
)
async def test_leads_are_fed_on_business_days(feed_data: FeedFixture, feeder: Feeder, now: datetime, fed: bool) -> None:
    feed_data.clock.now = now
    broker = await feed_data.add_broker(limit=1)
    await feed_data.add_leads(broker, 1)
    await feeder.run_jobs("feed")
    assert await feed_data.count_slots(broker) == ({"reserved": 1} if fed else {})


async def test_each_broker_has_its_own_calendar(feed_data: FeedFixture, feeder: Feeder) -> None:
    rests = await feed_data.add_broker(limit=1, feed_weekdays=[2, 3])
    away = await feed_data.add_broker(limit=1, days_off=[TODAY])
    works = await feed_data.add_broker(limit=1, feed_on_holidays=True)
    for broker in (rests, away, works):
        await feed_data.add_leads(broker, 2)
    await feeder.run_jobs("feed")
    assert [await feed_data.count_slots(broker) for broker in (rests, away, works)] == [{}, {}, {"reserved": 1}]
    feed_data.clock.now = datetime(2026, 11, 26, 14, 0, tzinfo=UTC)
    await feeder.run_jobs("feed")
    on_the_holiday = [await feed_data.count_slots(broker, date(2026, 11, 26)) for broker in (rests, away, works)]
    assert on_the_holiday == [{}, {}, {"reserved": 1}]


async def test_the_day_after_a_weekend_has_one_limit(feed_data: FeedFixture, feeder: Feeder) -> None:
    broker = await feed_data.add_broker(limit=2)
    await feed_data.add_leads(broker, 10)
    feed_data.clock.now = datetime(2026, 11, 13, 14, 0, tzinfo=UTC)
    for _ in range(4):
        await feeder.run_jobs("refresh", "feed")
        feed_data.clock.advance(days=1)
    # Friday's adds never happened: those slots were returned, and the leads were queued again for Monday.
    assert await feed_data.count_slots(broker, date(2026, 11, 16)) == {"reserved": 2}
    assert await feed_data.count_slots(broker) == {"reserved": 2}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("update app.lead_contacts set verified = null where lead_id = $1", "no_verified_email"),
        ("update app.leads set deceased_owner = true where id = $1", "deceased"),
        ("update app.lead_contacts set litigator = true where lead_id = $1", "litigator"),
    ],
)
async def test_the_current_row_decides_and_not_the_snapshot(
    feed_data: FeedFixture, feeder: Feeder, change: str, reason: str
) -> None:
    broker = await feed_data.add_broker(limit=1)
    best, second = await feed_data.add_leads(broker, 2)
    await feed_data.db.execute(change, best)
    await feeder.run_jobs("feed")
    assert await feed_data.select_column("select lead_id from app.feed_slots") == [second]
    assert await feed_data.select_column("select reason from app.feed_skips where lead_id = $1", best) == [reason]


async def test_a_lead_that_left_the_queue_or_the_broker_since_the_snapshot_is_not_fed(
    feed_data: FeedFixture, feeder: Feeder
) -> None:
    broker, other = await feed_data.add_broker(limit=5), await feed_data.add_broker(limit=5)
    gone, moved, stays = await feed_data.add_leads(broker, 3)
    await feed_data.db.execute("update app.leads set campaign_status = 'unsubscribed' where id = $1", gone)
    await feed_data.db.execute("update app.leads set assigned_broker_id = $2 where id = $1", moved, other)
    await feeder.run_jobs("feed")
    assert await feed_data.select_column("select lead_id from app.feed_slots") == [stays]


async def test_suppressed_leads_are_never_fed(feed_data: FeedFixture, feeder: Feeder) -> None:
    broker = await feed_data.add_broker(limit=3)
    leads = await feed_data.add_leads(broker, 3, emails=["stop@example.com"])
    await feed_data.suppress_email("stop@example.com")
    await feeder.run_jobs("feed")
    assert set(await feed_data.select_column("select lead_id from app.feed_slots")) == set(leads[1:])
    refused = "select reason from pipeline.contact_decisions where lead_id = $1"
    assert await feed_data.select_column(refused, leads[0]) == ["suppressed"]
    await feeder.run_jobs("feed", "top_up")
    assert await feed_data.select_column(refused, leads[0]) == ["suppressed"], "asked once a day"


async def test_an_owner_of_several_homes_is_fed_once(feed_data: FeedFixture, feeder: Feeder) -> None:
    broker, other = await feed_data.add_broker(limit=3), await feed_data.add_broker(limit=3)
    leads = await feed_data.add_leads(broker, 3, emails=["rich@example.com"] * 3)
    await feed_data.add_leads(other, 1, emails=["rich@example.com"])
    await feeder.run_jobs("feed")
    assert await feed_data.select_column("select count(*) from app.feed_slots") == [1]
    reasons = "select reason from app.feed_skips where lead_id = any ($1)"
    assert set(await feed_data.select_column(reasons, leads)) == {"duplicate"}


async def test_many_refused_leads_at_the_top_do_not_starve_a_broker(feed_data: FeedFixture, feeder: Feeder) -> None:
    broker = await feed_data.add_broker(limit=2)
    await feed_data.add_leads(broker, 90)
    await feed_data.db.execute("update app.leads set litigator = true where lead_score > 20")
    await feeder.run_jobs("feed")
    assert await feed_data.count_slots(broker) == {"reserved": 2}
    assert await feed_data.select_column("select count(*) from app.feed_skips") == [80]


async def test_a_lead_that_another_transaction_changes_waits_for_the_next_run(
    feed_data: FeedFixture, feeder: Feeder
) -> None:
    broker = await feed_data.add_broker(limit=2)
    best, second = await feed_data.add_leads(broker, 2)
    async with feed_data.db.transaction():
        await feed_data.db.execute("select from app.leads where id = $1 for update", best)
        await feeder.run_jobs("feed")
    assert await feed_data.select_column("select lead_id from app.feed_slots") == [second]
    await feeder.run_jobs("top_up")
    assert await feed_data.count_slots(broker) == {"reserved": 2}


async def test_the_feed_waits_for_a_suppression_that_is_being_written(feed_data: FeedFixture, feeder: Feeder) -> None:
    broker = await feed_data.add_broker(limit=1)
    await feed_data.add_leads(broker, 1, emails=["stop@example.com"])
    writing = feed_data.db.transaction()
    await writing.start()
    await feed_data.suppress_email("stop@example.com")
    feeding = asyncio.create_task(feeder.run_jobs("feed"))
    await asyncio.sleep(0.3)
    assert not feeding.done()
    await writing.commit()
    await feeding
    assert await feed_data.count_slots(broker) == {}


async def test_an_address_that_fails_verification_while_the_feed_waits_for_its_lock_is_not_used(
    feed_data: FeedFixture, feeder: Feeder
) -> None:
    broker = await feed_data.add_broker(limit=1)
    await feed_data.add_leads(broker, 1, emails=["gone@example.com"])
    async with feed_data.db.transaction():
        await feed_data.suppress_email("gone@example.com")
        await feed_data.db.execute("delete from app.suppressions; update app.lead_contacts set verified = false")
        feeding = asyncio.create_task(feeder.run_jobs("feed"))
        while not await feed_data.select_column(
            """select pid from pg_locks join pg_database on oid = database
            where datname = current_database() and locktype = 'advisory' and not granted"""
        ):
            await asyncio.sleep(0.01)
    await feeding
    assert await feed_data.select_column("select count(*) from pipeline.contact_decisions") == [0]
    await feeder.run_jobs("top_up")
    assert await feed_data.count_slots(broker) == {}
    assert await feed_data.select_column("select reason from app.feed_skips") == ["no_verified_email"]


async def test_only_leads_with_consent_are_fed_if_the_setting_requires_it(
    feed_data: FeedFixture, settings: FeederSettings, workspace: FakeWorkspace
) -> None:
    broker = await feed_data.add_broker(limit=5)
    consents, _ = await feed_data.add_leads(broker, 2)
    await feed_data.db.execute("update app.leads set consent = true, consented_at = $2 where id = $1", consents, MONDAY)
    service = build(settings.model_copy(update={"feed_requires_consent": True}), feed_data.clock)
    await service.database.start()
    await service.jobs.run_job("feeder.feed")
    await service.database.stop()
    assert await feed_data.select_column("select lead_id from app.feed_slots") == [consents]


async def test_leads_without_a_campaign_or_a_broker_wait(feed_data: FeedFixture, feeder: Feeder) -> None:
    broker = await feed_data.add_broker(limit=5, campaigns=())
    await feed_data.add_leads(broker, 1)
    await feed_data.add_leads(None, 1)
    await feeder.run_jobs("feed")
    assert await feed_data.select_column("select count(*) from app.feed_slots") == [0]
    assert await feed_data.select_column("select distinct campaign_status::text from app.leads") == ["queued"]


async def test_one_brokers_failure_does_not_stop_the_others(feed_data: FeedFixture, feeder: Feeder) -> None:
    broken, well = await feed_data.add_broker(limit=1), await feed_data.add_broker(limit=1)
    for broker in (broken, well):
        await feed_data.add_leads(broker, 1)
    await feed_data.db.execute(
        f"create function pg_temp_fail() returns trigger language plpgsql as $$ begin if new.broker_id = '{broken}' "
        "then raise 'no'; end if; return new; end $$"
    )
    await feed_data.db.execute(
        "create trigger fail before insert on app.feed_slots for each row execute function pg_temp_fail()"
    )
    with pytest.raises(RuntimeError, match="1 brokers were not fed"):
        await feeder.run_jobs("feed")
    assert await feed_data.count_slots(well) == {"reserved": 1}
    outcome = "select outcome from pipeline.job_runs where job = 'feeder.feed'"
    assert await feed_data.select_column(outcome) == ["failed"]
    assert await feed_data.select_column("select id from app.leads where campaign_status = 'active'") != []


async def test_the_top_up_feeds_no_lead_outside_the_window(feed_data: FeedFixture, feeder: Feeder) -> None:
    broker = await feed_data.add_broker(limit=1)
    await feed_data.add_leads(broker, 1)
    for hour in (5.9, 12.1, 23):
        feed_data.clock.now = MONDAY + timedelta(hours=hour - 6)
        await feeder.run_jobs("top_up")
    assert await feed_data.count_slots(broker) == {}
