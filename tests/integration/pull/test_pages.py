"""Records of pages: each is in the outbox once, over both transports and with the tools of both servers."""

from typing import Any

import pytest

from pull.vendors.batchdata_mcp import BatchDataMcpClient
from support.pull_fixture import PINELLAS, PullFixture, page_log_of, sorted_streets

transports = pytest.mark.parametrize("transport", ["http", "sse"])


@transports
async def test_a_search_is_pulled_to_its_end_and_each_property_sent_once(pulling: PullFixture, transport: str) -> None:
    await pulling.save_search()
    async with pulling.open_puller(transport) as puller:
        stop = await pulling.pull(puller)
        assert (stop.outcome, stop.outcome.is_failure) == ("finished", False)
        assert await pulling.try_pull(puller) is None, "a new round starts only when it is due"
    properties = pulling.matching_properties()
    assert await pulling.outbox_streets() == sorted_streets(properties)
    latest = await pulling.latest_round()
    assert (latest["records"], latest["cents"], latest["results_found"]) == (
        len(properties),
        len(properties),
        len(properties),
    )
    assert (latest["outcome"], latest["lease_holder"], latest["requested_take"]) == ("finished", None, None)
    assert pulling.paid_records == len(properties)
    assert await pulling.spending_by_day() == {"2026-11-20": (len(properties), float(len(properties)))}


async def test_a_shorter_page_than_requested_skips_no_property(pulling: PullFixture) -> None:
    await pulling.save_search()
    pulling.inject_fault("tool_short_page")
    async with pulling.open_puller(pull_page=100) as puller:
        await pulling.pull(puller)
    assert await pulling.outbox_streets() == pulling.matching_streets()
    assert (await pulling.latest_round())["pages"] == -(-len(pulling.matching_properties()) // 25)


async def test_the_community_server_gets_flat_arguments(pulling: PullFixture) -> None:
    await pulling.save_search()
    async with pulling.open_puller(pull_tool="search-properties") as puller:
        await pulling.pull(puller)
    assert await pulling.outbox_streets() == pulling.matching_streets()


async def test_criteria_that_a_tool_cannot_express_stop_the_search(pulling: PullFixture) -> None:
    await pulling.save_search(criteria=PINELLAS | {"quickLists": ["owner-occupied"]})
    async with pulling.open_puller(pull_tool="search-properties") as puller:
        stop = await pulling.pull(puller)
    assert (stop.outcome, stop.outcome.affects_all_searches) == ("criteria_unsupported", False)
    assert "quickLists" in (await pulling.latest_round())["detail"]
    assert pulling.paid_records == 0


async def test_a_missing_tool_is_reported_with_the_existing_tools(pulling: PullFixture) -> None:
    await pulling.save_search()
    async with pulling.open_puller(pull_tool="find_homes") as puller:
        stop = await pulling.pull(puller)
    assert stop.outcome == "access_denied"
    detail = (await pulling.latest_round())["detail"]
    assert "find_homes" in detail and "lookup-property, lookup_property, search-properties, search_properties" in detail


async def test_a_new_round_starts_when_it_is_due_and_observes_the_properties_again(pulling: PullFixture) -> None:
    await pulling.save_search(every_days=30)
    async with pulling.open_puller() as puller:
        await pulling.pull(puller)
        pulling.clock.now = pulling.clock.now.replace(month=12, day=19)
        assert await pulling.try_pull(puller) is None
        pulling.clock.now = pulling.clock.now.replace(day=20)
        assert await pulling.try_pull(puller) is not None
        assert await pulling.try_pull(puller) is None
        assert await pulling.try_pull(puller, start_early=True) is not None
    assert await pulling.db.fetchval("select count(*) from pipeline.pull_rounds where outcome = 'finished'") == 3
    days = {record["observed_on"] for record in await pulling.outbox_records()}
    assert days == {"2026-11-20", "2026-12-20"}


async def test_records_have_the_broker_of_their_search_and_a_disabled_broker_stops_it(pulling: PullFixture) -> None:
    broker = await pulling.db.fetchval(
        "insert into app.brokers (id, name) values (gen_random_uuid(), 'B') returning id"
    )
    await pulling.save_search(broker_id=broker)
    async with pulling.open_puller() as puller:
        await pulling.pull(puller)
        assert {record["broker_id"] for record in await pulling.outbox_records()} == {str(broker)}
        assert len(await page_log_of(puller).list_searches()) == 1
        await pulling.db.execute("update app.brokers set active = false")
        assert await page_log_of(puller).list_searches() == []


async def test_searches_are_pulled_in_their_order_without_the_disabled_ones(pulling: PullFixture) -> None:
    for name, position in (("third", 3), ("first", 1), ("second", 2)):
        await pulling.save_search(name, position=position)
    await pulling.save_search("off", enabled=False, position=0)
    async with pulling.open_puller() as puller:
        assert [search.name for search in await page_log_of(puller).list_searches()] == ["first", "second", "third"]


@transports
@pytest.mark.parametrize("kind", ["tool_removed", "tool_added"])
async def test_shifting_results_lose_no_property_that_stays_in_them(
    pulling: PullFixture, transport: str, kind: str
) -> None:
    await pulling.save_search()
    pulling.inject_fault(kind, after=1, times=3)
    async with pulling.open_puller(transport, pull_page=10) as puller:
        stop = await pulling.pull(puller)
    assert stop.outcome == "finished"
    sent = await pulling.outbox_streets()
    assert set(sent) >= set(pulling.matching_streets())
    different = await pulling.db.fetch("select distinct headers, body from svc_pull.outbox")
    assert len(sent) - len(set(sent)) <= 3 * 10, "shifted results are read again, up to a page for each shift"
    assert len(different) >= len(set(sent))


async def test_the_client_does_not_show_its_token(pulling: PullFixture) -> None:
    source: Any = BatchDataMcpClient("http://127.0.0.1:1", "secret", "http", None, None, 1)
    assert "secret" not in repr(source)
