"""What may be spent on a day, by one replica or several."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from support.pulling import Well, streets


async def test_a_budget_that_is_used_up_stops_the_round_and_the_next_day_goes_on_where_it_was(well: Well) -> None:
    await well.search()
    everything = streets(well.properties())
    async with well.puller(pull_daily_records=30) as puller:
        for day in range(20, 23):
            well.clock.now = datetime(2026, 11, day, 12, 0, tzinfo=UTC)
            await puller.run()
            before = well.paid
            await puller.run()
            assert well.paid == before, "the same day pays no more"
    days = await well.spent()
    left = len(everything) - 60
    assert list(days.values()) == [(30, 30.0), (30, 30.0), (left, float(left))]
    assert well.paid == len(everything)
    assert await well.streets_sent() == everything
    run = await well.run()
    assert (run["outcome"], run["detail"]) == ("finished", None)


async def test_the_day_is_that_of_los_angeles(well: Well) -> None:
    await well.search()
    async with well.puller(pull_daily_records=10) as puller:
        for now in (datetime(2026, 11, 21, 7, 59, tzinfo=UTC), datetime(2026, 11, 21, 8, 0, tzinfo=UTC)):
            well.clock.now = now
            await puller.run()
    assert await well.spent() == {"2026-11-20": (10, 10.0), "2026-11-21": (10, 10.0)}


@pytest.mark.parametrize(
    ("settings", "columns", "records"),
    [
        ({"pull_daily_cents": Decimal(50), "pull_cents": Decimal("1.5")}, {}, 33),
        ({}, {"daily_records": 7}, 7),
        ({}, {"daily_cents": 9}, 9),
        ({"pull_daily_records": 0}, {}, 0),
    ],
)
async def test_records_and_cents_of_the_day_and_of_a_search_all_hold(
    well: Well, settings: dict[str, Any], columns: dict[str, Any], records: int
) -> None:
    await well.search(**columns)
    async with well.puller(**settings) as puller:
        stop = await well.pull(puller)
    assert stop is not None and (stop.reason, stop.is_fault) == ("budget_used", False)
    assert well.paid == records


async def test_searches_share_the_day_in_their_order(well: Well) -> None:
    await well.search("first", position=1, daily_records=20)
    await well.search("second", criteria={"query": "Travis County, TX"}, position=2)
    async with well.puller(pull_daily_records=45) as puller:
        await puller.run()
    places = [record["property_state"] for record in await well.sent()]
    assert (places.count("FL"), places.count("TX")) == (20, 25)


async def test_two_replicas_share_searches_and_budget_and_send_nothing_twice(well: Well) -> None:
    for number in range(4):
        await well.search(f"s{number}", criteria={"query": f"County{number} County, FL"}, position=number)
    async with well.puller(pull_daily_records=300) as one, well.puller(pull_daily_records=300) as other:
        await asyncio.gather(one.run(), other.run(), one.run())
    assert well.paid == 300
    assert (await well.spent())["2026-11-20"] == (300, 300.0)
    sent = await well.sent()
    assert len({(record["county"], record["property_address"]) for record in sent}) == len(sent) == 300


async def test_one_search_has_one_holder_at_a_time(well: Well) -> None:
    await well.search()
    well.fault("slow", operation="mcp", seconds=0.1)
    async with well.puller() as one, well.puller() as other:
        stops = await asyncio.gather(well.pull(one), well.pull(other))
    assert sorted(stop.reason if stop else "" for stop in stops) == ["", "finished"]
    assert well.paid == len(well.properties())


async def test_who_lost_a_search_to_another_writes_nothing_any_more(well: Well) -> None:
    await well.search()
    well.fault("slow", operation="mcp", seconds=1, times=1, contains="tools/call")
    async with well.puller() as slow, well.puller() as quick:
        first = asyncio.create_task(well.pull(slow))
        while not (await well.db.fetchval("select asked_take from pipeline.pull_runs")):
            await asyncio.sleep(0.02)
        await well.db.execute("update pipeline.pull_runs set leased_until = now() - interval '1 second'")
        second = await well.pull(quick)
        stop = await first
    assert second is not None and second.reason == "finished"
    assert stop is not None and stop.reason == "taken_over"
    run, everything = await well.run(), well.properties()
    assert (run["records"], run["unknown_pages"], run["unknown_records"]) == (len(everything), 1, 25)
    assert await well.streets_sent() == streets(everything)
    assert well.paid == len(everything) + 25
