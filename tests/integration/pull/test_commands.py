"""`equity searches`, as an operator runs it."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.commandline import Equity
from support.feeding import clock_at
from support.pull_fixture import FOUR_AM, PINELLAS, PullFixture


@pytest.fixture
def equity(pulling: PullFixture) -> Equity:
    values = {name.upper(): str(value) for name, value in pulling.environment().items()}
    return Equity(
        pulling.installation.environment("pull", CLOCK_FILE=clock_at(FOUR_AM, pulling.installation.directory), **values)
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "pinellas.json"
    file.write_text(json.dumps(PINELLAS))
    return file


async def test_a_search_is_saved_shown_run_and_disabled(pulling: PullFixture, equity: Equity, file: Path) -> None:
    added = (await equity.soon("searches", "add", "Pinellas", file, "--daily-records", 30, "--json")).ok().json
    assert (added["criteria"], added["every_days"], added["daily_records"]) == (PINELLAS, 30, 30)
    assert (await equity.soon("searches", "add", "pinellas", file)).code == 3
    assert (await equity.soon("searches", "run", "Pinellas", "--json")).ok().json["outcome"] == "budget_used"
    [listed] = (await equity.soon("searches", "list", "--json")).ok().json
    assert (listed["records"], listed["results_found"], listed["state"]) == (
        30,
        len(pulling.matching_properties()),
        "continues: budget_used",
    )
    shown = (await equity.soon("searches", "show", "pinellas", "--json")).ok().json
    assert [day["records"] for day in shown["days"]] == [30]
    assert shown["rounds"][0]["unread"] == [[30, None]]
    assert "budget_used" in (await equity.soon("searches", "show", "pinellas")).ok().out
    (await equity.soon("searches", "disable", "pinellas")).ok()
    [listed] = (await equity.soon("searches", "list", "--json")).ok().json
    assert listed["state"] == "disabled"
    (await equity.soon("searches", "enable", "pinellas")).ok()
    (await equity.soon("jobs", "run", "pull.pull")).ok()
    assert len(await pulling.outbox_records()) == 30


async def test_a_rejected_entry_is_shown_with_its_reason(pulling: PullFixture, equity: Equity, file: Path) -> None:
    pulling.inject_fault("tool_malformed", times=1)
    (await equity.soon("searches", "add", "pinellas", file)).ok()
    (await equity.soon("searches", "run", "pinellas")).ok()
    [reject] = (await equity.soon("searches", "rejects", "pinellas")).ok().json
    assert reject["reason"] == "missing_address"
    assert isinstance(reject["entry"]["address"], list)


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        ("{", "not JSON"),
        ({"quickLists": ["vacant"]}, "query: is needed"),
        ({"query": "Pinellas County, FL", "quicklist": []}, "quicklist: unknown here; known are query"),
    ],
)
async def test_invalid_criteria_are_rejected_with_advice(
    equity: Equity, tmp_path: Path, criteria: Any, message: str
) -> None:
    file = tmp_path / "bad.json"
    file.write_text(criteria if isinstance(criteria, str) else json.dumps(criteria))
    ran = await equity.soon("searches", "add", "bad", file)
    assert ran.code == 2
    assert message in ran.err and "docs/batchdata-pull.md" in ran.err


async def test_a_search_by_age_needs_product_and_reason(equity: Equity, file: Path) -> None:
    file.write_text(json.dumps(PINELLAS | {"demographics": {"age": {"min": 62}}}))
    refused = await equity.soon("searches", "add", "hecm", file)
    assert (refused.code, "age needs a product" in refused.err, "searching-by-age" in refused.err) == (2, True, True)
    options = ("--product", "hecm", "--reason", "Campaign for HECM only")
    added = (await equity.soon("searches", "add", "hecm", file, *options, "--json")).ok().json
    assert (added["product"], added["reason"]) == ("hecm", "Campaign for HECM only")
    shown = (await equity.soon("searches", "show", "hecm", "--json")).ok().json
    assert (shown["product"], shown["reason"]) == ("hecm", "Campaign for HECM only")


async def test_a_search_by_age_that_was_saved_without_a_product_is_not_pulled(
    pulling: PullFixture, equity: Equity
) -> None:
    await pulling.save_search("old", criteria=PINELLAS | {"demographics": {"age": {"min": 62}}})
    ran = await equity.soon("searches", "run", "old")
    assert (ran.code, "criteria_refused" in ran.err, "age needs a product" in ran.err) == (1, True, True)
    [listed] = (await equity.soon("searches", "list", "--json")).ok().json
    assert (listed["outcome"], listed["records"]) == ("criteria_refused", 0)
    assert await pulling.outbox_records() == []


async def test_a_run_that_is_not_possible_says_why(pulling: PullFixture, equity: Equity, file: Path) -> None:
    assert (await equity.soon("searches", "run", "nothing")).code == 2
    (await equity.soon("searches", "add", "pinellas", file)).ok()
    without = await equity.soon("searches", "run", "pinellas", BATCHDATA_TOKEN="")
    assert (without.code, "BATCHDATA_TOKEN" in without.err) == (2, True)
    pulling.inject_fault("unauthorized")
    refused = await equity.soon("searches", "run", "pinellas")
    assert (refused.code, "access_denied (http_401" in refused.err) == (1, True)
    pulling.clear_faults()
    await pulling.db.execute("update pipeline.pull_rounds set lease_until = now() + interval '1 hour'")
    busy = await equity.soon("searches", "run", "pinellas")
    assert (busy.code, "another process" in busy.err) == (3, True)


@pytest.mark.parametrize(
    "options", [("--daily-cents", "inf"), ("--daily-cents", "1e300"), ("--daily-records", "1e9"), ("--order", "9" * 11)]
)
async def test_an_excessive_number_is_rejected_with_its_option(
    equity: Equity, file: Path, options: tuple[str, str]
) -> None:
    ran = await equity.soon("searches", "add", "huge", file, *options)
    assert (ran.code, options[0] in ran.err) == (2, True)


async def test_a_name_may_look_like_markup(equity: Equity, file: Path) -> None:
    (await equity.soon("searches", "add", "[/red] x", file, "--daily-records", "0")).ok()
    assert "[/red] x is disabled" in (await equity.soon("searches", "disable", "[/red] x")).ok().err
    assert "[/red] x: budget_used" in (await equity.soon("searches", "run", "[/red] x")).ok().err


async def test_a_search_of_a_disabled_broker_pays_nothing(pulling: PullFixture, equity: Equity, file: Path) -> None:
    (await equity.soon("brokers", "add", "Dana Ruiz")).ok()
    (await equity.soon("searches", "add", "hers", file, "--broker", "Dana Ruiz")).ok()
    (await equity.soon("brokers", "disable", "Dana Ruiz")).ok()
    ran = await equity.soon("searches", "run", "hers")
    assert (ran.code, "equity brokers enable" in ran.err, pulling.paid_records) == (3, True, 0)
