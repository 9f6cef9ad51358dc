"""Pages become records in the outbox, once each, over both transports and with both servers' tools."""

from typing import Any

import pytest

from pull.vendors.batchdata_mcp import BatchDataMcp
from support.pulling import PINELLAS, Well, streets

transports = pytest.mark.parametrize("transport", ["http", "sse"])


@transports
async def test_a_search_is_pulled_to_its_end_and_each_property_sent_once(well: Well, transport: str) -> None:
    await well.search()
    async with well.puller(transport) as puller:
        stop = await well.pull(puller)
        assert stop is not None and (stop.reason, stop.is_fault) == ("finished", False)
        assert await well.pull(puller) is None, "a round that ended begins anew when it is due"
    found = well.properties()
    assert await well.streets_sent() == streets(found)
    run = await well.run()
    assert (run["records"], run["cents"], run["results_found"]) == (len(found), len(found), len(found))
    assert (run["outcome"], run["holder"], run["asked_take"]) == ("finished", None, None)
    assert well.paid == len(found)
    assert await well.spent() == {"2026-11-20": (len(found), float(len(found)))}


async def test_pages_are_as_long_as_the_account_allows(well: Well) -> None:
    await well.search()
    well.fault("tool_short_page")
    async with well.puller(pull_page=100) as puller:
        await well.pull(puller)
    assert await well.streets_sent() == streets(well.properties())
    assert (await well.run())["pages"] == -(-len(well.properties()) // 25)


async def test_the_community_server_is_asked_in_its_own_form(well: Well) -> None:
    await well.search()
    async with well.puller(pull_tool="search-properties") as puller:
        await well.pull(puller)
    assert await well.streets_sent() == streets(well.properties())


async def test_criteria_that_a_tool_cannot_say_are_never_left_out(well: Well) -> None:
    await well.search(criteria=PINELLAS | {"quickLists": ["owner-occupied"]})
    async with well.puller(pull_tool="search-properties") as puller:
        stop = await well.pull(puller)
    assert stop is not None and (stop.reason, stop.concerns_all) == ("criteria_unfit", False)
    assert "quickLists" in (await well.run())["detail"]
    assert well.paid == 0


async def test_a_tool_that_is_not_there_is_told_with_those_that_are(well: Well) -> None:
    await well.search()
    async with well.puller(pull_tool="find_homes") as puller:
        stop = await well.pull(puller)
    assert stop is not None and stop.reason == "refused"
    detail = (await well.run())["detail"]
    assert "find_homes" in detail and "lookup-property, lookup_property, search-properties, search_properties" in detail


async def test_the_round_goes_on_a_record_after_its_time(well: Well) -> None:
    await well.search(every_days=30)
    async with well.puller() as puller:
        await well.pull(puller)
        well.clock.now = well.clock.now.replace(month=12, day=19)
        assert await well.pull(puller) is None
        well.clock.now = well.clock.now.replace(day=20)
        assert await well.pull(puller) is not None
        assert await well.pull(puller) is None
        assert await well.pull(puller, anyway=True) is not None
    assert await well.db.fetchval("select count(*) from pipeline.pull_runs where outcome = 'finished'") == 3
    days = {record["observed_on"] for record in await well.sent()}
    assert days == {"2026-11-20", "2026-12-20"}


async def test_the_broker_of_a_search_goes_with_its_records_and_an_inactive_one_takes_none(well: Well) -> None:
    broker = await well.db.fetchval("insert into app.brokers (id, name) values (gen_random_uuid(), 'B') returning id")
    await well.search(broker_id=broker)
    async with well.puller() as puller:
        await well.pull(puller)
        assert {record["broker_id"] for record in await well.sent()} == {str(broker)}
        assert len(await puller._ledger.searches()) == 1
        await well.db.execute("update app.brokers set active = false")
        assert await puller._ledger.searches() == []


async def test_searches_go_in_their_order_and_disabled_ones_not_at_all(well: Well) -> None:
    for name, position in (("third", 3), ("first", 1), ("second", 2)):
        await well.search(name, position=position)
    await well.search("off", enabled=False, position=0)
    async with well.puller() as puller:
        assert [search.name for search in await puller._ledger.searches()] == ["first", "second", "third"]


@transports
@pytest.mark.parametrize("kind", ["tool_removed", "tool_added"])
async def test_results_that_shift_between_pages_lose_no_property_that_stays(
    well: Well, transport: str, kind: str
) -> None:
    await well.search()
    well.fault(kind, after=1, times=3)
    async with well.puller(transport, pull_page=10) as puller:
        stop = await well.pull(puller)
    assert stop is not None and stop.reason == "finished"
    sent = await well.streets_sent()
    assert set(sent) >= set(streets(well.properties()))
    different = await well.db.fetch("select distinct headers, body from svc_pull.outbox")
    assert len(sent) - len(set(sent)) <= 3 * 10, "shifting costs what is read again"
    assert len(different) >= len(set(sent))


async def test_the_token_is_in_no_words_of_ours(well: Well) -> None:
    source: Any = BatchDataMcp("http://127.0.0.1:1", "secret", "http", None, None, 1)
    assert "secret" not in repr(source)
