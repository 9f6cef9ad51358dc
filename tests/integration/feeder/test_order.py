"""The order of the feed is said once, by `list_candidates`: feed, decisions, preview and index follow it."""

from pathlib import Path

from common.database import load_queries
from feeder import feed as feed_module
from feeder.app import build
from feeder.feed import Feed
from feeder.preview import preview
from feeder.settings import FeederSettings
from support.feeding import MONDAY, Ranch, clock_at

TODAY = MONDAY.date()


async def test_feed_decisions_and_preview_follow_the_candidate_list(
    ranch: Ranch, settings: FeederSettings, tmp_path: Path
) -> None:
    """Scores that are equal, and a score that changed after the list was made, tell the orders apart."""
    broker = await ranch.broker(limit=4)
    leads = await ranch.leads(broker, 8, refresh=False)
    await ranch.db.execute("update app.leads set lead_score = 60 where id = any ($1)", leads[2:])
    await ranch.db.execute(
        "update app.lead_contacts set litigator = true where lead_id = any ($1)", [leads[1], leads[3]]
    )
    await ranch.refresh()
    await ranch.db.execute("update app.leads set lead_score = 100 where id = $1", leads[5])
    queries = load_queries(feed_module.__file__)
    listed = [
        row["id"]
        async for row in queries.list_candidates(ranch.db, broker_id=broker, local_date=TODAY, many=8, besides=[])
    ]
    assert listed == [leads[0], leads[1], *sorted(leads[2:])]
    expected_fed = [lead for lead in listed if lead not in (leads[1], leads[3])][:4]

    seen = await preview(settings.model_copy(update={"clock_file": Path(clock_at(MONDAY, tmp_path))}), broker)
    shown = {
        outcome: [lead["lead_id"] for lead in seen["leads"] if lead["outcome"] == outcome]
        for outcome in ("fed", "held", "waits")
    }
    assert shown["fed"] == expected_fed
    assert shown["held"] == [lead for lead in listed if lead in shown["held"]]
    assert shown["waits"] == [lead for lead in listed if lead not in (*shown["fed"], *shown["held"])]

    service = build(settings, ranch.clock)
    await service.database.start()
    await Feed(service.bus, settings, ranch.clock).feed_broker(broker, TODAY)
    await service.database.stop()
    decided = await ranch.ask("select lead_id from pipeline.contact_decisions order by id")
    assert decided == [lead for lead in listed if lead in decided]
    assert [lead for lead in decided if lead in expected_fed] == expected_fed
    assert set(await ranch.ask("select lead_id from app.feed_slots")) == set(expected_fed)


async def test_the_index_of_the_list_has_the_order_of_the_query(ranch: Ranch) -> None:
    """So that the best leads are read without sorting the broker's whole list."""
    broker = await ranch.broker()
    await ranch.leads(broker, 3)
    query = load_queries(feed_module.__file__).list_candidates.sql
    await ranch.db.execute("set enable_seqscan = off; set enable_bitmapscan = off")
    plan = "\n".join([row[0] for row in await ranch.db.fetch(f"explain {query}", broker, TODAY, [], 5)])
    assert "mv_contactable_leads_feed_idx" in plan
    assert "Sort" not in plan
