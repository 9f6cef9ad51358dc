"""Faults of BatchData and its MCP server: each ends in an outcome of docs/batchdata-pull.md."""

import asyncio
from typing import Any

import pytest

from common.vendors.throttle import VendorThrottle
from pull.puller import PullStoppedError
from support.pull_fixture import PullFixture

transports = pytest.mark.parametrize("transport", ["http", "sse"])
TOOL_CALL = {"contains": "tools/call"}


async def assert_round_completes(pulling: PullFixture, puller: Any) -> None:
    """Assert that the round continues to its end after fault and backoff, without a lost or repeated record."""
    pulling.clear_faults()
    await pulling.end_backoff()
    for _ in range(4):
        stop = await pulling.try_pull(puller)
        if stop is not None and stop.outcome == "finished":
            break
    assert await pulling.outbox_streets() == pulling.matching_streets()


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
async def test_a_passing_failure_is_retried_and_costs_nothing(
    pulling: PullFixture, transport: str, kind: str, options: dict[str, Any]
) -> None:
    await pulling.save_search()
    operation = "mcp" if transport == "http" else "sse_message"
    pulling.inject_fault(kind, operation=operation, after=6, times=2, **options)
    async with pulling.open_puller(transport) as puller:
        stop = await pulling.pull(puller)
    assert stop.outcome == "finished"
    assert await pulling.outbox_streets() == pulling.matching_streets()
    latest = await pulling.latest_round()
    assert (latest["unknown_pages"], pulling.paid_records, latest["cents"]) == (
        0,
        len(pulling.matching_properties()),
        len(pulling.matching_properties()),
    )


async def test_a_session_that_the_server_lost_is_opened_again(pulling: PullFixture) -> None:
    await pulling.save_search()
    pulling.inject_fault("session_lost", operation="mcp", times=2, after=1, **TOOL_CALL)
    async with pulling.open_puller() as puller:
        stop = await pulling.pull(puller)
    assert stop.outcome == "finished"
    assert pulling.paid_records == len(pulling.matching_properties())
    assert await pulling.outbox_streets() == pulling.matching_streets()


@transports
@pytest.mark.parametrize(
    ("kind", "options", "outcome", "detail"),
    [
        ("server_error", {"status": 503}, "batchdata_unavailable", "http_503"),
        ("rate_limited", {"retry_after": 3_600}, "batchdata_unavailable", "http_429"),
        ("reset", {}, "batchdata_unavailable", "no_session"),
        ("unauthorized", {}, "access_denied", "http_401"),
        ("server_error", {"status": 403}, "access_denied", "http_403"),
        ("html", {}, "access_denied", "login_page"),
    ],
)
async def test_a_failure_of_all_searches_stops_the_pull_without_loss_or_cost(
    pulling: PullFixture, transport: str, kind: str, options: dict[str, Any], outcome: str, detail: str
) -> None:
    await pulling.save_search("other", position=1)
    await pulling.save_search("pinellas", position=0)
    pulling.inject_fault(kind, operation="mcp" if transport == "http" else "sse", **options)
    async with pulling.open_puller(transport, pull_max_attempts=2) as puller:
        with pytest.raises(PullStoppedError, match=outcome):
            await puller.pull_due_searches()
        latest = await pulling.latest_round()
        assert (latest["outcome"], latest["finished_at"], latest["lease_holder"]) == (outcome, None, None)
        assert latest["detail"].startswith(detail)
        assert await pulling.db.fetchval("select count(*) from pipeline.pull_rounds") == 1, (
            "the next search is not tried"
        )
        assert (pulling.paid_records, await pulling.spending_by_day()) == (0, {"2026-11-20": (0, 0.0)})
        await assert_round_completes(pulling, puller)


async def test_a_backoff_that_batchdata_asks_for_holds_for_other_replicas_and_later_pulls(pulling: PullFixture) -> None:
    await pulling.save_search()
    pulling.inject_fault("rate_limited", operation="mcp", retry_after=3_600)
    async with pulling.open_puller() as puller:
        assert (await pulling.pull(puller)).detail == "http_429"
    pulling.clear_faults()
    calls = pulling.sandbox.state.statistics.summarize_calls("batchdata_mcp")["total"]
    async with pulling.open_puller() as other:
        stop = await pulling.pull(other)
        assert (stop.outcome, stop.detail) == ("batchdata_unavailable", "no_permit")
        assert pulling.sandbox.state.statistics.summarize_calls("batchdata_mcp")["total"] == calls
        await assert_round_completes(pulling, other)


async def test_a_paid_page_is_recorded_before_its_success_is_reported(
    pulling: PullFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_self: VendorThrottle, _vendor: str) -> None:
        raise ConnectionError

    await pulling.save_search()
    monkeypatch.setattr(VendorThrottle, "record_success", fail)
    async with pulling.open_puller() as puller:
        with pytest.raises(ConnectionError):
            await pulling.pull(puller)
        latest = await pulling.latest_round()
        assert (latest["records"], latest["unknown_pages"], pulling.paid_records) == (25, 0, 25)
        monkeypatch.undo()
        await assert_round_completes(pulling, puller)


async def test_a_tool_that_fails_for_a_search_starts_no_backoff(pulling: PullFixture) -> None:
    await pulling.save_search()
    pulling.inject_fault("tool_error", status=500)
    async with pulling.open_puller(pull_max_attempts=2) as puller:
        assert (await pulling.pull(puller)).outcome == "tool_error"
    state = await pulling.db.fetchrow("select * from pipeline.provider_states where provider = 'batchdata_mcp'")
    assert (state["failures"], state["backoff_until"]) == (0, None)


async def test_an_unreachable_server_is_unavailable(pulling: PullFixture) -> None:
    await pulling.save_search()
    async with pulling.open_puller(batchdata_mcp_url="http://127.0.0.1:9/mcp", pull_max_attempts=1) as puller:
        stop = await pulling.pull(puller)
    assert (stop.outcome, stop.detail) == ("batchdata_unavailable", "connect_failed")


async def test_an_address_without_an_mcp_server_needs_an_operator(pulling: PullFixture) -> None:
    await pulling.save_search()
    async with pulling.open_puller(batchdata_mcp_url=f"{pulling.sandbox.url}/nothing", pull_max_attempts=1) as puller:
        stop = await pulling.pull(puller)
    assert stop.outcome == "access_denied" and stop.detail.startswith("http_404")


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("lost_answer", {}),
        ("broken_json", {}),
        ("empty", {}),
        *(("error_after_effect", {"status": status}) for status in (502, 520, 524)),
    ],
)
async def test_a_page_that_may_be_charged_is_not_requested_again_at_once(
    pulling: PullFixture, kind: str, options: dict[str, Any]
) -> None:
    await pulling.save_search()
    pulling.inject_fault(kind, operation="mcp", after=1, times=1, **TOOL_CALL, **options)
    async with pulling.open_puller(pull_call_seconds=5) as puller:
        stop = await pulling.pull(puller)
        assert (stop.outcome, stop.outcome.affects_all_searches) == ("outcome_unknown", False)
        latest = await pulling.latest_round()
        assert (latest["records"], latest["unknown_pages"], latest["unknown_records"]) == (25, 1, 25)
        assert (pulling.paid_records, await pulling.spending_by_day()) == (50, {"2026-11-20": (50, 50.0)})
        await assert_round_completes(pulling, puller)


@transports
async def test_the_outcome_of_a_page_beyond_its_deadline_is_unknown(pulling: PullFixture, transport: str) -> None:
    await pulling.save_search()
    pulling.inject_fault(
        "slow", operation="mcp" if transport == "http" else "sse_message", seconds=30, times=1, **TOOL_CALL
    )
    async with pulling.open_puller(transport, pull_call_seconds=3) as puller:
        stop = await pulling.pull(puller)
        assert (stop.outcome, stop.detail) == ("outcome_unknown", "timeout")
        await assert_round_completes(pulling, puller)


@transports
@pytest.mark.parametrize("kind", ["tool_broken_json", "tool_wrong_types"])
async def test_the_outcome_of_an_unreadable_page_is_unknown(pulling: PullFixture, transport: str, kind: str) -> None:
    await pulling.save_search()
    pulling.inject_fault(kind, times=1)
    async with pulling.open_puller(transport) as puller:
        stop = await pulling.pull(puller)
        assert (stop.outcome, stop.detail) == ("outcome_unknown", "unreadable")
        await assert_round_completes(pulling, puller)


async def test_unknown_pages_have_a_daily_limit(pulling: PullFixture) -> None:
    await pulling.save_search()
    pulling.inject_fault("tool_broken_json")
    async with pulling.open_puller(pull_unknown_pages=2) as puller:
        outcomes = [(await pulling.pull(puller)).outcome for _ in range(5)]
        assert outcomes == ["outcome_unknown", "outcome_unknown", *["unknown_page_limit"] * 3]
        assert pulling.paid_records == 50
        pulling.clock.now = pulling.clock.now.replace(day=21)
        await assert_round_completes(pulling, puller)


@transports
async def test_a_tool_that_fails_for_one_search_does_not_stop_the_others(pulling: PullFixture, transport: str) -> None:
    await pulling.save_search(
        "bad", criteria={"query": "Travis County, TX", "valuation": {"equityPercent": {"min": 95}}}, position=0
    )
    await pulling.save_search("pinellas", position=1)
    pulling.inject_fault("tool_error", contains="Travis", status=500)
    async with pulling.open_puller(transport, pull_max_attempts=2) as puller:
        with pytest.raises(PullStoppedError, match=r"tool_error.*bad"):
            await puller.pull_due_searches()
    assert await pulling.outbox_streets() == pulling.matching_streets()
    outcomes = await pulling.db.fetch("select outcome from pipeline.pull_rounds order by outcome")
    assert [row["outcome"] for row in outcomes] == ["finished", "tool_error"]


@pytest.mark.parametrize("status", [401, 403])
async def test_a_tool_that_reports_a_missing_balance_denies_access(pulling: PullFixture, status: int) -> None:
    await pulling.save_search()
    pulling.inject_fault("tool_error", status=status)
    async with pulling.open_puller() as puller:
        stop = await pulling.pull(puller)
    assert (stop.outcome, stop.outcome.affects_all_searches) == ("access_denied", True)
    assert stop.detail.startswith(f"tool_{status}")


async def test_a_malformed_property_is_stored_encrypted_and_its_page_is_kept(pulling: PullFixture) -> None:
    await pulling.save_search()
    pulling.inject_fault("tool_malformed", times=1)
    async with pulling.open_puller() as puller:
        stop = await pulling.pull(puller)
    assert stop.outcome == "finished"
    sent, everything = await pulling.outbox_streets(), pulling.matching_streets()
    assert len(sent) == len(everything) - 1 and set(sent) < set(everything)
    [reject] = await pulling.db.fetch("select reason, row_encrypted from pipeline.pull_rejects")
    assert reject["reason"] == "missing_address"
    assert b"Dunedin" not in reject["row_encrypted"]
    latest = await pulling.latest_round()
    assert (latest["rejects"], latest["records"]) == (1, len(everything) - 1)


@transports
async def test_a_page_that_repeats_a_property_skips_no_other(pulling: PullFixture, transport: str) -> None:
    await pulling.save_search()
    pulling.inject_fault("tool_duplicates")
    async with pulling.open_puller(transport) as puller:
        await pulling.pull(puller)
    assert await pulling.outbox_streets() == pulling.matching_streets()
    assert (await pulling.latest_round())["repeats"] == (await pulling.latest_round())["pages"]


async def test_empty_pages_in_the_middle_end_the_round_at_the_limit(pulling: PullFixture) -> None:
    await pulling.save_search()
    pulling.inject_fault("tool_empty_page", after=1)
    async with pulling.open_puller() as puller:
        outcomes = [(await pulling.pull(puller)).outcome for _ in range(3)]
        assert outcomes == ["empty_page", "empty_page", "ended_early"]
        assert await pulling.try_pull(puller) is None
    latest = await pulling.latest_round()
    assert (latest["outcome"], latest["records"], latest["finished_at"] is None) == ("ended_early", 25, False)


async def test_one_empty_page_costs_nothing(pulling: PullFixture) -> None:
    await pulling.save_search()
    pulling.inject_fault("tool_empty_page", after=1, times=1)
    async with pulling.open_puller() as puller:
        await pulling.pull(puller)
        await assert_round_completes(pulling, puller)
    assert pulling.paid_records == len(pulling.matching_properties())


async def test_a_server_that_ignores_skip_is_paid_for_two_pages_only(pulling: PullFixture) -> None:
    await pulling.save_search()
    pulling.inject_fault("tool_no_skip")
    async with pulling.open_puller() as puller:
        stop = await pulling.pull(puller)
        assert (stop.outcome, stop.outcome.is_failure) == ("pages_repeat", True)
        assert await pulling.try_pull(puller) is None
    assert pulling.paid_records == 50


async def test_a_search_without_results_finishes_its_round(pulling: PullFixture) -> None:
    await pulling.save_search(criteria={"query": "Pinellas County, FL", "valuation": {"equityPercent": {"min": 101}}})
    async with pulling.open_puller() as puller:
        stop = await pulling.pull(puller)
    assert stop.outcome == "finished"
    assert (await pulling.latest_round())["records"] == 0


async def test_a_stop_waits_for_the_current_page(pulling: PullFixture) -> None:
    await pulling.save_search()
    pulling.inject_fault("slow", operation="mcp", seconds=1, times=1, after=1, **TOOL_CALL)
    async with pulling.open_puller() as puller:
        task = asyncio.create_task(pulling.pull(puller))
        while pulling.paid_records < 25 or not (await pulling.latest_round())["requested_skip"]:
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        latest = await pulling.latest_round()
        assert (latest["records"], latest["unknown_pages"], latest["outcome"], pulling.paid_records) == (
            50,
            0,
            "interrupted",
            50,
        )
        await assert_round_completes(pulling, puller)
