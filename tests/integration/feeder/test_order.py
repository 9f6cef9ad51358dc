"""Order of the feed: the query `list_candidates` defines it; feed, decisions, preview, index and page keep it."""

import re
from pathlib import Path

from common.statements import load_statements
from feeder.app import build
from feeder.daily_feed import queries
from feeder.daily_feed.feed import DailyFeed
from feeder.daily_feed.preview import preview_feed
from feeder.settings import FeederSettings
from support.feeding import MONDAY, FeedFixture, clock_at

TODAY = MONDAY.date()
PAGE = (Path(__file__).parents[3] / "docs" / "feeding.md").read_text()


async def test_feed_decisions_and_preview_keep_the_order_of_the_candidates(
    feed_data: FeedFixture, settings: FeederSettings, tmp_path: Path
) -> None:
    """Equal scores, and a score that changed after the snapshot, distinguish the possible orders."""
    broker = await feed_data.add_broker(limit=4)
    leads = await feed_data.add_leads(broker, 8, refresh=False)
    await feed_data.db.execute("update app.leads set lead_score = 60 where id = any ($1)", leads[2:])
    await feed_data.db.execute(
        "update app.lead_contacts set litigator = true where lead_id = any ($1)", [leads[1], leads[3]]
    )
    await feed_data.refresh_snapshot()
    await feed_data.db.execute("update app.leads set lead_score = 100 where id = $1", leads[5])
    listed = await queries.list_candidates(feed_data.db, broker_id=broker, local_date=TODAY, page_size=8, exclude=[])
    assert listed == [leads[0], leads[1], *sorted(leads[2:])]
    expected_fed = [lead for lead in listed if lead not in (leads[1], leads[3])][:4]

    seen = await preview_feed(settings.model_copy(update={"clock_file": Path(clock_at(MONDAY, tmp_path))}), broker)
    shown = {
        outcome: [lead.lead_id for lead in seen.leads if lead.outcome == outcome]
        for outcome in ("fed", "skipped", "waiting")
    }
    assert shown["fed"] == expected_fed
    assert shown["skipped"] == [lead for lead in listed if lead in shown["skipped"]]
    assert shown["waiting"] == [lead for lead in listed if lead not in (*shown["fed"], *shown["skipped"])]

    service = build(settings, feed_data.clock)
    await service.database.start()
    await DailyFeed(service.bus, settings, feed_data.clock).feed_broker(broker, TODAY)
    await service.database.stop()
    decided = await feed_data.select_column("select lead_id from pipeline.contact_decisions order by id")
    assert decided == [lead for lead in listed if lead in decided]
    assert [lead for lead in decided if lead in expected_fed] == expected_fed
    assert set(await feed_data.select_column("select lead_id from app.feed_slots")) == set(expected_fed)


async def test_the_index_of_the_snapshot_has_the_order_of_the_query(feed_data: FeedFixture) -> None:
    """The best leads are then read without a sort of all leads of the broker."""
    broker = await feed_data.add_broker()
    await feed_data.add_leads(broker, 3)
    query = load_statements(queries.__file__)["list_candidates"]
    await feed_data.db.execute("set enable_seqscan = off; set enable_bitmapscan = off")
    plan = "\n".join([row[0] for row in await feed_data.db.fetch(f"explain {query}", broker, TODAY, [], 5)])
    assert "mv_contactable_leads_feed_idx" in plan
    assert "Sort" not in plan


async def test_query_index_and_page_state_the_same_order(feed_data: FeedFixture) -> None:
    query = load_statements(queries.__file__)["list_candidates"]
    [stated_by_query] = re.findall(r"order by (.+)", query)
    index = await feed_data.db.fetchval("select pg_get_indexdef('app.mv_contactable_leads_feed_idx'::regclass)")
    [stated_by_index] = re.findall(r"\(assigned_broker_id, (.+?)\)", index)
    stated_by_page = re.findall(r"^\| the (?:query|index) .*`([^`]+)` \|$", PAGE, re.MULTILINE)
    assert {stated_by_query.replace("m.", ""), stated_by_index.lower(), *stated_by_page} == {"lead_score desc, id"}
    assert len(stated_by_page) == 2
