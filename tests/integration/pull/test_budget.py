"""Daily budgets, shared by all searches and replicas."""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from support.pull_fixture import PullFixture, sorted_streets


async def test_a_used_up_budget_stops_the_round_and_the_next_day_continues_it(pulling: PullFixture) -> None:
    await pulling.save_search()
    everything = pulling.matching_streets()
    async with pulling.open_puller(pull_daily_records=30) as puller:
        for day in range(20, 23):
            pulling.clock.now = datetime(2026, 11, day, 12, 0, tzinfo=UTC)
            await puller.pull_due_searches()
            before = pulling.paid_records
            await puller.pull_due_searches()
            assert pulling.paid_records == before, "a second pull on the same day pays nothing"
    days = await pulling.spending_by_day()
    left = len(everything) - 60
    assert list(days.values()) == [(30, 30.0), (30, 30.0), (left, float(left))]
    assert pulling.paid_records == len(everything)
    assert await pulling.outbox_streets() == everything
    latest = await pulling.latest_round()
    assert (latest["outcome"], latest["detail"]) == ("finished", None)


async def test_a_budget_counts_for_a_day_of_los_angeles(pulling: PullFixture) -> None:
    await pulling.save_search()
    async with pulling.open_puller(pull_daily_records=10) as puller:
        for now in (datetime(2026, 11, 21, 7, 59, tzinfo=UTC), datetime(2026, 11, 21, 8, 0, tzinfo=UTC)):
            pulling.clock.now = now
            await puller.pull_due_searches()
    assert await pulling.spending_by_day() == {"2026-11-20": (10, 10.0), "2026-11-21": (10, 10.0)}


@pytest.mark.parametrize(
    ("settings", "columns", "records"),
    [
        ({"pull_daily_cents": Decimal(50), "pull_cents": Decimal("1.5")}, {}, 33),
        ({}, {"daily_records": 7}, 7),
        ({}, {"daily_cents": 9}, 9),
        ({"pull_daily_records": 0}, {}, 0),
    ],
)
async def test_every_budget_of_the_day_and_of_the_search_limits_the_pull(
    pulling: PullFixture, settings: dict[str, Any], columns: dict[str, Any], records: int
) -> None:
    await pulling.save_search(**columns)
    async with pulling.open_puller(**settings) as puller:
        stop = await pulling.pull(puller)
    assert (stop.outcome, stop.outcome.is_failure) == ("budget_used", False)
    assert pulling.paid_records == records


async def test_searches_share_the_budget_of_a_day_in_their_order(pulling: PullFixture) -> None:
    await pulling.save_search("first", position=1, daily_records=20)
    await pulling.save_search("second", criteria={"query": "Travis County, TX"}, position=2)
    async with pulling.open_puller(pull_daily_records=45) as puller:
        await puller.pull_due_searches()
    states = [record["property_state"] for record in await pulling.outbox_records()]
    assert (states.count("FL"), states.count("TX")) == (20, 25)


async def test_two_replicas_share_searches_and_budget_and_send_no_record_twice(pulling: PullFixture) -> None:
    for number in range(4):
        await pulling.save_search(f"s{number}", criteria={"query": f"County{number} County, FL"}, position=number)
    async with pulling.open_puller(pull_daily_records=300) as one, pulling.open_puller(pull_daily_records=300) as other:
        await asyncio.gather(one.pull_due_searches(), other.pull_due_searches(), one.pull_due_searches())
    assert pulling.paid_records == 300
    assert (await pulling.spending_by_day())["2026-11-20"] == (300, 300.0)
    sent = await pulling.outbox_records()
    assert len({(record["county"], record["property_address"]) for record in sent}) == len(sent) == 300


async def test_one_search_has_one_holder_at_a_time(pulling: PullFixture) -> None:
    await pulling.save_search()
    pulling.inject_fault("slow", operation="mcp", seconds=0.1)
    async with pulling.open_puller() as one, pulling.open_puller() as other:
        stops = await asyncio.gather(pulling.try_pull(one), pulling.try_pull(other))
    assert sorted(stop.outcome if stop else "" for stop in stops) == ["", "finished"]
    assert pulling.paid_records == len(pulling.matching_properties())


async def test_a_replica_whose_lease_expired_writes_nothing(pulling: PullFixture) -> None:
    await pulling.save_search()
    pulling.inject_fault("slow", operation="mcp", seconds=1, times=1, contains="tools/call")
    async with pulling.open_puller() as slow, pulling.open_puller() as quick:
        first = asyncio.create_task(pulling.pull(slow))
        while not (await pulling.db.fetchval("select requested_take from pipeline.pull_rounds")):
            await asyncio.sleep(0.02)
        await pulling.end_leases()
        second = await pulling.pull(quick)
        stop = await first
    assert second.outcome == "finished"
    assert stop.outcome == "taken_over"
    latest, everything = await pulling.latest_round(), pulling.matching_properties()
    assert (latest["records"], latest["unknown_pages"], latest["unknown_records"]) == (len(everything), 1, 25)
    assert await pulling.outbox_streets() == sorted_streets(everything)
    assert pulling.paid_records == len(everything) + 25
