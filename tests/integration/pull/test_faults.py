"""Everything that BatchData and its MCP server can do wrong ends in a state that docs/batchdata-pull.md names."""

import asyncio
from typing import Any

import pytest

from pull.pulling import PullStoppedError
from support.pulling import Well, streets

transports = pytest.mark.parametrize("transport", ["http", "sse"])
CALL = {"contains": "tools/call"}


async def assert_all_is_there_after_all(well: Well, puller: Any) -> None:
    """Once the fault is gone the round goes on where it was."""
    well.no_faults()
    for _ in range(4):
        stop = await well.pull(puller)
        if stop is not None and stop.reason == "finished":
            break
    assert await well.streets_sent() == streets(well.properties())


@transports
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("rate_limited", {"retry_after": 0}),
        ("rate_limited", {}),
        ("server_error", {"status": 503}),
        ("server_error", {"status": 500}),
    ],
)
async def test_what_passes_is_asked_again_and_costs_nothing(
    well: Well, transport: str, kind: str, options: dict[str, Any]
) -> None:
    await well.search()
    operation = "mcp" if transport == "http" else "sse_message"
    well.fault(kind, operation=operation, after=6, times=2, **options)
    async with well.puller(transport) as puller:
        stop = await well.pull(puller)
    assert stop is not None and stop.reason == "finished"
    assert await well.streets_sent() == streets(well.properties())
    run = await well.run()
    assert (run["unknown_pages"], well.paid, run["cents"]) == (0, len(well.properties()), len(well.properties()))


async def test_a_session_that_the_server_forgot_is_opened_anew(well: Well) -> None:
    await well.search()
    well.fault("session_lost", operation="mcp", times=2, after=1, **CALL)
    async with well.puller() as puller:
        stop = await well.pull(puller)
    assert stop is not None and stop.reason == "finished"
    assert well.paid == len(well.properties())
    assert await well.streets_sent() == streets(well.properties())


@transports
@pytest.mark.parametrize(
    ("kind", "options", "reason", "detail"),
    [
        ("server_error", {"status": 503}, "batchdata_down", "http_503"),
        ("rate_limited", {"retry_after": 3_600}, "batchdata_down", "http_429"),
        ("reset", {}, "batchdata_down", "no_session"),
        ("unauthorized", {}, "refused", "http_401"),
        ("server_error", {"status": 403}, "refused", "http_403"),
        ("html", {}, "refused", "login_page"),
    ],
)
async def test_what_concerns_all_searches_stops_the_pull_and_nothing_is_lost_or_paid(
    well: Well, transport: str, kind: str, options: dict[str, Any], reason: str, detail: str
) -> None:
    await well.search("other", position=1)
    await well.search("pinellas", position=0)
    well.fault(kind, operation="mcp" if transport == "http" else "sse", **options)
    async with well.puller(transport, pull_tries=2) as puller:
        with pytest.raises(PullStoppedError, match=reason):
            await puller.run()
        run = await well.run()
        assert (run["outcome"], run["finished_at"], run["holder"]) == (reason, None, None)
        assert run["detail"].startswith(detail)
        assert await well.db.fetchval("select count(*) from pipeline.pull_runs") == 1, "the next search waits too"
        assert (well.paid, await well.spent()) == (0, {"2026-11-20": (0, 0.0)})
        await assert_all_is_there_after_all(well, puller)


async def test_a_server_that_is_not_there_is_down(well: Well) -> None:
    await well.search()
    async with well.puller(batchdata_mcp_url="http://127.0.0.1:9/mcp", pull_tries=1) as puller:
        stop = await well.pull(puller)
    assert stop is not None and (stop.reason, stop.detail) == ("batchdata_down", "not_reached")


async def test_an_address_without_a_server_is_refused(well: Well) -> None:
    await well.search()
    async with well.puller(batchdata_mcp_url=f"{well.sandbox.url}/nothing", pull_tries=1) as puller:
        stop = await well.pull(puller)
    assert stop is not None and stop.reason == "refused" and stop.detail.startswith("http_404")


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("lost_answer", {}),
        ("broken_json", {}),
        ("empty", {}),
        *(("error_after_effect", {"status": status}) for status in (502, 520, 524)),
    ],
)
async def test_an_answer_that_may_be_paid_for_is_not_asked_again_at_once(
    well: Well, kind: str, options: dict[str, Any]
) -> None:
    await well.search()
    well.fault(kind, operation="mcp", after=1, times=1, **CALL, **options)
    async with well.puller(pull_call_seconds=2) as puller:
        stop = await well.pull(puller)
        assert stop is not None and (stop.reason, stop.concerns_all) == ("unknown_answer", False)
        run = await well.run()
        assert (run["records"], run["unknown_pages"], run["unknown_records"]) == (25, 1, 25)
        assert (well.paid, await well.spent()) == (50, {"2026-11-20": (50, 50.0)})
        await assert_all_is_there_after_all(well, puller)


@transports
async def test_a_page_that_takes_too_long_is_unknown(well: Well, transport: str) -> None:
    await well.search()
    well.fault("slow", operation="mcp" if transport == "http" else "sse_message", seconds=30, times=1, **CALL)
    async with well.puller(transport, pull_call_seconds=1) as puller:
        stop = await well.pull(puller)
        assert stop is not None and (stop.reason, stop.detail) == ("unknown_answer", "timeout")
        await assert_all_is_there_after_all(well, puller)


@transports
@pytest.mark.parametrize("kind", ["tool_broken_json", "tool_wrong_types"])
async def test_a_document_that_cannot_be_read_was_paid_for(well: Well, transport: str, kind: str) -> None:
    await well.search()
    well.fault(kind, times=1)
    async with well.puller(transport) as puller:
        stop = await well.pull(puller)
        assert stop is not None and (stop.reason, stop.detail) == ("unknown_answer", "unreadable")
        await assert_all_is_there_after_all(well, puller)


async def test_pages_paid_in_vain_have_a_limit_a_day(well: Well) -> None:
    await well.search()
    well.fault("tool_broken_json")
    async with well.puller(pull_unknown_pages=2) as puller:
        reasons = []
        for _ in range(5):
            stop = await well.pull(puller)
            reasons.append(stop.reason if stop else None)
        assert reasons == ["unknown_answer", "unknown_answer", "unknown_pages", "unknown_pages", "unknown_pages"]
        assert well.paid == 50
        well.clock.now = well.clock.now.replace(day=21)
        await assert_all_is_there_after_all(well, puller)


@transports
async def test_a_tool_that_fails_for_one_search_does_not_keep_the_others(well: Well, transport: str) -> None:
    await well.search(
        "bad", criteria={"query": "Travis County, TX", "valuation": {"equityPercent": {"min": 95}}}, position=0
    )
    await well.search("pinellas", position=1)
    well.fault("tool_error", contains="Travis", status=500)
    async with well.puller(transport, pull_tries=2) as puller:
        with pytest.raises(PullStoppedError, match=r"tool_error.*bad"):
            await puller.run()
    assert await well.streets_sent() == streets(well.properties())
    outcomes = await well.db.fetch("select outcome from pipeline.pull_runs order by outcome")
    assert [row["outcome"] for row in outcomes] == ["finished", "tool_error"]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_tool_that_tells_of_no_balance_is_a_refusal(well: Well, status: int) -> None:
    await well.search()
    well.fault("tool_error", status=status)
    async with well.puller() as puller:
        stop = await well.pull(puller)
    assert stop is not None and (stop.reason, stop.concerns_all) == ("refused", True)
    assert stop.detail.startswith(f"tool_{status}")


async def test_a_bad_property_is_kept_for_who_looks_and_its_page_goes_on(well: Well) -> None:
    await well.search()
    well.fault("tool_malformed", times=1)
    async with well.puller() as puller:
        stop = await well.pull(puller)
    assert stop is not None and stop.reason == "finished"
    sent, everything = await well.streets_sent(), streets(well.properties())
    assert len(sent) == len(everything) - 1 and set(sent) < set(everything)
    [reject] = await well.db.fetch("select reason, sealed from pipeline.pull_rejects")
    assert reject["reason"] == "missing_address"
    assert b"Dunedin" not in reject["sealed"]
    run = await well.run()
    assert (run["rejects"], run["records"]) == (1, len(everything) - 1)


@transports
async def test_a_page_that_repeats_a_property_costs_it_and_steps_over_none(well: Well, transport: str) -> None:
    await well.search()
    well.fault("tool_duplicates")
    async with well.puller(transport) as puller:
        await well.pull(puller)
    assert await well.streets_sent() == streets(well.properties())
    assert (await well.run())["repeats"] == (await well.run())["pages"]


async def test_empty_pages_in_the_middle_are_asked_again_and_end_the_round_in_the_end(well: Well) -> None:
    await well.search()
    well.fault("tool_empty_page", after=1)
    async with well.puller() as puller:
        reasons = []
        for _ in range(3):
            stop = await well.pull(puller)
            reasons.append(stop.reason if stop else None)
        assert reasons == ["empty_page", "empty_page", "ended_early"]
        assert await well.pull(puller) is None
    run = await well.run()
    assert (run["outcome"], run["records"], run["finished_at"] is None) == ("ended_early", 25, False)


async def test_an_empty_page_that_passes_costs_nothing(well: Well) -> None:
    await well.search()
    well.fault("tool_empty_page", after=1, times=1)
    async with well.puller() as puller:
        await well.pull(puller)
        await assert_all_is_there_after_all(well, puller)
    assert well.paid == len(well.properties())


async def test_a_server_that_does_not_page_is_paid_for_two_pages_and_no_more(well: Well) -> None:
    await well.search()
    well.fault("tool_no_skip")
    async with well.puller() as puller:
        stop = await well.pull(puller)
        assert stop is not None and (stop.reason, stop.is_fault) == ("pages_repeat", True)
        assert await well.pull(puller) is None
    assert well.paid == 50


async def test_nothing_found_is_a_round_too(well: Well) -> None:
    await well.search(criteria={"query": "Pinellas County, FL", "valuation": {"equityPercent": {"min": 101}}})
    async with well.puller() as puller:
        stop = await well.pull(puller)
    assert stop is not None and stop.reason == "finished"
    assert (await well.run())["records"] == 0


async def test_a_stop_waits_for_the_page_under_way(well: Well) -> None:
    await well.search()
    well.fault("slow", operation="mcp", seconds=1, times=1, after=1, **CALL)
    async with well.puller() as puller:
        pulling = asyncio.create_task(well.pull(puller))
        while well.paid < 25 or not (await well.run())["asked_skip"]:
            await asyncio.sleep(0.02)
        pulling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pulling
        run = await well.run()
        assert (run["records"], run["unknown_pages"], run["outcome"], well.paid) == (50, 0, "interrupted", 50)
        await assert_all_is_there_after_all(well, puller)
