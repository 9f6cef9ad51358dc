"""Opt-outs while the feed runs, thousands of times: either the gate refuses, or the membership ends. There is no third case."""

import asyncio
import random

import asyncpg

from support.databases import Database
from support.feeding import Feeder, FeedFixture

BROKERS, LEADS_PER_BROKER, PEOPLE_AT_ONCE = 40, 50, 6


async def opt_out_all(database: Database, value_hashes: list[bytes], opted_out: asyncio.Event) -> None:
    """Opt out of emails, one value after another, as the consent service does."""
    connection = await asyncpg.connect(database.dsn("consent"))
    try:
        for value_hash in value_hashes:
            await connection.fetchrow(
                "select * from app.opt_out('email', $1, 'h1', 'opt_out', null, now(), sha256($1))", value_hash
            )
            opted_out.set()
    finally:
        await connection.close()


async def test_no_lead_that_opts_out_during_the_feed_stays_in_a_campaign(
    database: Database, feed_data: FeedFixture, feeder: Feeder
) -> None:
    for _ in range(BROKERS):
        broker = await feed_data.add_broker(limit=LEADS_PER_BROKER)
        await feed_data.add_leads(broker, LEADS_PER_BROKER, refresh=False)
    await feed_data.refresh_snapshot()
    hashes = await feed_data.select_column("select value_hash from app.lead_contacts where channel = 'email'")
    random.Random(7).shuffle(hashes)
    begun = asyncio.Event()
    people = [
        asyncio.create_task(opt_out_all(database, hashes[number::PEOPLE_AT_ONCE], begun))
        for number in range(PEOPLE_AT_ONCE)
    ]
    await begun.wait()
    await feeder.run_jobs("feed")
    await asyncio.gather(*people)

    refused = await feed_data.select_column("select count(*) from pipeline.contact_decisions where not allowed")
    fed = await feed_data.select_column("select count(*) from app.feed_slots where state = 'reserved'")
    assert refused[0] + fed[0] == BROKERS * LEADS_PER_BROKER
    assert refused[0] > 0
    assert fed[0] > 0
    assert await feed_data.select_column("select count(*) from app.vendor_memberships where desired = 'in'") == [0]
