"""The preview shows exactly the leads that the feed then feeds and skips, whatever the leads look like."""

from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from common.ids import BrokerId
from feeder.app import build
from feeder.daily_feed.feed import DailyFeed
from feeder.daily_feed.preview import preview_feed
from feeder.settings import FeederSettings
from support.feeding import MONDAY, FeedFixture, clock_at

SEEDS, ROUNDS = range(6), 2
TODAY = MONDAY.date()

_OF_LEAD = "from app.leads where id = $1 and assigned_broker_id is not null on conflict do nothing"
_OF_CONTACT = "from app.lead_contacts where lead_id = $1 on conflict do nothing"
UNUSUAL_LEADS = [
    "update app.leads set deceased_owner = true where id = $1",
    "update app.leads set litigator = true where id = $1",
    "update app.leads set email_verified = false where id = $1",
    "update app.leads set campaign_status = 'unsubscribed' where id = $1",
    "update app.leads set assigned_broker_id = null where id = $1",
    "update app.leads set added_to_campaign_at = now() where id = $1",
    "update app.leads set consent = true, consented_at = now() where id = $1",
    "update app.leads set lead_score = 50 where id = $1",
    "update app.lead_contacts set litigator = true where lead_id = $1",
    "update app.lead_contacts set verified = null where lead_id = $1",
    "update app.lead_contacts set verified = false where lead_id = $1",
    "delete from app.lead_contacts where lead_id = $1",
    f"""insert into app.feed_slots (broker_id, local_date, lead_id, state)
    select assigned_broker_id, '2026-11-16', id, 'reserved' {_OF_LEAD}""",
    f"""insert into app.feed_slots (broker_id, local_date, lead_id, state)
    select assigned_broker_id, '2026-11-13', id, 'returned' {_OF_LEAD}""",
    f"""insert into app.feed_skips (lead_id, broker_id, local_date, reason)
    select id, assigned_broker_id, '2026-11-16', 'deceased' {_OF_LEAD}""",
    f"""insert into app.suppressions (channel, value_hash, hash_key_id, reason)
    select 'email', value_hash, 'h1', 'opt_out' {_OF_CONTACT}""",
    f"""insert into app.vendor_memberships (lead_id, campaign_id, desired, actual, value_hash)
    select lead_id, (select id from app.campaigns order by id limit 1), 'out',
      (array['in', 'out', 'unknown'])[1 + get_byte(uuid_send(lead_id), 15) % 3], value_hash {_OF_CONTACT}""",
    f"""insert into app.lead_contacts (lead_id, channel, value_hash, hash_key_id, value_ciphertext, source, verified, rank)
    select lead_id, 'email', 'x' || value_hash, 'h1', value_ciphertext, 'test', true, 0 {_OF_CONTACT}""",
]
UNUSUAL_BROKERS = [
    "update app.brokers set days_off = '{2026-11-16}' where id = $1",
    "update app.brokers set active = false where id = $1",
    "update app.campaigns set problem = 'missing' where broker_id = $1",
    "update app.campaigns set active = false where broker_id = $1 and name = 'A'",
]


async def add_unusual_leads(feed_data: FeedFixture, random: Random) -> BrokerId:
    """Add a broker with leads of every kind, in a snapshot that is up to date or not; return the broker."""
    broker = await feed_data.add_broker(limit=random.choice([0, 1, 3, 7, 40, 200]), campaigns=("A", "B"))
    if random.random() < 0.2:
        await feed_data.db.execute(random.choice(UNUSUAL_BROKERS), broker)
    shared = [f"shared{random.random()}@example.com" for _ in range(9)]
    count, unusual_share = random.choice([5, 40, 90]), random.choice([0.1, 0.5, 0.9])
    emails = [
        random.choice(shared) if random.random() < 0.3 else f"own{random.random()}@example.com" for _ in range(count)
    ]
    leads = await feed_data.add_leads(broker, count, emails=emails)
    for lead in leads:
        while random.random() < unusual_share:
            await feed_data.db.execute(random.choice(UNUSUAL_LEADS), lead)
    one, *others = random.sample(leads, 4)
    for other in others:
        await feed_data.add_conflict(one, other, random.choice(["mak", "addr_hash"]))
    if random.random() < 0.5:
        await feed_data.refresh_snapshot()
    return broker


async def select_pairs(feed_data: FeedFixture, query: str, *values: object) -> dict[UUID, str]:
    return {row[0]: row[1] for row in await feed_data.db.fetch(query, *values)}


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_preview_shows_the_leads_that_the_feed_then_feeds_and_skips(
    feed_data: FeedFixture, settings: FeederSettings, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    clock_file, strict = Path(clock_at(MONDAY, tmp_path)), random.random() < 0.2
    settings = settings.model_copy(update={"clock_file": clock_file, "feed_requires_consent": strict})
    for _ in range(ROUNDS):
        broker = await add_unusual_leads(feed_data, random)
        taken = "select lead_id from app.feed_slots where state <> 'returned'"
        before = set(await feed_data.select_column(taken))
        seen = await preview_feed(settings, broker)
        service = build(settings, feed_data.clock)
        await service.database.start()
        await DailyFeed(service.bus, settings, feed_data.clock).feed_broker(broker, TODAY)
        await service.database.stop()
        fed = {lead.lead_id: lead.campaign for lead in seen.leads if lead.outcome == "fed"}
        assert fed.keys() == set(await feed_data.select_column(taken)) - before
        assert len(fed) == seen.would_be_fed
        members = """select m.lead_id, c.name from app.vendor_memberships m join app.campaigns c on c.id = m.campaign_id
        where m.desired = 'in' and m.lead_id = any ($1)"""
        assert fed == await select_pairs(feed_data, members, list(fed))
        skipped = {lead.lead_id: lead.reason for lead in seen.leads if lead.outcome == "skipped"}
        stored_skips = "select lead_id, reason from app.feed_skips where broker_id = $1 and local_date = $2"
        assert skipped == await select_pairs(feed_data, stored_skips, broker, TODAY)
        decided = "select lead_id from pipeline.contact_decisions where allowed and lead_id = any ($1)"
        assert sorted(await feed_data.select_column(decided, list(fed))) == sorted(fed), "each once"
        assert (
            await feed_data.select_column(
                "select lead_id from pipeline.contact_decisions group by 1 having count(*) > 1"
            )
            == []
        )
        again = await preview_feed(settings, broker)
        assert (again.would_be_fed, again.stop_reason) == (0, seen.stop_reason)
